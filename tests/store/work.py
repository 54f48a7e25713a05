"""Rows for tests of the store: tasks and runs, written as briefly as a test can say them."""

from __future__ import annotations

from collections.abc import Sequence

from horarium.records.policies import Policies
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.store.books.runs import RunBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store

NOW = 1_700_000_000_000_000


def definition(name: str, *, tags: Sequence[str] = (), description: str = "", target: str = "m:f") -> TaskDefinition:
    """Return a task that runs by hand."""
    return TaskDefinition(
        name, PythonSpec(target), None, policies=Policies(), tags=tuple(tags), description=description
    )


def add_task(store: Store, name: str = "a task", *, next_at: int | None = None, tags: Sequence[str] = ()) -> int:
    """Write a task; return its number."""
    with store.transaction() as tx:
        return TaskBook(tx).add(definition(name, tags=tags), now=NOW, next_at=next_at).id


def add_runs(store: Store, task_id: int, count: int = 1, *, state: str = "queued", node: int | None = None) -> int:
    """Write `count` runs of a task in a state; return the number of the first."""
    attempt = 0 if state == "queued" else 1
    with store.transaction() as tx:
        first = RunBook(tx).reserve_ids(count)
        RunBook(tx).plan(
            [
                (first + i, task_id, NOW + i, "schedule", state, attempt, 0, node, None, None, NOW + i, NOW + i)
                for i in range(count)
            ]
        )
    return first
