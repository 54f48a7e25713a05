"""What a command that needs the store works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from horarium.accounts.names import key_of
from horarium.cli.surroundings import Surroundings
from horarium.clock import Clock
from horarium.config import Config
from horarium.errors import ConfigError, InvalidValue, NotFound, StoreUnavailable, TaskNotFound
from horarium.records.people import User
from horarium.records.tasks import Task
from horarium.scheduling.personal import follow_people
from horarium.scheduling.tasks import TaskDesk
from horarium.store.books.people import PeopleBook
from horarium.store.opening import open_store
from horarium.store.port import Store


class Workplace(Surroundings):
    """The present settings and the store behind them, opened when it is first needed."""

    def __init__(self, context: typer.Context) -> None:
        """Open nothing yet."""
        super().__init__(context)
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """Return the open store. Raises what `open_store` does."""
        if self._store is None:
            self._store = open_configured(self.config, self.clock)
            follow_people(self._store, self.clock)
        return self._store

    @property
    def has_store(self) -> bool:
        """Tell whether there is a database already; one on a server is taken to be there."""
        where = self.config.database
        return not isinstance(where, Path) or where.exists()

    @property
    def desk(self) -> TaskDesk:
        """Return the desk where tasks are defined."""
        return TaskDesk(self.store, self.clock)

    def find_task(self, text: str) -> Task:
        """Return the task that a person names: `#12` is a number, a bare number is one unless a task is called so."""
        number = text.removeprefix("#")
        is_number = number.isascii() and number.isdigit() and len(number) < 19
        if text.startswith("#") and is_number:
            return self.desk.find(int(number))
        try:
            return self.desk.find(text)
        except TaskNotFound:
            if is_number:
                return self.desk.find(int(number))
            raise

    def find_user(self, name: str) -> User:
        """Return the person with this name or e-mail address. Raises `NotFound`."""
        with self.store.reading() as tx:
            found = PeopleBook(tx).by_login(key_of(name))
        if found is None:
            raise NotFound(f"there is no user {name!r}")
        return found[0]

    def close(self) -> None:
        """Close the store if it was opened."""
        if self._store is not None:
            self._store.close()
            self._store = None


@contextmanager
def workplace(context: typer.Context) -> Iterator[Workplace]:
    """Give a command its workplace and close it afterwards."""
    work = Workplace(context)
    try:
        yield work
    finally:
        work.close()


def open_configured(config: Config, clock: Clock, *, upgrade: bool = True) -> Store:
    """Open the store that the settings name; says what to do when its folder is not there yet."""
    where = config.database
    if isinstance(where, Path) and not where.parent.is_dir():
        raise StoreUnavailable(f"there is no data folder {where.parent}: run `horarium init` first")
    try:
        return open_store(where, clock=clock, upgrade=upgrade)
    except InvalidValue as error:
        raise ConfigError(f"DATABASE_URL is not understood: {error.allowed}") from error
