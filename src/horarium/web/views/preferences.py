"""Say what the pages about settings show: a person's own, those that applications add, and the installation's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from horarium.web.views.settings import Part
from horarium.web.views.shell import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the values that a setting may have, and what people call it."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A setting as a field of a form. `value` is as typed; `choices` are there for one that is picked, not typed.

    A locked one is shown and cannot be changed: it is not sent. `least` and `most` bound a number.
    """

    key: str
    label: str
    hint: str
    value: str
    choices: tuple[Choice, ...] = ()
    is_number: bool = False
    is_required: bool = True
    least: int | None = None
    most: int | None = None
    is_locked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Settings that belong together, under one heading."""

    name: str
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePage:
    """A person's zone, clock, language of dates, week and look. Fields are the keys of the settings.

    `there` is the time of day in their zone. `errors` is by key.
    """

    template: ClassVar[str] = "settings_time.html"

    shell: Shell
    parts: tuple[Part, ...]
    timezone: Control
    date_language: Control
    clock: Control
    week_start: Control
    look: Control
    page_size: Control
    there: str
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticesPage:
    """What a person is told by mail, and when. Fields are the keys of the settings.

    `gets_mail` says that mail reaches them: the server sends some, and their `address` is proven. Times are by the
    clock of `zone`.
    """

    template: ClassVar[str] = "settings_notices.html"

    shell: Shell
    parts: tuple[Part, ...]
    switches: tuple[Control, ...]
    times: tuple[Control, ...]
    address: str
    gets_mail: bool
    zone: str
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedPage:
    """A person's settings for applications. Fields: `key` and `value`, as often as there are settings, in step."""

    template: ClassVar[str] = "settings_added.html"

    shell: Shell
    parts: tuple[Part, ...]
    groups: tuple[Group, ...]
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarySettingsPage:
    """How often a person gets a summary by mail. Fields: `key` and `value`, as often as there are settings, in step.

    It goes to `address`, if that is confirmed and the installation sends mail.
    """

    template: ClassVar[str] = "settings_summary.html"

    shell: Shell
    parts: tuple[Part, ...]
    controls: tuple[Control, ...]
    address: str
    is_confirmed: bool
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesPage:
    """What holds where people chose nothing. Fields: `key` and `value` in step, and `lock` with the key of each lock.

    A control that is locked here is one whose lock is on; it can be changed.
    """

    template: ClassVar[str] = "settings_rules.html"

    shell: Shell
    parts: tuple[Part, ...]
    groups: tuple[Group, ...]
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
