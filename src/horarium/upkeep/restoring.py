"""Restore a backup: proved first, the present state copied, nobody scheduling, and nothing starts unasked after it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock, to_micros
from horarium.errors import Conflict, VaultSealed
from horarium.records.actors import Actor
from horarium.records.runs import Node
from horarium.scheduling.compiled import CompiledTasks
from horarium.scheduling.hold import Restored as RestoredHold
from horarium.scheduling.hold import put_restored
from horarium.scheduling.rescue import bury, find_dead
from horarium.store.alone import alone
from horarium.store.backup import Backup
from horarium.store.backup.packing import GoOn
from horarium.store.backup.restoring import refuse_unfit, restore
from horarium.store.backup.sqlite_copy import copy_damaged
from horarium.store.books.aftermath import AftermathBook
from horarium.store.books.nodes import NodeBook
from horarium.store.port import Store, Transaction
from horarium.store.schema import read_meta, write_meta
from horarium.store.sqlite import SqliteStore
from horarium.upkeep.backups import make_told
from horarium.upkeep.rules import BackupRules

log = logging.getLogger("horarium.upkeep")

BEFORE: Final = "restore"
"""Why the copy of the present state was made, as its note says it."""
GENERATION: Final = "generation"
"""Counts the restores of a store, so that whoever follows it notices that it was replaced."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: the backup that is in place now, and the one of the state of before.

    There is none where the store was empty, nor where it was damaged: then a copy of a file, named `damaged-…`, lies
    beside.

    `seconds` is how long it took in all.
    """

    backup: Backup
    safety: Backup | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Ask:
    """Which backup, by whom, and whether one may be restored whose vault no key here opens."""

    backup: Backup
    actor: Actor
    sealed_too: bool = False


def restore_backup(
    store: Store,
    rules: BackupRules,
    clock: Clock,
    ask: Ask,
    *,
    go_on: GoOn | None = None,
    at_safety: Callable[[Backup], None] | None = None,
) -> Restored:
    """Put a backup in the place of everything in `store`; all of it or nothing, whenever this process ends.

    The backup is proved first and the present state backed up beside it (`at_safety` is told). No process may be
    scheduling in the store, and none can begin to meanwhile. In the restored store all sessions are ended, letters that
    waited are given up, runs that were under way are settled, all schedules are held until somebody releases them, and
    the audit log says who restored what. Raises `Conflict` naming the processes that use the store, `VaultSealed` for a
    backup whose secrets no key here opens, and what `horarium.store.backup.restoring.restore` raises.
    """
    step, began = go_on or _nothing, clock.monotonic()
    refuse_unfit(store, ask.backup)
    with alone(store):
        refuse_nodes(store)
        step()
        safety = _safety_copy(store, rules, clock, ask.actor, step)
        if safety is not None and at_safety is not None:
            at_safety(safety)
        step()
        generation = _generation(store)

        def settle(tx: Transaction) -> None:
            _refuse_sealed(tx, rules, ask)
            _settle(tx, Trail(store, clock), clock, ask, safety)
            write_meta(tx, GENERATION, str(generation + 1))

        restore(store, ask.backup, seal=rules.seal, within=settle, go_on=step)
    return Restored(ask.backup, safety, clock.monotonic() - began)


def refuse_nodes(store: Store) -> None:
    """Raise `Conflict` naming the processes that schedule in `store`, if there are any."""
    living = living_nodes(store)
    if living:
        names = ", ".join(f"process {each.pid} on {each.host}" for each in living[:5])
        more = f" and {len(living) - 5} more" if len(living) > 5 else ""
        raise Conflict(
            f"the store is in use by {names}{more}: stop these first, or restore on the page of the running server"
        )


def living_nodes(store: Store) -> list[Node]:
    """Return the nodes of a store whose process lives."""
    with store.reading() as tx:
        dead = set(find_dead(tx, store, None))
        return [each for each in NodeBook(tx).all() if each.id not in dead]


def generation_of(store: Store) -> int:
    """Return how often a backup was restored into this store; raises as reading does."""
    return _generation(store)


def _generation(store: Store) -> int:
    with store.reading() as tx:
        return int(read_meta(tx, GENERATION) or 0)


def _safety_copy(store: Store, rules: BackupRules, clock: Clock, actor: Actor, go_on: GoOn) -> Backup | None:
    """Back the present state up. A store without a single task or person has nothing that could be missed.

    A damaged one cannot become a backup: a file is copied as it is, under a name that is never listed as one; of
    PostgreSQL nothing can be copied but by who looks after its server.
    """
    damage = next(iter(store.check()), None)
    if damage is not None:
        if isinstance(store, SqliteStore):
            rules.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy_damaged(store, rules.folder / f"damaged-{clock.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}.db", go_on)
        else:
            log.warning("The present state cannot be backed up: %s", damage, extra={"word": "restore.uncopied"})
        return None
    with store.reading() as tx:
        if AftermathBook(tx).is_empty():
            return None
    # What cannot be told is in the log; the restore itself is told of in the store that takes the place of this one.
    return make_told(store, rules, clock, origin=BEFORE, go_on=go_on, actor=actor)[0]


def _refuse_sealed(tx: Transaction, rules: BackupRules, ask: Ask) -> None:
    if ask.sealed_too or not AftermathBook(tx).has_secrets():
        return
    marks, judge = AftermathBook(tx).vault_marks(), rules.wrapping(BEFORE).judge
    if judge is None:
        raise VaultSealed(f"{ask.backup.name} holds secrets, and SECRET_KEY is not set: nothing could open them")
    if judge(marks) == "sealed":
        raise VaultSealed(
            f"the secrets in {ask.backup.name} were sealed with another SECRET_KEY (key {', '.join(sorted(marks))}):"
            " set that one as SECRET_KEY or SECRET_KEY_OLD first, or restore without being able to open them"
        )


def _settle(tx: Transaction, trail: Trail, clock: Clock, ask: Ask, safety: Backup | None) -> None:
    now: datetime = clock.now()
    micros = to_micros(now)
    after = AftermathBook(tx)
    after.end_sessions()
    after.give_up_letters(micros)
    living = [number for number, *_ in NodeBook(tx).living()]
    bury(tx, living, CompiledTasks(), micros)
    put_restored(tx, RestoredHold(now, ask.backup.name, ask.backup.made_at))
    trail.note(
        tx,
        ask.actor,
        Action.BACKUP_RESTORED,
        About("backup", None, ask.backup.name),
        made_at=ask.backup.made_at.isoformat(),
        sha256=ask.backup.sha256,
        safety_copy=None if safety is None else safety.name,
    )


def _nothing() -> None:
    return None
