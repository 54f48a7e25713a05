"""Settings on either database, with people to have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.accounts.people import People
from horarium.preferences.setting import Setting, SettingType
from horarium.preferences.settings import Preferences
from horarium.records.people import User
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.support.people import SetClock, add_person, cheap_hasher
from tests.support.stores import prepared

SYNC = (
    Setting(
        key="sync_interval",
        type=SettingType.NUMBER,
        default=3600,
        least=60,
        most=86_400,
        sentence="Seconds between two syncs.",
    ),
    Setting(
        key="twitter_to_bluesky_enabled", type=SettingType.SWITCH, default=True, sentence="Whether posts go over there."
    ),
    Setting(
        key="bluesky_to_twitter_enabled", type=SettingType.SWITCH, default=True, sentence="Whether posts come back."
    ),
    Setting(key="sync_threads", type=SettingType.SWITCH, default=True, sentence="Whether threads are kept together."),
    Setting(key="sync_media", type=SettingType.SWITCH, default=True, sentence="Whether pictures go along."),
    Setting(
        key="max_tweets_per_sync", type=SettingType.NUMBER, default=50, least=1, most=500, sentence="How many at most."
    ),
    Setting(key="notification_email", type=SettingType.TEXT, default=None, sentence="Where problems are told of."),
)
"""What an application that syncs two accounts of each person adds."""


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, data_folder: Path, clock: SetClock) -> Iterator[Store]:
    where: str | Path = prepared(data_folder / "store.db")
    if request.param == "postgres":
        where = str(request.getfixturevalue("postgres_url"))
    opened = open_store(where, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def people(store: Store, clock: SetClock) -> People:
    return People(store, clock, hasher=cheap_hasher())


@pytest.fixture
def settings(store: Store, clock: SetClock) -> Preferences:
    return Preferences(store, clock)


@pytest.fixture
def ana(people: People) -> User:
    return add_person(people, "ana", time_zone="Europe/Lisbon")
