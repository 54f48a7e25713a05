"""Read whom a run is for, and what their settings come to, when its code asks for it."""

from __future__ import annotations

from types import MappingProxyType

from horarium.errors import NotFound
from horarium.preferences.reading import Reading, values
from horarium.records.people import Persona, RunUser
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store


def read_persona(store: Store, user_id: int) -> Persona:
    """Return the person with this number and their settings. Raises `NotFound` when their account is gone."""
    with store.reading() as tx:
        user = PeopleBook(tx).by_id(user_id)
        if user is None:
            raise NotFound("the account of the person whom this run is for is gone")
        settings = values(Reading(tx).of(user))
    who = RunUser(user.id, user.name, user.words, user.email, user.time_zone)
    return Persona(who, MappingProxyType(settings))
