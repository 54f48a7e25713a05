"""The desk where tasks are defined, changed, paused, triggered and removed: every door comes here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock, from_micros, to_micros
from horarium.errors import Conflict, DuplicateKey, InvalidValue, RunNotFound, TaskNotFound
from horarium.records.actors import Actor
from horarium.records.reach import Place
from horarium.records.runs import Run
from horarium.records.tasks import DESCRIPTION_LIMIT, Pause, Task, TaskDefinition
from horarium.scheduling.arrears import settle_arrears
from horarium.scheduling.changes import Changes, TaskRef, about
from horarium.scheduling.compiled import trigger_of
from horarium.scheduling.decisions import next_micros
from horarium.scheduling.definitions import check_definition, first_instant, params_text, shown
from horarium.scheduling.personal import FOLLOWER, PersonalTasks
from horarium.scheduling.places import hold_place
from horarium.scheduling.stopping import Means, Node
from horarium.states import EventKind, RunState, TriggeredBy
from horarium.store.books.agenda import AgendaBook
from horarium.store.books.history import HistoryBook
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.runs import HoldingBook, RunBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store, Transaction

PROGRAM: Final = Actor.of_code()
Adapt = Callable[[TaskDefinition, TaskDefinition], TaskDefinition]


@dataclass(frozen=True, slots=True)
class Defined:
    """What a definition led to: the task, and whether it is new or was changed (neither: it was the same already)."""

    task: Task
    is_new: bool
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Paused:
    """What pausing led to: the task as it stands, and runs that had begun or were about to at that moment."""

    task: Task
    under_way: tuple[int, ...] = ()


class TaskDesk:
    """Commands about tasks and runs. Every change, its event and its ledger rows commit together."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        on_change: Callable[[], None] | None = None,
        node: Node | None = None,
    ) -> None:
        """Work on `store`; `node` is the scheduler of this process, `on_change` is called after a change."""
        if on_change is None and node is not None:
            on_change = node.wake
        self._store = store
        self._clock = clock
        self._on_change = on_change or _nothing
        self._trail = Trail(store, clock)
        self.means = Means(store, clock, node, self._on_change)
        self._changes = Changes(self.means)
        self._personal = PersonalTasks(store, clock, self._changes)
        if node is not None or FOLLOWER not in store.followers:
            store.followers[FOLLOWER] = self._personal.follow

    def define(
        self, definition: TaskDefinition, *, actor: Actor = PROGRAM, late_ok: bool = False, adapt: Adapt | None = None
    ) -> Defined:
        """Add a task, or replace the definition of the one with this name: history, pause and outcomes stay.

        A new schedule counts from now. With `late_ok` a date that has passed runs at once instead of being refused.
        `adapt` gets the definition that is there and the new one, and returns the one to keep. Raises `InvalidValue`,
        `InvalidSchedule`.
        """
        return self.define_all([definition], actor=actor, late_ok=late_ok, adapt=adapt)[0]

    def define_all(
        self,
        definitions: Iterable[TaskDefinition],
        *,
        actor: Actor = PROGRAM,
        late_ok: bool = False,
        adapt: Adapt | None = None,
    ) -> list[Defined]:
        """Add or replace several tasks in one transaction, as `define` does each: all of them or none."""
        wanted = list(definitions)
        for definition in wanted:
            check_definition(definition)
        adapted = adapt or _unadapted
        try:
            defined = self._define_once(wanted, actor, adapted, late_ok=late_ok)
        except (DuplicateKey, TaskNotFound):
            # Another process has added or removed one of them in this moment: that is seen now.
            defined = self._define_once(wanted, actor, adapted, late_ok=late_ok)
        if any(each.is_new or each.is_changed for each in defined):
            self._on_change()
        self.means.await_starts([each.task.id for each in defined if each.is_changed])
        return defined

    def define_many(
        self, definitions: Iterable[TaskDefinition], *, actor: Actor = PROGRAM, late_ok: bool = False
    ) -> int:
        """Add many tasks at once, all or none; names must be new. Returns how many."""
        now = self._clock.micros()
        rows = []
        for definition in definitions:
            check_definition(definition)
            rows.append((definition, first_instant(definition, now, late_ok=late_ok)))
        with self._store.transaction() as tx:
            TaskBook(tx).add_many(rows, now=now)
            self._changes.tell(tx, EventKind.TASK_ADDED, None, actor, count=len(rows))
            for definition, _ in rows:
                if definition.per_user is not None:
                    self._personal.define(tx, self._changes.find(tx, definition.name), actor)
            if rows:
                self._trail.note(tx, actor, Action.TASK_ADDED, About("task", None, rows[0][0].name), count=len(rows))
        self._on_change()
        return len(rows)

    def find(self, ref: TaskRef, *, for_user_id: int = 0) -> Task:
        """Return a living task by number or name; of one for each person, that of this one. Raises `TaskNotFound`."""
        with self._store.reading() as tx:
            number = TaskBook(tx).id_of(ref, for_user_id=for_user_id) if isinstance(ref, str) else ref
            if number is None:
                raise TaskNotFound(ref)
            return self._changes.find(tx, number)

    def pause(self, ref: TaskRef, *, by: Actor, reason: str = "", until: datetime | None = None) -> Paused:
        """Pause a task: no new attempt of its schedule begins after the answer.

        Waiting runs of the schedule are given up and recorded, also those that this process had claimed and not
        begun; runs that are under way, or about to begin elsewhere, go on and are named in the answer. Until then its
        occurrences are recorded as skipped. What people have of a task for each person pauses with it. Raises
        `TaskNotFound`, `InvalidValue`.
        """
        now = self._clock.micros()
        if until is not None and to_micros(until) <= now:
            raise InvalidValue("until", until.isoformat(), "use an instant that lies ahead")
        with self._store.transaction() as tx:
            task = self._changes.find(tx, ref, lock=True)
            if until is not None and task.definition.per_user is not None:
                raise InvalidValue("until", until.isoformat(), "what is there for each person waits for a resume")
            pause = Pause(from_micros(now), by.words, reason[:DESCRIPTION_LIMIT], until)
            under_way = self._changes.pause(tx, task.id, pause, by)
            if task.definition.per_user is not None:
                self._personal.pause(tx, task, pause, by)
            self._trail.note(tx, by, Action.TASK_PAUSED, about(task), reason=reason, until=until)
            paused = self._changes.get(tx, task.id)
        self._on_change()
        self.means.await_starts([paused.id])
        return Paused(paused, tuple(run.id for run in under_way))

    def resume(self, ref: TaskRef, *, by: Actor) -> Task:
        """Let a paused task go on with its next instant. Harmless for one that is not paused."""
        with self._store.transaction() as tx:
            task = self._changes.find(tx, ref, lock=True)
            if task.is_paused:
                self._changes.resume(tx, task, by)
                if task.definition.per_user is not None:
                    self._personal.resume(tx, task, by)
                self._trail.note(tx, by, Action.TASK_RESUMED, about(task))
            task = self._changes.get(tx, task.id)
        self._on_change()
        return task

    def unpark(self, ref: TaskRef, *, by: Actor) -> Task:
        """Try a parked task again: its target is looked up at the next run.

        Raises `TaskNotFound`, and `InvalidSchedule` when it was parked for its schedule and that still means nothing.
        """
        with self._store.transaction() as tx:
            task = self._changes.find(tx, ref, lock=True)
            if task.is_parked:
                now = self._clock.micros()
                settle_arrears(tx, task, now, all_of_it=False)
                if task.next_at is None and task.definition.schedule is not None:
                    after = max(now, LedgerBook(tx).latest_planned(task.id) or 0)
                    AgendaBook(tx).advance([(next_micros(trigger_of(task.definition.schedule), after), task.id)])
                TaskBook(tx).park(task.id, None, now=now)
                self._changes.tell(tx, EventKind.TASK_UNPARKED, task.id, by)
                self._trail.note(tx, by, Action.TASK_UNPARKED, about(task))
            task = self._changes.get(tx, task.id)
        self._on_change()
        return task

    def remove(self, ref: TaskRef, *, by: Actor) -> Task:
        """Remove a task: waiting runs are given up, running ones are asked to end, ledger and history stay.

        What people have of a task for each person goes with it, and cannot be removed alone. Raises `TaskNotFound`,
        `Conflict`.
        """
        with self._store.transaction() as tx:
            task = self._changes.find(tx, ref)
            if task.template_id is not None:
                raise Conflict(f"{task.name!r} is there for each person: pause it for one, or remove it for all")
            task = self._changes.remove(tx, task.id, by)
            self._personal.remove(tx, task, by)
            self._trail.note(tx, by, Action.TASK_REMOVED, about(task), before=shown(task.definition))
        self._on_change()
        self.means.await_starts([task.id])
        return task

    def give(self, ref: TaskRef, place: Place, *, by: Actor) -> Task:
        """Give a task to another owner, a project, or the installation; what runs for one person stays theirs.

        Raises `TaskNotFound`, `Conflict`, and `InvalidValue` for a person or project that is not there, or closed.
        """
        now = self._clock.micros()
        with self._store.transaction() as tx:
            hold_place(tx, place)
            task = self._changes.find(tx, ref, lock=True)
            if task.place.for_user_id or place.for_user_id:
                raise Conflict("what runs for one person cannot be given to another")
            if task.place != place:
                TaskBook(tx).move(task.id, place, now=now)
                self._changes.tell(tx, EventKind.TASK_CHANGED, task.id, by, name=task.name)
                self._trail.note(tx, by, Action.TASK_GIVEN, about(task), before=asdict(task.place), after=asdict(place))
            task = self._changes.get(tx, task.id)
        self._on_change()
        return task

    def trigger(self, ref: TaskRef, *, by: Actor, params: Mapping[str, Any] | None = None) -> int:
        """Run a task now, once, beside its schedule; return the number of the run.

        It waits while the task has no place free. `params` replace arguments of its function, or variables that its
        program is given, for this run. Raises `TaskNotFound`, `InvalidValue`.
        """
        now = self._clock.micros()
        with self._store.transaction() as tx:
            task = self._changes.find(tx, ref, lock=True)
            text = params_text(params, task.definition.spec)
            if task.definition.per_user is not None:
                raise Conflict(f"{task.name!r} runs for each person by itself: run somebody's own")
            run_id = RunBook(tx).reserve_ids(1)
            row = (run_id, task.id, None, TriggeredBy.MANUAL.value, RunState.QUEUED.value, 0, 0, None)
            RunBook(tx).plan([(*row, by.words or None, text, now, now)])
            self._changes.tell(tx, EventKind.RUNS_PLANNED, task.id, by, first=run_id, count=1)
            self._trail.note(tx, by, Action.TASK_TRIGGERED, about(task), run=run_id, params=sorted(params or {}))
        self._on_change()
        return run_id

    def cancel(self, run_id: int, *, by: Actor) -> Run:
        """End a run: a waiting one at once, one under way as soon as its node has ended it.

        Raises `RunNotFound`, `Conflict` when it has ended already.
        """
        now = self._clock.micros()
        with self._store.transaction() as tx:
            run = HistoryBook(tx).get(run_id)
            if run is None:
                raise RunNotFound(run_id)
            if not run.is_open:
                raise Conflict(f"run {run_id} has ended already: {run.state.value.replace('_', ' ')}")
            if not self._cancel_waiting(tx, run, by, now):
                HoldingBook(tx).ask_cancel(run_id, by.words or "somebody")
                self._changes.tell(tx, EventKind.RUN_CANCEL_ASKED, run.task_id, by, run_id=run_id)
            self._trail.note(tx, by, Action.RUN_CANCELLED, About("run", run_id, run.task_name))
            run = HistoryBook(tx).get(run_id) or run
        self._on_change()
        return run

    def _define_once(
        self, wanted: Iterable[TaskDefinition], actor: Actor, adapt: Adapt, *, late_ok: bool
    ) -> list[Defined]:
        with self._store.transaction() as tx:
            defined = []
            for definition in wanted:
                found = TaskBook(tx).by_name(definition.name)
                kept = definition if found is None else adapt(found.definition, definition)
                defined.append(self._define_in(tx, found, kept, actor, late_ok=late_ok))
        return defined

    def _define_in(
        self, tx: Transaction, found: Task | None, definition: TaskDefinition, actor: Actor, *, late_ok: bool
    ) -> Defined:
        if found is None:
            now = self._clock.micros()
            next_at = first_instant(definition, now, late_ok=late_ok)
            task = TaskBook(tx).add(definition, now=now, next_at=next_at)
            self._changes.tell(tx, EventKind.TASK_ADDED, task.id, actor, name=definition.name)
            self._trail.note(tx, actor, Action.TASK_ADDED, about(task), after=shown(definition))
        elif found.definition != definition or found.is_parked:
            before = self._changes.redefine(tx, found.id, definition, actor, late_ok=late_ok).definition
            self._trail.note(
                tx, actor, Action.TASK_CHANGED, about(found), before=shown(before), after=shown(definition)
            )
            task = self._changes.get(tx, found.id)
        else:
            self._follow(tx, found, found, actor)
            return Defined(found, is_new=False, is_changed=False)
        self._follow(tx, found, task, actor)
        return Defined(task, is_new=found is None, is_changed=found is not None)

    def _follow(self, tx: Transaction, before: Task | None, task: Task, actor: Actor) -> None:
        """Bring up to date what people have of a task, if it is or was there for each person."""
        if task.definition.per_user is not None or (before is not None and before.definition.per_user is not None):
            self._personal.define(tx, task, actor)

    def _cancel_waiting(self, tx: Transaction, run: Run, by: Actor, now: int) -> bool:
        waiting = [RunState.QUEUED.value, RunState.RETRYING.value]
        ended = {"state": RunState.CANCELLED.value, "finished_at": now, "cancel_asked_by": by.words}
        if not HoldingBook(tx).move(
            run.id, run.attempt, waiting, **ended, reason=f"cancelled by {by.words or 'somebody'}"
        ):
            return False
        self._changes.tell(tx, EventKind.RUN_FINISHED, run.task_id, by, run_id=run.id, state=RunState.CANCELLED.value)
        return True


def _unadapted(_old: TaskDefinition, new: TaskDefinition) -> TaskDefinition:
    return new


def _nothing() -> None:
    return None
