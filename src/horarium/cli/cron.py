"""`horarium cron`: understand schedules."""

from __future__ import annotations

from typing import Annotated

import typer

from horarium.cli.asking import Command, Json, Zone, new_app
from horarium.cli.surroundings import Surroundings
from horarium.cli.terminal import say, say_json
from horarium.cli.words import absolute, relative
from horarium.triggers import dst_notes, in_words, next_times, parse

app = new_app("Understand schedules.")


@app.callback()
def cron() -> None:
    """Understand schedules."""


@app.command(cls=Command)
def explain(
    context: typer.Context,
    expression: Annotated[str, typer.Argument(metavar="EXPRESSION", help="Five or six fields in quotes, or @daily.")],
    timezone: Zone = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many next times.")] = 5,
    *,
    as_json: Json = False,
) -> None:
    """Say what a cron expression means: in words, its next times, and what clock changes do to it.

    Examples:
      horarium cron explain "30 2 * * 1-5"
      horarium cron explain "0 6 * * *" --timezone Europe/Berlin --count 10
    """
    work = Surroundings(context)
    zone, now = timezone or work.zone, work.now
    words = in_words(parse(expression))
    times = next_times(expression, tz=zone, after=now, n=count)
    notes = dst_notes(expression, zone, now)
    if as_json:
        instants = [each.isoformat() for each in times]
        say_json({"expression": expression, "timezone": zone, "words": words, "next_times": instants, "notes": notes})
        return
    say(f"{words} ({zone})")
    for each in times:
        say(f"  {absolute(each, zone)}, {relative(each, now)}")
    for note in notes:
        say(note)
