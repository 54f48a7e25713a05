"""Storage: what takes room, what is to come of it, how long things are kept, and clearing what is older."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from starlette.responses import Response

from horarium.accounts.roles import Permission, may
from horarium.audit.actions import Action
from horarium.audit.trail import About
from horarium.clock import from_micros
from horarium.errors import InvalidValue, TaskNotFound
from horarium.records.keeping import KeepRule
from horarium.runs.keeping import rule_in, rule_of, write_rule
from horarium.store.books.storage import Sample
from horarium.store.sqlite import SqliteStore
from horarium.upkeep import archive_audit_logs, cleanup
from horarium.upkeep.damage import damage_of
from horarium.upkeep.defaults import default_definitions
from horarium.upkeep.disk import Disk
from horarium.upkeep.storage import Outlook, look, outlook, samples_of
from horarium.web.filters import plural, size
from horarium.web.forms import Fields
from horarium.web.frame import shell
from horarium.web.views.parts import Fact
from horarium.web.views.shell import Notice
from horarium.web.views.storage import ClearPage, KeepField, KindRow, StoragePage, StorageSection
from horarium.web.visit import Visit

_KINDS: Final = (
    ("output", "c1", "Output", "output_days"),
    ("runs", "c2", "Runs", "run_days"),
    ("audit", "c3", "Audit log", "audit_days"),
    ("ledger", "c4", "Ledger", ""),
    ("rest", "c5", "Everything else", ""),
)
_FIELDS: Final = (
    ("run_days", "Runs that did not fail", "days"),
    ("failure_days", "Failed runs", "days"),
    ("runs", "Of each task at most", "runs"),
    ("output_days", "What runs printed", "days"),
    ("event_days", "Events", "days"),
    ("audit_days", "Audit log, then archives", "days"),
)


@dataclass(frozen=True, slots=True)
class _Clearing:
    """One way to clear: the task that does it, the option that says how old, and the words about it."""

    task: str
    option: str
    field: str
    title: str
    explains: str
    button: str


_CLEARINGS: Final = {
    "output": _Clearing(
        *("cleanup", "output_days", "output_days", "Clear output"),
        "What runs printed is removed; the runs and what came of them stay. Failed runs keep theirs by a rule of their"
        " own.",
        "Clear output",
    ),
    "runs": _Clearing(
        *("cleanup", "days", "run_days", "Clear runs"),
        "Runs are removed with all that belongs to them. The ledger goes on telling what became of each planned time.",
        "Clear runs",
    ),
    "audit": _Clearing(
        *("archive_audit_logs", "days", "audit_days", "Archive the audit log"),
        "Entries are moved into files that can be looked through and downloaded; none is lost.",
        "Archive entries",
    ),
}


def show(visit: Visit) -> Response:
    """Show what takes room."""
    return _page(visit, {}, {})


def storage_section(visit: Visit) -> StorageSection:
    """Return what a page shows about storage: of the last sample, or measured now where there is none yet."""
    store, clock = visit.house.services.store, visit.house.services.clock
    samples = samples_of(store, clock) or [look(store, clock)]
    last, rule = samples[-1], rule_of(store)
    is_file = isinstance(store, SqliteStore) and store.path is not None
    coming = outlook(samples, shares_disk=is_file)
    disk = None if last.disk_free is None or last.disk_total is None else Disk(last.disk_free, last.disk_total)
    return StorageSection(
        total=size(last.sizes.total),
        disk="" if disk is None else f"{size(disk.free)} of {size(disk.total)} disk free",
        kinds=_rows(visit, last, rule),
        measured_at=from_micros(last.taken_at),
        sizes=tuple(float(each.sizes.total) for each in samples) if len(samples) > 1 else (),
        trend=f"Database size over {plural(len(samples), 'day')}, from {size(samples[0].sizes.total)} to"
        f" {size(last.sizes.total)}",
        growth=_growth(coming),
        forecast=_forecast(coming),
        spare=size(last.sizes.spare) if last.sizes.spare else "",
        low=disk is not None and disk.is_low,
        damage=damage_of(store),
    )


def send_keep(visit: Visit) -> Response:
    """Set how long things are kept."""
    values = {name: visit.form.text(name, most=20).strip() for name, _, _ in _FIELDS}
    store = visit.house.services.store
    try:
        wanted: dict[str, Any] = {name: _number(name, text) for name, text in values.items() if text}
        if "runs" in wanted:
            wanted["failures"] = wanted["runs"]
        with store.transaction() as tx:
            before = rule_in(tx)
            rule = replace(before, **wanted)
            write_rule(tx, rule)
            visit.house.trail.note(
                *(tx, visit.actor, Action.SETTING_CHANGED, About("setting", name="retention")),
                before=asdict(before),
                after=asdict(rule),
            )
    except InvalidValue as error:
        return _page(visit, values, {error.field: f"{error.allowed[:1].upper()}{error.allowed[1:]}."})
    notice = Notice(status="ok", title="Saved", text="It counts from the next cleaning on.")
    return visit.go(visit.links.to("storage"), notice=notice)


def show_clear(visit: Visit) -> Response:
    """Show what clearing would take away: a dry run of the task that does it."""
    return _clear_page(visit, visit.query)


def send_clear(visit: Visit) -> Response:
    """Run the task that clears, once and with these days; its run tells what came of it."""
    kind = visit.form.text("kind", "output")
    clearing = _clearing(kind)
    try:
        days = _days(visit, visit.form, clearing)
        _check(visit, clearing, days)
    except InvalidValue:
        return _clear_page(visit, visit.form)
    desk = visit.house.services.desk
    try:
        task_id = desk.find(clearing.task).id
    except TaskNotFound:
        zone = visit.house.settings.time_zone
        (usual,) = (each for each in default_definitions(zone) if each.name == clearing.task)
        task_id = desk.define(usual, actor=visit.actor).task.id
    run_id = desk.trigger(task_id, by=visit.actor, params={clearing.option: days})
    notice = Notice(status="ok", title=f"{clearing.title}: it has begun", text="Its run tells what came of it.")
    return visit.lead(visit.links.to("run", run_id=run_id), notice=notice)


def _page(visit: Visit, values: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    section = storage_section(visit)
    with visit.house.services.store.reading() as tx:
        rule = asdict(rule_in(tx))
        fields = tuple(
            KeepField(name=name, label=label, unit=unit, value=values.get(name) or _plain(rule[name]))
            for name, label, unit in _FIELDS
        )
        page = StoragePage(
            shell=shell(visit, tx),
            section=section,
            fields=fields,
            may_manage=may(visit.identity, Permission.SYSTEM_MANAGE),
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _clear_page(visit: Visit, fields: Fields) -> Response:
    kind = fields.text("kind", "output")
    clearing = _clearing(kind)
    errors: dict[str, str] = {}
    facts: tuple[Fact, ...] = ()
    frees, nothing = "", False
    try:
        days = _days(visit, fields, clearing)
        counts = _check(visit, clearing, days)
        facts = _facts(counts)
        frees = size(counts["freed"]) if counts.get("freed") else ""
        nothing = not facts
        text = _plain(days)
    except InvalidValue as error:
        text = fields.text("days", most=20)
        errors = {"days": f"{error.allowed[:1].upper()}{error.allowed[1:]}."}
    with visit.house.services.store.reading() as tx:
        page = ClearPage(
            shell=shell(visit, tx),
            kind=kind,
            title=clearing.title,
            explains=clearing.explains,
            button=clearing.button,
            days=text,
            least="30" if kind == "audit" else "1",
            facts=facts,
            frees=frees,
            nothing=nothing,
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _clearing(kind: str) -> _Clearing:
    found = _CLEARINGS.get(kind)
    if found is None:
        raise InvalidValue("kind", kind, f"use one of {', '.join(_CLEARINGS)}")
    return found


def _days(visit: Visit, fields: Fields, clearing: _Clearing) -> float:
    text = fields.text("days", most=20).strip()
    if text:
        return float(_number("days", text))
    usual: float = getattr(rule_of(visit.house.services.store), clearing.field)
    return usual


def _check(visit: Visit, clearing: _Clearing, days: float) -> dict[str, Any]:
    """Do it as a dry run; return the counts. Raises `InvalidValue` for days that are too few."""
    services = visit.house.services
    task = cleanup if clearing.task == "cleanup" else archive_audit_logs
    options: dict[str, Any] = {clearing.option: days}
    return task(store=services.store, clock=services.clock, dry_run=True, **options)


def _facts(counts: Mapping[str, Any]) -> tuple[Fact, ...]:
    words = (
        ("runs", "Runs that go", "run"),
        ("trimmed", "Runs that lose their output", "run"),
        ("events", "Events that go", "event"),
        ("entries", "Entries that move", "entry"),
    )
    return tuple(
        Fact(label=label, text=plural(counts[name], noun, "entries" if noun == "entry" else None))
        for name, label, noun in words
        if counts.get(name)
    )


def _rows(visit: Visit, last: Sample, rule: KeepRule) -> tuple[KindRow, ...]:
    manages = may(visit.identity, Permission.SYSTEM_MANAGE)
    whole = max(1, last.sizes.used)
    rows: list[KindRow] = []
    at = 0.0
    for kind, color, name, kept in _KINDS:
        octets = getattr(last.sizes, kind)
        share = octets / whole * 100
        rows.append(
            KindRow(
                color=color,
                name=name,
                kept=f"kept {getattr(rule, kept):g} days" if kept else "kept" if kind == "ledger" else "",
                size=size(octets),
                at=at,
                share=share,
                clear=visit.links.to("storage_clear", kind=kind) if manages and kind in _CLEARINGS else "",
            )
        )
        at += share
    return tuple(rows)


def _growth(coming: Outlook) -> str:
    if coming.per_day is None:
        return "how it grows is known after some days"
    if coming.per_day < 1000:
        return "does not grow"
    return f"grows {size(round(coming.per_day))} a day"


def _forecast(coming: Outlook) -> str:
    days = coming.full_in_days
    if days is None:
        return ""
    if days >= 3650:
        return "disk full in more than ten years"
    for many, noun in ((365.25, "year"), (30.4, "month")):
        if days >= 2 * many:
            return f"disk full in {plural(int(days // many), noun)}"
    return f"disk full in {plural(int(days), 'day')}"


def _number(name: str, text: str) -> float | int:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InvalidValue(name, text, "use a number")
    return int(found) if found.is_integer() else found


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else f"{number:g}"
