"""`UserSettings`: the settings of people for programs, without the web."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from horarium.clock import Clock, SystemClock
from horarium.library.places import place_of
from horarium.preferences.settings import Preferences
from horarium.scheduling.personal import follow_people
from horarium.store.opening import open_store
from horarium.store.port import Store


class UserSettings(Preferences):
    """The settings of the people of one store, and those that hold for the installation.

    `store` is what a `TaskScheduler` takes: a path or address (default: the environment's `DATABASE_URL`, else the file
    `horarium.db` here). Tasks that run for each person follow what changes here in the same moment.
    """

    def __init__(self, store: str | Path | Store | None = None, *, clock: Clock | None = None) -> None:
        """Open the store, making it if it is new. Raises `StoreError`, `InvalidValue`."""
        clock = clock or SystemClock()
        self._opened: Store | None = None
        if store is None or isinstance(store, str | Path) or not hasattr(store, "transaction"):
            store = self._opened = open_store(place_of(store), clock=clock)
        follow_people(store, clock)
        super().__init__(store, clock)

    def close(self) -> None:
        """Let go of the store, unless it was given open."""
        if self._opened is not None:
            self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
