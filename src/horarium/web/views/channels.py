"""Say what the pages about channels show. No value that is secret is ever part of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from horarium.web.charts.spark import Bar
from horarium.web.views.parts import Tab
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """How a channel does: in words with the moment that they are about, and what the other side said when it failed."""

    status: Status
    words: str
    at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCard:
    """A channel in the list: `to` is where it leads, `rules` how many tell it, `bars` its last messages."""

    id: int
    name: str
    kind: str
    icon: str
    owner: str
    to: str
    state: ChannelState
    rules: int
    bars: tuple[Bar, ...] = ()
    is_paused: bool = False
    is_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelsPage:
    """The channels that are somebody's to keep."""

    template: ClassVar[str] = "channels.html"

    shell: Shell
    tabs: tuple[Tab, ...]
    cards: tuple[ChannelCard, ...]
    back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelField:
    """A value that a channel asks for, as a field of a form. One that is secret is never filled in.

    `name` is the field's name in the form; `is_set` says of a secret one that there is a value.
    """

    name: str
    label: str
    hint: str
    value: str = ""
    secret: bool = False
    required: bool = True
    lines: bool = False
    is_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKindChoice:
    """A kind that a channel may be of; of the one that is on the fields, too."""

    value: str
    label: str
    hint: str
    icon: str
    on: bool = False
    fields: tuple[ChannelField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How a message looks there: a title, a sentence, and what its link says."""

    title: str
    text: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFormPage:
    """The form of a new channel. Fields: kind, name, owner, the two limits, and the values as `kind.value`.

    `usual` are the limits where nothing is typed.
    """

    template: ClassVar[str] = "channel_form.html"

    shell: Shell
    kinds: tuple[ChannelKindChoice, ...]
    sample: Sample
    usual: tuple[int, int]
    may_choose_owner: bool = False
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLine:
    """A message in a short list."""

    id: int
    at: datetime
    what: str
    status: Status
    words: str
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule in a short list: what it says."""

    id: int
    words: str
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPage:
    """One channel: how it does, its form, the rules that tell it, its last messages. Fields as of a new one.

    With `is_new` it was saved a moment ago, and a test is what comes next.
    """

    template: ClassVar[str] = "channel.html"

    shell: Shell
    card: ChannelCard
    kind: ChannelKindChoice
    sample: Sample
    usual: tuple[int, int]
    rules: tuple[RuleLine, ...] = ()
    messages: tuple[MessageLine, ...] = ()
    is_new: bool = False
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRemovalPage:
    """The question before a channel goes: which rules tell it, and how many messages wait for it."""

    template: ClassVar[str] = "channel_remove.html"

    shell: Shell
    id: int
    name: str
    rules: tuple[RuleLine, ...] = ()
    waiting: int = 0
