"""`horarium audit`: read the log of who did what, and look whether it is whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import Annotated

import typer

from horarium.audit.actions import Action, Result
from horarium.audit.chain import Verdict
from horarium.audit.chain import verify as verify_chain
from horarium.audit.export import AT_ONCE, COLUMNS, Format, as_lines, as_table, table
from horarium.audit.reading import archived, archives_of, newest_archived
from horarium.audit.trail import About, Trail
from horarium.cli.asking import Command, Json, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.shapes import audit_shape
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_json
from horarium.cli.words import both, count_of
from horarium.cli.workplace import Workplace, workplace
from horarium.errors import InvalidValue
from horarium.records.actors import Source
from horarium.records.audit import AuditFilter, AuditRow
from horarium.store.books.audit import AuditBook
from horarium.upkeep.places import archive_folder

app = new_app("Read the log of who did what, and look whether it is whole.")

Archived = Annotated[bool, typer.Option("--archived", help="Read the archives too, where older entries are.")]


@app.callback()
def audit() -> None:
    """Read the log of who did what, and look whether it is whole."""


@app.command("list", cls=Command)
def list_entries(
    context: typer.Context,
    text: Annotated[
        str, typer.Option("--search", "-s", metavar="TEXT", help="Only entries with this in who, what or address.")
    ] = "",
    action: Annotated[
        str | None, typer.Option("--action", metavar="ACTION", help="Only this action, or all of one kind: task.")
    ] = None,
    source: Annotated[Source | None, typer.Option("--source", help="Only what came by this way.")] = None,
    *,
    result: Annotated[Result | None, typer.Option("--result", help="Only what ended so.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000, help="How many, newest first.")] = 20,
    with_archives: Archived = False,
    as_json: Json = False,
) -> None:
    """List entries of the audit log, newest first.

    Examples:
      horarium audit list --action person. --result refused
      horarium audit list --search backup -n 100 --archived --json
    """
    wanted = _filter(text, action, source, result)
    with workplace(context) as work:
        found = Trail(work.store, work.clock).page(wanted, limit=count)
        if with_archives and len(found) < count:
            found += newest_archived(work.store, archive_folder(work.store), wanted, limit=count - len(found))
        if as_json:
            say_json([audit_shape(each) for each in found])
            return
        if not found:
            say("No entries.")
            return
        rows = [
            (
                str(each.id),
                both(each.at, work.now, work.zone),
                each.actor or each.source,
                each.action,
                _about(each),
                each.source,
                each.result,
            )
            for each in found
        ]
        say_table(("#", "when", "who", "did", "with", "by way of", "result"), rows)


@app.command(cls=Command)
def verify(context: typer.Context, *, as_json: Json = False) -> None:
    """Look whether entries were changed, taken out, added or moved, in the store and in the archives.

    Ends with 1 at the first one found.

    Whoever can write the database and knows this release can make a whole new chain: keep copies elsewhere.

    Example:
      horarium audit verify
    """
    with workplace(context) as work:
        verdict = verify_chain(work.store, archive_folder(work.store))
        if as_json:
            told = {"entries": verdict.entries, "archives": verdict.archives, "archived": verdict.archived}
            say_json({**told, "bad_id": verdict.bad_id, "fault": verdict.fault or None})
        else:
            say(_verdict(verdict))
    if not verdict.is_sound:
        raise typer.Exit(ExitCode.FAILED)


@app.command(cls=Command)
def export(
    context: typer.Context,
    text: Annotated[
        str, typer.Option("--search", "-s", metavar="TEXT", help="Only entries with this in who, what or address.")
    ] = "",
    action: Annotated[
        str | None, typer.Option("--action", metavar="ACTION", help="Only this action, or all of one kind: task.")
    ] = None,
    *,
    form: Annotated[Format, typer.Option("--format", "-f", help="A table, or a line of JSON each.")] = Format.CSV,
    with_archives: Archived = False,
) -> None:
    """Print all entries of a search, oldest first; that it was done is an entry itself.

    Examples:
      horarium audit export --format json --archived > audit.jsonl
      horarium audit export --action person. > accounts.csv
    """
    wanted = _filter(text, action, None, None)
    with workplace(context) as work:
        trail = Trail(work.store, work.clock)
        with work.store.reading() as tx:
            last, _hash = AuditBook(tx).head()
        # Up to here: the entry about this very export is none of its own.
        rows = takewhile(lambda row: row.id <= last, _every(work, trail, wanted, with_archives=with_archives))
        trail.note_alone(
            *(work.actor, Action.EXPORT_MADE, About("audit log")),
            format=form.value,
            archives=with_archives,
            filters={name: value for name, value in (("search", text), ("action", action)) if value},
        )
        out = sys.stdout
        if form is Format.CSV:
            out.write(table([COLUMNS]))
        while some := list(islice(rows, AT_ONCE)):
            out.write(as_table(some) if form is Format.CSV else as_lines(some))


@app.command(cls=Command)
def archives(context: typer.Context, *, as_json: Json = False) -> None:
    """List the archives that old entries were moved to, newest first.

    Example:
      horarium audit archives
    """
    with workplace(context) as work:
        folder = archive_folder(work.store)
        found = archives_of(work.store)[::-1]
        if as_json:
            say_json([{**_archive_shape(folder / each.file), "entries": each.entries, "sha256": each.sha256,
                       "first_id": each.first_id, "last_id": each.last_id, "first_at": each.first_at.isoformat(),
                       "last_at": each.last_at.isoformat(), "size": each.size} for each in found])  # fmt: skip
            return
        if not found:
            say("No archives: every entry is in the store.")
            return
        rows = [
            (
                *(f"{each.first_id}–{each.last_id}", str(each.entries)),
                *(f"{each.first_at:%Y-%m-%d}", f"{each.last_at:%Y-%m-%d}"),
                str(each.size),
                each.file if (folder / each.file).exists() else f"{each.file} (missing)",
            )
            for each in found
        ]
        say_table(("entries", "how many", "from", "to", "bytes", f"file in {folder}"), rows)


def _archive_shape(path: Path) -> dict[str, object]:
    return {"file": str(path), "exists": path.exists()}


def _every(work: Workplace, trail: Trail, wanted: AuditFilter, *, with_archives: bool) -> Iterator[AuditRow]:
    if not with_archives:
        return trail.each(wanted)
    return chain(archived(work.store, archive_folder(work.store), wanted), trail.each(wanted))


def _verdict(verdict: Verdict) -> str:
    if not verdict.is_sound:
        return f"The log is not whole: entry {verdict.bad_id}: {verdict.fault}."
    entries = count_of(verdict.entries, "entry", "entries")
    if not verdict.archives:
        return f"The log is whole: {entries}."
    return f"The log is whole: {entries}, {verdict.archived} of them in {count_of(verdict.archives, 'archive')}."


def _filter(text: str, action: str | None, source: Source | None, result: Result | None) -> AuditFilter:
    return AuditFilter(
        text=text,
        actions=() if action is None else (_checked_action(action),),
        sources=() if source is None else (source.value,),
        results=() if result is None else (result.value,),
    )


def _checked_action(text: str) -> str:
    known = [each.value for each in Action]
    kind = text if text.endswith(".") else f"{text}."
    if any(each.startswith(kind) for each in known):
        return kind
    if text in known:
        return text
    kinds = sorted({each.partition(".")[0] for each in known})
    raise InvalidValue("action", text, f"use an action, such as task.paused, or a kind: {', '.join(kinds)}")


def _about(entry: AuditRow) -> str:
    if entry.kind is None:
        return ""
    number = "" if entry.object_id is None else f" #{entry.object_id}"
    return f"{entry.kind}{number} {entry.object_name or ''}".rstrip()
