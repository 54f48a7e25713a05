"""How long things are kept: what the installation says, and what a task may say otherwise."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from horarium.errors import InvalidValue

MOST_DAYS: Final = 36_500
MOST_RUNS: Final = 10_000_000
LEAST_EVENT_DAYS: Final = 7
LEAST_AUDIT_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Keep:
    """What a task keeps of its runs; None stands for what the installation says.

    `days` and `runs` are for runs that did not fail, `failure_days` for failed ones, `output_days` for what runs
    printed.
    """

    days: float | None = None
    failure_days: float | None = None
    runs: int | None = None
    output_days: float | None = None

    def __post_init__(self) -> None:
        """Refuse values that make no sense, raising `InvalidValue`."""
        for name in ("days", "failure_days", "output_days"):
            _within(f"keep.{name}", getattr(self, name), 1, MOST_DAYS, may_be_none=True)
        _within("keep.runs", self.runs, 1, MOST_RUNS, whole=True, may_be_none=True)
        if self.days is not None and self.failure_days is not None:
            _check_longer("keep.failure_days", self.failure_days, self.days)

    @property
    def words(self) -> str:
        """Return what is said, for people; empty when nothing is."""
        parts = (
            f"runs {self.days:g} days" if self.days is not None else "",
            f"failed ones {self.failure_days:g} days" if self.failure_days is not None else "",
            f"output {self.output_days:g} days" if self.output_days is not None else "",
            f"{self.runs:,} runs at most" if self.runs is not None else "",
        )
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRule:
    """What the installation keeps, in days: runs that did not fail, failed ones, output, events, audit entries.

    Of each task at most the newest `runs` stay, and besides at most the newest `failures` failed ones. Failures are
    kept at least as long as other runs. Output goes before its run; that of failed runs is looked after apart.
    """

    run_days: float = 90
    failure_days: float = 400
    runs: int = 10_000
    failures: int = 10_000
    output_days: float = 30
    event_days: float = 30
    audit_days: float = 400

    def __post_init__(self) -> None:
        """Refuse values that make no sense, raising `InvalidValue`."""
        for name in ("run_days", "failure_days", "output_days"):
            _within(name, getattr(self, name), 1, MOST_DAYS)
        _within("event_days", self.event_days, LEAST_EVENT_DAYS, MOST_DAYS)
        _within("audit_days", self.audit_days, LEAST_AUDIT_DAYS, MOST_DAYS)
        for name in ("runs", "failures"):
            _within(name, getattr(self, name), 1, MOST_RUNS, whole=True)
        _check_longer("failure_days", self.failure_days, self.run_days)

    def for_task(self, own: Keep) -> KeepRule:
        """Return the rule for a task that says something of its own."""
        if own == USUAL_KEEP:
            return self
        longest = max(self.failure_days, own.days or 0) if own.failure_days is None else own.failure_days
        return replace(
            self,
            run_days=min(self.run_days, longest) if own.days is None else own.days,
            failure_days=longest,
            runs=self.runs if own.runs is None else own.runs,
            output_days=self.output_days if own.output_days is None else own.output_days,
        )

    def to_json(self) -> dict[str, Any]:
        """Return what differs from the usual, as plain values."""
        usual = asdict(USUAL_RULE)
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> KeepRule:
        """Rebuild from `to_json`; what a newer release knows besides is left out."""
        names = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in plain.items() if name in names})


def _within(name: str, value: Any, low: float, high: float, *, whole: bool = False, may_be_none: bool = False) -> None:
    if value is None and may_be_none:
        return
    kinds = int if whole else int | float
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        what = "a whole number" if whole else "a number"
        raise InvalidValue(name, value, f"use {what} from {low:g} to {high:.0f}")


def _check_longer(name: str, failures: float, others: float) -> None:
    if failures < others:
        raise InvalidValue(name, failures, f"keep failures at least as long as other runs, {others:g} days")


USUAL_KEEP: Final = Keep()
USUAL_RULE: Final = KeepRule()
"""What is kept where nobody has said anything."""
