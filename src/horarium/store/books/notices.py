"""What is to be told: one row for each target, rule and subject, counted on until a message tells it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update

from horarium.clock import from_micros, to_micros
from horarium.records.notices import NoticeKind
from horarium.records.telling import Cause, Note, Target
from horarium.store.books.codec import dump, maybe_instant
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.notices import notices as n

_WAITING: Final = n.c.delivery_id.is_(None)
_OPEN: Final = n.c.closed_at.is_(None)
_FREE: Final = or_(n.c.muted_while.is_(None), n.c.freed_at.is_not(None))
_AT_ONCE: Final = 500


class NoteBook:
    """The table of what is to be told."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, note: Note) -> int:
        """Write something new to tell; return its number."""
        values = {
            "rule_id": note.rule_id,
            "channel_id": note.target.channel_id,
            "user_id": note.target.user_id,
            "kind": note.kind.value,
            "subject": note.subject[:200],
            "mark": note.mark[:64],
            "name": note.name[:200],
            "words": note.words,
            "facts": dump(dict(note.facts)),
            "path": note.path[:200],
            "task_id": note.task_id,
            "run_id": note.run_id,
            "many": note.many,
            "first_at": to_micros(note.first_at),
            "last_at": to_micros(note.last_at),
            "created_at": to_micros(note.created_at),
            "not_before": _micros(note.not_before),
            "closed_at": _micros(note.closed_at),
            **_muting(note),
        }
        return int(self._tx.execute(insert(n).values(values).returning(n.c.id)).scalar_one())

    def rewrite(self, note: Note) -> None:
        """Write what has changed of something that waits: it happened again, or may be told at another time."""
        self._set(
            n.c.id == note.id,
            mark=note.mark[:64],
            words=note.words,
            facts=dump(dict(note.facts)),
            path=note.path[:200],
            run_id=note.run_id,
            many=note.many,
            first_at=to_micros(note.first_at),
            last_at=to_micros(note.last_at),
            not_before=_micros(note.not_before),
            closed_at=_micros(note.closed_at),
            **_muting(note),
        )

    def open_on(self, subjects: Collection[str], kinds: Collection[NoticeKind]) -> list[Note]:
        """Return what is not over of these subjects and kinds, the oldest first."""
        found: list[Note] = []
        names, words = sorted(subjects), [kind.value for kind in kinds]
        for start in range(0, len(names), _AT_ONCE):
            which = (n.c.subject.in_(names[start : start + _AT_ONCE]), n.c.kind.in_(words), _OPEN)
            found += [note_of(row) for row in self._tx.execute(select(n).where(*which).order_by(n.c.id))]
        return found

    def open_tasks(self, kinds: Collection[NoticeKind], rule_ids: Collection[int]) -> set[int]:
        """Return the tasks of which something of these kinds is not over, under these rules."""
        which = (
            n.c.kind.in_([kind.value for kind in kinds]),
            n.c.rule_id.in_(rule_ids),
            _OPEN,
            n.c.task_id.is_not(None),
        )
        return {int(row[0]) for row in self._tx.execute(select(n.c.task_id).where(*which).distinct())}

    def close(self, ids: Collection[int], at: datetime) -> None:
        """Note that what these tell of is over."""
        self._set(n.c.id.in_(ids), closed_at=to_micros(at))

    def of_delivery(self, delivery_id: int) -> list[Note]:
        """Return what a message tells, the oldest first."""
        query = select(n).where(n.c.delivery_id == delivery_id).order_by(n.c.id)
        return [note_of(row) for row in self._tx.execute(query)]

    def waiting(
        self, *, targets: Iterable[Target] | None = None, most: int = 200, with_muted: bool = True
    ) -> list[Note]:
        """Return what has not been told, of these targets (None: all), the newest first."""
        query = select(n).where(_WAITING) if with_muted else select(n).where(_WAITING, _FREE)
        if targets is not None:
            query = query.where(or_(*(and_(*_of(each)) for each in targets)))
        return [note_of(row) for row in self._tx.execute(query.order_by(n.c.id.desc()).limit(most))]

    def counts_by_rule(self, since: datetime) -> dict[int, int]:
        """Return how often each rule has told something since an instant, counting all that happened; nothing muted."""
        query = select(n.c.rule_id, func.sum(n.c.many)).where(n.c.created_at > to_micros(since), _FREE)
        return {int(row[0]): int(row[1]) for row in self._tx.execute(query.group_by(n.c.rule_id))}

    def drop(self, *, targets: Collection[Target] = (), rule_id: int | None = None) -> int:
        """Forget what waits for these targets, or under a rule: nobody is to be told any more. Return how many."""
        which: list[ColumnElement[bool]] = [and_(*_of(each)) for each in targets]
        if rule_id is not None:
            which.append(n.c.rule_id == rule_id)
        return changed(self._tx, delete(n).where(_WAITING, or_(*which))) if which else 0

    def _set(self, which: ColumnElement[bool], **columns: Any) -> None:
        changed(self._tx, update(n).where(which).values(columns))


class TellingBook:
    """The same table for who makes messages of it: what may be told now, and what was."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def due_targets(self, now: datetime) -> dict[Target, datetime]:
        """Return the targets for which something may be told, each with the instant since when."""
        first = func.min(n.c.not_before)
        query = select(n.c.channel_id, n.c.user_id, first).where(_WAITING, _FREE, n.c.not_before <= to_micros(now))
        rows = self._tx.execute(query.group_by(n.c.channel_id, n.c.user_id))
        return {Target(row[0], row[1]): from_micros(row[2]) for row in rows}

    def first_due(self, target: Target, kinds: Collection[NoticeKind]) -> datetime | None:
        """Return since when something of these kinds may be told to a target, None where there is nothing."""
        which = (*_of(target), _WAITING, _FREE, n.c.kind.in_([kind.value for kind in kinds]))
        found: int | None = self._tx.execute(select(func.min(n.c.not_before)).where(*which)).scalar_one()
        return None if found is None else from_micros(found)

    def due_of(self, target: Target, now: datetime, *, most: int) -> list[Note]:
        """Return what a target may be told, the oldest first."""
        which = (*_of(target), _WAITING, _FREE, n.c.not_before <= to_micros(now))
        query = select(n).where(*which).order_by(n.c.id).limit(most)
        return [note_of(row) for row in self._tx.execute(query)]

    def attach(self, ids: Collection[int], delivery_id: int, at: datetime) -> None:
        """Note which message tells these."""
        numbers = sorted(ids)
        for start in range(0, len(numbers), _AT_ONCE):
            which = and_(n.c.id.in_(numbers[start : start + _AT_ONCE]), _WAITING)
            changed(self._tx, update(n).where(which).values(delivery_id=delivery_id, told_at=to_micros(at)))

    def forget(self, ids: Collection[int]) -> None:
        """Delete what nobody wants to be told of any more."""
        if ids:
            changed(self._tx, delete(n).where(n.c.id.in_(ids)))

    def forget_before(self, instant: datetime) -> int:
        """Delete what was told, or given up waiting, before an instant, and stays muted by nothing; return how many."""
        return changed(
            self._tx,
            delete(n).where(
                n.c.created_at < to_micros(instant),
                # What is muted is told when its cause is over, however long that takes.
                or_(and_(n.c.not_before.is_not(None), or_(_FREE, ~_WAITING)), n.c.closed_at.is_not(None)),
            ),
        )


def note_of(row: Row[Any]) -> Note:
    """Build the record from a row."""
    return Note(
        id=row.id,
        rule_id=row.rule_id,
        target=Target(row.channel_id, row.user_id),
        kind=NoticeKind(row.kind),
        subject=row.subject,
        mark=row.mark,
        name=row.name,
        words=row.words,
        facts=json.loads(row.facts),
        path=row.path,
        task_id=row.task_id,
        run_id=row.run_id,
        many=row.many,
        first_at=from_micros(row.first_at),
        last_at=from_micros(row.last_at),
        created_at=from_micros(row.created_at),
        not_before=maybe_instant(row.not_before),
        delivery_id=row.delivery_id,
        told_at=maybe_instant(row.told_at),
        closed_at=maybe_instant(row.closed_at),
        muted_while=None if row.muted_while is None else Cause.read(row.muted_while),
        freed_at=maybe_instant(row.freed_at),
    )


def _of(target: Target) -> tuple[ColumnElement[bool], ...]:
    return (n.c.channel_id == target.channel_id, n.c.user_id == target.user_id)


def _muting(note: Note) -> dict[str, Any]:
    cause = note.muted_while
    return {"muted_while": None if cause is None else cause.text, "freed_at": _micros(note.freed_at)}


def _micros(instant: datetime | None) -> int | None:
    return None if instant is None else to_micros(instant)
