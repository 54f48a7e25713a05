"""Say what the pages about rules show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from horarium.web.views.parts import Tab
from horarium.web.views.shell import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """A rule in its place: when it fits (words, a tag, more words), whom it tells, how often, how often in 30 days.

    `shut_by` is the setting that keeps it from telling anything, `goes_on` says that the next one is asked, too.
    `muted` says while what it tells no trouble. It `is_unsent` where it tells by mail alone and none goes out.
    """

    id: int
    place: int
    before: str
    then: str
    often: str
    told: int
    tag: str = ""
    behind: str = ""
    shut_by: str = ""
    muted: str = ""
    is_unsent: bool = False
    is_on: bool = True
    goes_on: bool = False
    is_standard: bool = False
    is_first: bool = False
    is_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleList:
    """The rules of one owner, in their order. `whose` is `me` or `installation`."""

    whose: str
    title: str
    hint: str
    rows: tuple[RuleRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesPage:
    """The rules that are somebody's to keep: for administrators everybody's, for each person their own."""

    template: ClassVar[str] = "rules.html"

    shell: Shell
    tabs: tuple[Tab, ...]
    lists: tuple[RuleList, ...]
    has_channels: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Something that a form offers: a value, what people call it, a few words more, and whether it is chosen."""

    value: str
    label: str
    hint: str = ""
    on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFormPage:
    """The form of a rule.

    Fields: owner (new ones), scope with tag, task, project or person, kind, the numbers, frequency, to, people,
    mute_tasks, mute_checks, goes_on, is_on. `words` is what a saved one says. `is_own` is for one of a person's
    own, which tells that person alone.
    """

    template: ClassVar[str] = "rule_form.html"

    shell: Shell
    scopes: tuple[Option, ...]
    kinds: tuple[Option, ...]
    frequencies: tuple[Option, ...]
    recipients: tuple[Option, ...]
    id: int | None = None
    words: str = ""
    is_own: bool = False
    is_standard: bool = False
    projects: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
