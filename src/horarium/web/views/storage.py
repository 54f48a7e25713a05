"""Say what the pages about storage and about archives of the audit log show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from horarium.web.views.parts import Fact
from horarium.web.views.shell import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRow:
    """How much room one kind of thing takes: `at` and `share` are percent of the bar, `clear` leads to clearing it."""

    color: str
    name: str
    kept: str
    size: str
    at: float
    share: float
    clear: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSection:
    """What everything takes: in all, by kind, over the last days, and what is to come.

    `sizes` are the bytes of each day, oldest first, and `trend` says them in words. `low` says that the disk has little
    room, `damage` what was found. `spare` is what is free inside the file.
    """

    total: str
    disk: str
    kinds: tuple[KindRow, ...]
    measured_at: datetime
    sizes: tuple[float, ...] = ()
    trend: str = ""
    growth: str = ""
    forecast: str = ""
    spare: str = ""
    low: bool = False
    damage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepField:
    """One field of what is kept: its name, label, unit, and what it says now."""

    name: str
    label: str
    unit: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoragePage:
    """The page about storage."""

    template: ClassVar[str] = "storage.html"

    shell: Shell
    section: StorageSection
    fields: tuple[KeepField, ...]
    may_manage: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearPage:
    """What clearing one kind of thing would take away, before it is done.

    `facts` are the counts, `frees` about how much room that is; `nothing` says that nothing is that old.
    """

    template: ClassVar[str] = "storage_clear.html"

    shell: Shell
    kind: str
    title: str
    explains: str
    button: str
    days: str
    least: str
    facts: tuple[Fact, ...] = ()
    frees: str = ""
    nothing: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRow:
    """One archive: its first entry names it; `missing` says that its file is not where it should be."""

    first_id: int
    last_id: int
    entries: int
    first_at: datetime
    last_at: datetime
    size: str
    file: str
    missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivesPage:
    """The page about archives of the audit log, the newest first."""

    template: ClassVar[str] = "audit_archives.html"

    shell: Shell
    rows: tuple[ArchiveRow, ...]
    entries: int
    kept: str
