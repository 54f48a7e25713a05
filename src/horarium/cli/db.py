"""`horarium db`: look after the database."""

from __future__ import annotations

import typer

from horarium.cli.asking import Command, Json, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.terminal import say, say_json
from horarium.cli.workplace import open_configured, workplace
from horarium.store.schema import revision_of

app = new_app("Look after the database.")


@app.callback()
def db() -> None:
    """Look after the database."""


@app.command(cls=Command)
def upgrade(context: typer.Context, *, as_json: Json = False) -> None:
    """Bring the database to the schema of this release; harmless when it has it. Make a backup before.

    Example:
      horarium db upgrade
    """
    with workplace(context) as work:
        store = work.store
        revision = revision_of(store)
        if as_json:
            say_json({"location": store.location, "schema": revision})
        else:
            say(f"{store.location} has schema {revision}, the one of this release.")


@app.command(cls=Command)
def check(context: typer.Context, *, as_json: Json = False) -> None:
    """Look for damage in the database; nothing is changed. Ends with 1 when something is found.

    Example:
      horarium db check
    """
    with workplace(context) as work:
        store = open_configured(work.config, work.clock, upgrade=False)
        try:
            found = list(store.check())
            if as_json:
                say_json({"location": store.location, "schema": revision_of(store), "findings": found})
            else:
                for sentence in found:
                    say(sentence)
                if not found:
                    say(f"{store.location}: no damage found, schema {revision_of(store)}.")
        finally:
            store.close()
    if found:
        raise typer.Exit(ExitCode.FAILED)
