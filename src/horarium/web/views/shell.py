"""Hold what stands around every page: who looks, at what time, where things lead, and what was just done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import ClassVar, Literal, Protocol

from horarium.web.links import Links
from horarium.web.manner import Look, Manner, manner_of
from horarium.web.views.status import Status

Section = Literal[
    "",
    "overview",
    "tasks",
    "runs",
    "projects",
    "checks",
    "credentials",
    "notifications",
    "users",
    "audit",
    "system",
    "settings",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The person who looks: name, role in words, zone with its IANA key, and whether they may act on tasks and runs.

    `look` is what they chose for all their browsers: system, light or dark.
    """

    name: str
    role: str
    zone: tzinfo
    zone_key: str
    may_act: bool = False
    look: Look = "system"

    @property
    def manner(self) -> Manner:
        """Return how they read dates and times."""
        return manner_of(self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the scheduler does, in a few words: `Scheduler on time`, `0.3 s lag`."""

    status: Status
    words: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """An action that takes back what was just done: its label and the address to post to."""

    label: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message about what was just done: ok goes away by itself, failed stays."""

    status: Literal["ok", "failed"]
    title: str
    text: str = ""
    undo: Undo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """The frame of a page for someone who is signed in.

    `stream` is the address of the page's live stream, `watch` what of it concerns the page: `*`, `task:7`, `run:12`.
    `tasks`, `running`, `projects` and `people` are the counts in the navigation, None where they are not known; without
    a count of projects or people, and without `audit` or `system`, the entry is not there. `maintenance` is why nothing
    new starts, empty where no reason was given, None where all goes on. `sends_mail` tells whether there is a mail
    server, `may_set_mail` whether it is the viewer's to set one.
    """

    links: Links
    viewer: Viewer
    now: datetime
    csrf: str
    health: Health
    team: str = ""
    tasks: int | None = None
    running: int | None = None
    projects: int | None = None
    people: int | None = None
    audit: bool = False
    system: bool = False
    maintenance: str | None = None
    sends_mail: bool = True
    may_set_mail: bool = False
    notices: tuple[Notice, ...] = ()
    stream: str | None = None
    watch: str = "*"
    heartbeat_seconds: int = 15

    @property
    def zone(self) -> tzinfo:
        """The viewer's zone, in which all times are shown."""
        return self.viewer.zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Porch:
    """The frame of a page for someone who is not signed in."""

    links: Links
    csrf: str
    now: datetime
    zone: tzinfo
    zone_key: str
    team: str = ""
    version: str = ""


class ViewModel(Protocol):
    """What a page needs to be drawn: its template and its frame."""

    template: ClassVar[str]

    @property
    def shell(self) -> Shell | Porch:
        """The frame around the page."""
