"""Everything that performs tasks on this machine, put together."""

from __future__ import annotations

from horarium.clock import Clock
from horarium.execution.accounts import AccountPolicy
from horarium.execution.kinds.command import CommandKind
from horarium.execution.pipeline import Performers
from horarium.execution.processes import IsolatedKind, IsolationOptions
from horarium.execution.supervisor import Limits, Supervisor


def local_performers(
    clock: Clock,
    policy: AccountPolicy,
    *,
    isolation: IsolationOptions | None = None,
    limits: Limits | None = None,
) -> Performers:
    """Return what performs commands and isolated functions here; no process is started before it is needed.

    `limits` are those of commands; those of isolated processes are part of `isolation`.
    """
    supervisor = Supervisor()
    isolated = IsolatedKind(supervisor, policy, clock, isolation)

    def stop() -> None:
        isolated.stop()
        supervisor.stop()

    return Performers(CommandKind(supervisor, policy, limits=limits), isolated, stop)
