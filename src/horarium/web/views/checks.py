"""Say what the pages about heartbeats show: the list, one of them with its calls, and the form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import ClassVar

from horarium.web.views.parts import Fact
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """A heartbeat in the list: how it stands, when it is to be called, in words, and whose it is."""

    id: int
    name: str
    status: Status
    words: str
    schedule: str
    whose: str
    last: datetime | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksPage:
    """The heartbeats that somebody sees, the ones that are down first."""

    template: ClassVar[str] = "checks.html"

    shell: Shell
    rows: tuple[CheckRow, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLine:
    """A call that came: when, how it stood, in words, from where and by what program."""

    at: datetime
    status: Status
    words: str
    address: str
    agent: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A way to call, to be copied."""

    key: str
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPage:
    """One heartbeat. `address` and `examples` are there for whoever may edit it, else empty."""

    template: ClassVar[str] = "check.html"

    shell: Shell
    id: int
    name: str
    description: str
    status: Status
    words: str
    facts: tuple[Fact, ...]
    calls: tuple[CallLine, ...]
    address: str = ""
    examples: tuple[Example, ...] = ()
    due: datetime | None = None
    down: datetime | None = None
    may_edit: bool = False
    may_pause: bool = False
    is_paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """Whose a heartbeat may be."""

    value: str
    label: str
    on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFormPage:
    """The form for a heartbeat, a new one where `id` is None.

    Fields: name, description, kind, every, unit, cron, timezone, grace, grace_unit, belongs. `fires` are the next times
    of a cron expression that was understood, in its own zone.
    """

    template: ClassVar[str] = "check_form.html"

    shell: Shell
    id: int | None
    name: str
    belongings: tuple[Belonging, ...]
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    fires: tuple[datetime, ...] = ()
    fires_zone: tzinfo | None = None
