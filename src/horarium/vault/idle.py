"""Make credentials inactive that nothing has used for months, tell their owners, and erase them 30 days later.

Until then each can be made active again, which its use or a new grant does by itself. No key is needed for any of it.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Alarm, Clock, to_micros
from horarium.errors import InvalidValue
from horarium.records.actors import Actor
from horarium.records.credentials import INSTALLATION, UNDO, Credential
from horarium.records.people import User
from horarium.states import EventKind
from horarium.store.books.credentials import CredentialBook
from horarium.store.books.events import EventBook
from horarium.store.books.idle import IdleBook
from horarium.store.books.mail import OutboxBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store, Transaction
from horarium.vault.references import referenced

LETTER: Final = "credential_inactive"
MONTHS: Final = 6
MOST_MONTHS: Final = 120
NAMED: Final = 20
"""How many names a letter holds; of the others it says how many there are."""
_START: Final = (-1, -1)

Find = Callable[[IdleBook, tuple[int, int]], list[Credential]]
Act = Callable[[Transaction, list[Credential]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleRule:
    """Which credentials become inactive: with which nothing was done for `months`.

    Up to `batch` are looked at in one transaction, with a `rest` after it.
    """

    months: int = MONTHS
    batch: int = 100
    rest: timedelta = timedelta(milliseconds=20)

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        months: Any = self.months
        if isinstance(months, bool) or not isinstance(months, int) or not 1 <= months <= MOST_MONTHS:
            raise InvalidValue("months", self.months, f"use a whole number from 1 to {MOST_MONTHS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """What was found: credentials unused and looked at, those of them referred to, and what became of the others.

    `restored` are those inactive ones that something refers to by now, `removed` those whose 30 days were over.
    """

    looked_at: int = 0
    referenced: int = 0
    marked: int = 0
    restored: int = 0
    removed: int = 0
    letters: int = 0

    def plus(self, **more: int) -> Idle:
        """Return these counts with some more."""
        return replace(self, **{name: getattr(self, name) + count for name, count in more.items()})


@dataclass(slots=True)
class IdleTidier:
    """Goes through the credentials of a store by a rule. Harmless when killed, repeated, or run twice at once."""

    store: Store
    clock: Clock
    actor: Actor
    rule: IdleRule = field(default_factory=IdleRule)
    _found: Idle = field(default_factory=Idle, init=False)

    def run(self, *, dry_run: bool = False, go_on: Callable[[], None] | None = None) -> Idle:
        """Do what the rule says, or only count it with `dry_run`; `go_on` is called between batches and may raise."""
        self._found = Idle()
        now = self.clock.now()
        since, most, lock = months_before(now, self.rule.months), self.rule.batch, not dry_run
        self._each(
            lambda book, after: book.overdue(now - UNDO, after=after, most=most, lock=lock),
            lambda tx, page: self._end(tx, page, now, dry_run=dry_run),
            dry_run=dry_run,
            go_on=go_on,
        )
        self._each(
            lambda book, after: book.unused(since, after=after, most=most, lock=lock),
            lambda tx, page: self._mark(tx, page, since, now, dry_run=dry_run),
            dry_run=dry_run,
            go_on=go_on,
        )
        return self._found

    def _each(self, find: Find, act: Act, *, dry_run: bool, go_on: Callable[[], None] | None) -> None:
        after = _START
        while True:
            if go_on is not None:
                go_on()
            with self.store.reading() if dry_run else self.store.transaction() as tx:
                page = find(IdleBook(tx), after)
                act(tx, page)
            if not page:
                return
            after = (page[-1].owner_id, page[-1].id)
            if not dry_run:
                self.clock.wait(Alarm(), self.rule.rest.total_seconds())

    def _end(self, tx: Transaction, page: list[Credential], now: datetime, *, dry_run: bool) -> None:
        """Erase what stayed inactive for 30 days, and keep of it what something refers to by now."""
        needed = referenced(tx, page, now)
        self._found = self._found.plus(restored=len(needed), removed=len(page) - len(needed))
        if dry_run:
            return
        trail = Trail(self.store, self.clock)
        for each in page:
            if each.id in needed:
                keep(tx, trail, self.actor, each, now, why="something refers to it")
            else:
                CredentialBook(tx).erase(each.id)
                trail.note(tx, self.actor, Action.CREDENTIAL_ERASED, _about(each), inactive_since=each.inactive_at)

    def _mark(self, tx: Transaction, page: list[Credential], since: datetime, now: datetime, *, dry_run: bool) -> None:
        ids = [each.id for each in page]
        # Asked for once the rows are held: whoever grants one holds it, too.
        needed = referenced(tx, page, now) | (IdleBook(tx).granted_since(ids, since) if ids else set())
        idle = [each for each in page if each.id not in needed]
        self._found = self._found.plus(looked_at=len(page), referenced=len(needed), marked=len(idle))
        for owner_id, theirs in groupby(idle, lambda each: each.owner_id):
            letters = _letters(tx, owner_id, list(theirs), self.rule.months, now)
            self._found = self._found.plus(letters=len(letters))
            if not dry_run:
                for user, body in letters:
                    OutboxBook(tx).add(LETTER, user.email, body, at=now, user_id=user.id)
        if not dry_run and idle:
            IdleBook(tx).mark([each.id for each in idle], now)
            self._tell(tx, idle, now)

    def _tell(self, tx: Transaction, idle: Iterable[Credential], now: datetime) -> None:
        trail, at = Trail(self.store, self.clock), to_micros(now)
        for each in idle:
            body = {"credential_id": each.id, "name": each.name, "owner_id": each.owner_id}
            EventBook(tx).append(EventKind.CREDENTIAL_INACTIVE, at=at, actor=self.actor.words, body=body)
            details: dict[str, Any] = {"last_used_at": each.last_used_at, "erased_after": now + UNDO}
            trail.note(tx, self.actor, Action.CREDENTIAL_INACTIVE, _about(each), **details)


def keep(tx: Transaction, trail: Trail, actor: Actor, credential: Credential, now: datetime, **details: Any) -> None:
    """Make a credential active again that was inactive for want of use, and note why; else nothing is done."""
    if IdleBook(tx).keep(credential.id, now):
        trail.note(tx, actor, Action.CREDENTIAL_RESTORED, _about(credential), **details)


def months_before(now: datetime, months: int) -> datetime:
    """Return the same day of the month so many months earlier, the last one of a month that has no such day."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    day = min(now.day, calendar.monthrange(year, month + 1)[1])
    return now.replace(year=year, month=month + 1, day=day)


def _letters(
    tx: Transaction, owner_id: int, theirs: list[Credential], months: int, now: datetime
) -> list[tuple[User, dict[str, Any]]]:
    """Return to whom it is written that credentials are inactive, and what: their owner, else administrators."""
    owner = None if owner_id == INSTALLATION else PeopleBook(tx).by_id(owner_id)
    body = {
        "owner": "" if owner is None else owner.words,
        "credentials": [each.name for each in theirs[:NAMED]],
        "ids": [each.id for each in theirs[:1]],
        "more": max(0, len(theirs) - NAMED),
        "months": months,
        "gone_at": to_micros(now + UNDO),
    }
    if owner is not None and _reads_mail(owner):
        return [(owner, {**body, "own": True})]
    admins = [each for each in PeopleBook(tx).everyone() if each.is_admin and _reads_mail(each)]
    return [(each, {**body, "own": False}) for each in admins]


def _reads_mail(user: User) -> bool:
    return user.is_enabled and bool(user.email)


def _about(credential: Credential) -> About:
    return About("credential", credential.id, credential.name)
