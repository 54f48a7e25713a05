"""Let one of those that explain each other be told: of a ring of failing tasks and checks never all are muted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from horarium.notify.happenings import of_task
from horarium.notify.rules import Happening, deciding
from horarium.records.checks import HeartbeatCheck
from horarium.records.notices import NoticeKind
from horarium.records.reach import Reach
from horarium.records.tasks import Task
from horarium.records.telling import Cause, Rule


@dataclass(frozen=True, slots=True)
class Failing:
    """A task or check that rules name and that is failing, and since when."""

    cause: Cause
    it: Task | HeartbeatCheck
    since: datetime

    @property
    def order(self) -> tuple[datetime, str, int]:
        """Return its place among others: what failed first comes first."""
        return (self.since, self.cause.of.value, self.cause.id)


def ringless(pairs: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return those pairs of something and what mutes it that close no ring with the ones before them.

    Whoever goes from anything to what mutes it, and so on, then comes to something that nothing mutes.
    """
    places: dict[str, int] = {}
    # For each what mutes it, by way of others too, one bit for each: a storm can make thousands of pairs.
    above: list[int] = []
    kept: set[tuple[str, str]] = set()
    for subject, cause in dict.fromkeys(pairs):
        low, high = (places.setdefault(each, len(places)) for each in (subject, cause))
        above += [0] * (len(places) - len(above))
        if low == high or above[high] >> low & 1:
            continue
        kept.add((subject, cause))
        gained = above[high] | 1 << high
        if above[low] | gained != above[low]:
            above = [bits | gained if at == low or bits >> low & 1 else bits for at, bits in enumerate(above)]
    return frozenset(kept)


def pairs_of(
    rules: Sequence[Rule],
    causes: Mapping[int, tuple[Cause, ...]],
    failing: Iterable[Failing],
    reaches: Mapping[int, Reach],
) -> Iterator[tuple[str, str]]:
    """Yield which failing thing would be muted by which other one, in the order in which they may be.

    `causes` are what is failing of what each rule names. The installation's rules come first, so that what people say
    for themselves changes nothing for others; then what failed last, so that what failed first is told.
    """
    latest = sorted(failing, key=_order_of, reverse=True)
    for owner_id in sorted(reaches):
        theirs = [rule for rule in rules if rule.owner_id == owner_id]
        kinds = frozenset[NoticeKind]().union(*(rule.kinds for rule in theirs if causes.get(rule.id)))
        for each in latest:
            if not reaches[owner_id].covers(each.it.place):
                continue
            for rule in {rule.id: rule for one in _troubles(each, kinds) for rule in deciding(theirs, one)}.values():
                if each.cause not in rule.mute_while:
                    yield from ((each.cause.text, cause.text) for cause in causes.get(rule.id, ()))


def _troubles(each: Failing, kinds: frozenset[NoticeKind]) -> Iterator[Happening]:
    """Yield what could be told of something, for rules to decide about."""
    it = each.it
    if isinstance(it, Task):
        for kind in kinds:
            many = {1, it.failures_in_row} if kind is NoticeKind.FAILED else {1}
            yield from (of_task(it, kind, each.since, streak=streak, is_unusual=True) for streak in many)
    elif NoticeKind.HEARTBEAT_MISSED in kinds:
        kind, subject = NoticeKind.HEARTBEAT_MISSED, each.cause.text
        yield Happening(kind=kind, subject=subject, name=it.name, at=each.since, place=it.place, is_of_check=True)


def _order_of(each: Failing) -> tuple[datetime, str, int]:
    return each.order
