"""Backups: the list with what is proved of each, making, proving, downloading and restoring them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Final

from starlette.responses import Response, StreamingResponse

from horarium.audit.actions import Action
from horarium.audit.trail import About
from horarium.errors import HorariumError, InvalidValue
from horarium.scheduling.hold import held
from horarium.store.backup import Backup
from horarium.store.backup.packing import opened_plainly
from horarium.store.backup.shelf import Kind
from horarium.store.port import Transaction
from horarium.upkeep.desk import Doing, Job
from horarium.upkeep.rules import BackupRules
from horarium.web.filters import plural
from horarium.web.frame import shell
from horarium.web.views.backups import (
    BackupRow,
    BackupsPage,
    BackupsSection,
    Held,
    Outcome,
    Restorable,
    RestorePage,
    Work,
)
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

WORD: Final = "restore"
LOOK_AGAIN_SECONDS: Final = 3
_PIECE: Final = 256 * 1024
_WHY: Final = {"task": "", "hand": "by hand", "restore": "before a restore"}
_BEGUN: Final = {
    Doing.MAKE: "A backup is being made",
    Doing.VERIFY: "The backup is being looked through",
    Doing.DRILL: "The restore is being tried",
    Doing.RESTORE: "The backup is being restored",
}
_DONE: Final = {
    Doing.MAKE: ("The backup is made", "The backup could not be made"),
    Doing.VERIFY: ("The backup is whole", "The backup is damaged"),
    Doing.DRILL: ("The backup can be restored", "The backup cannot be restored"),
    Doing.RESTORE: ("The backup is restored", "The backup could not be restored"),
}
_SANDBOX: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"


def show(visit: Visit) -> Response:
    """Show the backups, and what is being done with them."""
    with visit.house.services.store.reading() as tx:
        page = BackupsPage(shell=shell(visit, tx), section=backups_section(visit, tx))
    response = visit.show(page)
    if page.section.work is not None:
        # A page without a script finds out by itself, too, when it is over.
        response.headers["Refresh"] = str(LOOK_AGAIN_SECONDS)
    return response


def send_make(visit: Visit) -> Response:
    """Begin to make a backup."""
    visit.house.backups.make(visit.actor)
    return _begun(visit, Doing.MAKE)


def send_verify(visit: Visit) -> Response:
    """Begin to look a backup through."""
    visit.house.backups.verify(visit.form.text("file"), visit.actor)
    return _begun(visit, Doing.VERIFY)


def send_drill(visit: Visit) -> Response:
    """Begin to try a restore."""
    visit.house.backups.drill(visit.form.text("file"), visit.actor)
    return _begun(visit, Doing.DRILL)


def send_download(visit: Visit) -> Response:
    """Send a backup as a file; that it left the house stands in the log before its first piece does."""
    backup = visit.house.backups.find(visit.form.text("file"))
    about = About("backup", None, backup.name)
    visit.house.trail.note_alone(visit.actor, Action.BACKUP_DOWNLOADED, about, bytes=backup.size, sha256=backup.sha256)
    opened = opened_plainly(backup.path)
    file = opened.__enter__()

    def pieces() -> Iterator[bytes]:
        try:
            yield from _pieces(file)
        finally:
            opened.__exit__(None, None, None)

    return StreamingResponse(
        pieces(),
        media_type="application/octet-stream",
        headers={
            # The name is made of digits and fixed words alone.
            "Content-Disposition": f'attachment; filename="{backup.name}"',
            "Content-Length": str(backup.size),
            "Content-Security-Policy": _SANDBOX,
        },
    )


def show_restore(visit: Visit) -> Response:
    """Ask whether a backup is to be restored."""
    return _restore_page(visit, visit.house.backups.find(visit.query.text("file")), {})


def send_restore(visit: Visit) -> Response:
    """Begin to restore a backup, if its word was typed."""
    backup = visit.house.backups.find(visit.form.text("file"))
    if visit.form.text("confirm").strip().lower() != WORD:
        return _restore_page(visit, backup, {"confirm": f"Type {WORD}, as it stands above."})
    visit.house.backups.restore(backup.name, visit.actor)
    return visit.lead(visit.links.to("backups"), notice=_notice(Doing.RESTORE))


def send_release(visit: Visit) -> Response:
    """Let held schedules go on."""
    how = visit.form.text("missed")
    if how not in {"make_up", "leave_out"}:
        raise InvalidValue("missed", how, "use make_up or leave_out")
    done = visit.house.holds.release(actor=visit.actor, make_up=how == "make_up")
    text = "Each task’s policy says what is made up."
    if how == "leave_out":
        text = f"What was missed of {plural(done.tasks, 'task')} and {plural(done.runs, 'waiting run')} is left out."
    return visit.go(visit.links.to("backups"), notice=Notice(status="ok", title="Schedules go on", text=text))


def backups_section(visit: Visit, tx: Transaction) -> BackupsSection:
    """Return the card about backups, for a page that may show it: whoever may not manage the system sees none."""
    desk, job = visit.house.backups, visit.house.backups.job
    hold = held(tx).restored
    try:
        backups, rules = desk.all(), desk.rules
    except HorariumError as error:
        return BackupsSection(fault=str(error))
    return BackupsSection(
        rows=tuple(_row(each) for each in backups),
        rules=_rules_words(rules),
        work=None if job is None or job.is_over else _work(visit, job),
        outcome=None if job is None or not job.is_over else _outcome(job),
        held=None if hold is None else Held(since=hold.since, made_at=hold.made_at),
        restorable=_restorable(backups),
    )


def restorable(visit: Visit) -> Restorable | None:
    """Return the newest backup that is good, None without one."""
    try:
        return _restorable(visit.house.backups.all())
    except HorariumError:
        return None


def _restorable(backups: list[Backup]) -> Restorable | None:
    good = next((each for each in backups if each.is_sound), None)
    if good is None:
        return None
    tried = next((each.drilled_seconds for each in backups if each.drilled_seconds is not None), None)
    return Restorable(at=good.made_at, seconds=tried)


def _restore_page(visit: Visit, backup: Backup, errors: dict[str, str]) -> Response:
    with visit.house.services.store.reading() as tx:
        page = RestorePage(
            shell=shell(visit, tx),
            row=_row(backup),
            seconds=backup.drilled_seconds,
            word=WORD,
            values={"confirm": visit.form.text("confirm")},
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _begun(visit: Visit, doing: Doing) -> Response:
    return visit.go(visit.links.to("backups"), notice=_notice(doing))


def _notice(doing: Doing) -> Notice:
    return Notice(status="ok", title=_BEGUN[doing], text="This page says when it is over.")


def _row(backup: Backup) -> BackupRow:
    # A drill says more than a look through, whichever was the later one.
    looks = [(kind, backup.results[kind]) for kind in (Kind.VERIFY, Kind.DRILL) if kind in backup.results]
    row = BackupRow(
        file=backup.name,
        made_at=backup.made_at,
        size=backup.size,
        why=_WHY.get(backup.origin, ""),
        kept=_kept_words(backup),
        checked="checked when it was made",
        good=backup.is_sound,
    )
    if not looks:
        return replace(row, status="late", checked="its secrets need another key") if backup.vault == "sealed" else row
    kind, look = next(((kind, look) for kind, look in reversed(looks) if not look.passed), looks[-1])
    if not look.passed:
        words = "cannot be restored" if kind is Kind.DRILL else "damaged"
        return replace(row, status="failed", checked=words, checked_at=look.at, fault=look.words)
    words = "restored in a test" if kind is Kind.DRILL else "looked through"
    return replace(row, status="ok", checked=words, checked_at=look.at)


def _kept_words(backup: Backup) -> str:
    kept = ["compressed"] if backup.packed or backup.engine == "postgresql" else []
    kept += ["encrypted"] if backup.sealed else []
    copy = backup.results.get(Kind.COPY)
    if copy is not None:
        kept.append("copied elsewhere" if copy.passed else "not copied elsewhere yet")
    return ", ".join(kept) or "plain"


def _rules_words(rules: BackupRules) -> str:
    keep = rules.keep
    parts = [f"the newest {keep.newest} are kept" if keep.newest > 1 else "the newest is kept"]
    if keep.weeks:
        parts.append(f"one a week for {plural(keep.weeks, 'week')}")
    if keep.months:
        parts.append(f"one a month for {plural(keep.months, 'month')}")
    return ", ".join(parts) + (", encrypted" if rules.encrypt else "")


def _work(visit: Visit, job: Job) -> Work:
    seconds = (visit.now - job.since).total_seconds()
    share = None if not job.usual_seconds else min(99.0, 100 * seconds / max(job.usual_seconds, 0.1))
    return Work(words=_BEGUN[job.doing], by=job.by, since=job.since, share=share)


def _outcome(job: Job) -> Outcome:
    title = _DONE[job.doing][0 if job.passed else 1]
    return Outcome(status="ok" if job.passed else "failed", title=title, text=job.words)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
