"""One node of the scheduler: loop, starter, recorder and heartbeat around a launcher, with one start and one stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from horarium.clock import Clock, SystemClock
from horarium.errors import StoreError
from horarium.runs.launch import Assignment, Completion, Launcher, Reporter
from horarium.runs.recorder import Recorder
from horarium.scheduling.claims import Claimer
from horarium.scheduling.compiled import CompiledTasks
from horarium.scheduling.crowd import Slots, usual_share
from horarium.scheduling.heartbeat import Heartbeat
from horarium.scheduling.loop import Loop
from horarium.scheduling.personal import sweep_people
from horarium.scheduling.rescue import give_back, settle_held
from horarium.scheduling.standstill import Standstill
from horarium.scheduling.starter import Starter
from horarium.scheduling.tick import Ticker
from horarium.scheduling.zones import follow_zone_data
from horarium.states import RunState
from horarium.store.books.runs import HoldingBook
from horarium.store.port import Store

log = logging.getLogger("horarium.scheduling")

STOPPED = "the scheduler was stopped"
LauncherMaker = Callable[[Reporter], Launcher]
OnEnded = Callable[[Sequence[tuple[Assignment, Completion, RunState]]], None]


class _Parts(NamedTuple):
    recorder: Recorder
    launcher: Launcher
    starter: Starter
    claimer: Claimer
    loop: Loop
    compiled: CompiledTasks

    @property
    def are_alive(self) -> bool:
        """Tell whether every inner thread goes round."""
        return self.loop.is_alive and self.starter.is_alive and self.recorder.is_alive


class SchedulerService:
    """Schedules and executes the tasks of one store in this process, beside any number of others."""

    def __init__(
        self,
        store: Store,
        make_launcher: LauncherMaker,
        *,
        clock: Clock | None = None,
        known: Mapping[str, Any] | None = None,
        slots: int = 10,
        slots_each: int | None = None,
        await_end: Callable[[Sequence[int]], object] | None = None,
    ) -> None:
        """Serve `store`; `make_launcher` gets a reporter and returns what performs runs.

        `known` maps the targets of functions that live in this program (it may grow while we run); `slots` is
        how many runs go side by side, and `slots_each` how many of them one person's own may take (default: half of
        them); `await_end` waits for processes that a dead node left behind.
        """
        self._store = store
        self._make_launcher = make_launcher
        self._clock = clock or SystemClock()
        self._known: Mapping[str, Any] = {} if known is None else known
        self._slots = slots
        self._slots_each = usual_share(slots) if slots_each is None else slots_each
        self._await_end = await_end
        self._standstill = Standstill(store, self._clock)
        self.on_ended: OnEnded | None = None
        """Learns which attempts ended here and are recorded; set before the start."""
        self._parts: _Parts | None = None
        self._heartbeat: Heartbeat | None = None
        self._unlisten: Callable[[], None] = _nothing
        self._listeners: list[Callable[[], None]] = []
        self._grace: float | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether it was started and goes round."""
        parts = self._parts
        return parts is not None and parts.loop.is_alive

    @property
    def node_id(self) -> int | None:
        """Return the number of this node, None before it joined."""
        return None if self._heartbeat is None else self._heartbeat.node_id

    @property
    def is_well(self) -> bool:
        """Tell whether all that has to go round does, and the lease holds."""
        parts, heartbeat = self._parts, self._heartbeat
        return parts is not None and parts.are_alive and heartbeat is not None and heartbeat.is_trusted

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each commit of this node, from its threads; it must return at once."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Join the store as a node, settle what dead nodes left, and begin. Harmless when repeated."""
        if self._parts is not None:
            return
        follow_zone_data(self._store, self._clock)
        sweep_people(self._store, self._clock)
        heartbeat = Heartbeat(
            self._store,
            self._clock,
            workers=self._slots,
            on_lost=self._begin_anew,
            on_rescued=self.wake,
            await_end=self._await_end,
        )
        heartbeat.supervise = self._supervise
        heartbeat.join()
        try:
            self._assemble(heartbeat)
        except BaseException:
            heartbeat.leave()
            raise
        self._heartbeat = heartbeat
        heartbeat.start()
        self._unlisten = self._store.listen(self.wake)

    def wake(self) -> None:
        """Look at the store again at once."""
        if parts := self._parts:
            parts.loop.wake()

    def cancel(self, run_id: int, cause: str) -> bool:
        """End a run that this node holds; False when it is not here."""
        parts = self._parts
        return parts is not None and parts.launcher.cancel(run_id, cause)

    def recall(self, task_id: int) -> list[tuple[int, Assignment]]:
        """Take back what this node has claimed of a task and not begun; the caller settles it in the store."""
        parts = self._parts
        if parts is None:
            return []
        claims = parts.starter.drop_task(task_id)
        parts.claimer.forget(claims)
        return claims

    def put_back(self, claims: list[tuple[int, Assignment]]) -> None:
        """Undo `recall` when the caller's change did not come about."""
        if parts := self._parts:
            parts.claimer.take(claims)

    def stop(self, grace_seconds: float = 30.0) -> None:
        """End in order: claim nothing new, give back what has not begun, let runs end, cut off the rest.

        A second call from another thread shortens the grace of the first to two seconds. Returns when all is
        recorded. Harmless when repeated.
        """
        parts, heartbeat = self._parts, self._heartbeat
        if parts is None or heartbeat is None:
            return
        if self._grace is not None:
            parts.launcher.stop(min(2.0, grace_seconds))
            return
        self._grace = grace_seconds
        try:
            self._unlisten()
            heartbeat.is_draining = True
            self._wind_down(parts, heartbeat.node_id, grace_seconds, cause=STOPPED)
            heartbeat.stop()
            if self._parts is not parts and self._parts is not None:
                # It was just beginning anew: that is over, too.
                self._wind_down(self._parts, heartbeat.node_id, 0.0, cause=STOPPED)
            heartbeat.leave()
        except StoreError as error:
            log.warning("Could not say goodbye to the store (%s); others will notice", error)
        finally:
            self._parts = self._heartbeat = self._grace = None

    def _assemble(self, heartbeat: Heartbeat) -> None:
        compiled = CompiledTasks()
        node_id = heartbeat.node_id
        claimer = Claimer(
            self._clock,
            node_id,
            compiled,
            Slots(self._slots, self._slots_each),
            known=self._known,
            hand_over=self._hand_over,
        )
        recorder = Recorder(self._store, self._clock, node_id, claimer)
        recorder.on_commit, recorder.on_ended = self._changed, self.on_ended
        launcher = self._make_launcher(recorder)
        starter = Starter(self._clock, launcher)
        loop = Loop(
            self._store,
            self._clock,
            ticker=Ticker(node_id, compiled),
            claimer=claimer,
            starter=starter,
            launcher=launcher,
            compiled=compiled,
            known=self._known,
        )
        loop.node_id = node_id
        starter.may_start = loop.may_work = lambda: heartbeat.is_trusted
        loop.on_commit = self._changed
        claimer.on_waiting, claimer.on_end = loop.wake, loop.resume
        parts = self._parts = _Parts(recorder, launcher, starter, claimer, loop, compiled)
        parts.recorder.start()
        parts.starter.start()
        parts.loop.start()

    def _hand_over(self, claims: list[tuple[int, Assignment]]) -> None:
        if parts := self._parts:
            parts.starter.add(claims)

    def _changed(self) -> None:
        parts, heartbeat = self._parts, self._heartbeat
        if parts is not None and heartbeat is not None:
            worst = max(parts.loop.worst_lag, parts.starter.worst_lag) / 1_000_000
            heartbeat.lag_seconds = max(heartbeat.lag_seconds, worst)
            parts.loop.worst_lag = parts.starter.worst_lag = 0
        for listener in self._listeners:
            listener()

    def _wind_down(self, parts: _Parts, node_id: int, grace_seconds: float, *, cause: str) -> None:
        parts.claimer.is_open = False
        # A tick that is waiting for the store is not waited for: nothing new may begin meanwhile.
        parts.loop.stop(wait=False)
        parts.starter.stop()
        parts.launcher.stop(grace_seconds)
        parts.loop.stop()
        parts.recorder.stop(10.0)
        try:
            with self._store.transaction() as tx:
                give_back(tx, [run.id for run in HoldingBook(tx).held_by([node_id])], node_id)
                settle_held(tx, [node_id], parts.compiled, self._clock.micros(), cause=cause)
                self._store.announce_change(tx)
        except StoreError as error:
            log.warning("Runs that were cut off could not be noted (%s); the next start finds them", error)

    def _supervise(self) -> None:
        """Begin anew when an inner thread has ended: a node that does nothing must not look alive."""
        parts = self._parts
        if parts is None or self._grace is not None:
            return
        if not parts.are_alive:
            log.error("A part of the scheduler has ended unasked; it begins anew")
            self._begin_anew("a part of the scheduler ended unasked")
            return
        self._standstill.look(parts.loop.turned)

    def _begin_anew(self, cause: str = "this process was cut off and declared dead") -> None:
        """Start over as a new node, for example after this one was declared dead: its runs belong to others now."""
        parts, heartbeat = self._parts, self._heartbeat
        if parts is None or heartbeat is None or self._grace is not None:
            return
        self._wind_down(parts, heartbeat.node_id, 0.0, cause=cause)
        heartbeat.leave()
        heartbeat.join()
        if self._grace is None:
            self._assemble(heartbeat)


def _nothing() -> None:
    return None
