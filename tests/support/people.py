"""A clock that a test moves, hashing that costs little, and made-up passwords."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from horarium.accounts.passwords import Hasher
from horarium.accounts.people import NewPerson, People
from horarium.accounts.sessions import Device
from horarium.clock import Alarm, from_micros, to_micros
from horarium.records.actors import Actor
from horarium.records.people import Role, User

TESTER = Actor.of_code("the test")
LAPTOP = Device(address="10.0.0.7", agent="Firefox")
START = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self, start: datetime = START) -> None:
        self._micros = to_micros(start)

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return from_micros(self._micros)

    def micros(self) -> int:
        """Return the instant it was set to, in microseconds."""
        return self._micros

    def monotonic(self) -> float:
        """Return seconds that follow the instant."""
        return self._micros / 1e6

    def wait(self, alarm: Alarm, seconds: float) -> bool:
        """Sleep for real."""
        return alarm.wait(seconds)

    def move(self, by: timedelta) -> None:
        """Move it, back as well."""
        self._micros += round(by.total_seconds() * 1e6)


def cheap_hasher() -> Hasher:
    """Return a hasher that is weak and fast."""
    return Hasher(memory_kib=64, rounds=1)


def made_up() -> str:
    """Return a password that nobody has used before."""
    return secrets.token_urlsafe(18)


def add_admin(people: People, name: str, password: str = "", **rest: Any) -> User:
    """Make an administrator, with a made-up password if none is given."""
    return people.add_admin(NewPerson(name=name, password=password or made_up(), **rest), actor=TESTER)


def add_person(people: People, name: str, role: Role = Role.USER, password: str = "", **rest: Any) -> User:
    """Make an account, with a made-up password if none is given."""
    return people.add(NewPerson(name=name, password=password or made_up(), role=role, **rest), actor=TESTER)
