"""Say what the page about the audit log shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from horarium.web.views.parts import NO_FILTERS, ONE_PAGE, Fact, FilterBar, Pager
from horarium.web.views.shell import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A value that was changed: what it was and what it is now, None where there was or is none."""

    name: str
    was: str | None = None
    now: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What an entry that is open tells besides."""

    facts: tuple[Fact, ...]
    changes: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """An entry: who (`person` for somebody with an account), what in words, about what, from where.

    `there` leads to what it is about, `href` to the page with this entry open, or closed again if it is.
    """

    id: int
    at: datetime
    who: str
    person: bool
    icon: str
    did: str
    kind: str
    name: str
    there: str
    address: str
    result: Literal["done", "refused", "failed"]
    href: str
    detail: Detail | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDay:
    """The entries of one day in the reader's zone."""

    label: str
    rows: tuple[EntryRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """A page of the audit log, newest first.

    `since` and `until` are the days of the search as the fields have them. `sent` are all filters that are on, for the
    form that exports. `total` counts what the search finds, no further than `counted`. Entries stay for `kept`, and of
    older ones `archived` are in so many `archives`.
    """

    template: ClassVar[str] = "audit.html"

    shell: Shell
    days: tuple[EntryDay, ...]
    shown: int
    total: int
    counted: int
    filters: FilterBar = NO_FILTERS
    since: str = ""
    until: str = ""
    archives: int = 0
    archived: int = 0
    kept: str = ""
    sent: tuple[tuple[str, str], ...] = ()
    pager: Pager = ONE_PAGE
