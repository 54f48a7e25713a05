"""Archives of the audit log: listed, and handed out whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from starlette.responses import Response, StreamingResponse

from horarium.audit.actions import Action
from horarium.audit.archive import path_of
from horarium.audit.trail import About
from horarium.errors import NotFound, StoreUnavailable
from horarium.records.audit import AuditArchive
from horarium.runs.keeping import rule_in
from horarium.store.books.archives import ArchiveBook
from horarium.upkeep.places import archive_folder
from horarium.web.filters import size
from horarium.web.frame import shell
from horarium.web.views.storage import ArchiveRow, ArchivesPage
from horarium.web.visit import Visit

_CHUNK: Final = 256 * 1024
_SANDBOX: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"


def show(visit: Visit) -> Response:
    """Show which archives there are."""
    store = visit.house.services.store
    with store.reading() as tx:
        found = ArchiveBook(tx).all()[::-1]
        folder = archive_folder(store) if found else Path()
        page = ArchivesPage(
            shell=shell(visit, tx),
            rows=tuple(_row(each, folder) for each in found),
            entries=sum(each.entries for each in found),
            kept=f"{rule_in(tx).audit_days:g} days",
        )
    return visit.show(page)


def send_file(visit: Visit) -> Response:
    """Send an archive as it is; that it was downloaded is an entry of the log."""
    store = visit.house.services.store
    with store.reading() as tx:
        archive = ArchiveBook(tx).get(visit.form.number("archive") or 0)
    if archive is None:
        raise NotFound("there is no such archive")
    path = path_of(archive_folder(store), archive)
    if not path.is_file():
        raise StoreUnavailable(f"the archive {archive.file} is not in its folder")
    visit.house.trail.note_alone(
        *(visit.actor, Action.ARCHIVE_FETCHED, About("audit log")),
        file=archive.file,
        first=archive.first_id,
        last=archive.last_id,
    )
    return StreamingResponse(
        _pieces(path),
        media_type="application/gzip",
        headers={
            # Checked to be one of our names before: nobody's text gets into a header.
            "Content-Disposition": f'attachment; filename="{archive.file}"',
            "Content-Security-Policy": _SANDBOX,
        },
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece


def _row(archive: AuditArchive, folder: Path) -> ArchiveRow:
    return ArchiveRow(
        first_id=archive.first_id,
        last_id=archive.last_id,
        entries=archive.entries,
        first_at=archive.first_at,
        last_at=archive.last_at,
        size=size(archive.size),
        file=archive.file,
        missing=not path_of(folder, archive).is_file(),
    )
