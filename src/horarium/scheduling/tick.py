"""One tick: take what falls due, decide, and write ledger, runs, events and next instants in one transaction."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from horarium.clock import from_micros
from horarium.errors import DuplicateKey
from horarium.records.tasks import Parking
from horarium.runs.launch import Assignment
from horarium.scheduling.compiled import CompiledTask, CompiledTasks
from horarium.scheduling.crowd import Crowd
from horarium.scheduling.decisions import (
    Condition,
    Verdict,
    admits,
    instants_until,
    judge,
    most_at_once,
    set_aside,
)
from horarium.scheduling.skips import skip_body
from horarium.states import EventKind, OverlapPolicy, Reason, RunState, TriggeredBy
from horarium.store.books.agenda import AgendaBook, DueTask
from horarium.store.books.codec import dump
from horarium.store.books.events import EventBook
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.runs import HoldingBook, RunBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction

MOST_TASKS = 1000
MOST_INSTANTS = 50_000
LATE = 10_000_000
_QUEUED, _CLAIMED = RunState.QUEUED.value, RunState.CLAIMED.value
_NO_RUNS: Mapping[str, int] = {}
_SCHEDULE, _CATCH_UP = TriggeredBy.SCHEDULE.value, TriggeredBy.CATCH_UP.value


@dataclass(slots=True)
class Harvest:
    """What a tick brought: assignments that this node has claimed with the instants to start them at.

    `queued` counts runs that were written but not claimed, `replaced` names runs of this node that have to end,
    `more` says that more tasks are due than one tick takes. `put_off` is the earliest instant that lies ahead and was
    left for later, None without one. `planned_late` is the worst lateness in microseconds.
    """

    claimed: list[tuple[int, Assignment]] = field(default_factory=list)
    queued: int = 0
    replaced: list[int] = field(default_factory=list)
    more: bool = False
    put_off: int | None = None
    planned_late: int = 0


@dataclass(slots=True)
class _Page:
    """The rows that a tick collects before it writes them, each kind at once."""

    now: int
    node_id: int
    room: int
    crowd: Crowd
    occurrences: list[tuple[int, int, int | None, str | None, str | None, int]] = field(default_factory=list)
    spans: list[tuple[int, int, int, int, str, str | None, int]] = field(default_factory=list)
    runs: list[tuple[int, CompiledTask, int, str, str, int]] = field(default_factory=list)
    moves: list[tuple[int | None, int]] = field(default_factory=list)
    ended_pauses: list[int] = field(default_factory=list)
    replacing: list[int] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    looked_at: int = 0

    def give_up(self, task_id: int, reason: str) -> None:
        """Note a task whose schedule cannot be followed: it is parked and not asked again."""
        self.faults.append((task_id, reason))
        self.moves.append((None, task_id))


class Ticker:
    """Performs ticks for one node."""

    def __init__(self, node_id: int, compiled: CompiledTasks, *, randomly: Callable[[], float] = random.random) -> None:
        """Work for `node_id`; `randomly` gives shares from 0 to 1 for jitter."""
        self._node_id = node_id
        self._compiled = compiled
        self._randomly = randomly
        self._is_careful = False

    def tick(
        self, tx: Transaction, now: int, horizon: int, *, room: int, known: Mapping[str, Any], crowd: Crowd
    ) -> Harvest:
        """Handle everything due at or before `horizon`; claim up to `room` runs for this node at once.

        What is one person's own is claimed only while `crowd` has a place for it, and waits else.

        What lies ahead is left for a later tick when an open run of its task may be over by then. Raises `DuplicateKey`
        when an instant has its outcome already: the next tick then asks the ledger before it decides.
        """
        try:
            return self._tick(tx, now, horizon, room=room, known=known, crowd=crowd)
        except DuplicateKey:
            self._is_careful = True
            raise

    def _tick(
        self, tx: Transaction, now: int, horizon: int, *, room: int, known: Mapping[str, Any], crowd: Crowd
    ) -> Harvest:
        due = AgendaBook(tx).due(horizon, known=known, most=MOST_TASKS)
        harvest = Harvest()
        if not due:
            return harvest
        tasks = self._compiled.get(tx, [(task.id, task.revision) for task in due])
        counts = RunBook(tx).open_counts([task.id for task in due])
        page = _Page(now, self._node_id, room, crowd)
        for task in due:
            compiled, open_runs = tasks[task.id], counts.get(task.id, _NO_RUNS)
            if task.next_at > now and _may_change(compiled, open_runs):
                harvest.put_off = task.next_at if harvest.put_off is None else min(harvest.put_off, task.next_at)
                continue
            if page.looked_at >= MOST_INSTANTS and task.next_at < now - LATE:
                # Long backlogs of many tasks take several ticks: what is on time must not stand behind them.
                harvest.more = True
                continue
            self._decide(tx, page, task, compiled, open_runs)
            harvest.planned_late = max(harvest.planned_late, now - task.next_at)
        harvest.more = harvest.more or (len(due) == MOST_TASKS and harvest.put_off is None)
        self._write(tx, page, harvest)
        self._is_careful = False
        return harvest

    def _decide(
        self, tx: Transaction, page: _Page, task: DueTask, compiled: CompiledTask, counts: Mapping[str, int]
    ) -> None:
        if compiled.trigger is None:
            page.give_up(task.id, compiled.fault or "it has no schedule that gives this instant")
            return
        misfire = compiled.definition.policies.misfire
        # No further than the first instant ahead: the next one depends on what becomes of that.
        horizon = max(page.now, task.next_at)
        try:
            instants, next_at = instants_until(compiled.trigger, task.next_at, horizon, most=most_at_once(misfire))
        except Exception as error:  # noqa: BLE001 - one trigger that fails must not end the tick for all others
            page.give_up(task.id, f"its schedule cannot be followed: {error}")
            return
        page.looked_at += len(instants)
        if self._is_careful:
            known = LedgerBook(tx).held_by(task.id, instants)
            instants = [each for each in instants if each not in known]
        condition, verdict = Condition(task.parked_at, task.paused_at, task.paused_until), Verdict(next_at=next_at)
        if not condition.is_usual:
            instants = set_aside(verdict, instants, condition, misfire.grace_seconds)
            if instants:
                page.ended_pauses.append(task.id)
        if instants:
            judge(instants, next_at, misfire, page.now, into=verdict)
        self._settle(page, task, compiled, verdict, counts)

    def _settle(
        self, page: _Page, task: DueTask, compiled: CompiledTask, verdict: Verdict, counts: Mapping[str, int]
    ) -> None:
        now = page.now
        page.moves.append((verdict.next_at, task.id))
        page.occurrences.extend((task.id, at, None, reason.value, None, now) for at, reason in verdict.skips)
        page.spans.extend(
            (task.id, first, last, count, reason.value, None, now) for first, last, count, reason in verdict.spans
        )
        if not verdict.on_time and not verdict.catch_up:
            return
        policies = compiled.definition.policies
        held = counts.get(_CLAIMED, 0) + counts.get("running", 0)
        waiting = counts.get(_QUEUED, 0) + counts.get("retrying", 0)
        for planned in verdict.catch_up:
            # Made up in a row, never side by side at once: a catch-up must not become a burst, nor push out what is
            # on time.
            page.runs.append((task.id, compiled, planned, _CATCH_UP, _QUEUED, now))
        on_time = verdict.on_time
        if policies.overlap.policy is OverlapPolicy.REPLACE:
            # Several at once: the newest takes the place of the others before they begin.
            page.occurrences.extend(
                (task.id, planned, None, Reason.REPLACED.value, None, now) for planned in on_time[:-1]
            )
            on_time = on_time[-1:]
        for planned in on_time:
            if not admits(policies.overlap, held=held, waiting=waiting):
                page.occurrences.append((task.id, planned, None, Reason.OVERLAP.value, None, now))
                continue
            if policies.overlap.policy is OverlapPolicy.REPLACE and held + waiting:
                page.replacing.append(task.id)
            start = planned + int(policies.jitter_seconds * 1_000_000 * self._randomly())
            if (
                page.room > 0
                and not waiting
                and not verdict.catch_up
                and held < compiled.parallel
                and start <= now + 2_000_000
                and page.crowd.admit(compiled.person)
            ):
                page.room -= 1
                held += 1
                page.runs.append((task.id, compiled, planned, _SCHEDULE, _CLAIMED, start))
            else:
                waiting += 1
                page.runs.append((task.id, compiled, planned, _SCHEDULE, _QUEUED, start))

    def _write(self, tx: Transaction, page: _Page, harvest: Harvest) -> None:
        runs, events = RunBook(tx), EventBook(tx)
        if page.replacing:
            harvest.replaced = replace_open_runs(tx, page.replacing, now=page.now, node_id=self._node_id)
        if page.runs:
            first = runs.reserve_ids(len(page.runs))
            rows = []
            for run_id, (task_id, compiled, planned, made_by, state, start) in enumerate(page.runs, first):
                claimed = state is _CLAIMED
                page.occurrences.append((task_id, planned, run_id, None, None, page.now))
                rows.append(
                    (
                        *(run_id, task_id, planned, made_by, state, 1 if claimed else 0, 0),
                        *(self._node_id if claimed else None, None, None, start, page.now),
                    )
                )
                if claimed:
                    job = Assignment(run_id, 1, task_id, compiled.definition, planned, for_user_id=compiled.person)
                    harvest.claimed.append((start, job))
                else:
                    harvest.queued += 1
            runs.plan(rows)
            body = dump({"first": first, "count": len(rows)})
            events.append_rows([(page.now, EventKind.RUNS_PLANNED.value, None, None, None, body)])
        _write_ledger(tx, page)
        AgendaBook(tx).advance(page.moves)
        AgendaBook(tx).end_pauses(page.ended_pauses)
        for task_id, reason in page.faults:
            TaskBook(tx).park(task_id, Parking(from_micros(page.now), reason), now=page.now)
            events.append(EventKind.TASK_PARKED, at=page.now, task_id=task_id, body={"reason": reason})


def _write_ledger(tx: Transaction, page: _Page) -> None:
    LedgerBook(tx).record(page.occurrences)
    LedgerBook(tx).record_spans(page.spans)
    skipped = [row for row in page.occurrences if row[2] is None]
    if skipped or page.spans:
        body = skip_body(skipped, page.spans)
        only = body["tasks"][0] if len(body["tasks"]) == 1 else None
        EventBook(tx).append_rows([(page.now, EventKind.OCCURRENCES_SKIPPED.value, only, None, None, dump(body))])


def _may_change(compiled: CompiledTask, open_runs: Mapping[str, int]) -> bool:
    """Tell whether the end of an open run would change what becomes of the next occurrence."""
    if not open_runs:
        return False
    return compiled.definition.policies.overlap.policy is not OverlapPolicy.ALLOW or (
        sum(open_runs.values()) >= compiled.parallel
    )


def replace_open_runs(tx: Transaction, task_ids: list[int], *, now: int, node_id: int) -> list[int]:
    """Make way for new runs: give waiting ones up, ask held ones to end; return those held by `node_id`."""
    holding, events = HoldingBook(tx), EventBook(tx)
    mine: list[int] = []
    for task_id in dict.fromkeys(task_ids):
        for run in holding.of_task(task_id):
            if run.state in {_QUEUED, "retrying"}:
                state = RunState.SKIPPED if run.attempt == 0 else RunState.CANCELLED
                holding.move(
                    run.id, run.attempt, [run.state], state=state.value, finished_at=now, reason=Reason.REPLACED.value
                )
                events.append(EventKind.RUN_FINISHED, at=now, task_id=task_id, run_id=run.id, body={"state": state})
            elif holding.ask_cancel(run.id, "a newer run"):
                events.append(EventKind.RUN_CANCEL_ASKED, at=now, task_id=task_id, run_id=run.id)
                if run.node_id == node_id:
                    mine.append(run.id)
    return mine
