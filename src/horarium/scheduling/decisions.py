"""Pure decisions about planned instants: which become runs, which are left out, and why.

No clock, no store: instants come in as microseconds, the answer goes out as plain values.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from horarium.clock import from_micros, to_micros
from horarium.errors import InvalidSchedule
from horarium.records.policies import Misfire, Overlap
from horarium.states import MisfirePolicy, OverlapPolicy, Reason
from horarium.triggers.base import Trigger

SECOND = 1_000_000
MOST_PER_DECISION = 10_000
SPAN_FROM = 200
"""From this many like outcomes in a row on, they are kept as one stretch instead of single rows."""


@dataclass(slots=True)
class Verdict:
    """What becomes of a stretch of planned instants of one task.

    `on_time` and `catch_up` become runs; `skips` are single instants left out, `spans` long stretches (first, last,
    count). `next_at` is the first instant that was not looked at, None when nothing is to come.
    """

    on_time: list[int] = field(default_factory=list)
    catch_up: list[int] = field(default_factory=list)
    skips: list[tuple[int, Reason]] = field(default_factory=list)
    spans: list[tuple[int, int, int, Reason]] = field(default_factory=list)
    next_at: int | None = None

    def leave_out(self, instants: Sequence[int], reason: Reason) -> None:
        """Note `instants` (in order) as left out for `reason`."""
        if len(instants) >= SPAN_FROM:
            self.spans.append((instants[0], instants[-1], len(instants), reason))
        else:
            self.skips.extend((instant, reason) for instant in instants)


def next_micros(trigger: Trigger, after: int) -> int | None:
    """Return the first instant of `trigger` strictly after `after`, both in microseconds."""
    found = trigger.next_after(from_micros(after))
    if found is None:
        return None
    micros = to_micros(found)
    if micros <= after:
        # A trigger that stands still would hold the loop for ever; the task is parked with this sentence instead.
        raise InvalidSchedule("schedule", trigger, f"it must move on, but gave {found} again")
    return micros


def instants_until(
    trigger: Trigger, first: int, horizon: int, *, most: int = MOST_PER_DECISION
) -> tuple[list[int], int | None]:
    """Return the instants from `first` to `horizon`, at most `most` of them, and the one after them."""
    found: list[int] = []
    instant: int | None = first
    while instant is not None and instant <= horizon and len(found) < most:
        found.append(instant)
        instant = next_micros(trigger, instant)
    return found, instant


class Condition(NamedTuple):
    """How a task stands that is not to run; times in microseconds, None where it does not apply."""

    parked_at: int | None = None
    paused_at: int | None = None
    paused_until: int | None = None

    @property
    def is_usual(self) -> bool:
        """Tell whether nothing keeps the task from running."""
        return self.parked_at is None and self.paused_at is None


def set_aside(verdict: Verdict, instants: Sequence[int], condition: Condition, grace_seconds: float) -> list[int]:
    """Leave out, in `verdict`, the instants at which the task was parked or paused; return the others.

    What fell due well before the pause began was missed by everybody; it will not be made up now.
    """
    if condition.parked_at is not None:
        verdict.leave_out(instants, Reason.PARKED)
        return []
    if condition.paused_at is None:
        return list(instants)
    begin = bisect_left(instants, condition.paused_at - int(grace_seconds * SECOND))
    end = len(instants) if condition.paused_until is None else bisect_left(instants, condition.paused_until)
    verdict.leave_out(instants[:begin], Reason.MISSED)
    verdict.leave_out(instants[begin:end], Reason.PAUSED)
    return list(instants[max(begin, end) :])


def most_at_once(policy: Misfire) -> int:
    """Return how many instants have to be looked at together so that each look settles `MOST_PER_DECISION`."""
    return MOST_PER_DECISION + (policy.cap if policy.policy is MisfirePolicy.ALL else 0)


def judge(
    instants: Sequence[int], next_at: int | None, policy: Misfire, now: int, *, into: Verdict | None = None
) -> Verdict:
    """Decide by the misfire policy which of `instants` run, at `now`; add to the verdict `into` if there is one.

    An instant not further back than the grace is on time. When more instants are waiting behind these (the stretch
    was cut at its most), none of the missed ones is the latest, so `last` takes none of them yet; `all` leaves its
    cap of them to be looked at again together with what follows.
    """
    edge = now - int(policy.grace_seconds * SECOND)
    cut = next_at is not None and next_at <= now
    if cut and policy.policy is MisfirePolicy.ALL:
        instants, next_at = _hold_back(instants, next_at, policy.cap)
    verdict = into or Verdict()
    verdict.next_at = next_at
    missed = list(instants[: bisect_left(instants, edge)])
    verdict.on_time = list(instants[len(missed) :])
    if not missed:
        return verdict
    if policy.policy is MisfirePolicy.ALL:
        _take_all(verdict, missed, policy, now, take=0 if cut else policy.cap)
    elif policy.policy is MisfirePolicy.LAST and not cut and not any(each <= now for each in verdict.on_time):
        verdict.catch_up = missed[-1:]
        verdict.leave_out(missed[:-1], Reason.MISSED)
    else:
        verdict.leave_out(missed, Reason.MISSED)
    return verdict


def _hold_back(instants: Sequence[int], next_at: int | None, most: int) -> tuple[Sequence[int], int | None]:
    keep = max(len(instants) - most, 0)
    return (instants[:keep], instants[keep]) if keep < len(instants) else (instants, next_at)


def _take_all(verdict: Verdict, missed: Sequence[int], policy: Misfire, now: int, *, take: int) -> None:
    begin = bisect_left(missed, now - int(policy.window_seconds * SECOND))
    first = max(begin, len(missed) - take)
    verdict.leave_out(missed[:begin], Reason.WINDOW)
    verdict.leave_out(missed[begin:first], Reason.CAP)
    verdict.catch_up = list(missed[first:])


def parallel_of(policy: Overlap) -> int:
    """Return how many runs of a task may be under way side by side."""
    return policy.limit if policy.policy is OverlapPolicy.ALLOW else 1


def admits(policy: Overlap, *, held: int, waiting: int) -> bool:
    """Decide by the overlap policy whether a new occurrence becomes a run.

    `held` runs of the task are under way, `waiting` are queued or between attempts.
    """
    if policy.policy is OverlapPolicy.SKIP:
        return held + waiting == 0
    if policy.policy is OverlapPolicy.QUEUE:
        return waiting < policy.limit or held + waiting == 0
    if policy.policy is OverlapPolicy.ALLOW:
        return held + waiting < policy.limit
    return True
