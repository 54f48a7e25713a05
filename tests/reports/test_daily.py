"""Figures equal a recount: whenever runs end, whatever is deleted, and whoever is killed while counting."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from horarium.clock import to_micros
from horarium.errors import InvalidValue
from horarium.records.figures import DAY, ERROR, QUARTER, Spread
from horarium.reports.daily import Bookkeeper, CountingRule
from horarium.states import Reason
from horarium.store.books.tally import TallyBook
from horarium.store.port import Store
from horarium.store.tables.figures import quarter_figures
from horarium.upkeep import aggregate_daily_stats
from tests.reports.model import SECOND, Model
from tests.support.people import START, SetClock

TODAY = to_micros(START) // DAY * DAY
QUICK = CountingRule(batch=7, rest=timedelta())
PERIODS = [
    (TODAY - DAY, TODAY),
    (TODAY - DAY - 22 * QUARTER, TODAY - 22 * QUARTER),
    (TODAY - 7 * DAY, TODAY + DAY),
    (TODAY, TODAY + DAY),
    (TODAY - 3 * QUARTER, TODAY + 5 * QUARTER),
]


def agrees(model: Model) -> None:
    """Check that the figures of every period equal a recount."""
    for start, end in PERIODS:
        assert model.figures(start, end) == model.recount(start, end)


def with_runs(store: Store, many: int) -> Model:
    """Give a model with runs over three days, three in a row alike; every seventh failed, every ninth is open."""
    model = Model(store)
    for place in range(many):
        state = "failed" if place % 7 == 6 else "running" if place % 9 == 8 else "succeeded"
        made_at = TODAY - 2 * DAY + place * (3 * DAY // many)
        model.add(1 + place % 4, made_at, state, attempt=1 + (place % 5 == 4), took=place * SECOND)
    return model


def test_rp26_figures_equal_a_recount_before_and_after_they_are_rolled_up(store: Store, clock: SetClock) -> None:
    model = with_runs(store, 60)
    for place in range(9):
        model.skip(1, TODAY - DAY + place * 7 * QUARTER, Reason.OVERLAP.value, decided_at=clock.micros() - DAY)
    model.skip(2, TODAY - 2 * DAY, Reason.MISSED.value, decided_at=clock.micros() - SECOND * 1000, many=300)
    agrees(model)
    found = Bookkeeper(store, clock, QUICK).run()
    made = [each.state for each in model.runs.values() if each.made_at <= clock.micros()]
    assert (found.runs, found.uncounted) == (len(made), made.count("running"))
    assert found.skipped == 309
    agrees(model)


def test_rp26_a_run_that_ends_after_its_day_was_rolled_up_counts_as_it_ended(store: Store, clock: SetClock) -> None:
    model = Model(store)
    slow = model.add(1, TODAY - DAY, "running")
    stopped = model.add(1, TODAY - DAY + SECOND, "queued")
    model.add(1, TODAY - DAY + 2 * SECOND, "succeeded")
    assert aggregate_daily_stats(store=store, clock=clock)["open"] == 2
    agrees(model)
    model.end(slow, "timed_out", took=90_000 * SECOND)
    agrees(model)
    clock.move(timedelta(days=2))
    assert aggregate_daily_stats(store=store, clock=clock)["ended_late"] == 1
    model.end(stopped, "cancelled", took=0)
    agrees(model)
    again = aggregate_daily_stats(store=store, clock=clock)
    assert again == {"runs": 0, "ended_late": 1, "skipped": 0, "open": 0, "dry_run": False}
    agrees(model)


def test_rp26_what_retention_removes_stays_in_the_figures(store: Store, clock: SetClock) -> None:
    model = with_runs(store, 40)
    clock.move(timedelta(days=2))
    assert model.delete_counted() == 0
    aggregate_daily_stats(store=store, clock=clock)
    open_ones = sum(each.state == "running" for each in model.runs.values())
    assert model.delete_counted() == 40 - open_ones
    agrees(model)
    for number in [each.number for each in model.runs.values() if each.state == "running"]:
        model.end(number, "interrupted", took=SECOND)
    agrees(model)
    aggregate_daily_stats(store=store, clock=clock)
    assert model.delete_counted() == open_ones
    agrees(model)


def test_rp26_a_time_that_is_decided_about_long_after_its_day_is_counted_there(store: Store, clock: SetClock) -> None:
    model = Model(store)
    aggregate_daily_stats(store=store, clock=clock)
    clock.move(timedelta(days=1))
    model.skip(3, TODAY - DAY, Reason.WINDOW.value, decided_at=clock.micros())
    agrees(model)
    clock.move(timedelta(hours=1))
    assert aggregate_daily_stats(store=store, clock=clock)["skipped"] == 1
    agrees(model)


def test_rp26_what_was_killed_in_the_middle_is_finished_by_the_next_one(store: Store, clock: SetClock) -> None:
    model = with_runs(store, 60)
    for steps in range(12):
        left = [steps]

        def die(left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            Bookkeeper(store, clock, QUICK).run(go_on=die)
        agrees(model)
    Bookkeeper(store, clock, QUICK).run()
    agrees(model)


def test_rp26_two_at_once_count_everything_once(store: Store, clock: SetClock) -> None:
    model = with_runs(store, 90)
    clock.move(timedelta(days=1))
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(Bookkeeper(store, clock, QUICK).run().runs)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == 90
    agrees(model)


def test_r114_the_work_is_cut_into_bounded_transactions(store: Store, clock: SetClock) -> None:
    with_runs(store, 60)
    clock.move(timedelta(days=1))
    calls: list[None] = []
    Bookkeeper(store, clock, QUICK).run(go_on=lambda: calls.append(None))
    assert len(calls) >= 60 // 7


def test_r114_a_dry_run_counts_the_same_and_changes_nothing(store: Store, clock: SetClock) -> None:
    model = with_runs(store, 30)
    model.skip(1, TODAY - DAY, Reason.PAUSED.value, decided_at=TODAY - DAY)
    dry = aggregate_daily_stats(store=store, clock=clock, dry_run=True)
    assert model.delete_counted() == 0
    wet = aggregate_daily_stats(store=store, clock=clock)
    assert dry == {**wet, "open": 0, "dry_run": True}
    assert wet["runs"] > 0


def test_days_long_ago_are_kept_as_days(store: Store, clock: SetClock) -> None:
    model = with_runs(store, 40)
    for run in [each for each in model.runs.values() if each.state == "running"]:
        model.end(run.number, "failed", took=SECOND)
    aggregate_daily_stats(store=store, clock=clock)
    clock.move(timedelta(days=200))
    aggregate_daily_stats(store=store, clock=clock)
    model.delete_counted()
    for ago in range(3):
        start = TODAY - ago * DAY
        assert model.figures(start, start + DAY) == model.recount(start, start + DAY)
        # A day in another zone is then the nearest day of UTC.
        assert model.figures(start - 8 * QUARTER, start + DAY - 8 * QUARTER) == model.recount(start, start + DAY)
        with store.reading() as tx:
            kept = TallyBook(tx).runs(start, start + DAY)
        assert sum(each.many for each in kept) == sum(each[0] for each in model.recount(start, start + DAY).values())


def test_of_days_long_ago_nothing_is_written_by_the_quarter_of_an_hour(store: Store, clock: SetClock) -> None:
    model = with_runs(store, 40)
    model.skip(1, TODAY - DAY, Reason.OVERLAP.value, decided_at=clock.micros())
    clock.move(timedelta(days=150))
    model.add(1, to_micros(clock.now()) - DAY, "succeeded")

    def quarters() -> list[int]:
        with store.reading() as tx:
            return list(tx.execute(select(quarter_figures.c.at).where(quarter_figures.c.task_id != 0)).scalars())

    seen: list[int] = []
    Bookkeeper(store, clock, QUICK).run(go_on=lambda: seen.extend(quarters()))
    assert set(seen) | set(quarters()) == {(to_micros(clock.now()) - DAY) // QUARTER * QUARTER}
    open_one = next(each for each in model.runs.values() if each.state == "running")
    model.end(open_one.number, "failed", took=SECOND)
    Bookkeeper(store, clock, QUICK).run()
    assert len(quarters()) == 1
    for start in (TODAY - 2 * DAY, TODAY - DAY, TODAY):
        assert model.figures(start, start + DAY) == model.recount(start, start + DAY)


@pytest.mark.parametrize("value", [63, True, 36_501, "all"])
def test_a_rule_that_would_leave_too_little_is_refused(sqlite: Store, value: object) -> None:
    with pytest.raises(InvalidValue, match="keep_quarters"):
        aggregate_daily_stats(store=sqlite, keep_quarters=value)  # type: ignore[arg-type]


STATES = st.sampled_from(["succeeded", "failed", "timed_out", "cancelled", "skipped", "running", "queued"])
ENDS = st.sampled_from(["succeeded", "failed", "interrupted", "cancelled"])
WHEN = st.integers(-3 * DAY, DAY // 2)
LENGTH = st.one_of(st.integers(0, 5000), st.integers(0, 90_000 * SECOND))
STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 3), WHEN, STATES, st.integers(1, 2), LENGTH, LENGTH),
    st.tuples(st.just("end"), st.integers(0, 50), ENDS, LENGTH),
    st.tuples(st.just("skip"), st.integers(1, 3), WHEN, st.sampled_from(Reason), st.integers(1, 3)),
    st.tuples(st.just("roll"), st.integers(1, 20)),
    st.tuples(st.just("delete")),
    st.tuples(st.just("wait"), st.integers(1, 40)),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=25))
def test_rp26_figures_equal_a_recount_whatever_happens_in_between(store: Store, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    model, clock = Model(store), SetClock()
    model.wipe()
    for kind, *rest in steps:
        match kind:
            case "add":
                task_id, when, state, attempt, late, took = rest
                model.add(task_id, TODAY + when, state, attempt=attempt, late=late, took=took)
            case "end":
                place, state, took = rest
                still = [each.number for each in model.runs.values() if each.state in {"running", "queued"}]
                if still:
                    model.end(still[place % len(still)], state, took=took)
            case "skip":
                task_id, when, reason, many = rest
                model.skip(task_id, TODAY + when, reason.value, decided_at=clock.micros(), many=many)
            case "roll":
                Bookkeeper(store, clock, CountingRule(batch=rest[0], rest=timedelta())).run()
            case "delete":
                model.delete_counted()
            case "wait":
                clock.move(timedelta(minutes=15 * rest[0]))
    agrees(model)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200), st.sampled_from([1, 50, 90, 95, 100]))
def test_percentiles_are_within_the_bound_that_is_stated(lengths: list[int], percent: int) -> None:
    spread = Spread.of(lengths[:50])
    spread.merge(Spread.of(lengths[50:]))
    true = sorted(lengths)[-(-len(lengths) * percent // 100) - 1]
    found = spread.percentile(percent)
    assert found is not None
    assert abs(found - true) <= max(true * ERROR, 500)
    again = Spread.from_text(spread.sum, spread.most, spread.to_text())
    assert again == spread
    assert (spread.sum, spread.most, spread.many) == (sum(lengths), max(lengths), len(lengths))
