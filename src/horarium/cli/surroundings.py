"""What every command may ask: settings, clock and who is asking. The store is apart: it is dear to load."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import typer

from horarium.clock import Clock, SystemClock
from horarium.config import Config, load_config
from horarium.records.actors import Actor, Source


@dataclass(slots=True)
class Invocation:
    """What stands before the command: whether details of faults are wanted; and the clock, which tests bring."""

    debug: bool = False
    clock: Clock | None = None


class Surroundings:
    """The present settings, the clock, and the person."""

    def __init__(self, context: typer.Context) -> None:
        """Read nothing yet."""
        invocation = context.find_object(Invocation) or Invocation()
        self.clock: Clock = invocation.clock or SystemClock()

    @cached_property
    def config(self) -> Config:
        """Return the settings. Raises `ConfigError`."""
        return load_config()

    @property
    def now(self) -> datetime:
        """Return the present instant."""
        return self.clock.now()

    @property
    def zone(self) -> str:
        """Return the zone in which times are shown."""
        return self.config.timezone

    @cached_property
    def actor(self) -> Actor:
        """Return who is asking: the account of the operating system."""
        try:
            name = getpass.getuser()
        except (KeyError, OSError):
            name = "somebody"
        return Actor(name=f"{name} (command line)", source=Source.CLI)
