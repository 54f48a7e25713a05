"""Statements that one store has compiled serve all stores of a test run: each test has a store of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

_MOST = 20_000


class SharedStatements(dict[tuple[Any, ...], Any]):
    """What SQLAlchemy asks for a compiled statement; engines of the same database and driver find the same."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        """Return what was compiled for this statement."""
        return super().get(_shared(key), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        if len(self) >= _MOST:
            self.clear()
        super().__setitem__(_shared(key), compiled)


def _shared(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *rest = key
    return (dialect.name, dialect.driver, *rest)


_shared_statements = SharedStatements()


@event.listens_for(Engine, "engine_connect")
def _share(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_shared_statements)
