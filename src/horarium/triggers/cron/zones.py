"""The clocks of the time zones, and what their changes do to a schedule.

The rule, in one place. A zone's time is cut into stretches of one UTC offset. Where one begins, the clock has jumped,
and what a daemon that wakes each minute would do is kept with the stretch:

- Forward by up to three hours: fixed-time jobs of the skipped minutes run once, at the first instant after the gap;
  wildcard jobs follow the clock. A jump of less than five minutes looks like a late wake-up, and everything skipped
  runs. The date that counts is the one on the clock that was skipped.
- Back by up to three hours: what the first pass served is not served again, except to wildcard jobs.
- Further: a correction. The new time counts at once, nothing is made up, nothing is held back.

What has been served depends on the zone alone, never on the instant from which one asks.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime, timedelta
from functools import lru_cache
from pkgutil import get_data
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from horarium.errors import InvalidSchedule
from horarium.triggers.base import MAX_EPOCH, MIN_EPOCH
from horarium.triggers.cron.search import EPOCH_ORDINAL

_DAY = 86_400
_NO_SHIFT = timedelta()
_PROBE = 3 * _DAY
_YEARS_KEPT = 512
CORRECTION = 180 * 60
"""Seconds: a jump forward of this much or more, and one back of more than this, is a correction of the clock."""
_CORRECTION_MINUTES = CORRECTION // 60
_LATE_MINUTES = 5


class Pattern(Protocol):
    """What can be looked for on a local clock."""

    def first_from(self, local: int) -> int | None:
        """Return the first matching local second at or after `local`."""
        ...


class Change(NamedTuple):
    """A change of the clock: at `moment` (seconds since the epoch) the offset goes from `before` to `after`."""

    moment: int
    before: int
    after: int


class Stretch(NamedTuple):
    """A time of one offset: moments from `start` up to, not including, `end`.

    Fixed-time jobs have been served up to the local second `served`. Those due from `owed_fixed`, and wildcard jobs
    due from `owed_wild`, up to the local time at `start`, run at `start`.
    """

    start: int
    end: int
    offset: int
    served: int
    owed_fixed: int
    owed_wild: int


class ZoneClock:
    """The clock of one zone; shared by all triggers in it, and filled with years as they are asked for."""

    __slots__ = ("_near", "_years", "zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._years: dict[int, tuple[Stretch, ...]] = {}
        if zone.key == "UTC":
            self._near = _quiet(MIN_EPOCH - _DAY, MAX_EPOCH + 1, 0)
        else:
            self._near = self._find(0)

    def next_epoch(self, pattern: Pattern, after: int, *, wildcard: bool) -> int | None:
        """Return the first moment later than `after` at which `pattern` is due, in seconds since the epoch."""
        moment = after + 1 if after >= MIN_EPOCH else MIN_EPOCH
        while moment <= MAX_EPOCH:
            near = self._near
            if not near[0] <= moment < near[1]:
                near = self._near = self._find(moment)
            start, end, offset, served, owed_fixed, owed_wild = near
            local = moment + offset
            if moment == start:
                owed = pattern.first_from(owed_wild if wildcard else owed_fixed)
                if owed is not None and owed < local:
                    return moment
            if local < served and not wildcard:
                local = served
            found = pattern.first_from(local)
            if found is None:
                return None
            found -= offset
            if found < end:
                return found if found <= MAX_EPOCH else None
            # No clock differs by two days from itself, so nothing lies between here and two days before the find.
            moment = max(end, found - 2 * _DAY) if end - moment > 2 * _DAY else end
        return None

    def changes(self, after: int, before: int) -> list[Change]:
        """Return the changes of the clock later than `after` and earlier than `before`."""
        found = []
        moment, before = after, min(before, MAX_EPOCH)
        while moment < before:
            stretch = self._find(moment)
            previous, offset = stretch.offset, self.offset(stretch.end)
            if previous != offset and after < stretch.end < before:
                found.append(Change(stretch.end, previous, offset))
            moment = stretch.end
        return found

    def offset(self, moment: int) -> int:
        """Return the seconds by which the clock is ahead of UTC at `moment`."""
        moment = min(max(moment, MIN_EPOCH + _DAY), MAX_EPOCH - _DAY)
        shift = datetime.fromtimestamp(moment, self.zone).utcoffset() or _NO_SHIFT
        return shift.days * _DAY + shift.seconds

    def _find(self, moment: int) -> Stretch:
        moment = min(max(moment, MIN_EPOCH), MAX_EPOCH)
        year = date.fromordinal(moment // _DAY + EPOCH_ORDINAL).year
        stretches = self._years.get(year)
        if stretches is None:
            if len(self._years) >= _YEARS_KEPT:
                self._years.clear()
            stretches = self._years[year] = self._stretches(year)
        return stretches[bisect_right(stretches, moment, key=_start) - 1]

    def _stretches(self, year: int) -> tuple[Stretch, ...]:
        opens = (date(year, 1, 1).toordinal() - EPOCH_ORDINAL) * _DAY
        closes = opens + (366 if date(year, 12, 31).timetuple().tm_yday == 366 else 365) * _DAY
        # A change in the last days of the year before can still hold jobs back in this one.
        early = opens - _PROBE
        last = _quiet(early, closes, self.offset(early))
        found = []
        for change in self._changes_between(early, closes):
            found.append(last._replace(end=change.moment))
            reached = max(last.served, change.moment + change.before)
            last = _arrive(change.moment, closes, change.after, reached)
        found.append(last)
        current = [stretch for stretch in found if stretch.end > opens]
        if current[0].start < opens:
            first = current[0]
            current[0] = _quiet(opens, first.end, first.offset)._replace(served=first.served)
        return tuple(current)

    def _changes_between(self, opens: int, closes: int) -> list[Change]:
        # No zone has changed its clock twice within six days; a test watches over it.
        found = []
        before = self.offset(opens)
        for moment in range(opens + _PROBE, closes + _PROBE, _PROBE):
            after = self.offset(moment)
            if after != before:
                found.append(Change(self._bisect(moment - _PROBE, moment, after), before, after))
                before = after
        return [change for change in found if change.moment < closes]

    def _bisect(self, low: int, high: int, after: int) -> int:
        while high - low > 1:
            middle = (low + high) // 2
            if self.offset(middle) == after:
                high = middle
            else:
                low = middle
        return high


def _start(stretch: Stretch) -> int:
    return stretch.start


def _quiet(start: int, end: int, offset: int) -> Stretch:
    """Return a stretch that begins without a jump of the clock."""
    local = start + offset
    return Stretch(start, end, offset, local, local, local)


def _arrive(start: int, end: int, offset: int, reached: int) -> Stretch:
    """Return the stretch after a change, when everything before the local second `reached` has been served.

    The jump is counted as a daemon sees it that wakes once a minute: from the last minute served to the present one,
    so an uninterrupted clock jumps by one, and a gap of three hours by 181, which is beyond the limit.
    """
    local = start + offset
    minute = local // 60 * 60
    jump = local // 60 - (reached - 1) // 60
    if not -_CORRECTION_MINUTES < jump <= _CORRECTION_MINUTES:
        return Stretch(start, end, offset, local, minute, minute)
    if jump <= 0:
        owed_wild = minute if jump < 0 else local
        return Stretch(start, end, offset, max(reached, local), min(reached, local), owed_wild)
    return Stretch(start, end, offset, local, reached, minute if jump > _LATE_MINUTES else reached)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return the names of the IANA list."""
    return frozenset((get_data("tzdata", "zones") or b"").decode().split())


@lru_cache(maxsize=1024)
def _clock(name: str) -> ZoneClock:
    return ZoneClock(ZoneInfo(name))


def zone_clock(name: str) -> ZoneClock:
    """Return the clock of the zone with this IANA `name`.

    Raises `InvalidSchedule` for anything that is not on the list: no path is ever opened for it.
    """
    if not isinstance(name, str):
        raise InvalidSchedule("time zone", name, _advice(""))
    if name not in zone_names():
        raise InvalidSchedule("time zone", name, _advice(name))
    return _clock(name)


def _advice(name: str) -> str:
    known = {zone.lower(): zone for zone in zone_names()}
    meant = known.get(name.strip().lower().replace(" ", "_"))
    return f"write {meant}" if meant else "use a name of the IANA list, such as UTC or Europe/Berlin"
