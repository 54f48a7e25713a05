"""Write summaries into the outbox when they are due: one for each person and period, whoever asks how often."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from horarium.accounts.letters import Draft, LetterKind
from horarium.clock import Clock, to_micros
from horarium.errors import InvalidValue
from horarium.preferences.catalogue import SUMMARY, SUMMARY_DAY, SUMMARY_HOUR
from horarium.preferences.reading import Reading
from horarium.records.people import User
from horarium.reports.drawing import draw
from horarium.reports.gathering import gather, reader_of
from horarium.reports.periods import Period, Span, due, due_at, latest
from horarium.store.books.mail import Letter, OutboxBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.summaries import SummaryBook
from horarium.store.port import Store, Transaction

log = logging.getLogger("horarium.reports")

OFF: Final = "off"
KEYS: Final = (SUMMARY, SUMMARY_DAY, SUMMARY_HOUR)
WayOut = Callable[[int, str], str]
"""Returns the link that ends summaries, of the number of a person and how often theirs come."""
_REMEMBERED: Final = timedelta(days=100)
"""How far back the notes about summaries reach: longer than any of them is still sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody has chosen: how often (None: not at all), on which weekday and at which hour of their zone."""

    span: Span | None
    weekday: str
    hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A summary whose time has come."""

    user: User
    period: Period


def wish_of(values: dict[str, Any]) -> Wish:
    """Return what settings come to."""
    choice = values[SUMMARY]
    return Wish(
        span=None if choice == OFF else Span(choice), weekday=values[SUMMARY_DAY], hour=int(values[SUMMARY_HOUR])
    )


def wishes(tx: Transaction, users: Iterable[User]) -> dict[int, Wish]:
    """Return what these people have chosen, or what holds for the installation."""
    standing = Reading(tx).of_all(list(users), KEYS)
    return {user_id: wish_of({key: each.value for key, each in found.items()}) for user_id, found in standing.items()}


class Summaries:
    """The summaries of one store, as letters."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        base_url: str = "",
        team: str = "",
        backups: Path | None = None,
        way_out: WayOut | None = None,
    ) -> None:
        """Write letters about `store`, with links to `base_url`, in the name of `team` or the one named at set-up.

        Administrators hear about the backups in the folder `backups`. A letter ends with the link that `way_out` makes.
        """
        self._store = store
        self._clock = clock
        self._base_url = base_url
        self._team = team
        self._backups = backups
        self._way_out = way_out

    def due(self, now: datetime) -> list[Due]:
        """Return the summaries whose time has come and that nobody has written yet."""
        with self._store.reading() as tx:
            users = [user for user in PeopleBook(tx).everyone() if user.is_enabled and _can_get(user)]
            chosen = wishes(tx, users)
            made = SummaryBook(tx).made_since(now - _REMEMBERED)
        found = []
        for user in users:
            period = _due(user, chosen[user.id], now)
            if period is not None and (user.id, period.span.value, to_micros(period.start)) not in made:
                found.append(Due(user=user, period=period))
        return found

    def step(self) -> int:
        """Write the letters that are due; return how many. After a long pause it is one for each person at most."""
        now = self._clock.now()
        written = sum(self._write(each, now) for each in self.due(now))
        if written:
            log.info("%d summaries are on their way", written, extra={"word": "summary.written"})
        return written

    def tidy(self) -> int:
        """Forget the notes about summaries of long ago; return how many."""
        with self._store.transaction() as tx:
            return SummaryBook(tx).forget_before(self._clock.now() - 4 * _REMEMBERED)

    def send_now(self, user: User, period: Period) -> int:
        """Write a summary for somebody at once, whether they had it or not; return the number of the letter.

        Raises `InvalidValue` for somebody without an address.
        """
        if not _can_get(user):
            raise InvalidValue("user", user.name, "choose somebody whose e-mail address is confirmed")
        now = self._clock.now()
        with self._store.transaction() as tx:
            SummaryBook(tx).note(user.id, period.span.value, period.start, at=now)
            return self._put(tx, user, period, now)

    def answer(self, letter: Letter) -> Draft | None:
        """Say what a letter says, with the rights its reader has now; None where there is nothing to tell any more."""
        with self._store.reading() as tx:
            user = None if letter.user_id is None else PeopleBook(tx).by_id(letter.user_id)
            if user is None or not user.is_enabled or not _can_get(user):
                return None
            if not letter.body.get("asked") and wishes(tx, [user])[user.id].span is None:
                # They have ended it since it was written.
                return None
            summary = gather(tx, reader_of(tx, user, self._backups), _period_of(letter), self._clock.now())
            team = self._team or PeopleBook(tx).team()
        if summary.is_empty and not letter.body.get("asked"):
            return None
        stop = "" if self._way_out is None else self._way_out(user.id, summary.period.span.value)
        drawn = draw(summary, base_url=self._base_url, team=team, stop_link=stop)
        values = {"subject": drawn.subject, "text": drawn.text, "html": drawn.html, "unsubscribe": stop}
        return Draft(kind=LetterKind.SUMMARY, to=user.email, values=values)

    def _write(self, each: Due, now: datetime) -> int:
        period = each.period
        with self._store.transaction() as tx:
            if not SummaryBook(tx).note(each.user.id, period.span.value, period.start, at=now):
                return 0
            self._put(tx, each.user, period, now, asked=False)
        return 1

    def _put(self, tx: Transaction, user: User, period: Period, now: datetime, *, asked: bool = True) -> int:
        body = {"span": period.span.value, "first": period.first.isoformat(), "last": period.last.isoformat()}
        body |= {"zone": period.zone_key} | ({"asked": "yes"} if asked else {})
        letter_id = OutboxBook(tx).add(LetterKind.SUMMARY.value, user.email, body, at=now, user_id=user.id)
        SummaryBook(tx).name_letter(user.id, period.span.value, period.start, letter_id)
        return letter_id


def latest_for(tx: Transaction, user: User, now: datetime, span: Span | None = None) -> Period:
    """Return the latest period that is over for somebody: of the span they chose, weeks where they chose none."""
    wish = wishes(tx, [user])[user.id]
    return latest(span or wish.span or Span.WEEKLY, now, user.time_zone, wish.weekday)


def _due(user: User, wish: Wish, now: datetime) -> Period | None:
    if wish.span is None:
        return None
    period = due(wish.span, now, user.time_zone, weekday=wish.weekday, hour=wish.hour)
    # Who came later has not missed it.
    return None if period is None or user.created_at >= due_at(period, wish.hour) else period


def _can_get(user: User) -> bool:
    """Tell whether letters may go there: to ordinary people only where the address is known to be theirs."""
    return bool(user.email) and (user.is_admin or user.email_confirmed_at is not None)


def _period_of(letter: Letter) -> Period:
    body = letter.body
    first, last = (date.fromisoformat(str(body[name])) for name in ("first", "last"))
    return Period(span=Span(str(body["span"])), first=first, last=last, zone_key=str(body["zone"]))
