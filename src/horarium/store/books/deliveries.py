"""Messages on their way and there: made once, tried until they are taken or given up, kept to be looked at."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update

from horarium.clock import from_micros, to_micros
from horarium.records.telling import Delivery, Purpose, Target, Try
from horarium.store.books.codec import dump, maybe_instant
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.notices import deliveries as d
from horarium.store.tables.notices import notices as n

_WAITING: Final = and_(d.c.sent_at.is_(None), d.c.given_up_at.is_(None))
_KEPT_TRIES: Final = 20
_ANSWER_LIMIT: Final = 500
_HELD: Final = "being handed over"
_MOST_LEFT: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which messages a list shows: to some targets (None: all), in a state (empty: any), of a channel, about a task."""

    targets: tuple[Target, ...] | None = None
    channel_id: int | None = None
    task_id: int | None = None
    state: str = ""


class DeliveryBook:
    """The table of messages."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, delivery: Delivery) -> int:
        """Write a new message; return its number."""
        values = {
            "message_id": delivery.message_id,
            "channel_id": delivery.target.channel_id,
            "user_id": delivery.target.user_id,
            "purpose": delivery.purpose.value,
            "summary": delivery.summary[:200],
            "topics": delivery.topics,
            "body": dump(dict(delivery.body)),
            "created_at": to_micros(delivery.created_at),
            "not_before": to_micros(delivery.not_before),
            "try_until": to_micros(delivery.try_until),
            "tries": 0,
            "answer": "",
            "log": "[]",
        }
        return int(self._tx.execute(insert(d).values(values).returning(d.c.id)).scalar_one())

    def get(self, delivery_id: int) -> Delivery | None:
        """Return a message."""
        row = self._tx.execute(select(d).where(d.c.id == delivery_id)).one_or_none()
        return None if row is None else delivery_of(row)

    def page(self, wanted: DeliveryFilter, *, before: int | None = None, limit: int = 50) -> list[Delivery]:
        """Return messages newest first, those with numbers below `before`."""
        query = select(d).where(*_conditions(wanted))
        if before is not None:
            query = query.where(d.c.id < before)
        return [delivery_of(row) for row in self._tx.execute(query.order_by(d.c.id.desc()).limit(limit))]

    def count(self, wanted: DeliveryFilter, *, since: datetime | None = None) -> int:
        """Return how many messages the filter lets through, made since an instant."""
        query = select(func.count()).select_from(d).where(*_conditions(wanted))
        if since is not None:
            query = query.where(d.c.created_at > to_micros(since))
        return int(self._tx.execute(query).scalar_one())

    def due_channels(self, now: datetime) -> list[int]:
        """Return the channels (0: mail to people) that a message is to be handed to, who waits longest first."""
        query = select(d.c.channel_id).where(_WAITING, d.c.not_before <= to_micros(now))
        rows = self._tx.execute(query.group_by(d.c.channel_id).order_by(func.min(d.c.not_before)))
        return [int(row[0]) for row in rows]

    def take(self, channel_id: int, now: datetime, *, hold_until: datetime, most: int) -> list[Delivery]:
        """Take up to `most` messages to a channel whose time has come; nobody else takes them before `hold_until`."""
        which = (_WAITING, d.c.not_before <= to_micros(now), d.c.channel_id == channel_id)
        query = select(d).where(*which).order_by(d.c.not_before, d.c.id).limit(most)
        rows = list(self._tx.execute(query.with_for_update(skip_locked=True)))
        for row in rows:
            self._set(row.id, not_before=to_micros(hold_until), tries=row.tries + 1, answer=_HELD)
        return [delivery_of(row) for row in rows]

    def note_sent(self, delivery: Delivery, attempt: Try) -> None:
        """Note that a message was taken."""
        self._set(delivery.id, sent_at=to_micros(attempt.at), **_answer(delivery, attempt))

    def note_failed(self, delivery: Delivery, attempt: Try, *, again_at: datetime) -> None:
        """Note why a message was not taken, and when to try again."""
        self._set(delivery.id, not_before=to_micros(again_at), **_answer(delivery, attempt))

    def give_up(self, delivery: Delivery, attempt: Try) -> None:
        """Stop trying to hand a message over; it stays to be seen."""
        self._set(delivery.id, given_up_at=to_micros(attempt.at), **_answer(delivery, attempt))

    def put_off(self, delivery: Delivery, *, again_at: datetime, why: str) -> None:
        """Let a message wait that was taken and not tried."""
        self._set(delivery.id, not_before=to_micros(again_at), tries=delivery.tries, answer=why[:_ANSWER_LIMIT])

    def again(self, delivery_id: int, at: datetime, *, until: datetime) -> bool:
        """Let a message be tried from `at` to `until`; return False if it was taken or is not there."""
        values = {"given_up_at": None, "tries": 0, "not_before": to_micros(at), "try_until": to_micros(until)}
        return bool(changed(self._tx, update(d).where(d.c.id == delivery_id, d.c.sent_at.is_(None)).values(values)))

    def forget_before(self, instant: datetime) -> int:
        """Delete messages made before an instant that are not waiting; return how many."""
        return changed(self._tx, delete(d).where(~_WAITING, d.c.created_at < to_micros(instant)))

    def _set(self, delivery_id: int, **columns: Any) -> None:
        changed(self._tx, update(d).where(d.c.id == delivery_id).values(columns))


class LyingBook:
    """What waits and nobody here can send, for who has to leave it to others."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def leave(self, channel_id: int, now: datetime, *, why: str) -> int:
        """Say of what is due to a channel why it lies there; give up what may not be tried any more, return how much.

        What has been left before is not written again.
        """
        at = to_micros(now)
        which = (_WAITING, d.c.not_before <= at, d.c.channel_id == channel_id)
        query = select(d.c.id, d.c.try_until).where(*which, or_(d.c.answer != why, d.c.try_until <= at))
        query = query.order_by(d.c.not_before, d.c.id).limit(_MOST_LEFT)
        rows = list(self._tx.execute(query.with_for_update(skip_locked=True)))
        self._set([row.id for row in rows], answer=why)
        return self._set([row.id for row in rows if row.try_until <= at], given_up_at=at)

    def _set(self, ids: Collection[int], **columns: Any) -> int:
        return changed(self._tx, update(d).where(d.c.id.in_(ids)).values(columns)) if ids else 0


class TargetBook:
    """What went to a target lately, for who makes the next message."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def waiting(self, targets: Collection[Target]) -> set[Target]:
        """Return those of the targets that a message is on its way to, tests aside."""
        channels, people = {each.channel_id for each in targets}, {each.user_id for each in targets}
        which = (_WAITING, d.c.purpose != Purpose.TEST.value, d.c.channel_id.in_(channels), d.c.user_id.in_(people))
        rows = self._tx.execute(select(d.c.channel_id, d.c.user_id).where(*which).distinct())
        return {Target(row[0], row[1]) for row in rows}.intersection(targets)

    def made(self, target: Target, since: datetime) -> list[datetime]:
        """Return when messages to a target were made since an instant, the newest first; tests do not count."""
        which = (*_of(target), d.c.created_at > to_micros(since), d.c.purpose != Purpose.TEST.value)
        return [
            from_micros(row[0])
            for row in self._tx.execute(select(d.c.created_at).where(*which).order_by(d.c.id.desc()))
        ]


def delivery_of(row: Row[Any]) -> Delivery:
    """Build the record from a row."""
    return Delivery(
        id=row.id,
        message_id=row.message_id,
        target=Target(row.channel_id, row.user_id),
        purpose=Purpose(row.purpose),
        summary=row.summary,
        topics=row.topics,
        body=json.loads(row.body),
        created_at=from_micros(row.created_at),
        not_before=from_micros(row.not_before),
        try_until=from_micros(row.try_until),
        tries=row.tries,
        sent_at=maybe_instant(row.sent_at),
        given_up_at=maybe_instant(row.given_up_at),
        answer=row.answer,
        log=tuple(Try(from_micros(at), seconds, taken, words) for at, seconds, taken, words in json.loads(row.log)),
    )


def _answer(delivery: Delivery, attempt: Try) -> dict[str, Any]:
    kept = [*delivery.log, attempt][-_KEPT_TRIES:]
    lines = [[to_micros(each.at), each.seconds, each.is_taken, each.answer[:_ANSWER_LIMIT]] for each in kept]
    return {"answer": attempt.answer[:_ANSWER_LIMIT], "log": dump(lines)}


def _of(target: Target) -> tuple[ColumnElement[bool], ...]:
    return (d.c.channel_id == target.channel_id, d.c.user_id == target.user_id)


def _conditions(wanted: DeliveryFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.targets is not None:
        found.append(or_(False, *(and_(*_of(each)) for each in wanted.targets)))  # noqa: FBT003 - a condition
    if wanted.channel_id is not None:
        found.append(d.c.channel_id == wanted.channel_id)
    if wanted.task_id is not None:
        about = select(n.c.delivery_id).where(n.c.task_id == wanted.task_id, n.c.delivery_id.is_not(None))
        found.append(d.c.id.in_(about))
    states = {"sent": d.c.sent_at.is_not(None), "given_up": d.c.given_up_at.is_not(None), "waiting": _WAITING}
    if wanted.state:
        found.append(states[wanted.state])
    return found
