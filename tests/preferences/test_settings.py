"""Settings of people: their own, the installation's, locks, and the log of who changed what."""

from __future__ import annotations

from typing import Any

import pytest

from horarium.accounts.people import People
from horarium.audit.chain import verify
from horarium.audit.trail import Trail
from horarium.errors import Conflict, InvalidValue, NotFound
from horarium.preferences.catalogue import ON_TELLING, STANDARD
from horarium.preferences.setting import Setting, SettingType
from horarium.preferences.settings import Preferences
from horarium.records.people import User
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store
from tests.preferences.conftest import SYNC
from tests.support.people import TESTER, SetClock, add_person


def noted(store: Store, clock: SetClock) -> list[tuple[str, str | None, Any, Any]]:
    """Return what the log says about settings, oldest first."""
    rows = [row for row in Trail(store, clock).page() if row.action.startswith("setting.")]
    return [(row.action, row.object_name, row.before, row.after) for row in reversed(rows)]


def test_a_person_has_the_defaults_until_they_choose(settings: Preferences, ana: User) -> None:
    settings.register("Sync", SYNC)
    assert settings.get_all(ana.id) == {each.key: each.default for each in ON_TELLING} | {
        "timezone": "Europe/Lisbon",
        "date_language": "en",
        "clock": "24h",
        "week_start": "monday",
        "look": "system",
        "page_size": "50",
        "summary": "off",
        "summary_day": "monday",
        "summary_hour": 8,
        "sync_interval": 3600,
        "twitter_to_bluesky_enabled": True,
        "bluesky_to_twitter_enabled": True,
        "sync_threads": True,
        "sync_media": True,
        "max_tweets_per_sync": 50,
        "notification_email": None,
    }
    settings.set(ana.id, "sync_interval", 900)
    settings.update_bulk(ana.id, {"sync_media": False, "clock": "12h"})
    assert settings.get(ana.id, "sync_interval") == 900
    assert settings.get(ana.id, "sync_media") is False
    assert settings.get(ana.id, "notification_email", "nobody") == "nobody"
    settings.reset(ana.id, "sync_interval")
    assert settings.get(ana.id, "sync_interval") == 3600
    settings.reset(ana.id)
    assert settings.get(ana.id, "clock") == "24h"
    assert settings.get(ana.id, "timezone") == "Europe/Lisbon"


def test_one_persons_settings_are_not_anothers(settings: Preferences, people: People, ana: User) -> None:
    ben = add_person(people, "ben")
    settings.set(ana.id, "look", "dark")
    assert settings.get(ben.id, "look") == "system"
    settings.reset(ben.id)
    assert settings.get(ana.id, "look") == "dark"


def test_the_zone_is_the_accounts_own(settings: Preferences, people: People, ana: User) -> None:
    settings.set(ana.id, "timezone", "Asia/Tokyo")
    assert people.get(ana.id).time_zone == "Asia/Tokyo"
    people.change(ana.id, time_zone="Europe/Berlin", actor=TESTER)
    assert settings.get(ana.id, "timezone") == "Europe/Berlin"
    with pytest.raises(InvalidValue, match="a zone of its own"):
        settings.set_for_all("timezone", "UTC")
    with pytest.raises(InvalidValue, match="a zone of its own"):
        settings.lock("timezone")
    assert "timezone" not in settings.rules()


def test_r48_only_what_the_catalogue_knows_is_written_and_all_of_it_or_nothing(
    settings: Preferences, store: Store, people: People, ana: User
) -> None:
    for key in ("role", "is_admin", "password_hash", "id", "sync_interval", "timezone ", "CLOCK", ""):
        with pytest.raises(InvalidValue, match="there is none of this name"):
            settings.update_bulk(ana.id, {"clock": "12h", key: "admin"})
    with pytest.raises(InvalidValue, match="look"):
        settings.update_bulk(ana.id, {"clock": "12h", "look": "pink"})
    assert settings.get(ana.id, "clock") == "24h"
    assert people.get(ana.id) == ana
    with store.reading() as tx:
        assert len(PeopleBook(tx).everyone()) == 1


@pytest.mark.parametrize("nobody", [0, -1, 99_999])
def test_nobody_has_no_settings(settings: Preferences, nobody: int) -> None:
    for ask in (
        lambda: settings.get(nobody, "clock"),
        lambda: settings.get_all(nobody),
        lambda: settings.set(nobody, "clock", "12h"),
        lambda: settings.reset(nobody),
    ):
        with pytest.raises(NotFound, match="there is no user"):
            ask()


def test_what_holds_for_the_installation_holds_where_nobody_chose(
    settings: Preferences, people: People, ana: User
) -> None:
    ben = add_person(people, "ben")
    settings.set(ana.id, "clock", "24h")
    settings.set_for_all("clock", "12h")
    assert (settings.get(ana.id, "clock"), settings.get(ben.id, "clock")) == ("24h", "12h")
    with pytest.raises(InvalidValue, match="use 24h or 12h"):
        settings.set_for_all("clock", "13h")
    rule = settings.rules()["clock"]
    assert (rule.value, rule.is_ours, rule.is_locked) == ("12h", True, False)
    settings.set_for_all("clock", "24h")
    assert not settings.rules()["clock"].is_ours


def test_a_lock_holds_for_everybody_until_it_is_released(settings: Preferences, ana: User) -> None:
    settings.set(ana.id, "clock", "24h")
    settings.set_for_all("clock", "12h")
    settings.lock("clock")
    assert settings.get(ana.id, "clock") == "12h"
    assert settings.standing(ana.id)["clock"].is_locked
    with pytest.raises(Conflict, match="clock is locked"):
        settings.update_bulk(ana.id, {"look": "dark", "clock": "24h"})
    assert settings.get(ana.id, "look") == "system"
    settings.set_for_all("clock", "24h")
    assert settings.rules()["clock"].is_locked
    settings.lock("clock", locked=False)
    settings.set_for_all("clock", "12h")
    assert settings.get(ana.id, "clock") == "24h"


def test_r107_changes_of_settings_are_noted_with_old_and_new_values(
    settings: Preferences, store: Store, clock: SetClock, ana: User
) -> None:
    settings.register("Sync", SYNC[:2])
    settings.update_bulk(ana.id, {"sync_interval": 900, "timezone": "Asia/Tokyo"}, actor=TESTER)
    settings.update_bulk(ana.id, {"sync_interval": 900}, actor=TESTER)
    settings.set_for_all("clock", "12h", actor=TESTER)
    settings.set_for_all("clock", "12h", actor=TESTER)
    settings.lock("clock", actor=TESTER)
    settings.reset(ana.id, "sync_interval", actor=TESTER)
    settings.reset(ana.id, "sync_interval", actor=TESTER)
    assert noted(store, clock) == [
        ("setting.changed", "Sync", {"settings": []}, {"settings": ["sync_interval", "twitter_to_bluesky_enabled"]}),
        (
            "setting.changed",
            "ana",
            {"sync_interval": 3600, "timezone": "Europe/Lisbon"},
            {"sync_interval": 900, "timezone": "Asia/Tokyo"},
        ),
        ("setting.changed", "clock", {"clock": "24h"}, {"clock": "12h"}),
        ("setting.locked", "clock", {}, {"locked": True}),
        ("setting.changed", "ana", {"sync_interval": 900}, {"sync_interval": 3600}),
    ]
    assert verify(store).is_sound


def test_applications_add_settings_of_their_own(
    settings: Preferences, store: Store, clock: SetClock, ana: User
) -> None:
    settings.register("Sync", SYNC)
    settings.set(ana.id, "sync_interval", 900)
    elsewhere = Preferences(store, clock)
    assert elsewhere.get(ana.id, "sync_interval") == 900
    groups = {each.group for each in elsewhere.catalogue().values()}
    assert groups == {"Time and language", "Summaries by mail", "Notifications", "Sync"}
    with pytest.raises(InvalidValue, match="taken by Sync"):
        settings.register("Other", SYNC[:1])
    with pytest.raises(InvalidValue, match="taken by Horarium itself"):
        settings.register("Other", [Setting(key="clock", type=SettingType.TEXT, default="", sentence="A clock.")])
    with pytest.raises(InvalidValue, match="twice"):
        settings.register("Other", [SYNC[0], SYNC[0]])
    settings.register("Sync", SYNC[1:])
    with pytest.raises(InvalidValue, match="there is none of this name"):
        settings.get(ana.id, "sync_interval")
    settings.register("Sync", SYNC)
    assert settings.get(ana.id, "sync_interval") == 900
    settings.register("Sync", [])
    assert len(settings.catalogue()) == len(STANDARD) + len(ON_TELLING)


def test_a_value_that_is_no_longer_allowed_counts_for_nothing(settings: Preferences, ana: User) -> None:
    settings.register("Sync", SYNC)
    settings.set(ana.id, "sync_interval", 60)
    narrower = Setting(
        key="sync_interval", type=SettingType.NUMBER, default=600, least=300, most=900, sentence="Seconds."
    )
    settings.register("Sync", [narrower])
    assert settings.get(ana.id, "sync_interval") == 600
