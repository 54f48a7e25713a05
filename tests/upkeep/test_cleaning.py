"""Cleaning up: exactly what the rule says, in small steps, and never what is still needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from horarium.accounts.sessions import Device, Sessions
from horarium.errors import InvalidValue, StoreUnavailable
from horarium.records.people import Role, User
from horarium.runs.retention import FailureRule, FailureTrimmer
from horarium.store.port import Store
from horarium.upkeep import cleanup_error_logs, cleanup_expired_sessions
from tests.support.leftovers import run_count, runs_with_output, runs_with_traceback, write_run
from tests.support.people import START, TESTER, SetClock

OPEN = ("queued", "claimed", "running", "retrying")
QUICK = timedelta()


def with_failures(store: Store, count: int, *, task_id: int = 1, first: int = 1) -> None:
    """Write failed runs of one task, one a day, the newest today."""
    for number in range(count):
        ended = START - timedelta(days=count - 1 - number)
        write_run(store, first + number, task_id=task_id, state="failed", ended=ended)


def test_failures_go_by_age(store: Store, clock: SetClock) -> None:
    with_failures(store, 10)
    found = cleanup_error_logs(store=store, days=4, clock=clock)
    assert runs_with_output(store) == runs_with_traceback(store) == {6, 7, 8, 9, 10}
    assert found["looked_at"] == 10
    assert (found["trimmed"], found["pieces"], found["tracebacks"]) == (5, 10, 5)
    assert found["bytes"] > 0


def test_failures_go_by_count_for_each_task(store: Store, clock: SetClock) -> None:
    with_failures(store, 5, task_id=1)
    with_failures(store, 3, task_id=2, first=11)
    found = cleanup_error_logs(store=store, keep=2, clock=clock)
    assert runs_with_output(store) == {4, 5, 12, 13}
    assert found["trimmed"] == 4


def test_the_newest_failure_of_a_task_keeps_everything_however_old(store: Store, clock: SetClock) -> None:
    write_run(store, 1, task_id=1, state="timed_out", ended=START - timedelta(days=900))
    write_run(store, 2, task_id=1, state="interrupted", ended=START - timedelta(days=800))
    assert cleanup_error_logs(store=store, days=0, keep=1, clock=clock)["trimmed"] == 1
    assert runs_with_output(store) == {2}


@pytest.mark.parametrize("state", [*OPEN, "succeeded", "cancelled", "skipped"])
def test_r114_a_run_that_has_not_failed_is_never_trimmed(store: Store, clock: SetClock, state: str) -> None:
    old = START - timedelta(days=900)
    write_run(store, 1, task_id=1, state=state, ended=None if state in OPEN else old)
    write_run(store, 2, task_id=1, state="failed", ended=old)
    cleanup_error_logs(store=store, days=0, keep=1, clock=clock)
    assert runs_with_output(store) == runs_with_traceback(store) == {1, 2}


def test_r114_a_dry_run_counts_the_same_and_changes_nothing(store: Store, clock: SetClock) -> None:
    with_failures(store, 10)
    dry = cleanup_error_logs(store=store, days=4, clock=clock, dry_run=True)
    assert runs_with_output(store) == set(range(1, 11))
    wet = cleanup_error_logs(store=store, days=4, clock=clock)
    assert dry == {**wet, "dry_run": True}


def test_rp26_the_runs_and_their_messages_stay_and_a_second_time_finds_nothing(store: Store, clock: SetClock) -> None:
    with_failures(store, 6)
    cleanup_error_logs(store=store, days=2, clock=clock)
    assert run_count(store) == 6
    again = cleanup_error_logs(store=store, days=2, clock=clock)
    assert (again["trimmed"], again["pieces"], again["tracebacks"], again["bytes"]) == (0, 0, 0, 0)


def test_r114_the_work_is_cut_into_bounded_transactions(store: Store, clock: SetClock) -> None:
    with_failures(store, 9)
    steps: list[set[int]] = []
    rule = FailureRule(age=timedelta(days=0, hours=1), batch=2, rest=QUICK)
    FailureTrimmer(store, clock, rule).run(go_on=lambda: steps.append(runs_with_output(store)))
    sizes = [len(each) for each in steps]
    assert sizes == sorted(sizes, reverse=True)
    assert all(before - after <= 2 for before, after in pairwise(sizes))
    small = FailureRule(age=timedelta(hours=1), batch_bytes=1, rest=QUICK)
    with_failures(store, 3, task_id=7, first=21)
    calls: list[None] = []
    FailureTrimmer(store, clock, small).run(go_on=lambda: calls.append(None))
    assert len(calls) == 2


def test_rp26_what_was_killed_in_the_middle_is_finished_by_the_next_one(store: Store, clock: SetClock) -> None:
    with_failures(store, 8)
    rule = FailureRule(age=timedelta(days=1), batch=2, rest=QUICK)

    def die_at_the_third() -> None:
        if len(runs_with_output(store)) < 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FailureTrimmer(store, clock, rule).run(go_on=die_at_the_third)
    assert runs_with_output(store) == runs_with_traceback(store)
    FailureTrimmer(store, clock, rule).run()
    assert runs_with_output(store) == runs_with_traceback(store) == {7, 8}


def test_two_at_once_count_every_piece_once(store: Store, clock: SetClock) -> None:
    with_failures(store, 30)
    found: list[dict[str, int]] = []
    threads = [
        threading.Thread(target=lambda: found.append(cleanup_error_logs(store=store, days=3, clock=clock)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each["pieces"] for each in found) == 2 * 26
    assert runs_with_output(store) == {27, 28, 29, 30}


@pytest.mark.parametrize(("field", "value"), [("days", -1), ("days", True), ("keep", 0), ("keep", "all")])
def test_a_rule_that_means_nothing_is_refused(sqlite: Store, field: str, value: object) -> None:
    options: dict[str, object] = {field: value}
    with pytest.raises(InvalidValue, match=field):
        cleanup_error_logs(store=sqlite, **options)  # type: ignore[arg-type]


def test_expired_sessions_go_and_the_others_stay(
    store: Store, clock: SetClock, add_person: Callable[[str, Role], User]
) -> None:
    member, admin = add_person("mira", Role.USER), add_person("ada", Role.ADMIN)
    sessions = Sessions(store, clock)
    stale = sessions.start(member, Device(address="127.0.0.1", agent=""), actor=TESTER)
    clock.move(timedelta(hours=11))
    fresh = sessions.start(member, Device(address="127.0.0.1", agent=""), actor=TESTER)
    hers = sessions.start(admin, Device(address="127.0.0.1", agent=""), actor=TESTER)
    clock.move(timedelta(hours=2))
    assert cleanup_expired_sessions(store=store, clock=clock, dry_run=True) == {
        "ended": 2,
        "standing": 1,
        "dry_run": True,
    }
    assert cleanup_expired_sessions(store=store, clock=clock)["ended"] == 2
    assert cleanup_expired_sessions(store=store, clock=clock)["ended"] == 0
    assert sessions.find(fresh) is not None
    assert sessions.find(stale) is None
    assert sessions.find(hers) is None


def test_without_a_store_the_environment_says_where_and_nothing_is_made_up(
    sqlite: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    with pytest.raises(StoreUnavailable, match=r"horarium\.db"):
        cleanup_expired_sessions()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{sqlite.location}")
    assert cleanup_expired_sessions()["standing"] == 0
