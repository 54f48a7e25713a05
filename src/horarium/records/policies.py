"""How a task is to be run: retries, time limit, what to do when runs were missed or overlap."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from horarium.errors import InvalidValue
from horarium.records.keeping import Keep
from horarium.states import MisfirePolicy, OverlapPolicy

MAX_ATTEMPTS = 100
MAX_PARALLEL = 1000
MAX_CAP = 10_000
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how soon a run is tried again after an attempt that did not succeed.

    `attempts` counts the first one too. The pause before attempt n+1 is `delay_seconds * factor ** (n - 1)`, at most
    `max_delay_seconds`, made longer by a random share of up to `jitter`. `on` names the exception classes (bare or
    dotted, a base class counts) that are worth another attempt; empty means all of them.
    """

    attempts: int = 1
    delay_seconds: float = 60.0
    factor: float = 2.0
    max_delay_seconds: float = 3600.0
    jitter: float = 0.1
    on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values that make no sense, raising `InvalidValue`."""
        _within("retries.attempts", self.attempts, 1, MAX_ATTEMPTS)
        _within("retries.delay_seconds", self.delay_seconds, 0, 30 * DAY_SECONDS)
        _within("retries.factor", self.factor, 1, 100)
        _within("retries.max_delay_seconds", self.max_delay_seconds, 0, 30 * DAY_SECONDS)
        _within("retries.jitter", self.jitter, 0, 1)

    def pause_seconds(self, attempt: int, share: float) -> float:
        """Return the pause after `attempt` (from 1); `share` from 0 to 1 picks the place inside the jitter."""
        # Growth is cut before it is computed: 100 ** 99 would not fit a float.
        exponent = min(attempt - 1, 64)
        base = min(self.delay_seconds * self.factor**exponent, self.max_delay_seconds)
        return base * (1 + self.jitter * share)


@dataclass(frozen=True, slots=True)
class Misfire:
    """What happens to occurrences missed while nobody was there.

    `grace_seconds` is how late a start may be and still count as on time; `window_seconds` is how far back `all`
    reaches; `cap` is how many `all` takes at most.
    """

    policy: MisfirePolicy = MisfirePolicy.LAST
    grace_seconds: float = 60.0
    window_seconds: float = DAY_SECONDS
    cap: int = 100

    def __post_init__(self) -> None:
        """Refuse values that make no sense, raising `InvalidValue`."""
        _within("misfire.grace_seconds", self.grace_seconds, 1, 30 * DAY_SECONDS)
        _within("misfire.window_seconds", self.window_seconds, 0, 366 * DAY_SECONDS)
        _within("misfire.cap", self.cap, 1, MAX_CAP)


@dataclass(frozen=True, slots=True)
class Overlap:
    """What happens when the previous run is still going; `limit` is the N of "allow up to N" (and of queued ones)."""

    policy: OverlapPolicy = OverlapPolicy.SKIP
    limit: int = 1

    def __post_init__(self) -> None:
        """Refuse values that make no sense, raising `InvalidValue`."""
        _within("overlap.limit", self.limit, 1, MAX_PARALLEL)


@dataclass(frozen=True, slots=True)
class Policies:
    """Everything about how a task runs, beside what and when.

    `timeout_seconds` ends an attempt (None: never); `rerun_interrupted` is how many new attempts follow an attempt
    that was cut off by a crash; `jitter_seconds` delays each start by up to this much without moving its planned
    instant. `keep` says how long its runs and their output are kept.
    """

    retry: Retry = field(default_factory=Retry)
    misfire: Misfire = field(default_factory=Misfire)
    overlap: Overlap = field(default_factory=Overlap)
    timeout_seconds: float | None = 3600.0
    rerun_interrupted: int = 1
    jitter_seconds: float = 0.0
    keep: Keep = field(default_factory=Keep)

    def __post_init__(self) -> None:
        """Refuse values that make no sense, raising `InvalidValue`."""
        if self.timeout_seconds is not None:
            _within("timeout_seconds", self.timeout_seconds, 0.01, 366 * DAY_SECONDS)
        _within("rerun_interrupted", self.rerun_interrupted, 0, MAX_ATTEMPTS)
        _within("jitter_seconds", self.jitter_seconds, 0, DAY_SECONDS)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for storage; only what differs from the defaults is kept."""
        return {} if self == USUAL else _sparse(asdict(self), asdict(USUAL))

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Policies:
        """Rebuild from `to_json`; unknown keys of a newer release are left out."""
        rest = {
            name: plain[name] for name in ("timeout_seconds", "rerun_interrupted", "jitter_seconds") if name in plain
        }
        return cls(
            retry=Retry(**_known(Retry, plain.get("retry", {}), on=tuple)),
            misfire=Misfire(**_known(Misfire, plain.get("misfire", {}), policy=MisfirePolicy)),
            overlap=Overlap(**_known(Overlap, plain.get("overlap", {}), policy=OverlapPolicy)),
            keep=Keep(**_known(Keep, plain.get("keep", {}))),
            **rest,
        )


def _within(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidValue(name, value, f"use a number from {low:g} to {high:g}")


def _sparse(plain: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in plain.items():
        if isinstance(value, dict):
            inner = _sparse(value, usual[key])
            if inner:
                kept[key] = inner
        elif value != usual[key]:
            kept[key] = value
    return kept


def _known(kind: type, plain: dict[str, Any], **convert: Any) -> dict[str, Any]:
    names = {each.name for each in fields(kind)}
    return {key: convert[key](value) if key in convert else value for key, value in plain.items() if key in names}


USUAL: Final = Policies()
"""What a task has that says nothing of its own."""
