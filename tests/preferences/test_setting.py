"""What a setting may be set to, and how it says so."""

from __future__ import annotations

from typing import Any

import pytest

from horarium.errors import InvalidValue
from horarium.preferences.catalogue import STANDARD, Catalogue, added_of, added_text
from horarium.preferences.setting import Setting, SettingType
from tests.preferences.conftest import SYNC

BY_KEY = {each.key: each for each in (*STANDARD, *SYNC)}
CRON = Setting(key="report_at", type=SettingType.CRON, default="0 6 * * *", sentence="When the report comes.")


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("timezone", "Europe/Atlantis", "use a name of the IANA list, for example Europe/Berlin"),
        ("timezone", "../../etc/passwd", "use a name of the IANA list, for example Europe/Berlin"),
        ("clock", "25h", "use 24h or 12h"),
        ("look", None, "use system, light or dark"),
        ("page_size", 50, "use 25, 50, 100 or 200"),
        ("sync_interval", 59, "use a whole number from 60 to 86400"),
        ("sync_interval", True, "use a whole number from 60 to 86400"),
        ("sync_interval", 60.0, "use a whole number from 60 to 86400"),
        ("sync_media", "yes", "use on or off"),
        ("sync_media", 1, "use on or off"),
        ("notification_email", "a\nb", "use one line of at most 1000 characters, or nothing"),
        ("notification_email", "x" * 1001, "use one line of at most 1000 characters, or nothing"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_setting_value_and_what_is_allowed(
    key: str, value: Any, allowed: str
) -> None:
    with pytest.raises(InvalidValue) as refused:
        BY_KEY[key].checked(value)
    assert (refused.value.field, refused.value.allowed) == (key, allowed)


def test_a_cron_setting_takes_expressions_only() -> None:
    assert CRON.checked("*/5 8-17 * * 1-5") == "*/5 8-17 * * 1-5"
    for text in ("61 * * * *", "", "every day"):
        with pytest.raises(InvalidValue, match="use a cron expression"):
            CRON.checked(text)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("sync_interval", "900", 900),
        ("sync_media", "OFF", False),
        ("sync_media", "true", True),
        ("notification_email", "", None),
        ("notification_email", "ana@tidewater.example", "ana@tidewater.example"),
        ("clock", "12h", "12h"),
    ],
)
def test_what_a_person_types_becomes_a_value_and_text_again(key: str, text: str, value: Any) -> None:
    setting = BY_KEY[key]
    assert setting.from_text(text) == value
    assert setting.from_text(setting.to_text(value)) == value


@pytest.mark.parametrize("text", ["", "abc", "1e3", "60.5", "٣٦٠٠", "9" * 30])
def test_a_number_that_is_typed_is_digits(text: str) -> None:
    with pytest.raises(InvalidValue, match="sync_interval"):
        BY_KEY["sync_interval"].from_text(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "Upper"},
        {"key": "x" * 101},
        {"type": "colour"},
        {"default": "maybe"},
        {"type": SettingType.CHOICE, "default": "a"},
        {"type": SettingType.CHOICE, "default": "c", "choices": ("a", "b")},
        {"choices": ("a",)},
        {"type": SettingType.CHOICE, "default": "a", "choices": ("a", "b"), "words": ("A",)},
        {"type": SettingType.NUMBER, "default": 5, "least": 9, "most": 1},
        {"type": SettingType.NUMBER, "default": 5, "least": 9},
        {"sentence": "x" * 401},
        {"label": "x" * 61},
    ],
)
def test_a_description_that_contradicts_itself_is_refused(wrong: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"key": "a", "type": SettingType.SWITCH, "default": True, "sentence": "A switch."}
    Setting(**usual)
    with pytest.raises(InvalidValue):
        Setting(**(usual | wrong))


def test_added_settings_are_read_back_as_they_were() -> None:
    added = {"Sync": (*SYNC, CRON), "Other": (Setting(key="b", type=SettingType.TEXT, default="", sentence="B."),)}
    assert added_of(added_text(added)) == added
    assert added_of(None) == {}


def test_a_wrong_key_names_the_nearest_ones() -> None:
    catalogue = Catalogue((*STANDARD, *SYNC))
    with pytest.raises(InvalidValue, match="did you mean sync_interval"):
        catalogue["sync_intervall"]
    with pytest.raises(InvalidValue, match="use timezone, date_language"):
        catalogue["qqq"]


def test_every_setting_has_a_sentence_and_a_label() -> None:
    for setting in BY_KEY.values():
        assert setting.sentence.endswith(".")
        assert setting.label
