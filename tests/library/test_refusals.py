"""What means nothing is refused where it is said, with its name, what was given and what is allowed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from horarium import HorariumError, InvalidSchedule, InvalidValue, TaskNotFound, TaskScheduler

AHEAD = datetime(2200, 1, 1, tzinfo=UTC)


def work() -> None:
    """Do nothing."""


OPTIONS: list[tuple[str, Any]] = [
    ("args", "abc"),
    ("args", 5),
    ("args", [object()]),
    ("kwargs", [1]),
    ("kwargs", {1: 2}),
    ("kwargs", {"x": float("nan")}),
    ("tags", "reports"),
    ("tags", [5]),
    ("tags", 5),
    ("description", None),
    ("credentials", "smtp"),
    ("credentials", ["no/slash"]),
    ("isolation", "fiber"),
    ("retries", -1),
    ("retries", 100),
    ("retries", 1.5),
    ("retries", True),
    ("retry_delay", "soon"),
    ("retry_delay", timedelta(days=31)),
    ("retry_factor", 0.5),
    ("retry_max_delay", -1),
    ("retry_jitter", 7),
    ("retry_on", ValueError()),
    ("retry_on", [object]),
    ("retry_on", ["not a name"]),
    ("timeout", 0),
    ("timeout", "5"),
    ("timeout", float("nan")),
    ("misfire", "never"),
    ("misfire_window", -1),
    ("misfire_cap", 0),
    ("misfire_cap", 1.5),
    ("grace", 0),
    ("overlap", None),
    ("overlap_limit", 0),
    ("overlap_limit", 1.5),
    ("rerun_interrupted", -1),
    ("jitter", 100_000),
]


@pytest.mark.parametrize(("option", "value"), OPTIONS)
def test_an_option_that_means_nothing_is_refused_by_its_name(
    scheduler: TaskScheduler, option: str, value: object
) -> None:
    options: dict[str, Any] = {option: value}
    with pytest.raises(InvalidValue) as refused:
        scheduler.add_cron_task("job", work, "0 * * * *", **options)
    assert refused.value.field == option
    assert refused.value.allowed.startswith(("use ", "give "))
    assert scheduler.get_all_tasks() == []


@pytest.mark.parametrize(
    ("unknown", "near"), [("retry", "retries"), ("time_out", "timeout"), ("max_instances", "timeout, tags")]
)
def test_an_option_that_does_not_exist_is_refused_with_the_nearest(
    scheduler: TaskScheduler, unknown: str, near: str
) -> None:
    options: dict[str, Any] = {unknown: 3}
    with pytest.raises(InvalidValue, match=unknown) as refused:
        scheduler.add_task("job", work, **options)
    assert near.split(", ", maxsplit=1)[0] in refused.value.allowed


@pytest.mark.parametrize("name", ["", " ", " job", "a\nb", "x" * 201, None, 5])
def test_a_name_that_cannot_be_kept_is_refused(scheduler: TaskScheduler, name: Any) -> None:
    with pytest.raises(InvalidValue) as refused:
        scheduler.add_task(name, work)
    assert refused.value.field == "name"


@pytest.mark.parametrize("function", [None, 5, "no_colon", "pkg:", ":f", "pkg:a b", "pkg..a:f"])
def test_what_cannot_be_called_is_refused(scheduler: TaskScheduler, function: Any) -> None:
    with pytest.raises(InvalidValue) as refused:
        scheduler.add_task("job", function)
    assert refused.value.field == "function"


@pytest.mark.parametrize("expression", ["61 * * * *", "", "* * *", "0 0 31 2 *", None, 5, "@reboot"])
def test_a_schedule_that_means_nothing_is_refused(scheduler: TaskScheduler, expression: Any) -> None:
    with pytest.raises(InvalidSchedule):
        scheduler.add_cron_task("job", work, expression)
    with pytest.raises(InvalidSchedule):
        scheduler.cron(expression)


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", 5])
def test_an_unknown_zone_is_refused(scheduler: TaskScheduler, tmp_path: Path, zone: Any) -> None:
    with pytest.raises(InvalidSchedule, match="IANA"):
        scheduler.add_cron_task("job", work, "0 * * * *", timezone=zone)
    with pytest.raises(InvalidSchedule, match="IANA"):
        TaskScheduler(tmp_path / "other.db", timezone=zone)
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("seconds", [0, None, 0.5, -3, float("nan"), float("inf"), 1e18, timedelta()])
def test_an_interval_of_nothing_or_without_end_is_refused(scheduler: TaskScheduler, seconds: Any) -> None:
    with pytest.raises(InvalidSchedule, match="at least 1 second"):
        scheduler.add_interval_task("job", work, seconds)
    with pytest.raises(InvalidSchedule, match="at least 1 second"):
        scheduler.every(seconds)


@pytest.mark.parametrize("parts", [{"minutes": "5"}, {"hours": timedelta(1)}, {"seconds": "5"}])
def test_parts_of_an_interval_are_numbers(scheduler: TaskScheduler, parts: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as refused:
        scheduler.add_interval_task("job", work, **parts)
    assert refused.value.field in parts


@pytest.mark.parametrize("when", [datetime(2200, 1, 1), "2200-01-01", date(2200, 1, 1), None])  # noqa: DTZ001
def test_a_date_needs_a_zone(scheduler: TaskScheduler, when: Any) -> None:
    with pytest.raises(InvalidSchedule, match="with a time zone"):
        scheduler.add_date_task("job", work, when)


def test_a_date_in_the_past_is_refused_unless_it_may_run_late(scheduler: TaskScheduler) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(InvalidSchedule, match="2020-01-01"):
        scheduler.add_date_task("job", work, past)
    assert scheduler.add_date_task("job", work, past, run_if_late=True).next_at == past


@pytest.mark.parametrize(
    "call",
    [
        TaskScheduler.remove_task,
        TaskScheduler.pause_task,
        TaskScheduler.resume_task,
        TaskScheduler.trigger_task_now,
        TaskScheduler.get_task_status,
        TaskScheduler.get_task_history,
    ],
)
def test_an_unknown_task_is_named(scheduler: TaskScheduler, call: Callable[..., object]) -> None:
    with pytest.raises(TaskNotFound, match="no task 'nobody'"):
        call(scheduler, "nobody")


def test_other_values_are_looked_at_too(scheduler: TaskScheduler, tmp_path: Path) -> None:
    scheduler.add_task("job", work)
    for refused in (
        lambda: scheduler.get_task_history("job", limit=-1),
        lambda: scheduler.pause_task("job", until=datetime(2200, 1, 1)),  # noqa: DTZ001
        lambda: scheduler.pause_task("job", until=datetime(2020, 1, 1, tzinfo=UTC)),
        lambda: scheduler.trigger_task_now("job", value=object()),
        lambda: scheduler.stop(grace="long"),  # type: ignore[arg-type]
        lambda: TaskScheduler(tmp_path / "other.db", max_workers=0),
        lambda: TaskScheduler(5),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidValue):
            refused()
    assert not scheduler.get_task_status("job")["paused"]


def test_a_function_for_another_process_must_be_importable(scheduler: TaskScheduler) -> None:
    functions: list[Callable[..., None]] = [lambda: None, functools.partial(work), list[int]().append]
    for function in functions:
        with pytest.raises(InvalidValue, match="another process must be able to import it"):
            scheduler.add_task("job", function, isolation="process")


def test_a_decorator_without_its_brackets_is_refused(scheduler: TaskScheduler) -> None:
    with pytest.raises(HorariumError):
        scheduler.every(work)  # type: ignore[arg-type]
    with pytest.raises(HorariumError):
        scheduler.cron(work)  # type: ignore[arg-type]


@pytest.mark.parametrize("function", [lambda: None, functools.partial(work)])
def test_a_decorated_function_without_a_name_wants_one(scheduler: TaskScheduler, function: Callable[[], None]) -> None:
    with pytest.raises(InvalidValue, match="give the task a name"):
        scheduler.every(minutes=5)(function)
    assert scheduler.every(minutes=5, name="job")(function) is function
