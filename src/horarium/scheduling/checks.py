"""Checks that wait to be called from outside: make, change, pause, resume and remove them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from horarium.accounts.names import checked_name
from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock, to_micros
from horarium.errors import InvalidSchedule, InvalidValue, NotFound
from horarium.records.actors import Actor
from horarium.records.checks import CheckWish, HeartbeatCheck
from horarium.scheduling.places import hold_place
from horarium.states import CheckState
from horarium.store.books.checks import CheckBook
from horarium.store.port import Store, Transaction
from horarium.triggers import CronTrigger, from_text
from horarium.triggers.interval import IntervalTrigger

NAME_LIMIT: Final = 100
DESCRIPTION_LIMIT: Final = 2000
LEAST_PERIOD: Final = timedelta(minutes=1)
LONGEST_PERIOD: Final = timedelta(days=366)
LEAST_GRACE: Final = 30
LONGEST_GRACE: Final = 30 * 86_400
MOST: Final = 1000
"""How many checks an installation holds."""
SILENT: Final = MappingProxyType({"state": CheckState.PAUSED.value, "due_at": None, "alarm_at": None, "down_at": None})
"""The columns of a check that is paused."""
_TOKEN_OCTETS: Final = 20


def expected_after(schedule: str, instant: datetime) -> datetime | None:
    """Return when a call is expected that follows one at `instant`. Raises `InvalidSchedule`."""
    trigger = from_text(schedule)
    # An interval counts from each call, wherever its grid lies: who calls hourly may begin at any minute.
    return instant + trigger.every if isinstance(trigger, IntervalTrigger) else trigger.next_after(instant)


def check_in(tx: Transaction, check_id: int, *, lock: bool = False) -> HeartbeatCheck:
    """Return a check. Raises `NotFound`."""
    found = CheckBook(tx).get(check_id, lock=lock)
    if found is None:
        raise NotFound(f"there is no check {check_id}")
    return found


def about(check: HeartbeatCheck) -> About:
    """Return what an audit entry is about; never with the token."""
    return About("heartbeat", check.id, check.name)


class CheckDesk:
    """The checks of one store. Who may do what with them, doors ask first."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Work on `store`."""
        self._store = store
        self._clock = clock
        self._trail = Trail(store, clock)

    def add(self, wish: CheckWish, *, actor: Actor) -> HeartbeatCheck:
        """Make a check, with a token of its own.

        Raises `InvalidValue`, also for a person or project that is not there, or closed, and `InvalidSchedule`.
        """
        wish = _checked(wish)
        with self._store.transaction() as tx:
            hold_place(tx, wish.place)
            book = CheckBook(tx)
            if sum(book.counts().values()) >= MOST:
                raise InvalidValue("name", wish.name, f"there are {MOST} checks already: remove one first")
            number = book.add(wish, token=_new_token(), now=self._clock.micros())
            made = check_in(tx, number)
            self._trail.note(tx, actor, Action.HEARTBEAT_ADDED, about(made), after=shown(wish))
        return made

    def change(self, check_id: int, wish: CheckWish, *, actor: Actor) -> HeartbeatCheck:
        """Give a check another definition; what is expected next follows it. Raises `NotFound`, `InvalidValue`."""
        wish = _checked(wish)
        with self._store.transaction() as tx:
            # One that stays where it is may be changed after its owner's account was closed.
            if wish.place != check_in(tx, check_id).place:
                hold_place(tx, wish.place)
            before = check_in(tx, check_id, lock=True)
            times: dict[str, Any] = {}
            if before.state is CheckState.UP and before.last_at is not None:
                times = next_times(wish, before.last_at)
            CheckBook(tx).change(check_id, wish, now=self._clock.micros(), **times)
            after = check_in(tx, check_id)
            self._trail.note(
                tx, actor, Action.HEARTBEAT_CHANGED, about(after), before=shown(before.wish), after=shown(wish)
            )
        return after

    def renew(self, check_id: int, *, actor: Actor) -> HeartbeatCheck:
        """Give a check another address; the old one calls nothing any more. Raises `NotFound`."""
        with self._store.transaction() as tx:
            check_in(tx, check_id, lock=True)
            CheckBook(tx).set(check_id, token=_new_token(), updated_at=self._clock.micros())
            renewed = check_in(tx, check_id)
            self._trail.note(tx, actor, Action.HEARTBEAT_RENEWED, about(renewed))
        return renewed

    def pause(self, check_id: int, *, actor: Actor) -> HeartbeatCheck:
        """Tell nobody anything until it is resumed; harmless for one that is paused. Raises `NotFound`."""
        with self._store.transaction() as tx:
            check = check_in(tx, check_id, lock=True)
            CheckBook(tx).set(check_id, **SILENT, updated_at=self._clock.micros())
            self._trail.note(tx, actor, Action.HEARTBEAT_PAUSED, about(check))
            return check_in(tx, check_id)

    def resume(self, check_id: int, *, actor: Actor) -> HeartbeatCheck:
        """Wait for calls again, as for a new check: nothing is missed before the first. Raises `NotFound`."""
        with self._store.transaction() as tx:
            check = check_in(tx, check_id, lock=True)
            if check.state is CheckState.PAUSED:
                CheckBook(tx).set(check_id, state=CheckState.NEW.value, updated_at=self._clock.micros())
            self._trail.note(tx, actor, Action.HEARTBEAT_RESUMED, about(check))
            return check_in(tx, check_id)

    def remove(self, check_id: int, *, actor: Actor) -> None:
        """Delete a check with its calls. Raises `NotFound`."""
        with self._store.transaction() as tx:
            check = check_in(tx, check_id, lock=True)
            CheckBook(tx).remove(check_id)
            self._trail.note(tx, actor, Action.HEARTBEAT_REMOVED, about(check), before=shown(check.wish))


def next_times(wish: CheckWish, called_at: datetime) -> dict[str, int | None]:
    """Return the columns that say when the next call is expected, and when its absence is told of."""
    due = expected_after(wish.schedule, called_at)
    if due is None:
        return {"due_at": None, "alarm_at": None}
    return {"due_at": to_micros(due), "alarm_at": to_micros(due) + wish.grace_seconds * 1_000_000}


def _new_token() -> str:
    return secrets.token_urlsafe(_TOKEN_OCTETS)


def _checked(wish: CheckWish) -> CheckWish:
    name = checked_name(wish.name, limit=NAME_LIMIT)
    if len(wish.description) > DESCRIPTION_LIMIT or "\0" in wish.description:
        raise InvalidValue("description", wish.description, f"use at most {DESCRIPTION_LIMIT} characters")
    if not LEAST_GRACE <= wish.grace_seconds <= LONGEST_GRACE:
        raise InvalidValue("grace", wish.grace_seconds, "use 30 seconds to 30 days")
    trigger = from_text(wish.schedule)
    if isinstance(trigger, IntervalTrigger):
        if not LEAST_PERIOD <= trigger.every <= LONGEST_PERIOD:
            raise InvalidSchedule("every", trigger.description, "use 1 minute to 366 days")
    elif not isinstance(trigger, CronTrigger):
        raise InvalidSchedule("schedule", trigger.description, "use a cron expression or a period")
    return CheckWish(
        name=name,
        schedule=wish.schedule,
        timezone=wish.timezone,
        grace_seconds=wish.grace_seconds,
        description=wish.description.strip(),
        place=wish.place,
    )


def shown(wish: CheckWish) -> dict[str, Any]:
    """Return a check as audit entries show it; never with the token."""
    trigger = from_text(wish.schedule)
    return {
        "name": wish.name,
        "schedule": trigger.description,
        "grace_seconds": wish.grace_seconds,
        "description": wish.description,
        "owner": wish.place.owner_id,
        "project": wish.place.project_id,
    }
