"""Say what the pages about sent messages show, and what is held back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from horarium.web.views.parts import FilterBar, Pager, Tab
from horarium.web.views.rules import Option
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """A message in the log: what it tells, where to, how it stands and what came back last."""

    id: int
    at: datetime
    what: str
    to: str
    icon: str
    status: Status
    words: str
    tries: int
    answer: str = ""
    may_resend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """Something that is to be told and was not yet; `why` says what it waits for, `at` until when where that is known.

    `many` is how often it happened.
    """

    what: str
    to: str
    many: int
    why: str
    href: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeRow:
    """Something that is held back: what, for whom, until when, who said so and why."""

    id: int
    what: str
    whom: str
    until: datetime
    by: str
    reason: str = ""
    may_end: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesPage:
    """The log of messages, what waits, what is muted, and what is held back.

    The form that holds back has the fields what, task, channel, length, until, whom, reason. `channels` and `lengths`
    are what it offers; `may_for_all` says that it may be for everybody.
    """

    template: ClassVar[str] = "messages.html"

    shell: Shell
    tabs: tuple[Tab, ...]
    rows: tuple[MessageRow, ...]
    filters: FilterBar
    pager: Pager
    back: str
    waiting: tuple[WaitingRow, ...] = ()
    waiting_many: int = 0
    muted: tuple[WaitingRow, ...] = ()
    has_more_muted: bool = False
    snoozes: tuple[SnoozeRow, ...] = ()
    channels: tuple[Option, ...] = ()
    lengths: tuple[Option, ...] = ()
    may_for_all: bool = False
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRow:
    """One thing that a message tells: what happened, how often, from when to when, what came of it, where it leads."""

    title: str
    status: Status
    many: int
    first_at: datetime
    last_at: datetime
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryRow:
    """One time that a message was handed over: whether it was taken, how long it took, what came back."""

    at: datetime
    seconds: float
    is_taken: bool
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """One message: what it told, and each time that it was handed over.

    `number` stays the same over all tries, and is what a receiver knows it by.
    """

    template: ClassVar[str] = "notice_message.html"

    shell: Shell
    row: MessageRow
    number: str
    purpose: str
    topics: tuple[TopicRow, ...]
    more: int = 0
    tries: tuple[TryRow, ...] = ()
    next_at: datetime | None = None
    until: datetime | None = None
    ended_at: datetime | None = None
    channel_id: int | None = None
