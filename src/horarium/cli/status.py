"""`horarium status`: how the installation does, in a form that a monitor reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from horarium.cli.asking import Command, Json
from horarium.cli.exits import ExitCode
from horarium.cli.surroundings import Surroundings
from horarium.cli.terminal import say, say_json
from horarium.cli.workplace import open_configured
from horarium.errors import StoreError
from horarium.server.health import Check, Health, Report, examine

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PLUGIN: Final = {Health.OK: (0, "OK"), Health.WARN: (1, "WARNING"), Health.BAD: (2, "CRITICAL")}
"""Code and word for each health, as Nagios and its kin read them."""


@app.command(cls=Command)
def status(
    context: typer.Context,
    *,
    plugin: Annotated[
        bool,
        typer.Option("--plugin", help="One line and the codes that monitors expect: 0 ok, 1 warning, 2 critical."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Say whether database, scheduler and disk are as they should be. Ends with 1 when something is bad.

    Examples:
      horarium status
      horarium status --plugin
    """
    report = _report(Surroundings(context))
    if plugin:
        code, word = PLUGIN[report.worst]
        lag = 0.0 if report.lag_seconds is None else report.lag_seconds
        told = "; ".join(f"{check.name}: {check.sentence}" for check in report.checks)
        say(f"HORARIUM {word} - {told} | lag={lag:.3f}s nodes={report.nodes} overdue={report.overdue_seconds:.0f}s")
        raise typer.Exit(code)
    if as_json:
        parts = {check.name: {"health": check.health.value, "sentence": check.sentence} for check in report.checks}
        say_json({"ready": report.is_ready, "nodes": report.nodes, "lag_seconds": report.lag_seconds, "parts": parts})
    else:
        for check in report.checks:
            say(f"{check.health.value:<4}  {check.name:<9}  {check.sentence}")
    if not report.is_ready:
        raise typer.Exit(ExitCode.FAILED)


def _report(work: Surroundings) -> Report:
    config = work.config
    if isinstance(config.database, Path) and not config.database.exists():
        # Looking makes no database.
        return Report((Check("database", Health.BAD, f"{config.database} is not there"),))
    try:
        store = open_configured(config, work.clock, upgrade=False)
    except StoreError as error:
        return Report((Check("database", Health.BAD, str(error)),))
    try:
        return examine(store, work.clock, folder=config.data, limit_seconds=config.silence_after_seconds)
    finally:
        store.close()
