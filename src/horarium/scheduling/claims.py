"""Takes waiting runs for this node: as many as it has places for, none beyond what a task may have side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from horarium.clock import Clock, from_micros
from horarium.errors import StoreBusy
from horarium.records.tasks import CommandSpec, Parking
from horarium.runs.launch import NO_PARAMS, Assignment
from horarium.scheduling.compiled import CompiledTask, CompiledTasks
from horarium.scheduling.crowd import Crowd, Slots
from horarium.scheduling.hold import held
from horarium.states import EventKind
from horarium.store.books.events import EventBook
from horarium.store.books.runs import HoldingBook, RunBook, Waiting
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction

LEAD = 250_000
"""How long before their instants runs are claimed, in microseconds: no commit lies between due and start."""
MOST_AHEAD = 1000
AHEAD_SECONDS = 0.05
LOOK_THROUGH = 20_000

Claims = list[tuple[int, Assignment]]


class Claimer:
    """Knows what this node holds and claims more. Implements `runs.recorder.Refill`."""

    def __init__(
        self,
        clock: Clock,
        node_id: int,
        compiled: CompiledTasks,
        slots: Slots,
        *,
        known: Mapping[str, Any],
        hand_over: Callable[[Claims], None],
    ) -> None:
        """Claim for `node_id` with these `slots`; `hand_over` takes what was claimed once that is durable."""
        self._clock = clock
        self._node_id = node_id
        self._compiled = compiled
        self._slots = slots.places
        self._each = slots.each
        self._persons: Counter[int] = Counter()
        self._known = known
        self._hand_over = hand_over
        self._held: dict[int, Assignment] = {}
        # The loop takes what it claimed while the recorder lets go of what ended: a count that both change is lost.
        self._lock = Lock()
        self._usual_seconds = 1.0
        self._ends = 0
        self.backlog = True
        self.is_open = True
        self.is_held = False
        """Set by the loop while schedules are held: what is planned waits."""
        self.is_short = False
        """Set by the loop while something waits for the end of a run; each end then calls `on_end`."""
        self.on_end: Callable[[], None] = _nothing
        self.on_waiting: Callable[[], None] = _nothing

    @property
    def room(self) -> int:
        """Return how many more runs this node would take now.

        Beside one run for each slot, very short runs are claimed ahead: as many as the slots finish in the time that
        a commit takes. Long ones never are, another node might have a place for them.
        """
        if not self.is_open or self.is_held:
            return 0
        ahead = min(MOST_AHEAD, int(self._slots * AHEAD_SECONDS / max(self._usual_seconds, 1e-6)))
        return self._slots + ahead - len(self._held)

    @property
    def holds(self) -> dict[int, Assignment]:
        """Return what this node holds, by run number."""
        return dict(self._held)

    def take(self, claims: Claims) -> None:
        """Note claims that a tick made and hand them over."""
        with self._lock:
            for _, job in claims:
                self._hold(job)
        self._hand_over(claims)

    def crowd(self, leaving: Sequence[Assignment] = ()) -> Crowd:
        """Return who has how many of this node's places, without those that are about to become free."""
        with self._lock:
            persons = Counter(self._persons)
            persons.subtract(job.for_user_id for job in leaving if job.for_user_id and job.run_id in self._held)
        return Crowd(persons, self._each)

    def claim(
        self, tx: Transaction, freed: int, leaving: Sequence[Assignment] = (), crowd: Crowd | None = None
    ) -> Claims:
        """Claim waiting runs inside `tx`; `freed` places are about to become free, those of the `leaving` ones.

        `crowd` already counts what else was taken in this transaction.
        """
        if not self.backlog or not self.is_open or self.is_held:
            return []
        room = self.room + freed
        if room <= 0:
            return []
        now = self._clock.micros()
        chosen = self._choose(tx, now, room, self.crowd(leaving) if crowd is None else crowd)
        if not chosen:
            return []
        if held(tx).starts_nothing:
            # Asked last: whoever held schedules before one of these was written must not see it begin. The loop hears
            # of that a moment later; an end of a run may claim before that.
            self.backlog = True
            return []
        if tx.capabilities.skips_locked:
            # What was read before the tasks were held may have been cancelled, or claimed by another node, since.
            ours = RunBook(tx).lock_waiting({run.id: run.attempt for run, _ in chosen})
            chosen = [pair for pair in chosen if pair[0].id in ours]
        rows = [("claimed", run.attempt + 1, self._node_id, run.id) for run, _ in chosen]
        if RunBook(tx).claim(rows) != len(rows):
            raise StoreBusy("a run that was to be claimed moved on meanwhile")
        return [(run.not_before, _assignment(run, compiled)) for run, compiled in chosen]

    def claimed(self, claims: Claims) -> None:
        """Hand over what `claim` took, now that it is durable."""
        if claims:
            self.take(claims)

    def forget(self, claims: Claims) -> None:
        """Forget claims that are given up before they began."""
        with self._lock:
            for _, job in claims:
                self._let_go(job)

    def ended(self, ends: Sequence[tuple[Assignment, float]]) -> None:
        """Forget attempts that are over, and learn how long they took for judging how far ahead to claim."""
        usual, count = self._usual_seconds, self._ends
        with self._lock:
            for job, _ in ends:
                self._let_go(job)
        for _, seconds in ends:
            # Quick to turn careful, slow to turn bold: a long run behind claimed ones would hold them up. Only what
            # was assumed before the first end counts for nothing.
            usual += (seconds - usual) * (0.3 if seconds > usual and count else max(0.05, 1 / (count + 1)))
            count += 1
        self._usual_seconds, self._ends = usual, count
        if self.is_short:
            self.on_end()

    def waiting(self) -> None:
        """Tell the loop that there is a new instant to wake for."""
        self.on_waiting()

    def park(self, tx: Transaction, task_id: int, reason: str) -> None:
        """Park a task inside `tx`, unless it is parked already."""
        task = TaskBook(tx).get(task_id, lock=True)
        if task is None or task.is_parked or task.removed_at is not None:
            return
        now = self._clock.micros()
        TaskBook(tx).park(task_id, Parking(from_micros(now), reason), now=now)
        EventBook(tx).append(EventKind.TASK_PARKED, at=now, task_id=task_id, body={"reason": reason})

    def _hold(self, job: Assignment) -> None:
        if job.for_user_id and job.run_id not in self._held:
            self._persons[job.for_user_id] += 1
        self._held[job.run_id] = job

    def _let_go(self, job: Assignment) -> None:
        if self._held.pop(job.run_id, None) is None or not job.for_user_id:
            return
        self._persons[job.for_user_id] -= 1
        if not self._persons[job.for_user_id]:
            del self._persons[job.for_user_id]

    def _choose(self, tx: Transaction, now: int, room: int, crowd: Crowd) -> list[tuple[Waiting, CompiledTask]]:
        """Go through the waiting runs in order, past those that task or person has no place for, until all is full."""
        runs, start = RunBook(tx), 0
        chosen: list[tuple[Waiting, CompiledTask]] = []
        taken: dict[int, int] = {}
        paused: set[int] = set()
        blocked = False
        most = room + 100
        while start < LOOK_THROUGH:
            page = runs.waiting(now + LEAD, most=most, start=start)
            tasks = self._lookup(tx, page, taken, paused)
            for run in page:
                compiled = tasks.get(run.task_id)
                held_back = run.task_id in paused and run.planned_at is not None
                if compiled is None or held_back or taken[run.task_id] >= compiled.parallel:
                    blocked = True
                    continue
                if len(chosen) == room:
                    return chosen
                if not crowd.admit(compiled.person):
                    blocked = True
                    continue
                taken[run.task_id] += 1
                chosen.append((run, compiled))
            start += len(page)
            if len(page) < most:
                self.backlog = blocked
                break
        return chosen

    def _lookup(
        self, tx: Transaction, page: Sequence[Waiting], taken: dict[int, int], paused: set[int]
    ) -> dict[int, CompiledTask]:
        """Return the tasks of a page that this node may run now.

        Fill in how many held runs each has, and which are paused: of those only runs by hand begin.
        """
        ids = list(dict.fromkeys(run.task_id for run in page))
        if not ids:
            return {}
        holding = HoldingBook(tx)
        standing = holding.lock_tasks(ids)
        paused.update(task_id for task_id, each in standing.items() if each.is_paused)
        found = self._compiled.get(tx, [(task_id, each.revision) for task_id, each in standing.items()])
        mine = {task_id: compiled for task_id, compiled in found.items() if _is_ours(compiled, self._known)}
        # Only of those that are ours to count: another node may be claiming runs of the rest in this moment.
        counts = holding.held_counts(list(standing))
        for task_id in standing:
            taken.setdefault(task_id, counts.get(task_id, 0))
        return mine


def _is_ours(compiled: CompiledTask, known: Mapping[str, Any]) -> bool:
    """Tell whether this program can run a task: a function that lives in a program runs there and nowhere else."""
    spec = compiled.definition.spec
    return isinstance(spec, CommandSpec) or not spec.local or spec.target in known


def _assignment(run: Waiting, compiled: CompiledTask) -> Assignment:
    return Assignment(
        run.id,
        run.attempt + 1,
        run.task_id,
        compiled.definition,
        run.planned_at,
        json.loads(run.params) if run.params else NO_PARAMS,
        run.actor or "",
        compiled.person,
    )


def _nothing() -> None:
    return None
