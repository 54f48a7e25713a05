"""Functions that tasks name as text, and that other processes import."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from horarium import RunContext, current_run


@dataclass
class Thing:
    """Something that JSON cannot say."""

    size: int


def where(greeting: str = "hello") -> dict[str, object]:
    """Say where it runs, on every way there is."""
    print(greeting, "from", os.getpid())  # noqa: T201
    sys.stderr.write("a complaint\n")
    logging.getLogger("sample").warning("take care")
    return {"pid": os.getpid(), "setting": os.environ.get("SAMPLE_SETTING"), "cwd": str(Path.cwd())}


def number(context: RunContext) -> list[int]:
    """Return which run and attempt this is."""
    assert current_run().run_id == context.run_id
    return [context.run_id, context.attempt]


def whose(context: RunContext) -> list[object]:
    """Return whom the run is for, and what they have set."""
    user = context.user
    if user is None:
        return [None, dict(context.settings)]
    return [user.name, user.timezone, user.email, context.settings["sync_interval"], context.settings["look"]]


def echo(*, text: str = "") -> str:
    """Return what it was given."""
    return text
