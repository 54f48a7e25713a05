"""One setting: its type, its default, one sentence about it, and what it may be set to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from horarium.errors import InvalidSchedule, InvalidValue
from horarium.triggers import CronTrigger, zone_names

KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,99}")
TEXT_LIMIT: Final = 1000
_SENTENCE_LIMIT: Final = 400
_GROUP_LIMIT: Final = 60
_MOST_CHOICES: Final = 100
_WIDEST: Final = 1 << 53
"""Whole numbers beyond this are not the same in every program that reads JSON."""


class SettingType(StrEnum):
    """What a setting holds."""

    SWITCH = "switch"
    """On or off."""
    NUMBER = "number"
    """A whole number, within bounds."""
    TEXT = "text"
    """A line of text."""
    CHOICE = "choice"
    """One of several words."""
    ZONE = "zone"
    """A time zone of the IANA list."""
    CRON = "cron"
    """A cron expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of a person.

    `key` is its name for programs, `label` the one for people (made from the key if there is none). A `default` of
    None stands for "not set", which is then allowed. `least` and `most` bound a number; `choices` are the words of a
    choice, each with what it is called where `words` says so. `sentence` speaks of the person, `to_you` to them, where
    that is not the same. `group` is the part of a person's settings that it
    stands in. Raises `InvalidValue` for a description that contradicts itself.
    """

    key: str
    type: SettingType
    default: Any
    sentence: str
    to_you: str = ""
    label: str = ""
    group: str = ""
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    least: int = 0
    most: int = _WIDEST

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        object.__setattr__(self, "type", _type_of(self.type))
        object.__setattr__(self, "choices", tuple(self.choices))
        object.__setattr__(self, "words", tuple(self.words))
        if not KEY.fullmatch(self.key):
            raise InvalidValue("key", self.key, "use small letters, figures and underscores, beginning with a letter")
        if not self.label:
            object.__setattr__(self, "label", self.key.replace("_", " ").capitalize())
        if (
            max(len(self.sentence), len(self.to_you)) > _SENTENCE_LIMIT
            or len(self.label) > _GROUP_LIMIT
            or len(self.group) > _GROUP_LIMIT
        ):
            raise InvalidValue(
                self.key, "its words", f"use at most {_SENTENCE_LIMIT} characters, {_GROUP_LIMIT} for label and group"
            )
        if (self.type is SettingType.CHOICE) is not bool(self.choices) or len(self.choices) > _MOST_CHOICES:
            raise InvalidValue(f"{self.key}.choices", self.choices, f"a choice has 1 to {_MOST_CHOICES}, others none")
        if self.words and len(self.words) != len(self.choices):
            raise InvalidValue(f"{self.key}.words", self.words, "give one for each choice, or none at all")
        if self.least > self.most:
            raise InvalidValue(f"{self.key}.least", self.least, f"it must not be above {self.most}")
        self.checked(self.default)

    @property
    def allowed(self) -> str:
        """Return what it may be set to, in words."""
        words = _ALLOWED[self.type]
        if self.type is SettingType.NUMBER:
            upper = "" if self.most >= _WIDEST else f" to {self.most}"
            words = f"use a whole number from {self.least}{upper}"
        elif self.type is SettingType.CHOICE:
            words = f"use {one_of(self.choices)}"
        return f"{words}, or nothing" if self.default is None else words

    def checked(self, value: Any) -> Any:
        """Return the value as it is kept. Raises `InvalidValue`, naming the setting and what is allowed."""
        if value is None and self.default is None:
            return None
        fits = _CHECKS[self.type](self, value)
        if not fits:
            raise InvalidValue(self.key, value, self.allowed)
        return value

    def from_text(self, text: str) -> Any:
        """Return the value that a person typed. Raises `InvalidValue` as `checked` does."""
        if text == "" and self.default is None:
            return None
        if self.type is SettingType.SWITCH and text.lower() in _SWITCHES:
            return _SWITCHES[text.lower()]
        if self.type is SettingType.NUMBER and re.fullmatch(r"-?[0-9]{1,18}", text):
            return self.checked(int(text))
        return self.checked(text)

    def to_text(self, value: Any) -> str:
        """Return a value as a person would type it."""
        if value is None:
            return ""
        return ("off", "on")[value] if isinstance(value, bool) else str(value)

    def word_for(self, choice: str) -> str:
        """Return what people call one of the choices."""
        return self.words[self.choices.index(choice)] if self.words else choice


def _type_of(given: str) -> SettingType:
    try:
        return SettingType(given)
    except ValueError:
        raise InvalidValue("type", given, f"use {one_of(tuple(each.value for each in SettingType))}") from None


def one_of(words: tuple[str, ...]) -> str:
    """Return several words as an alternative: `a, b or c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _is_number(setting: Setting, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and setting.least <= value <= setting.most


def _is_text(_setting: Setting, value: Any) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_LIMIT and value.isprintable()


def _is_cron(_setting: Setting, value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) <= TEXT_LIMIT and bool(CronTrigger(value).description)
    except InvalidSchedule:
        return False


_CHECKS: Final[dict[SettingType, Callable[[Setting, Any], bool]]] = {
    SettingType.SWITCH: lambda _setting, value: isinstance(value, bool),
    SettingType.NUMBER: _is_number,
    SettingType.TEXT: _is_text,
    SettingType.CHOICE: lambda setting, value: isinstance(value, str) and value in setting.choices,
    SettingType.ZONE: lambda _setting, value: isinstance(value, str) and value in zone_names(),
    SettingType.CRON: _is_cron,
}
_ALLOWED: Final[dict[SettingType, str]] = {
    SettingType.SWITCH: "use on or off",
    SettingType.TEXT: f"use one line of at most {TEXT_LIMIT} characters",
    SettingType.ZONE: "use a name of the IANA list, for example Europe/Berlin",
    SettingType.CRON: "use a cron expression, for example 0 6 * * 1-5",
    SettingType.NUMBER: "use a whole number",
    SettingType.CHOICE: "use one of the choices",
}
_SWITCHES: Final = {"on": True, "true": True, "yes": True, "1": True} | {
    "off": False,
    "false": False,
    "no": False,
    "0": False,
}
