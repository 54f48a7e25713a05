"""Backups of a running server: one thing at a time in the background, told of while it lasts and afterwards."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from horarium.clock import Clock
from horarium.errors import Conflict, HorariumError
from horarium.records.actors import Actor
from horarium.store.backup import Backup, find_backup, list_backups
from horarium.store.port import Store
from horarium.upkeep.backups import HAND, back_up
from horarium.upkeep.proving import Proof, drill, verify
from horarium.upkeep.restoring import Ask, restore_backup
from horarium.upkeep.rules import BackupRules

log = logging.getLogger("horarium.upkeep")

_FAULT: Final = "something went wrong that should not have; the log says more"


class Doing(StrEnum):
    """What is being done with backups."""

    MAKE = "make"
    VERIFY = "verify"
    DRILL = "drill"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work: what, with which backup, for whom, since when.

    `usual_seconds` is how long the like took before, None where that is not known. When it `is_over`, `passed` and
    `words` say what came of it.
    """

    doing: Doing
    backup: str
    by: str
    since: datetime
    usual_seconds: float | None = None
    is_over: bool = False
    passed: bool = False
    words: str = ""


class BackupDesk:
    """Where pages ask for backups. `stand_still` stops the scheduler of this process, `go_on` starts it again."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        rules: Callable[[], BackupRules],
        *,
        stand_still: Callable[[], None] | None = None,
        go_on: Callable[[], None] | None = None,
    ) -> None:
        """Work on `store`; `rules` are what the host says."""
        self._store = store
        self._clock = clock
        self._rules = rules
        self._stand_still = stand_still or _nothing
        self._go_on = go_on or _nothing
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._thread: threading.Thread | None = None
        self._is_still = False

    @property
    def rules(self) -> BackupRules:
        """Return what the host says. Raises `ConfigError`, `InvalidValue` for a store without a place for backups."""
        return self._rules()

    @property
    def job(self) -> Job | None:
        """Return what is being done, or was done last; None if nothing was since the start."""
        return self._job

    @property
    def is_still(self) -> bool:
        """Tell whether a backup is being restored: nothing else may be done with the store meanwhile."""
        return self._is_still

    def all(self) -> list[Backup]:
        """Return the backups, newest first. Raises `StoreUnavailable`."""
        return list_backups(self.rules.folder)

    def find(self, name: str) -> Backup:
        """Return the backup of a name. Raises `NotFound`."""
        return find_backup(self.rules.folder, name)

    def make(self, actor: Actor) -> None:
        """Begin to make a backup. Raises `Conflict` while something is being done."""
        rules, last = self.rules, self.all()[:1]

        def work() -> tuple[bool, str]:
            done = back_up(self._store, rules, self._clock, origin=HAND, actor=actor)
            return True, _with(f"{done['file']} is made and proved.", str(done.get("untold", "")))

        self._begin(Doing.MAKE, "", actor, work, last[0].seconds if last else None)

    def verify(self, name: str, actor: Actor) -> None:
        """Begin to read a backup through. Raises `NotFound`, `Conflict`."""
        rules, backup = self.rules, self.find(name)

        def work() -> tuple[bool, str]:
            return _outcome(verify(self._store, rules, self._clock, backup, actor=actor))

        self._begin(Doing.VERIFY, name, actor, work, None)

    def drill(self, name: str, actor: Actor) -> None:
        """Begin to restore a backup into a scratch store. Raises `NotFound`, `Conflict`."""
        rules, backup = self.rules, self.find(name)

        def work() -> tuple[bool, str]:
            return _outcome(drill(self._store, rules, self._clock, backup, actor=actor))

        self._begin(Doing.DRILL, name, actor, work, backup.drilled_seconds)

    def restore(self, name: str, actor: Actor) -> None:
        """Begin to restore a backup: this process stops scheduling, and everybody else has to have stopped.

        Raises `NotFound`, `Conflict`.
        """
        rules, backup = self.rules, self.find(name)

        def work() -> tuple[bool, str]:
            self._is_still = True
            try:
                self._stand_still()
                done = restore_backup(self._store, rules, self._clock, Ask(backup, actor))
            finally:
                try:
                    self._go_on()
                finally:
                    self._is_still = False
            kept = "" if done.safety is None else f" The state of before is kept as {done.safety.name}."
            return True, f"{backup.name} is restored.{kept}"

        self._begin(Doing.RESTORE, name, actor, work, backup.drilled_seconds)

    def wait(self, seconds: float | None = None) -> None:
        """Wait until what is being done is over."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _begin(
        self, doing: Doing, name: str, actor: Actor, work: Callable[[], tuple[bool, str]], usual: float | None
    ) -> None:
        with self._lock:
            if self._job is not None and not self._job.is_over:
                raise Conflict("something is being done with backups already: wait until that is over")
            job = self._job = Job(doing, name, actor.words, self._clock.now(), usual)
        self._thread = threading.Thread(target=self._perform, args=(job, work), name="horarium-backup", daemon=True)
        self._thread.start()

    def _perform(self, job: Job, work: Callable[[], tuple[bool, str]]) -> None:
        passed, words = False, _FAULT
        try:
            passed, words = work()
        except HorariumError as error:
            log.warning("%s of a backup failed: %s", job.doing.value, error)
            words = str(error)
        except Exception:
            log.exception("%s of a backup failed", job.doing.value)
        finally:
            self._job = replace(job, is_over=True, passed=passed, words=words)


def _outcome(proof: Proof) -> tuple[bool, str]:
    name, words = proof.backup.name, proof.look.words or "whole, as it was made"
    return proof.look.passed, _with(f"{words}." if name in words else f"{name}: {words}.", proof.untold)


def _with(words: str, untold: str) -> str:
    return f"{words} {untold}." if untold else words


def _nothing() -> None:
    return None
