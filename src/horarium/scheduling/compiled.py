"""Tasks ready for the hot path: definition parsed, trigger built, kept for a while and checked by revision."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from horarium.errors import InvalidSchedule
from horarium.records.tasks import TaskDefinition
from horarium.scheduling.decisions import parallel_of
from horarium.store.books.agenda import AgendaBook
from horarium.store.port import Transaction
from horarium.triggers import from_text
from horarium.triggers.base import Trigger

KEPT_AT_MOST = 6000


class CompiledTask(NamedTuple):
    """A definition of a certain revision with its trigger; `fault` says why the trigger could not be built.

    `person` is the number of whom it runs for, 0 for nobody in particular.
    """

    revision: int
    definition: TaskDefinition
    trigger: Trigger | None
    parallel: int
    fault: str = ""
    person: int = 0


class CompiledTasks:
    """A bounded cache of compiled tasks by number."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept: OrderedDict[int, CompiledTask] = OrderedDict()

    def get(self, tx: Transaction, wanted: Iterable[tuple[int, int]]) -> dict[int, CompiledTask]:
        """Return the tasks for pairs of (number, revision), reading those that are not kept in that revision."""
        found: dict[int, CompiledTask] = {}
        missing: list[int] = []
        kept = self._kept
        for task_id, revision in wanted:
            known = kept.get(task_id)
            if known is not None and known.revision == revision:
                found[task_id] = known
            else:
                missing.append(task_id)
        if missing:
            for task_id, read in AgendaBook(tx).definitions(missing).items():
                found[task_id] = kept[task_id] = compile_task(*read)
            while len(kept) > KEPT_AT_MOST:
                kept.popitem(last=False)
        return found

    def has(self, task_id: int, revision: int) -> bool:
        """Tell whether this revision of a task is kept."""
        known = self._kept.get(task_id)
        return known is not None and known.revision == revision


def compile_task(revision: int, definition: TaskDefinition, fault: str = "", person: int = 0) -> CompiledTask:
    """Build the trigger of a definition; a schedule that cannot be read is noted, not raised."""
    trigger = None
    if definition.schedule is not None:
        try:
            trigger = trigger_of(definition.schedule)
        except InvalidSchedule as error:
            fault = str(error)
    return CompiledTask(revision, definition, trigger, parallel_of(definition.policies.overlap), fault, person)


@lru_cache(maxsize=2048)
def trigger_of(schedule: str) -> Trigger:
    """Build a trigger from its stored text. Raises `InvalidSchedule`."""
    return from_text(schedule)
