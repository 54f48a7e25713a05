"""What a maintenance function works on: the store it is given, the one its run belongs to, or the environment's.

A task in the table never says where the store is, so no password can come to stand there: while it runs, the process
that runs it has the store open already.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from horarium.clock import Clock, SystemClock
from horarium.errors import Conflict, InvalidValue, StoreUnavailable
from horarium.execution.context import CURRENT
from horarium.records.actors import Actor
from horarium.store.opening import open_store
from horarium.store.port import Store

StoreOrAddress = Store | str | Path
DEFAULT_STORE: Final = "horarium.db"


@contextmanager
def opened(store: StoreOrAddress | None) -> Iterator[Store]:
    """Give the store to work on, and close it afterwards if it was opened for this.

    Raises `StoreUnavailable` for a file that is not there: nothing is looked after in a database made up on the spot.
    """
    if store is None:
        store = _store_of_run() or os.environ.get("DATABASE_URL") or DEFAULT_STORE
    if not isinstance(store, str | Path):
        yield store
        return
    _refuse_missing(str(store))
    found = open_store(store, upgrade=False)
    try:
        yield found
    finally:
        found.close()


def settled(clock: Clock | None) -> Clock:
    """Return the clock that was given, else the machine's."""
    return clock or SystemClock()


def go_on() -> Callable[[], None]:
    """Return what is to be called between steps: it ends the work when the run has been asked to end."""
    scope = CURRENT.get()
    return _nothing if scope is None else scope.run_context.check_cancelled


def is_run() -> bool:
    """Tell whether this is done by a run of a task."""
    return CURRENT.get() is not None


def acting() -> Actor:
    """Return who does what nobody asked for by name: the server in a run, else the program that calls."""
    return Actor.of_server() if is_run() else Actor.of_code()


def run_told() -> dict[str, Any]:
    """Return what the audit log is told of the run that this is done by; nothing outside of one."""
    scope = CURRENT.get()
    return {} if scope is None else {"task": scope.run_context.task_name, "run": scope.run_context.run_id}


def refuse_from_params(**given: object) -> None:
    """Raise `InvalidValue` for a place that came with a single run: places come from the program and its host alone."""
    scope = CURRENT.get()
    if scope is None:
        return
    params = scope.run_context.params
    for name, value in given.items():
        if value is not None and name in params and params[name] == value:
            raise InvalidValue(name, value, "it is set where the task is set up, not for a single run")


def number_of_days(days: Any, field: str = "days") -> float:
    """Return a number of days. Raises `InvalidValue` for anything else, naming the option."""
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 <= days <= 36_500:
        raise InvalidValue(field, days, "use a number from 0 to 36500")
    return float(days)


def _store_of_run() -> Store | None:
    scope = CURRENT.get()
    if scope is None:
        return None
    if scope.store is None:
        raise Conflict("a maintenance task runs in a thread of the scheduler: set its isolation to thread")
    return scope.store


def _refuse_missing(address: str) -> None:
    path = address.removeprefix("sqlite:///")
    if "://" not in path and not Path(path).is_file():
        raise StoreUnavailable(f"there is no database {path}: give store=…, or set DATABASE_URL")


def _nothing() -> None:
    return None
