"""`horarium report`: what the runs of a day, a week or a month came to."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from horarium.cli.asking import Command, Json, new_app
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_json
from horarium.cli.workplace import Workplace, workplace
from horarium.errors import ConfigError, InvalidValue
from horarium.logs.harmless import harmless
from horarium.records.people import User
from horarium.records.reach import EVERYTHING
from horarium.reports import words
from horarium.reports.drawing import draw
from horarium.reports.figures import Figures
from horarium.reports.gathering import WAYS, Reader, breakdown, gather, reader_of
from horarium.reports.paper import draw_paper
from horarium.reports.periods import Period, Span, latest, parsed_day, period_on
from horarium.reports.sending import latest_for, wishes
from horarium.reports.weekly import Line, Summary
from horarium.server.post import backups_of, summaries_of
from horarium.store.books.people import PeopleBook
from horarium.store.port import Transaction

app = new_app("See what the runs of a day, a week or a month came to, and mail it.")

_FORMATS: Final = ("text", "html", "pdf")

For = Annotated[str, typer.Option("--user", "-u", metavar="NAME", help="As this person sees it (default: everything).")]
Which = Annotated[str, typer.Option("--period", "-p", help="daily, weekly or monthly.")]
On = Annotated[str, typer.Option("--on", metavar="DAY", help="A day of the period (default: the latest whole one).")]


@app.callback()
def report() -> None:
    """See what the runs of a day, a week or a month came to, and mail it."""


@app.command(cls=Command)
def show(
    context: typer.Context,
    *,
    user: For = "",
    period: Which = "weekly",
    on: On = "",
    by: Annotated[str, typer.Option("--by", help="A table by task, tag, project or person instead.")] = "",
    form: Annotated[str, typer.Option("--format", "-f", help="text, html or pdf.")] = "text",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Show a summary, or a table of figures with --by.

    Example:
      horarium report show --period monthly --by project
    """
    _check("by", by, WAYS, optional=True)
    _check("format", form, _FORMATS)
    with workplace(context) as work, work.store.reading() as tx:
        person = work.find_user(user) if user else None
        reader = _reader(tx, work, person)
        chosen = _period(tx, work, person, _span(period), on)
        if by:
            _show_table(breakdown(tx, reader.reach, chosen, by), by, as_json=as_json)
            return
        summary = gather(tx, reader, chosen, work.now)
        team = work.config.team_name or PeopleBook(tx).team()
    if as_json:
        say_json(_shape(summary))
        return
    _give(summary, form, output, team)


@app.command(cls=Command)
def send(
    context: typer.Context,
    user: Annotated[str, typer.Argument(metavar="NAME", help="The person who gets it.")],
    period: Which = "",
    on: On = "",
    *,
    as_json: Json = False,
) -> None:
    """Mail somebody their summary now, whether they had it already or not; the server carries it.

    Example:
      horarium report send mira --period weekly
    """
    with workplace(context) as work:
        if not work.config.sends_mail:
            raise ConfigError("no mail is sent: set SMTP_HOST")
        person = work.find_user(user)
        with work.store.reading() as tx:
            chosen = _period(tx, work, person, _span(period) if period else None, on)
        letter = summaries_of(work.config, work.store, work.clock).send_now(person, chosen)
    if as_json:
        say_json({"letter": letter, "user": person.name, "period": chosen.span, "first": chosen.first.isoformat()})
    else:
        say(f"Letter {letter} to {person.name}: {words.title_of(chosen)}. It goes out as soon as the server runs.")


def _reader(tx: Transaction, work: Workplace, person: User | None) -> Reader:
    backups = backups_of(work.config, work.store)
    if person is None:
        return Reader(reach=EVERYTHING, is_admin=True, backups=backups)
    return reader_of(tx, person, backups)


def _period(tx: Transaction, work: Workplace, person: User | None, span: Span | None, on: str) -> Period:
    day: date | None = parsed_day(on) if on else None
    if person is None:
        zone = work.config.timezone
        chosen = span or Span.WEEKLY
        return latest(chosen, work.now, zone) if day is None else period_on(chosen, day, zone)
    if day is None:
        return latest_for(tx, person, work.now, span)
    wish = wishes(tx, [person])[person.id]
    return period_on(span or wish.span or Span.WEEKLY, day, person.time_zone, wish.weekday)


def _span(text: str) -> Span:
    _check("period", text, tuple(Span))
    return Span(text)


def _check(field: str, value: str, allowed: tuple[str, ...], *, optional: bool = False) -> None:
    if value not in allowed and not (optional and not value):
        raise InvalidValue(field, value, f"use {', '.join(allowed[:-1])} or {allowed[-1]}")


def _give(summary: Summary, form: str, output: Path | None, team: str) -> None:
    if form == "pdf":
        if output is None:
            raise InvalidValue("output", "", "say where the PDF file goes: --output FILE")
        output.write_bytes(draw_paper(summary, team=team))
    else:
        letter = draw(summary, team=team)
        text = letter.text if form == "text" else letter.html
        if output is None:
            for line in text.rstrip("\n").split("\n"):
                say(harmless(line) if form == "text" else line)
            return
        output.write_text(text, encoding="utf-8")
    say(f"{output} is written.")


def _show_table(rows: tuple[tuple[str, Figures], ...], by: str, *, as_json: bool) -> None:
    if as_json:
        say_json([{by: name, **_figures(each)} for name, each in rows])
        return
    if not rows:
        say("Nothing ran in this period.")
        return
    head = (by, "runs", "fine", "failed", "saved", "skipped", "usually", "95 % within", "usually late")
    say_table(
        head,
        [
            (
                name,
                words.count(each.ended),
                words.percent(each.rate),
                words.count(each.failed),
                words.count(each.saved),
                words.count(each.skips),
                *(words.length(_seconds(each, percent)) for percent in (50, 95)),
                words.length(_late(each)),
            )
            for name, each in rows
        ],
    )


def _seconds(figures: Figures, percent: int) -> float | None:
    found = figures.well.percentile(percent)
    return None if found is None else found / 1e6


def _late(figures: Figures) -> float | None:
    found = figures.late.percentile(50)
    return None if found is None else found / 1e6


def _figures(each: Figures) -> dict[str, Any]:
    return {
        "runs": each.ended,
        "rate": each.rate,
        "failed": each.failed,
        "saved_by_a_retry": each.saved,
        "outcomes": each.outcomes,
        "skipped": each.skipped,
        "seconds": {"sum": each.took.sum / 1e6, "p50": _seconds(each, 50), "p95": _seconds(each, 95)},
        "late_p50": _late(each),
    }


def _shape(summary: Summary) -> dict[str, Any]:
    period = summary.period
    parts = {"worst": summary.worst, "new_failures": summary.fresh, "recovered": summary.recovered}
    parts |= {"slower": summary.slower, "slowest": summary.slowest}
    zone = ZoneInfo(period.zone_key)
    return {
        "period": period.span,
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "zone": period.zone_key,
        "now": _figures(summary.now),
        "before": _figures(summary.before),
        "points": summary.points,
        "days": [{"on": day.on.isoformat(), "fine": day.well, "failed": day.failed} for day in summary.days],
        **{name: [_line(line) for line in lines] for name, lines in parts.items()},
        "coming": [{"at": each.at.astimezone(zone).isoformat(), "task": each.words} for each in summary.coming],
        "installation": dict(words.house(summary)),
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "task": line.name,
        "id": line.task_id,
        "runs": line.ended,
        "failed": line.failed,
        "rate": line.rate,
        "usual_seconds": line.usual,
        "p95_seconds": line.longest,
        "usual_seconds_before": line.before,
    }
