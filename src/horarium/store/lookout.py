"""Look at a store from outside with its driver alone: what a watcher needs, in a process that must stay small.

The statements are few and fixed. A connection lasts for one look, so that nothing is held between two of them.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

from horarium.errors import StoreUnavailable

PATIENCE_SECONDS: Final = 2.0
_NAMED: Final = re.compile(r":(\w+)")

_NODES: Final = "SELECT lease_until, started_at FROM nodes WHERE state = 'alive'"
_SEEN: Final = "SELECT max(seen_at) FROM nodes"
_DUE: Final = (
    "SELECT next_at FROM scheduled_tasks WHERE next_at IS NOT NULL AND is_local = false ORDER BY next_at LIMIT 1"
)
_META: Final = "SELECT value FROM horarium_meta WHERE key = :key"
_ADMINS: Final = (
    "SELECT email FROM users WHERE role = 'admin' AND disabled_at IS NULL AND email IS NOT NULL ORDER BY id LIMIT 50"
)
_CLOCK: Final = "SELECT extract(epoch FROM clock_timestamp())"
_BEGIN: Final = (
    "INSERT INTO silences (what, cause, detail, began_at, noticed_at)"
    " VALUES ('scheduler', :cause, :detail, :began, :now) ON CONFLICT DO NOTHING"
)
_END: Final = "UPDATE silences SET ended_at = :now WHERE ended_at IS NULL"
_EVENT: Final = "INSERT INTO events (at, kind, body) VALUES (:now, :kind, :body)"
_LATEST: Final = (
    "SELECT id, cause, began_at, noticed_at, ended_at, told_at, told_back_at FROM silences ORDER BY id DESC LIMIT 1"
)
_TAKE: Final = (
    "UPDATE silences SET telling_until = :until WHERE id = :id AND told_back_at IS NULL"
    " AND (told_at IS NULL OR ended_at IS NOT NULL) AND (telling_until IS NULL OR telling_until < :now)"
)
_TOLD: Final = "UPDATE silences SET told_at = :now, telling_until = NULL WHERE id = :id"
_TOLD_BACK: Final = "UPDATE silences SET told_back_at = :now, telling_until = NULL WHERE id = :id"


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands in a store. Times in microseconds, leases in seconds of the store's own clock."""

    lease_now: float
    leases: tuple[float, ...]
    started_at: int | None
    last_seen: int | None
    oldest_due: int | None
    is_held: bool
    admins: tuple[str, ...]
    team: str


@dataclass(frozen=True, slots=True)
class Noted:
    """The latest silence that somebody noticed. Times in microseconds."""

    id: int
    cause: str
    began_at: int
    noticed_at: int
    ended_at: int | None
    told_at: int | None
    told_back_at: int | None


class _Cursor(Protocol):
    @property
    def rowcount(self) -> int: ...

    def execute(self, statement: str, values: Mapping[str, Any]) -> object: ...

    def fetchall(self) -> list[Any]: ...


class Lookout:
    """One store, seen from outside. Everything raises `StoreUnavailable` when the store does not answer."""

    def __init__(self, where: str | Path, steady: Callable[[], float]) -> None:
        """Look at the file or address `where`; `steady` tells the seconds that leases of a file are measured by."""
        text = str(where)
        self._is_postgres = isinstance(where, str) and text.split(":", 1)[0].startswith("postgres")
        self._where = _without_driver(text) if self._is_postgres else text.removeprefix("sqlite:///")
        self._steady = steady

    def look(self) -> Seen:
        """Return what stands there now."""
        with self._open() as cursor:
            nodes = _rows(cursor, self._words(_NODES))
            clock = float(_rows(cursor, _CLOCK)[0][0]) if self._is_postgres else self._steady()
            meta = self._words(_META)
            return Seen(
                lease_now=clock,
                leases=tuple(float(row[0]) for row in nodes),
                started_at=max((int(row[1]) for row in nodes), default=None),
                last_seen=_first(cursor, self._words(_SEEN)),
                oldest_due=_first(cursor, self._words(_DUE)),
                is_held=bool(_first(cursor, meta, key="maintenance")),
                admins=tuple(str(row[0]) for row in _rows(cursor, self._words(_ADMINS))),
                team=_first(cursor, meta, key="team") or "",
            )

    def begin(self, cause: str, detail: str, *, began_at: int, now: int, event: tuple[str, str]) -> bool:
        """Note that a silence was noticed, with its event (kind, body); False when one is noted already."""
        with self._open() as cursor:
            values = {"cause": cause, "detail": detail, "began": began_at, "now": now}
            if _change(cursor, self._words(_BEGIN), **values) != 1:
                return False
            _change(cursor, self._words(_EVENT), now=now, kind=event[0], body=event[1])
        return True

    def end(self, *, now: int, event: tuple[str, str]) -> bool:
        """Note that the silence is over, with its event; False when somebody else did or none is open."""
        with self._open() as cursor:
            if _change(cursor, self._words(_END), now=now) != 1:
                return False
            _change(cursor, self._words(_EVENT), now=now, kind=event[0], body=event[1])
        return True

    def latest(self) -> Noted | None:
        """Return the latest silence, None when there never was one."""
        with self._open() as cursor:
            found = _rows(cursor, self._words(_LATEST))
        return Noted(*found[0]) if found else None

    def take(self, silence_id: int, *, now: int, until: int) -> bool:
        """Take in hand to tell people of a silence, or of its end; False when another watcher has it in hand."""
        with self._open() as cursor:
            return _change(cursor, self._words(_TAKE), id=silence_id, now=now, until=until) == 1

    def told(self, silence_id: int, *, now: int, back: bool) -> None:
        """Note that people were told of a silence, or with `back` of its end."""
        with self._open() as cursor:
            _change(cursor, self._words(_TOLD_BACK if back else _TOLD), id=silence_id, now=now)

    def _words(self, statement: str) -> str:
        return _for_postgres(statement) if self._is_postgres else statement

    @contextmanager
    def _open(self) -> Iterator[_Cursor]:
        """Give a cursor inside a transaction that is committed at the end."""
        opened = _open_postgres(self._where) if self._is_postgres else _open_file(self._where)
        try:
            yield opened.cursor()
            opened.commit()
        except Exception as error:
            # Each driver has a tree of errors of its own; they mean the same here.
            raise StoreUnavailable(f"the database does not answer: {type(error).__name__}") from error
        finally:
            opened.close()


def _open_file(path: str) -> Any:
    try:
        # Never made here: a file that is gone is a finding.
        address = f"file:{quote(path)}?mode=rw"
        return sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path} cannot be opened") from error


def _open_postgres(address: str) -> Any:
    from psycopg import Error, connect  # noqa: PLC0415 - watching a file needs no driver for it

    try:
        options = "-c statement_timeout=5000 -c lock_timeout=2000 -c timezone=UTC"
        return connect(address, connect_timeout=5, options=options, application_name="horarium watch")
    except Error as error:
        raise StoreUnavailable("the database cannot be reached") from error


def _without_driver(address: str) -> str:
    scheme, _, rest = address.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"


@cache
def _for_postgres(statement: str) -> str:
    return _NAMED.sub(r"%(\1)s", statement)


def _rows(cursor: _Cursor, statement: str, **values: Any) -> list[Any]:
    cursor.execute(statement, values)
    return cursor.fetchall()


def _first(cursor: _Cursor, statement: str, **values: Any) -> Any:
    found = _rows(cursor, statement, **values)
    return found[0][0] if found else None


def _change(cursor: _Cursor, statement: str, **values: Any) -> int:
    cursor.execute(statement, values)
    return cursor.rowcount
