"""`horarium init`: make what a first start needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from horarium.cli.asking import Command, Json
from horarium.cli.surroundings import Surroundings
from horarium.cli.terminal import say, say_json
from horarium.config.loading import ENV_FILE
from horarium.errors import Conflict
from horarium.server.founding import Founded, found

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
def init(
    context: typer.Context,
    *,
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Do nothing, and say nothing, where all is there already.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the data folder and a secret key.

    The folder is made for its owner alone, and the key is written into .env, readable by its owner alone. What is
    there already stays as it is.

    Example:
      horarium init
    """
    work = Surroundings(context)
    env_file = work.config.env_file or Path.cwd() / (os.environ.get(ENV_FILE) or ".env")
    founded = found(work.config, env_file)
    if not founded.made_anything and not if_needed:
        raise Conflict(f"{founded.data} and SECRET_KEY are there already: nothing was changed")
    if as_json:
        say_json(
            {
                "data": str(founded.data),
                "env_file": str(founded.env_file),
                "made_data": founded.made_data,
                "made_key": founded.made_key,
            }
        )
    else:
        _tell_what_was_made(founded)


def _tell_what_was_made(founded: Founded) -> None:
    if founded.made_data:
        say(f"Made the data folder {founded.data}, for this account alone.")
    if founded.made_key:
        say(f"Wrote a fresh SECRET_KEY into {founded.env_file}, readable by this account alone. Keep a copy of it.")
