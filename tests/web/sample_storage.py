"""Make the pages about storage and about archives of the audit log."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from horarium.web.views.parts import Fact
from horarium.web.views.shell import ViewModel
from horarium.web.views.storage import (
    ArchiveRow,
    ArchivesPage,
    ClearPage,
    KeepField,
    KindRow,
    StoragePage,
    StorageSection,
)
from tests.web.sample_parts import LINKS, NOW, shell

KINDS = (
    ("c1", "Output", "kept 30 days", "9.4 GB", 51.0, "output"),
    ("c2", "Runs", "kept 90 days", "4.8 GB", 26.0, "runs"),
    ("c3", "Audit log", "kept 400 days", "2.6 GB", 14.0, "audit"),
    ("c4", "Ledger", "kept", "0.8 GB", 5.0, ""),
    ("c5", "Everything else", "", "0.8 GB", 4.0, ""),
)


def section() -> StorageSection:
    """Return a database that grows on a disk with little room."""
    rows, at = [], 0.0
    for color, name, kept, size, share, clear in KINDS:
        href = LINKS.to("storage_clear", kind=clear) if clear else ""
        rows.append(KindRow(color=color, name=name, kept=kept, size=size, at=at, share=share, clear=href))
        at += share
    return StorageSection(
        total="18.4 GB",
        disk="10.2 GB of 120.0 GB disk free",
        kinds=tuple(rows),
        measured_at=NOW - timedelta(hours=3),
        sizes=tuple(15.6e9 + day * 0.1e9 for day in range(30)),
        trend="Database size over 30 days, from 15.6 GB to 18.4 GB",
        growth="grows 92.0 MB a day",
        forecast="disk full in 9 months",
        spare="812.0 MB",
        low=True,
        damage="horarium.db is damaged: row 7 is missing from an index. Nothing more is written to it.",
    )


def storage() -> StoragePage:
    """Return the page with a field that was refused."""
    return StoragePage(
        shell=shell(people=7, audit=True),
        section=section(),
        fields=(
            KeepField(name="run_days", label="Runs that did not fail", unit="days", value="90"),
            KeepField(name="failure_days", label="Failed runs", unit="days", value="30"),
        ),
        may_manage=True,
        errors={"failure_days": "Keep failures at least as long as other runs, 90 days."},
    )


def clear() -> ClearPage:
    """Return what clearing output would do."""
    return ClearPage(
        shell=shell(people=7, audit=True),
        kind="output",
        title="Clear output",
        explains="What runs printed is removed; the runs and what came of them stay.",
        button="Clear output",
        days="30",
        least="1",
        facts=(Fact(label="Runs that lose their output", text="41,204 runs"),),
        frees="2.1 GB",
    )


def archives() -> ArchivesPage:
    """Return two archives, one of which has lost its file."""
    row = ArchiveRow(
        first_id=5001,
        last_id=10_000,
        entries=5000,
        first_at=NOW - timedelta(days=600),
        last_at=NOW - timedelta(days=480),
        size="412.0 kB",
        file="audit-0000005001-0000010000-0a1b2c3d.jsonl.gz",
    )
    older = dataclasses.replace(row, first_id=1, last_id=5000, missing=True)
    return ArchivesPage(shell=shell(people=7, audit=True), rows=(row, older), entries=10_000, kept="400 days")


def rich_storage() -> dict[str, ViewModel]:
    """Return each page with everything on it."""
    return {"storage": storage(), "storage-clear": clear(), "archives": archives()}


def empty_storage() -> dict[str, ViewModel]:
    """Return the same on the first day."""
    bare = dataclasses.replace(
        section(), sizes=(), growth="how it grows is known after some days", forecast="", spare="", low=False, damage=""
    )
    return {
        "storage-first": dataclasses.replace(storage(), section=bare, may_manage=False, errors={}),
        "storage-clear-nothing": dataclasses.replace(clear(), facts=(), frees="", nothing=True),
        "storage-clear-wrong": dataclasses.replace(clear(), errors={"days": "Use a number from 1 to 36500."}),
        "archives-none": dataclasses.replace(archives(), rows=(), entries=0),
    }
