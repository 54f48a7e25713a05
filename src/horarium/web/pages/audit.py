"""The audit log: searched, one entry opened, looked through for meddling, exported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Final

from starlette.responses import Response, StreamingResponse

from horarium.audit.actions import Action, Result
from horarium.audit.chain import verify
from horarium.audit.export import Format, pieces
from horarium.audit.trail import About
from horarium.clock import to_micros
from horarium.errors import InvalidValue
from horarium.records.actors import Source
from horarium.records.audit import AuditFilter, AuditRow
from horarium.runs.keeping import rule_in
from horarium.store.books.archives import ArchiveBook
from horarium.store.books.audit import AuditBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Transaction
from horarium.upkeep.places import archive_folder
from horarium.web.filters import absolute, long_date, plural
from horarium.web.forms import Fields, as_number
from horarium.web.frame import shell
from horarium.web.pages.acts import KINDS, WAYS, details, differences, icon_of, words_of
from horarium.web.views.audit import AuditPage, Detail, Difference, EntryDay, EntryRow
from horarium.web.views.parts import Chip, Choice, Fact, FilterBar, FilterMenu, Pager
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

LIMIT: Final = 50
COUNTED: Final = 10_000
_WHO_SINCE: Final = timedelta(days=90)
_MOST_WHO: Final = 30
_NUMBERS: Final = {
    "task": "task_id",
    "run": "run_id",
    "user": "user_id",
    "project": "project_id",
    "credential": "credential_id",
    "channel": "channel_id",
    "rule": "rule_id",
    "message": "message_id",
}
"""What has a page, and what its number is called in the address of that."""
_RESULTS: Final = {"done": "Done", "refused": "Refused", "failed": "Failed"}
_MENUS: Final = ("who", "did", "result", "way")
_SANDBOX: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class _Search:
    """What was asked for, as it stands in the address, and the filter that it means."""

    values: dict[str, tuple[str, ...]]
    text: str
    since: str
    until: str
    filter: AuditFilter

    @property
    def parameters(self) -> dict[str, object]:
        """Return the query of an address that asks for the same."""
        plain = {"q": self.text or None, "from": self.since or None, "to": self.until or None}
        return {**plain, **{name: list(values) for name, values in self.values.items()}}

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the same as the fields of a form."""
        plain = (("q", self.text), ("from", self.since), ("to", self.until))
        menus = tuple((name, value) for name, values in self.values.items() for value in values)
        return tuple(pair for pair in plain if pair[1]) + menus


def show(visit: Visit) -> Response:
    """Show a page of the log."""
    search = _search(visit, visit.query)
    before, after, opened = (visit.query.number(name) for name in ("before", "after", "open"))
    with visit.house.services.store.reading() as tx:
        book = AuditBook(tx)
        found = book.page(search.filter, before=before, after=after, limit=LIMIT + 1)
        rows, pager = _paged(visit, search, found, before, after)
        archives, archived = ArchiveBook(tx).totals()
        page = AuditPage(
            shell=shell(visit, tx),
            days=_days(visit, search, rows, opened, before=before, after=after),
            shown=len(rows),
            total=book.count(search.filter, most=COUNTED),
            counted=COUNTED,
            filters=_filters(visit, tx, search),
            since=search.since,
            until=search.until,
            sent=search.pairs,
            archives=archives,
            archived=archived,
            kept=f"{rule_in(tx).audit_days:g} days",
            pager=pager,
        )
    return visit.show(page)


def send_verify(visit: Visit) -> Response:
    """Look whether the log is whole, and say so."""
    store = visit.house.services.store
    with store.reading() as tx:
        archives, _archived = ArchiveBook(tx).totals()
    verdict = verify(store, archive_folder(store) if archives else None)
    if verdict.is_sound:
        places = f", {verdict.archived:,} of them in archives" if verdict.archives else ""
        text = f"{plural(verdict.entries, 'entry', 'entries')}{places}."
        notice = Notice(status="ok", title="The log is whole", text=text)
    else:
        text = f"Entry {verdict.bad_id}: {verdict.fault}."
        notice = Notice(status="failed", title="The log is not whole", text=text)
    return visit.go(visit.links.to("audit"), notice=notice)


def send_export(visit: Visit) -> Response:
    """Send all entries of a search as a file; that it was made is an entry itself."""
    search = _search(visit, visit.form)
    wanted = visit.form.text("format")
    if wanted not in set(Format):
        raise InvalidValue("format", wanted, f"use one of {', '.join(Format)}")
    with visit.house.services.store.reading() as tx:
        last, _hash = AuditBook(tx).head()
    told = {name: value for name, value in search.parameters.items() if value}
    visit.house.trail.note_alone(
        visit.actor, Action.EXPORT_MADE, About("audit log"), format=wanted, filters=told, last=last
    )
    form = Format(wanted)
    ending, kind = ("csv", "text/csv") if form is Format.CSV else ("jsonl", "application/x-ndjson")
    return StreamingResponse(
        pieces(visit.house.trail, search.filter, form, last=last),
        media_type=f"{kind}; charset=utf-8",
        headers={
            # A day alone: no text of anybody's gets into a header.
            "Content-Disposition": f'attachment; filename="audit-{visit.now:%Y-%m-%d}.{ending}"',
            "Content-Security-Policy": _SANDBOX,
        },
    )


def _search(visit: Visit, fields: Fields) -> _Search:
    allowed: dict[str, set[str]] = {"did": {f"{kind}." for kind in KINDS}, "result": set(Result), "way": set(Source)}
    values = {name: tuple(dict.fromkeys(fields.many(name)))[:100] for name in _MENUS}
    for name, known in allowed.items():
        values[name] = tuple(each for each in values[name] if each in known)
    numbers = tuple(as_number("who", each) for each in values["who"])
    since, until = _day(fields, "from"), _day(fields, "to")
    text = fields.text("q")
    # What is noted by programs has no second part.
    actions = tuple("noted" if each == "noted." else each for each in values["did"])
    wanted = AuditFilter(
        text=text,
        actor_ids=numbers,
        sources=values["way"],
        actions=actions,
        results=values["result"],
        since=None if since is None else _micros(since, visit),
        until=None if until is None else _micros(until + timedelta(days=1), visit),
    )
    return _Search(values, text, _iso(since), _iso(until), wanted)


def _day(fields: Fields, name: str) -> date | None:
    text = fields.text(name, most=40)
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise InvalidValue(name, text, "use a day such as 2026-05-14") from None
    if not 1971 <= found.year <= 9000:
        raise InvalidValue(name, text, "use a day between 1971 and 9000")
    return found


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _micros(day: date, visit: Visit) -> int:
    return to_micros(datetime.combine(day, time(), visit.zone))


def _paged(
    visit: Visit, search: _Search, found: list[AuditRow], before: int | None, after: int | None
) -> tuple[list[AuditRow], Pager]:
    """Return what fits of one more than fits, and the ways to its neighbours."""
    more = len(found) > LIMIT
    if after is not None:
        rows = found[-LIMIT:]
        newer = _link(visit, search, after=rows[0].id) if more else None
        return rows, Pager(newer=newer, older=_link(visit, search, before=rows[-1].id) if rows else None)
    rows = found[:LIMIT]
    newer = _link(visit, search, after=rows[0].id) if before is not None and rows else None
    return rows, Pager(newer=newer, older=_link(visit, search, before=rows[-1].id) if more else None)


def _link(visit: Visit, search: _Search, fragment: str = "", /, **more: object) -> str:
    return visit.links.to("audit", fragment, **{**search.parameters, **more})


def _days(
    visit: Visit, search: _Search, rows: list[AuditRow], opened: int | None, *, before: int | None, after: int | None
) -> tuple[EntryDay, ...]:
    def entry(row: AuditRow) -> EntryRow:
        is_open = row.id == opened
        href = _link(visit, search, f"e-{row.id}", before=before, after=after, open=None if is_open else row.id)
        return _row(visit, row, href, is_open=is_open)

    today = visit.now.astimezone(visit.zone).date()
    return tuple(
        EntryDay(label=_label(day, today), rows=tuple(entry(row) for row in of_day))
        for day, of_day in groupby(rows, lambda row: row.at.astimezone(visit.zone).date())
    )


def _label(day: date, today: date) -> str:
    words = long_date(day) if day.year == today.year else f"{long_date(day)} {day.year}"
    return f"Today, {words}" if day == today else words


def _row(visit: Visit, row: AuditRow, href: str, *, is_open: bool) -> EntryRow:
    return EntryRow(
        id=row.id,
        at=row.at,
        who=row.actor or WAYS.get(row.source, row.source),
        person=row.actor_id is not None,
        icon="alert" if row.result != Result.DONE else icon_of(row.action),
        did=words_of(row),
        kind=row.kind or "",
        name=row.object_name or ("" if row.object_id is None else f"#{row.object_id}"),
        there=_there(visit, row),
        address=row.address,
        result=Result(row.result).value,
        href=href,
        detail=_detail(visit, row) if is_open else None,
    )


def _there(visit: Visit, row: AuditRow) -> str:
    """Return where what an entry is about has a page, empty where it has none."""
    parameter = _NUMBERS.get(row.kind or "")
    if parameter is None or row.object_id is None:
        return ""
    return visit.links.to(row.kind or "", **{parameter: row.object_id})


def _detail(visit: Visit, row: AuditRow) -> Detail:
    facts = [
        Fact(label="Entry", text=str(row.id)),
        Fact(label="When", text=absolute(row.at, visit.zone)),
        Fact(label="Way", text=WAYS.get(row.source, row.source)),
        Fact(label="Action", text=row.action, code=True),
        Fact(label="Result", text=_RESULTS.get(row.result, row.result)),
    ]
    if row.address:
        facts.append(Fact(label="From", text=row.address, code=True))
    if row.request:
        facts.append(Fact(label="Request", text=row.request, code=True))
    facts += [Fact(label=name, text=text) for name, text in details(row)]
    changes = tuple(Difference(name=name, was=was, now=now) for name, was, now in differences(row))
    return Detail(facts=tuple(facts), changes=changes)


def _filters(visit: Visit, tx: Transaction, search: _Search) -> FilterBar:
    people = _people(visit, tx, search)
    named = {
        "who": ("Who", people),
        "did": ("Did what", {f"{kind}.": words for kind, words in KINDS.items()}),
        "result": ("Result", _RESULTS),
        "way": ("Way", {source.value: WAYS[source] for source in Source}),
    }
    menus = tuple(
        FilterMenu(
            label=label,
            name=name,
            choices=tuple(
                Choice(value=value, label=words, on=value in search.values[name]) for value, words in choices.items()
            ),
        )
        for name, (label, choices) in named.items()
        if choices
    )
    chips = tuple(
        Chip(label=f"{label}: {choices.get(value, value)}", href=_link(visit, _without(search, name, value)))
        for name, (label, choices) in named.items()
        for value in search.values[name]
    )
    return FilterBar(text=search.text, menus=menus, chips=chips + _dates(visit, search), clear=visit.links.to("audit"))


def _dates(visit: Visit, search: _Search) -> tuple[Chip, ...]:
    chips = []
    if search.since:
        chips.append(Chip(label=f"From {search.since}", href=_link(visit, replace(search, since=""))))
    if search.until:
        chips.append(Chip(label=f"To {search.until}", href=_link(visit, replace(search, until=""))))
    return tuple(chips)


def _without(search: _Search, name: str, value: str) -> _Search:
    kept = tuple(each for each in search.values[name] if each != value)
    return replace(search, values={**search.values, name: kept})


def _people(visit: Visit, tx: Transaction, search: _Search) -> dict[str, str]:
    """Return whom one can ask for: those who did something lately, the busiest first, and those asked for."""
    counts = AuditBook(tx).tally("actor_id", since=to_micros(visit.now - _WHO_SINCE))
    busiest = sorted((number for number in counts if number is not None), key=lambda number: -counts[number])
    numbers = dict.fromkeys([*busiest[:_MOST_WHO], *search.filter.actor_ids])
    names = PeopleBook(tx).by_ids(list(numbers))
    return {str(each): names[each].words if each in names else f"Account {each}, deleted" for each in numbers}
