"""The summary of a day, a week or a month: on a page, as it is mailed, and on paper."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.responses import HTMLResponse, Response

from horarium.errors import InvalidValue, NotFound
from horarium.reports import words
from horarium.reports.drawing import draw
from horarium.reports.gathering import Reader, gather
from horarium.reports.paper import can_draw, draw_paper
from horarium.reports.periods import Period, Span, latest, parsed_day, period_on
from horarium.reports.sending import Wish, wishes
from horarium.reports.weekly import Line, Summary
from horarium.store.port import Transaction
from horarium.web.frame import shell
from horarium.web.views.overview import Figure
from horarium.web.views.parts import Tab
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status
from horarium.web.views.summary import SummaryPage, SummaryPart, SummaryRow
from horarium.web.visit import Visit

_LABELS: Final = {Span.DAILY: "Day", Span.WEEKLY: "Week", Span.MONTHLY: "Month"}
# A letter brings its looks along in itself; nothing of it runs, loads or leads anywhere but in a new window.
_LETTER: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def show(visit: Visit) -> Response:
    """Show a summary as a page."""
    with visit.house.services.store.reading() as tx:
        wish = wishes(tx, [visit.user])[visit.user.id]
        period = _asked(visit, wish)
        found = _gathered(visit, tx, period)
        page = _page(visit, found, latest(period.span, visit.now, visit.user.time_zone, wish.weekday), shell(visit, tx))
    return visit.show(page)


def show_mail(visit: Visit) -> Response:
    """Show a summary as it is mailed."""
    with visit.house.services.store.reading() as tx:
        found = _gathered(visit, tx, _asked(visit, wishes(tx, [visit.user])[visit.user.id]))
        team = visit.house.team(tx)
    stop = visit.house.telling.unsubscriber.summary_link(visit.user.id, found.period.span.value)
    letter = draw(found, base_url=visit.house.settings.base_url, team=team, stop_link=stop)
    return HTMLResponse(letter.html, headers={"Content-Security-Policy": _LETTER})


def send_paper(visit: Visit) -> Response:
    """Send a summary as a PDF file. Raises `NotFound` where none can be drawn."""
    if not can_draw():
        raise NotFound("this installation draws no PDF files: it lacks the extra `pdf`")
    with visit.house.services.store.reading() as tx:
        found = _gathered(visit, tx, _asked(visit, wishes(tx, [visit.user])[visit.user.id]))
        team = visit.house.team(tx)
    # The name is made of a word and a date of ours.
    name = f"summary-{found.period.span}-{found.period.first}.pdf"
    return Response(
        draw_paper(found, team=team),
        media_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _asked(visit: Visit, wish: Wish) -> Period:
    text, zone = visit.query.text("period", most=10), visit.user.time_zone
    if text and text not in set(Span):
        raise InvalidValue("period", text, "use daily, weekly or monthly")
    span = Span(text) if text else wish.span or Span.WEEKLY
    on = visit.query.text("on", most=10)
    return period_on(span, parsed_day(on), zone, wish.weekday) if on else latest(span, visit.now, zone, wish.weekday)


def _gathered(visit: Visit, tx: Transaction, period: Period) -> Summary:
    reader = Reader(reach=visit.reach, is_admin=visit.user.is_admin, backups=visit.house.backups.rules.folder)
    return gather(tx, reader, period, visit.now)


def _page(visit: Visit, found: Summary, newest: Period, frame: Shell) -> SummaryPage:
    period = found.period

    def link(route: str, each: Period) -> str:
        return visit.links.to(route, period=each.span.value, on=each.first)

    return SummaryPage(
        shell=frame,
        title=words.title(found),
        lead=words.lead(found),
        spans=tuple(
            Tab(label=_LABELS[span], href=visit.links.to("summary", period=span.value), current=span is period.span)
            for span in Span
        ),
        older=link("summary", period.before()),
        newer=link("summary", period.after()) if period.first < newest.first else "",
        latest=visit.links.to("summary", period=period.span.value),
        mail=link("summary_mail", period),
        paper=link("summary_pdf", period) if can_draw() else "",
        figures=_figures(found),
        days=_days(found),
        parts=_parts(visit, found),
        zone_key=period.zone_key,
    )


def _figures(found: Summary) -> tuple[Figure, ...]:
    if found.is_empty:
        return ()
    return tuple(
        Figure(label=label, parts=(_split(value),), delta=before, delta_bad=bad)
        for label, value, before, bad in words.key_figures(found)
    )


def _split(value: str) -> tuple[str, str]:
    number, _, unit = value.partition(" ")
    return number, unit


def _days(found: Summary) -> tuple[SummaryRow, ...]:
    if len(found.days) < 2 or not found.now.ended:
        return ()
    return tuple(
        SummaryRow(
            name=f"{day.on:%A} {day.on.day} {day.on:%B}",
            words=f"{words.count(day.failed)} failed" if day.failed else "",
            value=f"{words.count(day.well)} fine",
            status="failed" if day.failed else "ok" if day.well else "skipped",
        )
        for day in found.days
    )


def _parts(visit: Visit, found: Summary) -> tuple[SummaryPart, ...]:
    noun = _LABELS[found.period.span].lower()
    fresh = {line.task_id for line in found.fresh}
    zone = found.period.zone_key

    def row(line: Line, said: str, value: str, status: Status | None = None) -> SummaryRow:
        href = visit.links.to("task", task_id=line.task_id)
        return SummaryRow(name=line.name, words=said, value=value, href=href, status=status)

    worst = [
        row(
            line,
            words.failing(line) + (f"; not once the {noun} before" if line.task_id in fresh else ""),
            words.percent(line.rate),
            "failed",
        )
        for line in found.worst
    ]
    well = [row(line, f"failed the {noun} before", words.plural(line.ended, "run"), "ok") for line in found.recovered]
    slower = [row(line, f"{words.length(line.before)} before", words.length(line.usual)) for line in found.slower]
    longest = [row(line, f"usually {words.length(line.usual)}", words.length(line.longest)) for line in found.slowest]
    skipped = [SummaryRow(name=reason, value=words.plural(many, "time")) for reason, many in words.skipped(found)]
    coming = [SummaryRow(name=each.words, value=words.moment(each.at, zone)) for each in found.coming]
    projects = [
        SummaryRow(name=name, words=words.plural(each.ended, "run"), value=words.percent(each.rate))
        for name, each in found.projects
    ]
    house = [SummaryRow(name=name, words=said) for name, said in words.house(found)]
    more = f"And {words.plural(found.more_failing, 'more task')} that failed." if found.more_failing else ""
    return _filled(
        ("Needs a look", worst, more),
        ("Well again", well, ""),
        ("Slower than before", slower, ""),
        ("Took longest", longest, ""),
        ("Did not run", skipped, ""),
        ("Coming up", coming, ""),
        ("By project", projects if len(projects) > 1 else [], ""),
        ("The installation", house, ""),
    )


def _filled(*parts: tuple[str, Iterable[SummaryRow], str]) -> tuple[SummaryPart, ...]:
    made = (SummaryPart(title=title, rows=tuple(rows), more=more) for title, rows, more in parts)
    return tuple(part for part in made if part.rows)
