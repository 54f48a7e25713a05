"""Back the database up while it is in use, prove the copy, and keep what the rules say."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from horarium.audit.actions import Action
from horarium.clock import Clock
from horarium.errors import HorariumError, StoreError, StoreForeign, StoreFull, StoreUnavailable
from horarium.execution.context import CURRENT
from horarium.records.actors import Actor
from horarium.states import EventKind
from horarium.store.backup import Backup, Keep, find_backup, list_backups, make_backup, prune_backups
from horarium.store.backup.keeping import too_many
from horarium.store.backup.making import room_wanted
from horarium.store.backup.packing import GoOn, check_room
from horarium.store.books.events import EventBook
from horarium.store.port import Store
from horarium.upkeep.rules import BackupRules, refuse_foreign_folder, rules_of_host
from horarium.upkeep.telling import Entry
from horarium.upkeep.workplace import StoreOrAddress, go_on, opened, refuse_from_params, settled

KEEP: Final = 14
TASK: Final = "task"
HAND: Final = "hand"

log = logging.getLogger("horarium.upkeep")


def backup_database(
    *,
    store: StoreOrAddress | None = None,
    folder: str | Path | None = None,
    keep: int | None = None,
    dry_run: bool = False,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Make a backup, prove it, and remove what the rules let go.

    Where it goes, how it is kept and what stays is what the host's settings say (`HORARIUM_BACKUP_…`); `folder` names
    another place and `keep` how many stay, and then no more than these. A backup is listed only when the copy was
    opened, checked and counted, and its vault tried with the present key; nothing is removed unless that went well.
    Then it is restored once into a scratch store, which is thrown away. Returns the file's name and counts; `dry_run`
    only says whether there is room and what would be removed. Raises `StoreFull`, `StoreUnavailable`, `StoreForeign`,
    `InvalidValue`, and `Conflict` while another one is made.
    """
    refuse_from_params(store=store, folder=folder, keep=keep)
    with opened(store) as found:
        rules = rules_of_host(found)
        if folder is not None:
            if CURRENT.get() is not None:
                refuse_foreign_folder(Path(folder), rules)
            rules = replace(rules, folder=Path(folder).absolute())
        if keep is not None:
            rules = replace(rules, keep=Keep(keep))
        if dry_run:
            return look_ahead(found, rules)
        watch, step = settled(clock), go_on()
        done = back_up(found, rules, watch, origin=TASK, go_on=step)
        return {**done, **_drilled(found, rules, watch, done["file"], step)}


def back_up(
    store: Store,
    rules: BackupRules,
    clock: Clock,
    *,
    origin: str,
    go_on: GoOn | None = None,
    actor: Actor | None = None,
) -> dict[str, Any]:
    """Make a backup by the rules and prune; tell of it in the store, whether it went well or not.

    The audit log names the `actor` who asked for it; without one it is the run's or the program's. What it could not be
    told is in the answer as `untold`. Raises as `backup_database` does.
    """
    began = clock.monotonic()
    try:
        made, untold = make_told(store, rules, clock, origin=origin, go_on=go_on, actor=actor)
    except (HorariumError, OSError) as error:
        _tell(store, clock, EventKind.BACKUP_FAILED, {"error": str(error), "seconds": clock.monotonic() - began})
        raise
    pruned = prune_backups(rules.folder, rules.keep)
    copied = _copied(store, rules, clock, [each.name for each in pruned])
    return {
        "file": made.name,
        "bytes": made.size,
        "tables": len(made.rows),
        "rows": sum(made.rows.values()),
        "seconds": round(made.seconds, 3),
        "vault": made.vault or "not tried",
        "pruned": len(pruned),
        "kept": len(list_backups(rules.folder)),
        **copied,
        **({"untold": untold} if untold else {}),
        "dry_run": False,
    }


def make_told(
    store: Store, rules: BackupRules, clock: Clock, *, origin: str, go_on: GoOn | None, actor: Actor | None
) -> tuple[Backup, str]:
    """Make a backup and tell of it, by an event and in the audit log; return it with why the latter could not be."""
    entry = Entry(store, clock, Action.BACKUP_MADE, actor)
    with entry.watching(origin=origin):
        made = make_backup(store, rules.folder, clock=clock, go_on=go_on, wrapping=rules.wrapping(origin))
    body = {"file": made.name, "seconds": round(made.seconds, 3), "bytes": made.size, "vault": made.vault}
    _tell(store, clock, EventKind.BACKUP_MADE, body)
    return made, entry.write(passed=True, name=made.name, bytes=made.size, origin=origin)


def _copied(store: Store, rules: BackupRules, clock: Clock, gone: list[str]) -> dict[str, Any]:
    """Bring backups elsewhere where the host says so. One that did not get there is told of, and is a backup still."""
    if rules.copy is None:
        return {}
    from horarium.upkeep.copies import copy_elsewhere  # noqa: PLC0415 - the vault is only there with the server's parts

    done = copy_elsewhere(store, rules, clock, gone)
    if done.error:
        _tell(store, clock, EventKind.BACKUP_FAILED, {"error": done.error, "copy": True})
    return {"copied": len(done.files), "copy_error": done.error}


def _drilled(store: Store, rules: BackupRules, clock: Clock, name: str, step: GoOn) -> dict[str, Any]:
    """Restore the new backup into a scratch store, where that can be done here. Raises `StoreForeign` if it fails."""
    try:
        from horarium.upkeep.proving import drill  # noqa: PLC0415 - the vault is only there with the server's parts

        proof = drill(store, rules, clock, find_backup(rules.folder, name), go_on=step)
    except (StoreFull, StoreUnavailable, ModuleNotFoundError) as error:
        log.warning("No restore of %s was tried: %s", name, error)
        return {"drill": f"not tried: {error}"}
    if not proof.look.passed:
        _tell(store, clock, EventKind.BACKUP_FAILED, {"error": proof.look.words, "file": name})
        raise StoreForeign(f"{name} was made, but cannot be restored: {proof.look.words}")
    told = {"untold": proof.untold} if proof.untold else {}
    return {"drill": "passed", "drill_seconds": round(proof.look.seconds, 3), "secrets_opened": proof.secrets, **told}


def look_ahead(store: Store, rules: BackupRules) -> dict[str, Any]:
    """Return what a backup would take and what would be removed. Raises `StoreFull` where there is no room."""
    wanted = room_wanted(store)
    there = rules.folder
    while not there.exists():
        there = there.parent
    check_room(there, wanted)
    found = list_backups(rules.folder)
    # One more will be there, and it will be the newest.
    narrower = replace(rules.keep, newest=max(1, rules.keep.newest - 1))
    would_go = too_many(found, narrower) if rules.keep.newest > 1 else too_many(found, rules.keep)
    return {"room_wanted": wanted, "pruned": len(would_go), "kept": len(found) - len(would_go), "dry_run": True}


def _tell(store: Store, clock: Clock, kind: EventKind, body: dict[str, Any]) -> None:
    try:
        with store.transaction() as tx:
            EventBook(tx).append(kind, at=clock.micros(), body=body)
    except StoreError as error:
        # What came of the backup is known anyway; a full disk must not hide why there was no backup.
        log.warning("The store could not note what came of a backup: %s", error)
