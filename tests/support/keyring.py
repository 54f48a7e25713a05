"""A keyring for tests: it gives out what it was given, says no where it is told to, and remembers every use."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import NamedTuple

from horarium.errors import CredentialDenied, HorariumError
from horarium.records.secrets import Opened
from horarium.records.tasks import Task


class Use(NamedTuple):
    """One opening: what, by which task, in which attempt, for whom."""

    name: str
    task: Task
    run_id: int
    attempt: int
    for_user_id: int


class HandKeyring:
    """Hold credentials in memory; `refusal`, once set, is raised instead of opening one."""

    def __init__(self, **held: Mapping[str, str]) -> None:
        self.held = held
        self.plain: frozenset[str] = frozenset()
        self.refusal: HorariumError | None = None
        self.uses: list[Use] = []
        self.closed: list[tuple[int, int]] = []
        self._lock = threading.Lock()

    def open(self, name: str, *, task: Task, run_id: int, attempt: int, for_user_id: int = 0) -> Opened:
        """Open what is held under this name."""
        if self.refusal is not None:
            raise self.refusal
        if name not in self.held:
            raise CredentialDenied(f"the task {task.name!r} may not use the credential {name!r}")
        with self._lock:
            self.uses.append(Use(name, task, run_id, attempt, for_user_id))
        return Opened(len(self.uses), name, 1, self.held[name], self.plain)

    def close(self, run_id: int, attempt: int) -> None:
        """Note the end of an attempt."""
        with self._lock:
            self.closed.append((run_id, attempt))
