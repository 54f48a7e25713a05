"""The course of a run as spans: ids that come out the same, waits that show, nothing that a person typed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from horarium.records.traces import TracedAttempt, TracedRun
from horarium.states import FINAL_STATES, RunState, TriggeredBy
from horarium.traces.course import OTHER_ERROR, Course, course_of

SECOND = 1_000_000
RUN = TracedRun(
    id=7,
    task_id=3,
    task_name="nightly",
    state=RunState.SUCCEEDED,
    triggered_by=TriggeredBy.SCHEDULE,
    planned_at=1000 * SECOND,
    created_at=999 * SECOND,
    started_at=1002 * SECOND,
    finished_at=1010 * SECOND,
    node="one",
    project="shop",
    attempts=(TracedAttempt(1, RunState.SUCCEEDED, 1002 * SECOND, 1010 * SECOND, "one"),),
)


def spans(course: Course) -> list[tuple[str, int, int]]:
    """Return the names and seconds of what is below the run."""
    return [(each.name, each.started_at // SECOND, each.finished_at // SECOND) for each in course.below]


def test_a_run_goes_from_its_planned_instant_to_its_end_and_shows_its_wait() -> None:
    course = course_of(RUN, "here")
    assert (course.root.name, course.root.started_at, course.root.finished_at) == (
        "nightly",
        1000 * SECOND,
        1010 * SECOND,
    )
    assert spans(course) == [("wait", 1000, 1002), ("attempt 1", 1002, 1010)]
    assert course.root.attributes == {
        "horarium.task.id": 3,
        "horarium.task.name": "nightly",
        "horarium.project": "shop",
        "horarium.run.id": 7,
        "horarium.run.trigger": "schedule",
        "horarium.run.planned_at": "1970-01-01T00:16:40+00:00",
        "horarium.run.lateness_ms": 2000,
        "horarium.run.attempts": 1,
        "horarium.run.outcome": "succeeded",
        "horarium.node": "one",
    }


def test_ids_are_the_same_each_time_and_others_for_any_other_run_or_installation() -> None:
    first, again = course_of(RUN, "here"), course_of(RUN, "here")
    assert first == again
    ids = [first.root.id, *(each.id for each in first.below)]
    assert len(set(ids)) == len(ids)
    # A number that comes again after a backup was restored belongs to a run that was made at another moment.
    others = [course_of(replace(RUN, id=8), "here"), course_of(replace(RUN, created_at=5), "here")]
    others.append(course_of(RUN, "elsewhere"))
    assert len({each.trace_id for each in (first, *others)}) == 4
    assert 0 < first.trace_id < 1 << 128
    assert 0 < first.root.id < 1 << 64


def test_each_attempt_has_its_wait_and_its_own_outcome() -> None:
    attempts = (
        TracedAttempt(1, RunState.FAILED, 1000 * SECOND, 1001 * SECOND, "one", "shop.Broken", 3),
        TracedAttempt(2, RunState.SUCCEEDED, 1061 * SECOND, 1063 * SECOND, "two"),
    )
    course = course_of(replace(RUN, attempts=attempts, finished_at=1063 * SECOND, error_type="shop.Broken"), "here")
    assert spans(course) == [
        *(("wait", 1000, 1000), ("attempt 1", 1000, 1001), ("wait", 1001, 1061), ("attempt 2", 1061, 1063)),
    ]
    failed, succeeded = course.below[1], course.below[3]
    assert (failed.is_bad, succeeded.is_bad, course.root.is_bad) == (True, False, False)
    assert failed.attributes["error.type"] == "shop.Broken"
    assert failed.attributes["process.exit.code"] == 3
    assert succeeded.attributes["horarium.node"] == "two"
    assert "error.type" not in course.root.attributes


def test_a_run_that_never_began_is_a_wait_and_nothing_else() -> None:
    course = course_of(
        replace(RUN, attempts=(), started_at=None, state=RunState.SKIPPED, reason="removed", node=""), "here"
    )
    assert spans(course) == [("wait", 1000, 1010)]
    assert course.root.attributes["horarium.run.reason"] == "removed"
    assert {"horarium.node", "horarium.run.lateness_ms"}.isdisjoint(course.root.attributes)
    assert not course.root.is_bad


def test_one_that_was_cancelled_between_two_attempts_shows_that_it_waited() -> None:
    attempts = (TracedAttempt(1, RunState.FAILED, 1002 * SECOND, 1003 * SECOND),)
    course = course_of(replace(RUN, attempts=attempts, state=RunState.CANCELLED), "here")
    assert spans(course)[2:] == [("wait", 1003, 1010)]


def test_a_run_that_somebody_asked_for_begins_when_it_was_made() -> None:
    course = course_of(replace(RUN, planned_at=None, triggered_by=TriggeredBy.MANUAL), "here")
    assert spans(course)[0] == ("wait", 999, 1002)
    assert {"horarium.run.planned_at", "horarium.run.lateness_ms"}.isdisjoint(course.root.attributes)


def test_no_span_ends_before_it_began_whatever_a_clock_did_meanwhile() -> None:
    attempts = (
        TracedAttempt(1, RunState.FAILED, 990 * SECOND, 980 * SECOND),
        TracedAttempt(2, RunState.INTERRUPTED, 970 * SECOND, None),
    )
    course = course_of(replace(RUN, attempts=attempts, started_at=990 * SECOND, finished_at=960 * SECOND), "here")
    assert all(each.started_at <= each.finished_at for each in (course.root, *course.below))
    assert min(each.started_at for each in course.below) >= course.root.started_at


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_failures_and_only_they_are_marked(state: RunState) -> None:
    bad = {RunState.FAILED, RunState.TIMED_OUT, RunState.INTERRUPTED}
    assert course_of(replace(RUN, state=state), "here").root.is_bad is (state in bad)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("ValueError", "ValueError"),
        ("shop.jobs.make.<locals>.Broken", "shop.jobs.make.<locals>.Broken"),
        ("password=hunter2", OTHER_ERROR),
        ("the key is 123", OTHER_ERROR),
    ],
)
def test_the_kind_of_an_error_is_told_where_it_is_the_name_of_a_class(kind: str, told: str) -> None:
    course = course_of(replace(RUN, state=RunState.FAILED, error_type=kind), "here")
    assert course.root.attributes["error.type"] == told
