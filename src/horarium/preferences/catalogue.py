"""Every setting that there is: the standard ones, and those that applications add."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any, Final

from horarium.errors import InvalidValue, nearest
from horarium.preferences.setting import Setting, SettingType, one_of

_MOST_ADDED: Final = 500


class Catalogue(Mapping[str, Setting]):
    """The settings that there are, by key, in their order."""

    def __init__(self, settings: Iterable[Setting]) -> None:
        """Keep the settings; of two with one key the first counts."""
        self._settings: dict[str, Setting] = {}
        for setting in settings:
            self._settings.setdefault(setting.key, setting)

    def __getitem__(self, key: str) -> Setting:
        """Return a setting. Raises `InvalidValue` for a key that is not there, naming the nearest ones that are."""
        found = self._settings.get(key)
        if found is None:
            near = nearest(str(key), self._settings)
            hint = f"did you mean {' or '.join(near)}?" if near else f"use {one_of(tuple(self._settings))}"
            raise InvalidValue("setting", key, f"there is none of this name; {hint}")
        return found

    def __contains__(self, key: object) -> bool:
        """Tell whether there is a setting with this key."""
        return key in self._settings

    def __iter__(self) -> Iterator[str]:
        """Go through the keys."""
        return iter(self._settings)

    def __len__(self) -> int:
        """Return how many settings there are."""
        return len(self._settings)

    def groups(self) -> dict[str, list[Setting]]:
        """Return the settings by the part that they stand in."""
        found: dict[str, list[Setting]] = {}
        for setting in self._settings.values():
            found.setdefault(setting.group, []).append(setting)
        return found


TIME: Final = "Time and language"
TIME_ZONE: Final = "timezone"
SUMMARIES: Final = "Summaries by mail"
SUMMARY: Final = "summary"
SUMMARY_DAY: Final = "summary_day"
SUMMARY_HOUR: Final = "summary_hour"
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
STANDARD: Final = (
    Setting(
        key=TIME_ZONE,
        type=SettingType.ZONE,
        default="UTC",
        label="Time zone",
        group=TIME,
        sentence="The zone in which times are shown, and by whose clock the person's own tasks run.",
    ),
    Setting(
        key="date_language",
        type=SettingType.CHOICE,
        default="en",
        choices=("en", "de", "pt", "pl"),
        words=("English", "Deutsch", "Português", "Polski"),
        label="Language of dates",
        group=TIME,
        sentence="The language in which days and months are named.",
    ),
    Setting(
        key="clock",
        type=SettingType.CHOICE,
        default="24h",
        choices=("24h", "12h"),
        words=("14:32", "2:32 pm"),
        group=TIME,
        sentence="Whether the hours of a day are counted to 24, or twice to 12.",
    ),
    Setting(
        key="week_start",
        type=SettingType.CHOICE,
        default="monday",
        choices=("monday", "sunday"),
        words=("Monday", "Sunday"),
        label="Week starts on",
        group=TIME,
        sentence="The day before which the picture of the coming days draws the line between two weeks.",
    ),
    Setting(
        key="look",
        type=SettingType.CHOICE,
        default="system",
        choices=("system", "light", "dark"),
        words=("Like the system", "Light", "Dark"),
        group=TIME,
        sentence="Whether pages are light or dark.",
    ),
    Setting(
        key="page_size",
        type=SettingType.CHOICE,
        default="50",
        choices=("25", "50", "100", "200"),
        label="Rows on a page",
        group=TIME,
        sentence="How many tasks or runs a list shows at once.",
    ),
    Setting(
        key=SUMMARY,
        type=SettingType.CHOICE,
        default="off",
        choices=("off", "daily", "weekly", "monthly"),
        words=("Off", "Every day", "Every week", "Every month"),
        group=SUMMARIES,
        sentence="How often a summary of the runs that the person sees comes by mail.",
        to_you="How often a summary of the runs that you see comes by mail.",
    ),
    Setting(
        key=SUMMARY_DAY,
        type=SettingType.CHOICE,
        default="monday",
        choices=_DAYS,
        words=tuple(day.capitalize() for day in _DAYS),
        label="Day of the summary",
        group=SUMMARIES,
        sentence="The weekday on which the weekly summary comes; it is about the seven days before.",
    ),
    Setting(
        key=SUMMARY_HOUR,
        type=SettingType.NUMBER,
        default=8,
        least=0,
        most=23,
        label="Hour of the summary",
        group=SUMMARIES,
        sentence="The full hour at which the summary comes, by the clock of the person's zone.",
        to_you="The full hour at which the summary comes, by the clock of your zone.",
    ),
)
"""The settings that every installation has."""

_HOURS: Final = tuple(f"{hour:02}:00" for hour in range(24))


def _told(key: str, label: str, sentence: str, to_you: str = "") -> Setting:
    return Setting(
        key=key, type=SettingType.SWITCH, default=True, label=label, group=TELLING, sentence=sentence, to_you=to_you
    )


TELLING: Final = "Notifications"
ON_TELLING: Final = (
    _told(
        "mail_notices",
        "Notifications by mail",
        "Whether anything of what follows is sent to the person by mail.",
        "Whether anything of what follows is sent to you by mail.",
    ),
    _told("tell_failures", "Failures", "Whether failed runs are told."),
    _told("tell_recoveries", "Recoveries", "Whether it is told that something which had failed works again."),
    _told("tell_successes", "Successes", "Whether runs that went well are told, where a rule says so."),
    _told("tell_delays", "Delays", "Whether it is told what starts late, hangs, takes too long or is parked."),
    _told("tell_credentials", "Credentials", "Whether it is told that a credential ends soon or is not used any more."),
    _told(
        "tell_house", "The installation", "Whether backups, disk, database, scheduler, channels and checks are told."
    ),
    Setting(
        key="digest",
        type=SettingType.CHOICE,
        default="at_once",
        choices=("at_once", "hourly", "daily"),
        words=("At once", "Together, each hour", "Together, once a day"),
        label="How often mail comes",
        group=TELLING,
        sentence="Whether notifications come when something happens, or together. What is urgent comes at once.",
    ),
    Setting(
        key="digest_hour",
        type=SettingType.CHOICE,
        default="08:00",
        choices=_HOURS,
        label="Hour of the daily mail",
        group=TELLING,
        sentence="When the mail of a day comes, by the person's own clock.",
        to_you="When the mail of a day comes, by your own clock.",
    ),
    Setting(
        key="quiet_from",
        type=SettingType.CHOICE,
        default=None,
        choices=_HOURS,
        label="Quiet from",
        group=TELLING,
        sentence="From when on no notification comes, by the person's own clock; what is urgent comes all the same.",
        to_you="From when on no notification comes, by your own clock; what is urgent comes all the same.",
    ),
    Setting(
        key="quiet_until",
        type=SettingType.CHOICE,
        default="07:00",
        choices=_HOURS,
        label="Quiet until",
        group=TELLING,
        sentence="Until when no notification comes, where there is a quiet time.",
    ),
)
"""The settings of what a person is told by mail, and when."""
STANDARD_GROUPS: Final = frozenset(each.group for each in (*STANDARD, *ON_TELLING))
"""The parts that they stand in: no application adds to these."""


def check_added(added: Mapping[str, Iterable[Setting]]) -> None:
    """Refuse settings that take the key of a standard one, or that two applications add. Raises `InvalidValue`."""
    ours = (*STANDARD, *ON_TELLING)
    seen = {setting.key: "Horarium itself" for setting in ours}
    for application, settings in added.items():
        for setting in settings:
            if seen.get(setting.key, application) != application:
                raise InvalidValue("key", setting.key, f"it is taken by {seen[setting.key]}")
            seen[setting.key] = application
    if len(seen) - len(ours) > _MOST_ADDED:
        raise InvalidValue("settings", len(seen) - len(ours), f"add at most {_MOST_ADDED}")


def added_text(added: Mapping[str, Iterable[Setting]]) -> str:
    """Return added settings, by the application that added them, as they are kept."""
    plain = {application: [asdict(each) for each in settings] for application, settings in added.items()}
    return json.dumps(plain, separators=(",", ":"), sort_keys=True)


@lru_cache(maxsize=64)
def added_of(text: str | None) -> Mapping[str, tuple[Setting, ...]]:
    """Read what `added_text` wrote; parts that a newer release knows are left out."""
    names = {each.name for each in fields(Setting)}
    found: dict[str, list[dict[str, Any]]] = json.loads(text) if text else {}
    return {
        application: tuple(Setting(**{name: part for name, part in each.items() if name in names}) for each in settings)
        for application, settings in found.items()
    }


@lru_cache(maxsize=64)
def catalogue_of(text: str | None) -> Catalogue:
    """Return all settings: the standard ones and those in the text about added ones."""
    return Catalogue((*STANDARD, *ON_TELLING, *(each for settings in added_of(text).values() for each in settings)))
