"""Say what the page about a day, a week or a month shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from horarium.web.views.overview import Figure
from horarium.web.views.parts import Tab
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """A line of a summary: a name, where it leads, what is said about it, and a value."""

    name: str
    words: str = ""
    value: str = ""
    href: str = ""
    status: Status | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPart:
    """Lines under one heading."""

    title: str
    rows: tuple[SummaryRow, ...]
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPage:
    """The summary of a period, as its reader sees it.

    `spans` are the choices of how long it reaches back, `newer` is empty where that one is not over yet. `mail` and
    `paper` lead to the same as a letter and as a PDF file; `paper` is empty where that cannot be drawn.
    """

    template: ClassVar[str] = "summary.html"

    shell: Shell
    title: str
    lead: str
    spans: tuple[Tab, ...]
    older: str
    newer: str
    latest: str
    mail: str
    paper: str
    figures: tuple[Figure, ...] = ()
    days: tuple[SummaryRow, ...] = ()
    parts: tuple[SummaryPart, ...] = ()
    zone_key: str = "UTC"
