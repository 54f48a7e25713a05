"""`horarium serve`: run the scheduler and the pages."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Annotated

import typer

from horarium.cli.asking import Command
from horarium.cli.surroundings import Surroundings
from horarium.cli.terminal import say

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# Pages and commands are neighbours and do not know each other; the room above them brings them together.
_DASHBOARD = "horarium.dashboard.serving"


@app.command(cls=Command)
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="Listen here instead of at HORARIUM_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-p", min=1, max=65535, help="Instead of HORARIUM_PORT.")
    ] = None,
) -> None:
    """Run the scheduler and serve the pages until Ctrl-C or SIGTERM.

    A stop takes nothing new, lets running work end within HORARIUM_SHUTDOWN_GRACE, and ends the rest; a second one
    shortens the wait. While there is no account, a link is printed that sets up the first one.

    Examples:
      horarium serve
      horarium serve --port 8080
    """
    config = Surroundings(context).config
    config = replace(config, host=host or config.host, port=port or config.port)
    import_module(_DASHBOARD).serve(config, say)
