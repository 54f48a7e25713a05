"""What a change of a task consists of, inside the transaction of whoever asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from horarium.audit.trail import About
from horarium.clock import to_micros
from horarium.errors import InvalidSchedule, TaskNotFound
from horarium.records.actors import Actor
from horarium.records.tasks import Pause, Task, TaskDefinition
from horarium.scheduling.arrears import settle_arrears
from horarium.scheduling.definitions import first_instant
from horarium.scheduling.stopping import Means, give_up_waiting
from horarium.states import EventKind, Reason
from horarium.store.books.events import EventBook
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.runs import Held, HoldingBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction

TaskRef = int | str


class Changes:
    """The steps that changes of tasks have in common. Each writes its event; who asked for it notes that elsewhere."""

    def __init__(self, means: Means) -> None:
        """Work with `means`."""
        self.means = means
        self._clock = means.clock

    def find(self, tx: Transaction, ref: TaskRef, *, lock: bool = False) -> Task:
        """Return a living task by number or name; with `lock` nobody changes it meanwhile. Raises `TaskNotFound`."""
        number = ref if isinstance(ref, int) else TaskBook(tx).id_of(ref)
        task = None if number is None else TaskBook(tx).get(number, lock=lock)
        if task is None or task.removed_at is not None:
            raise TaskNotFound(ref)
        return task

    def get(self, tx: Transaction, task_id: int) -> Task:
        """Return a task by number, a removed one too. Raises `TaskNotFound`."""
        task = TaskBook(tx).get(task_id)
        if task is None:
            raise TaskNotFound(task_id)
        return task

    @contextmanager
    def recalling(self, tx: Transaction, ref: TaskRef) -> Iterator[Task]:
        """Find a task and put back in the queue what this node has claimed of it and not begun."""
        task = self.find(tx, ref, lock=True)
        with self.means.recalling(tx, [task.id]):
            yield task

    def redefine(
        self,
        tx: Transaction,
        task_id: int,
        definition: TaskDefinition,
        actor: Actor,
        *,
        late_ok: bool = False,
        over_ok: bool = False,
    ) -> Task:
        """Replace a definition; return the task as it was.

        Raises `InvalidSchedule` for a schedule of which nothing lies ahead, unless `over_ok`.
        """
        now = self._clock.micros()
        # What was claimed ahead goes back to the queue: no run begins by the old definition after the answer.
        with self.recalling(tx, task_id) as found:
            if is_moved(found, definition):
                settle_arrears(tx, found, now, all_of_it=True)
            try:
                next_at = _next_of(tx, found, definition, now, late_ok=late_ok)
            except InvalidSchedule:
                if not over_ok:
                    raise
                next_at = None
            TaskBook(tx).redefine(task_id, definition, now=now, next_at=next_at)
            self.tell(tx, EventKind.TASK_CHANGED, task_id, actor, name=definition.name)
        return found

    def pause(self, tx: Transaction, ref: TaskRef, pause: Pause, actor: Actor) -> list[Held]:
        """Pause a task and give up what waits of its schedule; return the runs that are under way."""
        now = self._clock.micros()
        with self.recalling(tx, ref) as task:
            settle_arrears(tx, task, now, all_of_it=False)
            TaskBook(tx).pause(task.id, pause, now=to_micros(pause.at))
            under_way = give_up_waiting(tx, task.id, now, Reason.PAUSED, manual_too=False)
            self.tell(tx, EventKind.TASK_PAUSED, task.id, actor, reason=pause.reason)
        return under_way

    def resume(self, tx: Transaction, task: Task, actor: Actor) -> None:
        """Let a paused task, whose row is held, go on with its next instant."""
        now = self._clock.micros()
        settle_arrears(tx, task, now, all_of_it=False)
        TaskBook(tx).resume(task.id, now=now)
        self.tell(tx, EventKind.TASK_RESUMED, task.id, actor)

    def remove(self, tx: Transaction, ref: TaskRef, actor: Actor) -> Task:
        """Take a task out of use; return it as it was. Its runs under way are asked to end, waiting ones given up."""
        now = self._clock.micros()
        with self.recalling(tx, ref) as task:
            for run in give_up_waiting(tx, task.id, now, Reason.REMOVED, manual_too=True):
                HoldingBook(tx).ask_cancel(run.id, actor.words or "the removal of its task")
            settle_arrears(tx, task, now, all_of_it=True)
            TaskBook(tx).remove(task.id, now=now)
            self.tell(tx, EventKind.TASK_REMOVED, task.id, actor, name=task.name)
        return task

    def tell(
        self,
        tx: Transaction,
        kind: EventKind,
        task_id: int | None,
        actor: Actor,
        *,
        run_id: int | None = None,
        **body: Any,
    ) -> None:
        """Write the event of a change and wake whoever waits for one, with the commit."""
        EventBook(tx).append(
            kind, at=self._clock.micros(), task_id=task_id, run_id=run_id, actor=actor.words or None, body=body
        )
        self.means.store.announce_change(tx)


def is_moved(found: Task, definition: TaskDefinition) -> bool:
    """Tell whether the instants of a task count anew under a new definition."""
    old = found.definition
    was, will_be = (each.per_user is None for each in (old, definition))
    is_same = definition.schedule == old.schedule and definition.timezone == old.timezone and was is will_be
    return not is_same or found.is_parked


def about(task: Task) -> About:
    """Return a task as an audit entry names it."""
    return About("task", task.id, task.name)


def _next_of(tx: Transaction, found: Task, definition: TaskDefinition, now: int, *, late_ok: bool) -> int | None:
    """Return the next instant under a new definition: the kept one if the schedule is the same."""
    if not is_moved(found, definition):
        return None if found.next_at is None else to_micros(found.next_at)
    ledger = LedgerBook(tx)
    latest = ledger.latest_planned(found.id) or 0
    try:
        first = first_instant(definition, max(now, latest), late_ok=late_ok and latest < now)
    except InvalidSchedule:
        if definition.schedule != found.definition.schedule:
            raise
        # Its date has passed while it was parked: a program that says the same again must not fail for it.
        return None
    # A date that has its outcome already is over, however late it may run.
    return None if first is None or ledger.of(found.id, first) is not None else first
