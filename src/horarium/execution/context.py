"""What a task can know about the run that it is part of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from horarium.clock import from_micros
from horarium.errors import Conflict
from horarium.execution.credentials import Credential, Secrets
from horarium.execution.interrupts import TaskCancelled
from horarium.states import Stream

if TYPE_CHECKING:
    from horarium.records.people import Persona, RunUser

    # Isolated processes load this module, and start sooner without the data layer.
    from horarium.store.port import Store


class Scope(Protocol):
    """The attempt that the present code belongs to, as this room sees it."""

    def take(self, stream: Stream, text: str) -> None:
        """Take text that the task's code has written."""
        ...

    @property
    def run_context(self) -> RunContext:
        """Return what the task may know."""
        ...

    @property
    def store(self) -> Store | None:
        """Return the store that the run is recorded in, None in a process that does not have it open."""
        ...


def _nobody() -> None:
    return None


_NO_SETTINGS: Final[Mapping[str, Any]] = MappingProxyType({})

CURRENT: ContextVar[Scope | None] = ContextVar("horarium_current_attempt", default=None)
"""The attempt under way. Threads that a task starts see it only if they run in a copy of the task's context."""


class RunContext:
    """Tell a task which run it is, for which instant it was planned, and whether it should stop.

    A function receives it in a parameter named `run_context`, or named `context` and annotated `RunContext`.
    `run_id` and `attempt` together name this attempt and no other: use them where something must not happen twice.
    A run of a task that is there for each person also knows whom it is for, and their settings.
    """

    __slots__ = (
        "_ask_persona",
        "_cancel_cause",
        "_persona",
        "_planned_micros",
        "_secrets",
        "attempt",
        "params",
        "run_id",
        "task_name",
    )

    def __init__(
        self,
        run_id: int,
        attempt: int,
        task_name: str,
        planned_micros: int | None,
        *,
        params: Mapping[str, Any],
        cancel_cause: Callable[[], str | None],
        secrets: Secrets | None = None,
        persona: Callable[[], Persona | None] = _nobody,
    ) -> None:
        self.run_id = run_id
        self.attempt = attempt
        self.task_name = task_name
        self.params = params
        self._planned_micros = planned_micros
        self._cancel_cause = cancel_cause
        self._secrets = Secrets((), None, _nothing) if secrets is None else secrets
        self._ask_persona = persona
        self._persona: Persona | None = None

    @property
    def planned_at(self) -> datetime | None:
        """Return the instant the run was planned for, aware, in UTC; None when it was started by hand."""
        return None if self._planned_micros is None else from_micros(self._planned_micros)

    @property
    def user(self) -> RunUser | None:
        """Return whom the run is for, None for nobody in particular. Raises `NotFound` if their account is gone."""
        persona = self._whom()
        return None if persona is None else persona.user

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return what the settings of this person came to when they were first asked for; empty for nobody's run.

        Raises `NotFound` if their account is gone.
        """
        persona = self._whom()
        return _NO_SETTINGS if persona is None else persona.settings

    @property
    def cancelled(self) -> bool:
        """Tell whether the run has been asked to end."""
        return self._cancel_cause() is not None

    def check_cancelled(self) -> None:
        """Raise `TaskCancelled` if the run has been asked to end; call it between steps of long work."""
        cause = self._cancel_cause()
        if cause is not None:
            raise TaskCancelled(cause)

    @property
    def credentials(self) -> tuple[str, ...]:
        """Return the names of the credentials that the task's definition names."""
        return self._secrets.names

    def credential(self, name: str) -> Credential:
        """Open a credential that the definition names; its secret fields are masked in all that the run leaves.

        Raises `CredentialDenied` when the task does not name it or may not use it, `VaultSealed` when the vault has
        not got its key, `CredentialUnreadable` when it was damaged.
        """
        return Credential(self._secrets.open(name))

    @property
    def logger(self) -> logging.Logger:
        """Return a logger named after the task."""
        return logging.getLogger(f"horarium.task.{self.task_name}")

    def _whom(self) -> Persona | None:
        # Read once: code that asks twice in one run is not told two things.
        if self._persona is None:
            self._persona = self._ask_persona()
        return self._persona


def _nothing(_masker: object) -> None:
    return None


def current_run() -> RunContext:
    """Return the context of the run that this code is part of, raising `Conflict` outside of a run."""
    scope = CURRENT.get()
    if scope is None:
        raise Conflict("current_run() works only inside a task while it runs")
    return scope.run_context
