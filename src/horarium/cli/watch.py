"""`horarium watch`: look from outside whether the scheduler works, and tell when it does not."""

from __future__ import annotations

from typing import Annotated

import typer

from horarium.cli.asking import Command, Json
from horarium.cli.exits import ExitCode
from horarium.cli.surroundings import Surroundings
from horarium.cli.terminal import say, say_json
from horarium.clock import Alarm, from_micros
from horarium.server.telling import REASONS
from horarium.server.watching import LOOK_SECONDS, Watcher

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
def watch(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once, say how it is, and end; nobody is told.")] = False,
    as_json: Json = False,
) -> None:
    """Watch the scheduler from outside until Ctrl-C: note a silence, write to administrators, call the monitor.

    The server starts such a watcher by itself. This is for another machine, or for a unit of its own that lives on
    when the server's is stopped. With --once it ends with 1 when no scheduler holds its lease.

    Examples:
      horarium watch
      horarium watch --once
    """
    work = Surroundings(context)
    watcher = Watcher.of(work.config, work.clock)
    if once:
        _look_once(watcher, as_json=as_json)
        return
    alarm = Alarm()
    before = None
    while True:
        trouble = watcher.look()
        if trouble != before:
            say("The scheduler works." if trouble is None else REASONS[trouble.cause])
            before = trouble
        work.clock.wait(alarm, LOOK_SECONDS)


def _look_once(watcher: Watcher, *, as_json: bool) -> None:
    seen = watcher.seen = watcher.lookout.look()
    is_alive = watcher.is_alive
    last = None if seen.last_seen is None else from_micros(seen.last_seen).isoformat()
    due = None if seen.oldest_due is None else from_micros(seen.oldest_due).isoformat()
    if as_json:
        say_json({"alive": is_alive, "last_seen": last, "next_due": due, "maintenance": seen.is_held})
    else:
        say(
            f"A scheduler works; last seen {last}." if is_alive else f"No scheduler works; last seen {last or 'never'}."
        )
    if not is_alive:
        raise typer.Exit(ExitCode.FAILED)
