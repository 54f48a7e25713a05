"""What the tests of this room share: a reporter that can be waited for, and short ways to assignments."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from horarium.execution.threads import ThreadLauncher
from horarium.records.policies import Policies
from horarium.records.runs import Line
from horarium.records.tasks import CommandSpec, PythonSpec, TaskDefinition
from horarium.runs.launch import Assignment, Completion
from horarium.runs.registry import Registry

PATIENCE = 20.0
_numbers = count(1)


class Witness:
    """A reporter that remembers everything and lets a test wait for the end of a run."""

    def __init__(self) -> None:
        self.begun: dict[int, int | None] = {}
        self.completions: list[Completion] = []
        self.live: dict[int, list[Line]] = {}
        self._changed = threading.Condition()

    def started(self, assignment: Assignment, at: int, pid: int | None) -> None:
        with self._changed:
            self.begun[assignment.run_id] = pid
            self._changed.notify_all()

    def output(self, assignment: Assignment, lines: Sequence[Line]) -> None:
        with self._changed:
            self.live.setdefault(assignment.run_id, []).extend(lines)
            self._changed.notify_all()

    def finished(self, assignment: Assignment, completion: Completion) -> None:
        with self._changed:
            self.completions.append(completion)
            self._changed.notify_all()

    def wait(self, holds: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, PATIENCE), "it did not come to that in time"

    def await_start(self, assignment: Assignment) -> None:
        self.wait(lambda: assignment.run_id in self.begun)

    def await_end(self, assignment: Assignment) -> Completion:
        self.wait(lambda: any(each.run_id == assignment.run_id for each in self.completions))
        return self.end_of(assignment)

    def await_line(self, assignment: Assignment, text: str) -> None:
        self.wait(lambda: any(text in line.text for line in self.live.get(assignment.run_id, ())))

    def end_of(self, assignment: Assignment) -> Completion:
        (completion,) = [each for each in self.completions if each.run_id == assignment.run_id]
        return completion

    def lines(self, assignment: Assignment) -> list[Line]:
        return [*self.live.get(assignment.run_id, ()), *self.end_of(assignment).lines]

    def text(self, assignment: Assignment) -> list[str]:
        return [line.text for line in self.lines(assignment)]


def assign(
    spec: PythonSpec | CommandSpec, *, params: dict[str, Any] | None = None, run_id: int | None = None, **policies: Any
) -> Assignment:
    """Make an assignment of a task with this spec; the other words are fields of its policies."""
    number = next(_numbers) if run_id is None else run_id
    definition = TaskDefinition("a task", spec, None, policies=Policies(**policies))
    return Assignment(number, 1, 7, definition, 1_700_000_000_000_000, params or {})


class World:
    """A launcher of threads with its registry and its witness."""

    def __init__(self, slots: int = 2, **options: Any) -> None:
        self.witness = Witness()
        self.registry = Registry()
        self.launcher = ThreadLauncher(slots, self.witness, None, self.registry, **options)

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Assignment:
        """Submit a call of a function that lives in this test."""
        assignment = self.assignment(function, *args, **options)
        self.launcher.submit(assignment)
        return assignment

    def assignment(self, function: Callable[..., Any], *args: Any, **options: Any) -> Assignment:
        name = f"function {next(_numbers)}"
        self.registry.register(name, function)
        kwargs = options.pop("kwargs", {})
        return assign(PythonSpec(name, args, kwargs, local=True), **options)

    def ended(self, function: Callable[..., Any], *args: Any, **options: Any) -> Completion:
        """Call a function and wait for the end."""
        return self.witness.await_end(self.call(function, *args, **options))


@contextmanager
def world(slots: int = 2, **options: Any) -> Iterator[World]:
    """Make a world and stop its launcher afterwards."""
    made = World(slots, **options)
    try:
        yield made
    finally:
        made.launcher.stop(0)
