"""Events: appended in the transaction of the change they tell of, read by everyone who wants to know."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, func, or_, select, text

from horarium.clock import from_micros
from horarium.records.runs import Event
from horarium.states import EventKind
from horarium.store.books.codec import dump
from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables import events as t

PLAIN_END: Final = '{"state":"succeeded"}'
"""The body of an event about a run that went well."""
_MANY: Final = 500
_APPEND = Hot.insert_into(t, leave_out=frozenset({"id"}))
# PostgreSQL hands out ids before commits decide the order: an id below one already read may still become visible.
# Only events older than every transaction still under way are read, so none is ever stepped over.
# `age` compares transaction numbers around their wrap.
_SETTLED = text(
    "age(events.xmin) > age((pg_snapshot_xmin(pg_current_snapshot())::text::bigint % 4294967296)::text::xid)"
)


class EventBook:
    """The table of events."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def append(
        self,
        kind: EventKind,
        *,
        at: int,
        task_id: int | None = None,
        run_id: int | None = None,
        actor: str | None = None,
        body: dict[str, Any] | None = None,
    ) -> None:
        """Write one event at `at` (microseconds)."""
        self._tx.one(_APPEND, (at, kind.value, task_id, run_id, actor, dump(body) if body else None))

    def append_rows(self, rows: Sequence[tuple[int, str, int | None, int | None, str | None, str | None]]) -> None:
        """Write many events at once: (at, kind, task, run, actor, body as JSON text)."""
        self._tx.many(_APPEND, rows)

    def after(self, cursor: int, *, most: int = 500) -> list[Event]:
        """Return up to `most` events with ids above `cursor`, oldest first; none is ever stepped over."""
        query = select(t).where(t.c.id > bindparam("cursor")).order_by(t.c.id).limit(most)
        if not self._tx.capabilities.orders_commits:
            query = query.where(_SETTLED)
        return [_event(row) for row in self._tx.execute(query, {"cursor": cursor})]

    def latest_id(self) -> int:
        """Return the id of the newest event, 0 when there is none."""
        return int(self._tx.execute(select(func.coalesce(func.max(t.c.id), 0))).scalar_one())

    def settled_id(self) -> int:
        """Return where a reader that begins now has to begin: whatever is not visible yet will be `after` it."""
        if self._tx.capabilities.orders_commits:
            return self.latest_id()
        newest = select(t.c.id).where(_SETTLED).order_by(t.c.id.desc()).limit(1)
        return int(self._tx.execute(newest).scalar_one_or_none() or 0)

    def newest(self, *, most: int = 20, kinds: Sequence[EventKind] = ()) -> list[Event]:
        """Return the newest events, newest first, of some kinds or of all."""
        query = select(t).order_by(t.c.id.desc()).limit(most)
        if kinds:
            query = query.where(t.c.kind.in_([kind.value for kind in kinds]))
        return [_event(row) for row in self._tx.execute(query)]


class NewsBook:
    """The events that somebody may be told of, read past the many that say that a run went well."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def between(self, cursor: int, upto: int, kinds: Sequence[EventKind], *, most: int) -> list[Event]:
        """Return up to `most` events of `kinds` above `cursor` up to `upto`, oldest first, less plain successes."""
        words = [kind.value for kind in kinds]
        query = select(t).where(t.c.id > cursor, t.c.id <= upto, t.c.kind.in_(words))
        query = query.where(or_(t.c.body.is_(None), t.c.body != PLAIN_END))
        return [_event(row) for row in self._tx.execute(query.order_by(t.c.id).limit(most))]

    def successes(self, cursor: int, upto: int, task_ids: Collection[int] | None, *, most: int) -> list[Event]:
        """Return up to `most` ends of runs that went well, of these tasks (None: of all), oldest first."""
        query = select(t).where(t.c.id > cursor, t.c.id <= upto, t.c.kind == EventKind.RUN_FINISHED.value)
        query = query.where(t.c.body == PLAIN_END).order_by(t.c.id).limit(most)
        if task_ids is None or len(task_ids) > _MANY:
            found = (_event(row) for row in self._tx.execute(query))
            return [each for each in found if task_ids is None or each.task_id in task_ids]
        rows = self._tx.execute(query.where(t.c.task_id.in_(task_ids))) if task_ids else ()
        return [_event(row) for row in rows]


def _event(row: Any) -> Event:
    return Event(
        id=row.id,
        at=from_micros(row.at),
        kind=row.kind,
        task_id=row.task_id,
        run_id=row.run_id,
        actor=row.actor or "",
        body=json.loads(row.body) if row.body else {},
    )
