"""How somebody wants to read dates and times: it goes along with the zone in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

Look = Literal["system", "light", "dark"]


class Words(NamedTuple):
    """The names of days, from Monday, and of months in a language; `stop` is what follows the number of a day."""

    days: tuple[str, ...]
    long_days: tuple[str, ...]
    months: tuple[str, ...]
    stop: str = ""


LANGUAGES: Final[Mapping[str, Words]] = {
    "en": Words(
        ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ),
    "de": Words(
        ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
        ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        ("Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"),
        ".",
    ),
    "pt": Words(
        ("seg", "ter", "qua", "qui", "sex", "sáb", "dom"),
        ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"),
        ("jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"),
    ),
    "pl": Words(
        ("pon", "wt", "śr", "czw", "pt", "sob", "niedz"),
        ("poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota", "niedziela"),
        ("sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru"),
    ),
}


class Manner(NamedTuple):
    """The language of dates, whether a day has twice 12 hours, and whether its week begins on Sunday."""

    language: str = "en"
    twice_twelve: bool = False
    sunday_first: bool = False

    @property
    def words(self) -> Words:
        """Return the names of days and months."""
        return LANGUAGES.get(self.language, LANGUAGES["en"])


PLAIN: Final = Manner()


class ViewerZone(ZoneInfo):
    """A zone that knows in which manner its viewer reads."""

    manner: Manner

    @classmethod
    def of(cls, key: str, manner: Manner) -> Self:
        """Return the zone with this name. Raises `ZoneInfoNotFoundError`."""
        made = cls.no_cache(key)
        made.manner = manner
        return made


@lru_cache(maxsize=2048)
def viewer_zone(key: str, manner: Manner = PLAIN) -> ViewerZone:
    """Return the zone with this name for a viewer: one object for each pair, as arithmetic with dates expects."""
    return ViewerZone.of(key, manner)


def manner_of(zone: tzinfo | None) -> Manner:
    """Return in which manner to write what is shown in a zone."""
    return zone.manner if isinstance(zone, ViewerZone) else PLAIN


class Taste(NamedTuple):
    """What a person chose about how pages look."""

    manner: Manner = PLAIN
    look: Look = "system"
    page_size: int = 50


TASTE: Final = ("date_language", "clock", "week_start", "look", "page_size")
"""The settings that a taste is made of."""


def taste_of(values: Mapping[str, Any]) -> Taste:
    """Return the taste that somebody's settings come to."""
    manner = Manner(values["date_language"], values["clock"] == "12h", values["week_start"] == "sunday")
    return Taste(manner, values["look"], int(values["page_size"]))
