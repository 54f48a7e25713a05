"""All that performs tasks in processes beside this one, put together."""

from __future__ import annotations

from horarium.clock import Clock
from horarium.execution.accounts import AccountPolicy
from horarium.execution.kinds.command import CommandKind
from horarium.execution.limits import IsolationOptions, Limits
from horarium.execution.processes import IsolatedKind
from horarium.execution.supervisor import Supervisor


class Outside:
    """What performs commands and isolated functions, under one supervisor; no process starts before it is needed."""

    def __init__(
        self, clock: Clock, policy: AccountPolicy, isolation: IsolationOptions | None, limits: Limits | None
    ) -> None:
        self._supervisor = Supervisor()
        self.isolated = IsolatedKind(self._supervisor, policy, clock, isolation)
        self.command = CommandKind(self._supervisor, policy, limits=limits)

    def stop(self) -> None:
        """End what is there."""
        self.isolated.stop()
        self._supervisor.stop()
