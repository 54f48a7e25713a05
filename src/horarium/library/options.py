"""What may be said about a task in a program, turned into records: plain numbers and words in, policies out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, TypedDict

from horarium.errors import InvalidValue, nearest
from horarium.records.keeping import Keep
from horarium.records.policies import MAX_ATTEMPTS, MAX_CAP, MAX_PARALLEL, USUAL, Misfire, Overlap, Policies, Retry
from horarium.records.tasks import PerUser
from horarium.states import MisfirePolicy, OverlapPolicy

Seconds = float | timedelta


class TaskOptions(TypedDict, total=False):
    """Everything beside name, function and schedule.

    `retries` is how many more attempts follow a failed one, with `retry_delay` before the first of them, growing by
    `retry_factor`; `retry_jitter` is a share from 0 to 1; `retry_on` names the exceptions worth it. `timeout` ends an
    attempt (None: never). `misfire` is skip, last or all, within `misfire_window` and `misfire_cap`; `grace` is how
    late still counts as on time. `overlap` is skip, queue, replace or allow, up to `overlap_limit`. `isolation` is
    thread or process. `rerun_interrupted` is how many new attempts follow one that a crash cut off. `jitter` delays
    each start by up to that much. `keep_days`, `keep_failure_days` and `keep_output_days` are how many days runs,
    failed runs and their output are kept, `keep_runs` how many runs at most; else the installation says.
    `credentials` names those that the task's code may ask for. `per_user` makes it a task that is there once for each
    person.
    """

    args: Iterable[Any]
    kwargs: Mapping[str, Any] | None
    tags: Iterable[str]
    description: str
    credentials: Iterable[str]
    isolation: str
    retries: int
    retry_delay: Seconds
    retry_factor: float
    retry_max_delay: Seconds
    retry_jitter: float
    retry_on: Iterable[type[BaseException] | str] | type[BaseException] | str
    timeout: Seconds | None
    misfire: str
    misfire_window: Seconds
    misfire_cap: int
    grace: Seconds
    overlap: str
    overlap_limit: int
    rerun_interrupted: int
    jitter: Seconds
    keep_days: float | None
    keep_failure_days: float | None
    keep_output_days: float | None
    keep_runs: int | None
    per_user: PerUser | None


_POLICY_NAMES = frozenset(TaskOptions.__optional_keys__) - {
    *("args", "kwargs", "tags", "description", "credentials", "isolation", "per_user")
}
# The fields of the records by the options that they come from: people are told what they wrote.
_OPTIONS = {
    "retries.delay_seconds": "retry_delay",
    "retries.factor": "retry_factor",
    "retries.max_delay_seconds": "retry_max_delay",
    "retries.jitter": "retry_jitter",
    "misfire.grace_seconds": "grace",
    "misfire.window_seconds": "misfire_window",
    "timeout_seconds": "timeout",
    "jitter_seconds": "jitter",
    "keep.days": "keep_days",
    "keep.failure_days": "keep_failure_days",
    "keep.output_days": "keep_output_days",
    "keep.runs": "keep_runs",
}


def check_names(options: Mapping[str, Any]) -> None:
    """Refuse an option that does not exist, naming the nearest one that does. Raises `InvalidValue`."""
    for name in options.keys() - TaskOptions.__optional_keys__:
        near = nearest(name, TaskOptions.__optional_keys__)
        hint = f"there is none of this name; did you mean {' or '.join(near)}?" if near else f"use one of {_NAMES}"
        raise InvalidValue("option", name, hint)


def texts_of(field: str, given: Iterable[str]) -> tuple[str, ...]:
    """Return several texts. Raises `InvalidValue` for a single one, whose letters would be taken for several."""
    texts = () if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
    if (not texts and given) or any(not isinstance(each, str) for each in texts):
        raise InvalidValue(field, given, "use a list of texts")
    return texts


def per_user_of(given: PerUser | None) -> PerUser | None:
    """Return how a task is there for each person, None for one that is not. Raises `InvalidValue`."""
    if given is not None and not isinstance(given, PerUser):
        raise InvalidValue("per_user", given, "use PerUser(...), naming settings")
    return given


def text_of(field: str, given: str) -> str:
    """Return a text. Raises `InvalidValue`."""
    if not isinstance(given, str):
        raise InvalidValue(field, given, "use a text")
    return given


def count_of(field: str, value: Any, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`. Raises `InvalidValue`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidValue(field, value, f"use a whole number from {low} to {high}")
    return value


def policies_of(options: TaskOptions) -> Policies:
    """Turn options into policies. Raises `InvalidValue`, naming the option."""
    if not _POLICY_NAMES & options.keys():
        return USUAL
    try:
        return _policies(options)
    except InvalidValue as error:
        raise InvalidValue(_OPTIONS.get(error.field, error.field), error.value, error.allowed) from None


def _policies(options: TaskOptions) -> Policies:
    usual = USUAL
    retry = Retry(
        attempts=1 + count_of("retries", options.get("retries", 0), 0, MAX_ATTEMPTS - 1),
        delay_seconds=seconds_of("retry_delay", options.get("retry_delay", usual.retry.delay_seconds)),
        factor=options.get("retry_factor", usual.retry.factor),
        max_delay_seconds=seconds_of("retry_max_delay", options.get("retry_max_delay", usual.retry.max_delay_seconds)),
        jitter=options.get("retry_jitter", usual.retry.jitter),
        on=_exception_names(options.get("retry_on", ())),
    )
    misfire = Misfire(
        policy=one_of("misfire", options.get("misfire", usual.misfire.policy), MisfirePolicy),
        grace_seconds=seconds_of("grace", options.get("grace", usual.misfire.grace_seconds)),
        window_seconds=seconds_of("misfire_window", options.get("misfire_window", usual.misfire.window_seconds)),
        cap=count_of("misfire_cap", options.get("misfire_cap", usual.misfire.cap), 1, MAX_CAP),
    )
    overlap = Overlap(
        policy=one_of("overlap", options.get("overlap", usual.overlap.policy), OverlapPolicy),
        limit=count_of("overlap_limit", options.get("overlap_limit", usual.overlap.limit), 1, MAX_PARALLEL),
    )
    timeout = options.get("timeout", usual.timeout_seconds)
    reruns = options.get("rerun_interrupted", usual.rerun_interrupted)
    return Policies(
        retry=retry,
        misfire=misfire,
        overlap=overlap,
        timeout_seconds=None if timeout is None else seconds_of("timeout", timeout),
        rerun_interrupted=count_of("rerun_interrupted", reruns, 0, MAX_ATTEMPTS),
        jitter_seconds=seconds_of("jitter", options.get("jitter", 0.0)),
        keep=Keep(
            days=options.get("keep_days"),
            failure_days=options.get("keep_failure_days"),
            runs=options.get("keep_runs"),
            output_days=options.get("keep_output_days"),
        ),
    )


def seconds_of(field: str, value: Seconds) -> float:
    """Turn a timedelta or a number of seconds into seconds. Raises `InvalidValue`."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue(field, value, "use a number of seconds or a timedelta")
    return float(value)


def one_of(field: str, value: str, kind: Any) -> Any:
    """Return the member of an enumeration of words. Raises `InvalidValue`, naming them all."""
    try:
        return kind(value)
    except ValueError:
        raise InvalidValue(field, value, f"use one of {', '.join(each.value for each in kind)}") from None


def _exception_names(given: Any) -> tuple[str, ...]:
    several = given if isinstance(given, list | tuple | set | frozenset) else (given,)
    return tuple(_exception_name(each) for each in several)


def _exception_name(each: Any) -> str:
    if isinstance(each, str) and all(part.isidentifier() for part in each.split(".")):
        return each
    if not (isinstance(each, type) and issubclass(each, BaseException)):
        raise InvalidValue("retry_on", each, "use exception classes, or their names")
    return each.__qualname__ if each.__module__ == "builtins" else f"{each.__module__}.{each.__qualname__}"


_NAMES = ", ".join(sorted(TaskOptions.__optional_keys__))
