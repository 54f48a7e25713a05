"""Everything that performs tasks on this machine, put together."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from horarium.clock import Clock
from horarium.execution.accounts import AccountPolicy
from horarium.execution.attempt import LiveAttempt, Outcome
from horarium.execution.limits import IsolationOptions, Limits
from horarium.execution.pipeline import Performers
from horarium.records.tasks import CommandSpec, PythonSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from horarium.execution.outside import Outside


def local_performers(
    clock: Clock,
    policy: AccountPolicy,
    *,
    isolation: IsolationOptions | None = None,
    limits: Limits | None = None,
) -> Performers:
    """Return what performs commands and isolated functions here; nothing is loaded or started before it is needed.

    `limits` are those of commands; those of isolated processes are part of `isolation`.
    """
    first = _First(partial(_outside, clock, policy, isolation, limits))
    return Performers(_Commands(first), _Isolated(first), first.stop)


def _outside(clock: Clock, policy: AccountPolicy, isolation: IsolationOptions | None, limits: Limits | None) -> Outside:
    from horarium.execution.outside import Outside  # noqa: PLC0415

    return Outside(clock, policy, isolation, limits)


class _First:
    """What is made when the first run asks for it, and ended if it was made."""

    def __init__(self, make: Callable[[], Outside]) -> None:
        self._make = make
        self._made: Outside | None = None
        self._lock = Lock()

    def get(self) -> Outside:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def stop(self) -> None:
        with self._lock:
            if self._made is not None:
                self._made.stop()


class _Commands:
    def __init__(self, first: _First) -> None:
        self._first = first

    def perform(self, live: LiveAttempt, spec: CommandSpec) -> Outcome:
        return self._first.get().command.perform(live, spec)


class _Isolated:
    def __init__(self, first: _First) -> None:
        self._first = first

    def perform(self, live: LiveAttempt, spec: PythonSpec) -> Outcome:
        return self._first.get().isolated.perform(live, spec)
