"""`horarium doctor`: look at everything a server needs."""

from __future__ import annotations

import typer

from horarium.cli.asking import Command, Json
from horarium.cli.exits import ExitCode
from horarium.cli.surroundings import Surroundings
from horarium.cli.terminal import say, say_json
from horarium.server.doctor import examine
from horarium.server.health import Health

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
def doctor(context: typer.Context, *, as_json: Json = False) -> None:
    """Look at settings, key, folder, disk, database, time zones, clock, port and nodes; nothing is changed.

    Each line begins with ok, warn or bad. Ends with 1 when something is bad.

    Example:
      horarium doctor
    """
    work = Surroundings(context)
    found = examine(work.config, work.clock)
    if as_json:
        say_json([{"name": each.name, "health": each.health.value, "sentence": each.sentence} for each in found])
    else:
        for each in found:
            say(f"{each.health.value:<4}  {each.name:<8}  {each.sentence}")
    if any(each.health is Health.BAD for each in found):
        raise typer.Exit(ExitCode.FAILED)
