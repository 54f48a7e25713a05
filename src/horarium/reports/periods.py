"""Days, weeks and months of a person's zone: which one a summary is about, and when it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from horarium.errors import InvalidValue

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Span(StrEnum):
    """How long a summary reaches back."""

    DAILY = "daily"
    """The day before."""
    WEEKLY = "weekly"
    """The seven days before the day on which it is sent."""
    MONTHLY = "monthly"
    """The calendar month before."""


NOUNS: Final = {Span.DAILY: "day", Span.WEEKLY: "week", Span.MONTHLY: "month"}
STILL_SENT: Final = {
    Span.DAILY: timedelta(hours=12),
    Span.WEEKLY: timedelta(days=3),
    Span.MONTHLY: timedelta(days=7),
}
"""How late a summary still goes out when nobody was there at its time; later it would be old news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Whole days of a zone, `first` and `last` included."""

    span: Span
    first: date
    last: date
    zone_key: str

    @property
    def start(self) -> datetime:
        """Return the instant at which it begins."""
        return midnight(self.first, self.zone_key)

    @property
    def end(self) -> datetime:
        """Return the instant at which it is over."""
        return midnight(self.last + timedelta(days=1), self.zone_key)

    def days(self) -> list[date]:
        """Return its days."""
        return [self.first + timedelta(days=place) for place in range((self.last - self.first).days + 1)]

    def before(self) -> Period:
        """Return the period before it."""
        return period_until(self.span, self.first, self.zone_key)

    def after(self) -> Period:
        """Return the period after it."""
        if self.span is Span.MONTHLY:
            return period_until(self.span, _next_month(_next_month(self.first)), self.zone_key)
        return period_until(self.span, self.last + timedelta(days=1 + len(self.days())), self.zone_key)

    @property
    def words(self) -> str:
        """Return its days in words: `4 to 10 May`, `30 November to 6 December`, `May 2026`."""
        if self.span is Span.MONTHLY:
            return f"{self.first:%B %Y}"
        if self.first == self.last:
            return f"{self.first:%A} {self.first.day} {self.first:%B}"
        begin = f"{self.first.day}" if self.first.month == self.last.month else f"{self.first.day} {self.first:%B}"
        return f"{begin} to {self.last.day} {self.last:%B}"


def midnight(day: date, zone_key: str) -> datetime:
    """Return the instant at which a day of a zone begins."""
    return datetime.combine(day, time(), ZoneInfo(zone_key)).astimezone(UTC)


def period_until(span: Span, day: date, zone_key: str) -> Period:
    """Return the period that is over when `day` begins; of months the last whole one."""
    last = day - timedelta(days=1)
    if span is Span.MONTHLY:
        last = day.replace(day=1) - timedelta(days=1)
        return Period(span=span, first=last.replace(day=1), last=last, zone_key=zone_key)
    length = 1 if span is Span.DAILY else 7
    return Period(span=span, first=day - timedelta(days=length), last=last, zone_key=zone_key)


def latest(span: Span, now: datetime, zone_key: str, weekday: str = WEEKDAYS[0]) -> Period:
    """Return the latest period that is over; weeks end where those that are sent on `weekday` end."""
    today = now.astimezone(ZoneInfo(zone_key)).date()
    return period_until(span, _sending_day(span, today, weekday), zone_key)


def period_on(span: Span, day: date, zone_key: str, weekday: str = WEEKDAYS[0]) -> Period:
    """Return the period that a day lies in."""
    if span is Span.MONTHLY:
        return period_until(span, _next_month(day), zone_key)
    if span is Span.DAILY:
        return period_until(span, day + timedelta(days=1), zone_key)
    return period_until(span, _sending_day(span, day, weekday) + timedelta(days=7), zone_key)


def due_at(period: Period, hour: int) -> datetime:
    """Return when the summary of a period is sent: at a full hour of the day after it, by the clock of its zone."""
    day = period.last + timedelta(days=1)
    return datetime.combine(day, time(hour), ZoneInfo(period.zone_key)).astimezone(UTC)


def due(span: Span, now: datetime, zone_key: str, *, weekday: str, hour: int) -> Period | None:
    """Return the period whose summary is due, None when it is too early or too late for the latest one."""
    period = latest(span, now, zone_key, weekday)
    at = due_at(period, hour)
    if at > now:
        # Its hour has not come: the one before is due still, if it is not old news.
        period = period.before()
        at = due_at(period, hour)
    return period if at <= now < at + STILL_SENT[span] else None


def parsed_day(text: str, field: str = "on") -> date:
    """Read a day such as 2026-05-14. Raises `InvalidValue`."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 1990 <= found.year <= 2200:
        raise InvalidValue(field, text, "use a day such as 2026-05-14, from 1990 to 2200")
    return found


def _sending_day(span: Span, today: date, weekday: str) -> date:
    if span is not Span.WEEKLY:
        return today
    return today - timedelta(days=(today.weekday() - WEEKDAYS.index(weekday)) % 7)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
