"""A whole scheduler without threads: define tasks, move the clock, run what is due, look at what became of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from horarium.records.policies import Policies
from horarium.records.runs import Occurrence, Run
from horarium.records.tasks import PythonSpec, Task, TaskDefinition
from horarium.runs.launch import Assignment, Completion, Reporter
from horarium.runs.recorder import Recorder
from horarium.scheduling.claims import Claimer
from horarium.scheduling.compiled import CompiledTasks
from horarium.scheduling.crowd import Slots, usual_share
from horarium.scheduling.heartbeat import Heartbeat
from horarium.scheduling.loop import Loop
from horarium.scheduling.rescue import forget_own, settle_held
from horarium.scheduling.starter import Starter
from horarium.scheduling.tasks import TaskDesk
from horarium.scheduling.tick import Ticker
from horarium.states import RunState
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.ledger import LedgerBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.testing.clock import ManualClock
from horarium.triggers import CronTrigger, Trigger, to_text

Behaviour = Callable[[Assignment], object]
_MOST_TURNS = 10_000


class HandLauncher:
    """Performs assignments when told to, in the calling thread; implements `horarium.runs.launch.Launcher`."""

    def __init__(self, reporter: Reporter, clock: ManualClock, slots: int) -> None:
        """Report to `reporter`."""
        self._reporter = reporter
        self._clock = clock
        self.slots = slots
        self.waiting: list[Assignment] = []
        self.under_way: dict[int, Assignment] = {}
        self.behaviours: dict[str, Behaviour] = {}
        self.holds = False
        """Whether what begins stays under way until `end`."""

    def submit(self, assignment: Assignment) -> None:
        """Take an assignment."""
        self.waiting.append(assignment)

    def cancel(self, run_id: int, cause: str) -> bool:
        """End an attempt that is under way or waiting."""
        for job in [*self.waiting, *self.under_way.values()]:
            if job.run_id == run_id:
                self.waiting = [each for each in self.waiting if each.run_id != run_id]
                self.end(job, RunState.CANCELLED, cause=cause, can_retry=False)
                return True
        return False

    def stop(self, grace_seconds: float) -> None:
        """Drop what has not begun."""
        del grace_seconds
        self.waiting.clear()

    def perform(self) -> int:
        """Perform what is waiting, as far as there are slots; return how many began."""
        began = 0
        while self.waiting and len(self.under_way) < self.slots:
            job = self.waiting.pop(0)
            began += 1
            self._reporter.started(job, self._clock.micros(), None)
            self.under_way[job.run_id] = job
            if not self.holds:
                self._finish(job)
        return began

    def end(self, job: Assignment, state: RunState = RunState.SUCCEEDED, **rest: Any) -> None:
        """End an attempt that is under way."""
        self.under_way.pop(job.run_id, None)
        now = self._clock.micros()
        self._reporter.finished(job, Completion(job.run_id, job.attempt, state, now, now, **rest))

    def _finish(self, job: Assignment) -> None:
        behave = self.behaviours.get(job.definition.name)
        if behave is None:
            self.end(job)
            return
        try:
            found = behave(job)
        except Exception as error:  # noqa: BLE001 - what a task raises is its outcome
            from_task = f"{type(error).__name__}: {error}"
            self.end(job, RunState.FAILED, cause=from_task)
        else:
            self.end(job, found if isinstance(found, RunState) else RunState.SUCCEEDED)


class ManualScheduler:
    """One node of a scheduler whose every step is taken by the caller."""

    def __init__(
        self,
        store: Store | Path | str = ":memory:",
        *,
        clock: ManualClock | None = None,
        slots: int = 10,
        slots_each: int | None = None,
    ) -> None:
        """Join `store` (a path, an address or an open store) as a node that moves by `clock`.

        It runs `slots` things side by side, at most `slots_each` of them for one person (default: half of them).
        """
        self.clock = clock or ManualClock()
        self.store = open_store(store, clock=self.clock) if isinstance(store, str | Path) else store
        self._owns_store = isinstance(store, str | Path)
        self.heartbeat = Heartbeat(self.store, self.clock, workers=slots, on_lost=_nothing, on_rescued=_nothing)
        self.node_id = self.heartbeat.join()
        self.known: dict[str, Any] = {}
        compiled = CompiledTasks()
        places = Slots(slots, usual_share(slots) if slots_each is None else slots_each)
        self.claimer = Claimer(self.clock, self.node_id, compiled, places, known=self.known, hand_over=self._hand_over)
        self.recorder = Recorder(self.store, self.clock, self.node_id, self.claimer)
        self.launcher = HandLauncher(self.recorder, self.clock, slots)
        self.starter = Starter(self.clock, self.launcher)
        self.loop = Loop(
            self.store,
            self.clock,
            ticker=Ticker(self.node_id, compiled),
            claimer=self.claimer,
            starter=self.starter,
            launcher=self.launcher,
            compiled=compiled,
            known=self.known,
        )
        self.loop.node_id = self.node_id
        self.claimer.on_waiting, self.claimer.on_end = self.loop.wake, self.loop.resume
        self._compiled = compiled
        self.desk = TaskDesk(self.store, self.clock, node=self)

    def add(
        self,
        name: str,
        schedule: str | Trigger | None,
        *,
        behave: Behaviour | None = None,
        policies: Policies | None = None,
        timezone: str = "UTC",
        late_ok: bool = False,
    ) -> Task:
        """Define a task whose run calls `behave` (default: succeeds); a text is a cron expression."""
        trigger = CronTrigger(schedule, timezone) if isinstance(schedule, str) else schedule
        definition = TaskDefinition(
            name=name,
            spec=PythonSpec(f"world:{name}"),
            schedule=None if trigger is None else to_text(trigger),
            timezone=timezone,
            policies=policies or Policies(),
        )
        if behave is not None:
            self.launcher.behaviours[name] = behave
        return self.desk.define(definition, late_ok=late_ok).task

    def run_due(self) -> int:
        """Run everything that is due at the clock's instant, and what follows from it; return how many began."""
        began = 0
        for _ in range(_MOST_TURNS):
            pause = self.loop.turn()
            handed = self.starter.hand_over()
            performed = self.launcher.perform()
            self.recorder.flush()
            began += performed
            if not performed and pause > 0 and handed > 0 and not self.launcher.waiting:
                return began
        raise AssertionError("there is always more to do: something goes round in circles")

    def advance(self, by: timedelta, *, step: timedelta = timedelta(seconds=1)) -> int:
        """Let time pass in steps, running what falls due at each; return how many runs began."""
        until, began = self.clock.now() + by, 0
        while self.clock.now() < until:
            self.clock.advance(min(step, until - self.clock.now()))
            self.heartbeat.beat()
            began += self.run_due()
        return began

    def sleep_through(self, by: timedelta) -> None:
        """Let time pass while nobody looks, as if the machine had been off."""
        self.clock.advance(by)
        self.heartbeat.beat()

    def die(self) -> None:
        """End without a word, as `kill -9` does: what it held stays held until somebody finds it."""
        self.store.forget_presence(self.node_id)
        forget_own(self.node_id)

    def shut_down(self) -> None:
        """End in order: give back, settle, say goodbye."""
        self.launcher.stop(0)
        with self.store.transaction() as tx:
            settle_held(tx, [self.node_id], self._compiled, self.clock.micros(), cause="the scheduler was stopped")
        self.heartbeat.leave()
        if self._owns_store:
            self.store.close()

    def runs(self, name: str | None = None, *, limit: int = 1000) -> list[Run]:
        """Return runs, oldest first, of one task or of all."""
        task_id = None if name is None else self.desk.find(name).id
        with self.store.reading() as tx:
            return HistoryBook(tx).page(RunFilter(task_id=task_id), limit=limit)[::-1]

    def ledger(self, name: str, *, limit: int = 100_000) -> list[Occurrence]:
        """Return the outcomes of a task's planned instants, oldest first."""
        with self.store.reading() as tx:
            return LedgerBook(tx).page(self.desk.find(name).id, limit=limit)[::-1]

    def totals(self, name: str, start: datetime, end: datetime) -> dict[str, int]:
        """Count the outcomes of a task from `start` up to `end`: runs, and skipped ones by reason."""
        with self.store.reading() as tx:
            span = (int(start.timestamp() * 1_000_000), int(end.timestamp() * 1_000_000))
            return LedgerBook(tx).totals(self.desk.find(name).id, *span)

    def wake(self) -> None:
        """Look at the store again at the next turn."""
        self.loop.wake()

    def recall(self, task_id: int) -> list[tuple[int, Assignment]]:
        """Take back what is claimed of a task and not begun."""
        claims = self.starter.drop_task(task_id)
        self.claimer.forget(claims)
        return claims

    def put_back(self, claims: list[tuple[int, Assignment]]) -> None:
        """Undo `recall`."""
        self.claimer.take(claims)

    def _hand_over(self, claims: list[tuple[int, Assignment]]) -> None:
        self.starter.add(claims)


def _nothing() -> None:
    return None
