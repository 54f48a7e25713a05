"""Occurrences = runs + skipped, whatever happens: policies, outages, pauses, edits, deaths and jumps at random."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from horarium.records.actors import Actor
from horarium.records.policies import Misfire, Overlap, Policies, Retry
from horarium.records.runs import Run
from horarium.states import RUN_MOVES, MisfirePolicy, OverlapPolicy, Reason, RunState
from horarium.testing import ManualScheduler
from horarium.testing.clock import START
from horarium.triggers import CronTrigger, DateTrigger, IntervalTrigger, Trigger

DAY = 86_400
WATCH = (
    "CREATE TABLE moves (run_id, old, new, attempt, next_attempt)",
    """
    CREATE TRIGGER watch AFTER UPDATE OF state ON task_executions
    BEGIN INSERT INTO moves VALUES (new.id, old.state, new.state, old.attempt, new.attempt); END
    """,
)
"""The database itself notes each change of a run's state, whoever makes it."""
GRACE = timedelta(seconds=600)
"""The longest grace below: what fell due that shortly before a pause counts as part of it."""


@dataclass
class Stretch:
    """A schedule and the time that it holds for: after `begin`, up to and including `end`."""

    trigger: Trigger
    begin: datetime
    end: datetime | None = None

    def instants(self, now: datetime) -> list[datetime]:
        """Return what falls due up to `now`, straight from the trigger."""
        found, instant = [], self.trigger.next_after(self.begin)
        while instant is not None and instant <= min(now, self.end or now):
            found.append(instant)
            instant = self.trigger.next_after(instant)
        return found


@dataclass
class Plan:
    """What the test knows about a task, beside what the ledger says."""

    name: str
    stretches: list[Stretch]
    paused: list[tuple[datetime, datetime]] = field(default_factory=list)
    paused_since: datetime | None = None
    paused_until: datetime | None = None

    def end_pause(self, now: datetime) -> None:
        if self.paused_since is not None:
            self.paused.append((self.paused_since, min(now, self.paused_until or now)))
        self.paused_since = self.paused_until = None


triggers: st.SearchStrategy[Trigger] = st.one_of(
    st.sampled_from(["* * * * *", "*/7 * * * *", "13 */2 * * *", "0 9 * * 1-5", "30 2 * * *", "*/20 * * * * *"]).map(
        lambda text: CronTrigger(text, "Europe/Berlin")
    ),
    st.integers(1, 5000).map(lambda every: IntervalTrigger(every, START - timedelta(seconds=every // 3))),
    st.integers(1, 3 * DAY).map(lambda after: DateTrigger(START + timedelta(seconds=after))),
)
policies = st.builds(
    Policies,
    retry=st.builds(Retry, attempts=st.integers(1, 2), delay_seconds=st.sampled_from([0, 30])),
    misfire=st.builds(
        Misfire,
        policy=st.sampled_from(MisfirePolicy),
        grace_seconds=st.sampled_from([1, 60, 600]),
        window_seconds=st.sampled_from([0, 3600, DAY]),
        cap=st.sampled_from([1, 3, 40]),
    ),
    overlap=st.builds(Overlap, policy=st.sampled_from(OverlapPolicy), limit=st.integers(1, 3)),
    jitter_seconds=st.sampled_from([0, 20]),
)
which = st.integers(0, 2)
quiet_steps = st.one_of(
    st.tuples(st.just("go"), st.integers(1, 900)),
    st.tuples(st.just("sleep"), st.integers(1, 2 * DAY)),
    st.tuples(st.sampled_from(["pause", "resume", "hold", "release", "fail", "die"]), which),
    st.tuples(st.just("pause_until"), which, st.integers(1, DAY)),
)
edits = st.tuples(st.just("edit"), which, triggers)
jumps = st.tuples(st.just("jump"), st.integers(-5000, DAY))


class World:
    """A store whose nodes come and go, and what is known of its tasks."""

    def __init__(self, chosen: list[tuple[Trigger, Policies]]) -> None:
        self.node = ManualScheduler()
        self.clock = self.node.clock
        self.policies = [policy for _, policy in chosen]
        self.plans = [Plan(f"t{i}", [Stretch(trigger, START)]) for i, (trigger, _) in enumerate(chosen)]
        self.latest = START
        with self.node.store.transaction() as tx:
            for statement in WATCH:
                tx.connection.exec_driver_sql(statement)
        for plan, (trigger, policy) in zip(self.plans, chosen, strict=True):
            self.node.add(plan.name, trigger, policies=policy, late_ok=True)

    def do(self, step: tuple[Any, ...]) -> None:
        kind, *words = step
        getattr(self, f"_do_{kind}")(*words)
        self.latest = max(self.latest, self.clock.now())

    def _do_go(self, seconds: int) -> None:
        self.node.advance(timedelta(seconds=seconds), step=timedelta(seconds=max(seconds // 6, 1)))

    def _do_sleep(self, seconds: int) -> None:
        self.node.sleep_through(timedelta(seconds=seconds))

    def _do_jump(self, seconds: int) -> None:
        self.clock.jump(timedelta(seconds=seconds))

    def _do_pause(self, number: int) -> None:
        plan, now = self.plan(number), self.clock.now()
        plan.end_pause(now)
        plan.paused_since = now
        self.node.desk.pause(plan.name, by=Actor.of_code("ann"))

    def _do_pause_until(self, number: int, seconds: int) -> None:
        plan, now = self.plan(number), self.clock.now()
        plan.end_pause(now)
        plan.paused_since, plan.paused_until = now, now + timedelta(seconds=seconds)
        self.node.desk.pause(plan.name, by=Actor.of_code("ann"), until=plan.paused_until)

    def _do_resume(self, number: int) -> None:
        self.plan(number).end_pause(self.clock.now())
        self.node.desk.resume(self.plan(number).name, by=Actor.of_code("ann"))

    def _do_hold(self, _: int) -> None:
        self.node.launcher.holds = True

    def _do_release(self, _: int) -> None:
        self.node.launcher.holds = False
        for job in list(self.node.launcher.under_way.values()):
            self.node.launcher.end(job)
        self.node.run_due()

    def _do_fail(self, _: int) -> None:
        for job in list(self.node.launcher.under_way.values()):
            self.node.launcher.end(job, RunState.FAILED)
        self.node.run_due()

    def _do_die(self, _: int) -> None:
        self.node.die()
        self.node = ManualScheduler(self.node.store, clock=self.clock)
        self.node.sleep_through(timedelta(seconds=45))
        self.node.heartbeat.sweep()

    def _do_edit(self, number: int, trigger: Trigger) -> None:
        plan, now = self.plan(number), self.clock.now()
        if trigger == plan.stretches[-1].trigger or trigger.next_after(now) is None:
            return
        plan.stretches[-1].end = now
        plan.stretches.append(Stretch(trigger, now))
        self.node.add(plan.name, trigger, policies=self.policies[number % len(self.plans)])

    def plan(self, number: int) -> Plan:
        return self.plans[number % len(self.plans)]

    def finish(self) -> None:
        """Let time pass beyond everything that was, and all that waits be done."""
        self.node.clock.advance(max(self.latest - self.clock.now(), timedelta()) + timedelta(seconds=1))
        self.node.heartbeat.beat()
        self._do_release(0)
        self.node.run_due()


def accounted(world: World, plan: Plan) -> list[datetime]:
    """Return all instants of the ledger, long stretches spelled out by the trigger that they came from."""
    found = []
    for each in world.node.ledger(plan.name):
        if each.last_planned_at is None:
            found.append(each.planned_at)
            continue
        stretch = next(s for s in plan.stretches if s.end is None or each.last_planned_at <= s.end)
        inside = [at for at in stretch.instants(each.last_planned_at) if at >= each.planned_at]
        assert len(inside) == each.count
        found += inside
    return sorted(found)


def check(world: World) -> None:
    now = world.clock.now()
    for plan in world.plans:
        plan.end_pause(now)
        expected = sorted(at for stretch in plan.stretches for at in stretch.instants(now))
        settled = [at for at in accounted(world, plan) if at <= now]
        assert settled == expected
        runs = world.node.runs(plan.name, limit=100_000)
        planned = {run.id: run.planned_at for run in runs}
        assert len(set(planned.values())) == len(planned)
        named = {each.run_id: each.planned_at for each in world.node.ledger(plan.name) if each.run_id is not None}
        assert named == planned
        totals = world.node.totals(plan.name, START, now + timedelta(microseconds=1))
        assert sum(totals.values()) == len(expected)


def check_moves(world: World) -> None:
    """Every change of a run's state was one that the table of moves allows, attempts rose one by one."""
    with world.node.store.reading() as tx:
        moves = tx.connection.exec_driver_sql("SELECT run_id, old, new, attempt, next_attempt FROM moves").all()
    for _, old, new, attempt, next_attempt in moves:
        assert RunState(new) in RUN_MOVES[RunState(old)]
        assert next_attempt - attempt == (1 if new == RunState.CLAIMED else 0)


def check_pauses(world: World) -> None:
    """Nothing ran that fell due in a pause, and nothing counts as paused that did not."""
    for plan in world.plans:
        for each in world.node.ledger(plan.name):
            first, last = each.planned_at, each.last_planned_at or each.planned_at
            if each.run_id is not None:
                assert not any(begin < first < end for begin, end in plan.paused)
            elif each.reason is Reason.PAUSED:
                assert any(begin - GRACE <= first and last <= end for begin, end in plan.paused)


def is_early(run: Run) -> bool:
    return run.started_at is not None and run.planned_at is not None and run.started_at < run.planned_at


usual = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], print_blob=True)


@usual
@given(st.lists(st.tuples(triggers, policies), min_size=1, max_size=3), st.lists(st.one_of(quiet_steps, edits)))
def test_rp2_every_occurrence_has_exactly_one_outcome(
    chosen: list[tuple[Trigger, Policies]], steps: list[tuple[Any, ...]]
) -> None:
    world = World(chosen)
    for step in steps:
        note(f"{world.clock.now()} {step}")
        world.do(step)
    world.finish()
    check(world)
    check_moves(world)
    for plan in world.plans:
        for run in world.node.runs(plan.name, limit=100_000):
            assert not is_early(run)
    check_pauses(world)
    world.node.shut_down()


@usual
@given(st.lists(st.tuples(triggers, policies), min_size=1, max_size=3), st.lists(st.one_of(quiet_steps, jumps)))
def test_rp17_so_it_is_when_the_clock_jumps(
    chosen: list[tuple[Trigger, Policies]], steps: list[tuple[Any, ...]]
) -> None:
    world = World(chosen)
    for step in steps:
        note(f"{world.clock.now()} {step}")
        world.do(step)
    world.finish()
    check(world)
    check_moves(world)
    world.node.shut_down()
