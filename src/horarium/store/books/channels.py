"""Read and write channels, and the rules that say who is told what."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select, update

from horarium.clock import from_micros, to_micros
from horarium.records.notices import NoticeKind
from horarium.records.telling import Cause, Channel, Frequency, On, Recipient, Rule, Scope
from horarium.store.books.codec import dump, maybe_instant
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.notices import channels as c
from horarium.store.tables.notices import notice_rules as r


class ChannelBook:
    """The table of channels."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, channel: Channel, *, name_key: str) -> Channel:
        """Write a new channel; return it with its number. Raises `DuplicateKey` where its owner has one of the name."""
        values = {
            "owner_id": channel.owner_id,
            "kind": channel.kind,
            "name": channel.name,
            "name_key": name_key,
            "open_values": dump(dict(channel.open_values)),
            "credential_id": channel.credential_id,
            "most_per_hour": channel.most_per_hour,
            "most_per_day": channel.most_per_day,
            "created_at": to_micros(channel.created_at),
            "created_by": channel.created_by,
            "updated_at": to_micros(channel.updated_at),
            "failures": 0,
        }
        return channel_of(self._tx.execute(insert(c).values(values).returning(*c.c)).one())

    def get(self, channel_id: int, *, lock: bool = False) -> Channel | None:
        """Return a channel; `lock` keeps others from changing it meanwhile."""
        query = select(c).where(c.c.id == channel_id)
        row = self._tx.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else channel_of(row)

    def every(self, *, owner_ids: Collection[int] | None = None) -> list[Channel]:
        """Return the channels of these owners (None: all), by name."""
        query = select(c).order_by(c.c.name_key, c.c.id)
        rows = self._tx.execute(query if owner_ids is None else query.where(c.c.owner_id.in_(owner_ids)))
        return [channel_of(row) for row in rows]

    def by_ids(self, ids: Collection[int]) -> dict[int, Channel]:
        """Return channels by number."""
        return {row.id: channel_of(row) for row in self._tx.execute(select(c).where(c.c.id.in_(ids)))}

    def change(self, channel_id: int, **columns: Any) -> bool:
        """Set columns of a channel; return False if it is not there. Raises `DuplicateKey`."""
        return bool(changed(self._tx, update(c).where(c.c.id == channel_id).values(columns)))

    def note_sent(self, channel_id: int, answer: str, at: datetime) -> None:
        """Note that a message arrived there."""
        self.change(channel_id, last_sent_at=to_micros(at), last_answer=answer, failures=0)

    def note_failed(self, channel_id: int, answer: str, at: datetime, *, is_final: bool) -> int:
        """Note that a message was not taken there; return how many in a row were refused for good."""
        more = {"failures": c.c.failures + 1} if is_final else {}
        self.change(channel_id, last_failed_at=to_micros(at), last_answer=answer, **more)
        return int(self._tx.execute(select(c.c.failures).where(c.c.id == channel_id)).scalar_one_or_none() or 0)

    def remove(self, channel_id: int) -> bool:
        """Delete a channel; return False if it is not there."""
        return bool(changed(self._tx, delete(c).where(c.c.id == channel_id)))

    def credential_ids(self) -> set[int]:
        """Return the numbers of the credentials that channels send with."""
        query = select(c.c.credential_id).where(c.c.credential_id.is_not(None))
        return {int(row[0]) for row in self._tx.execute(query)}


class RuleBook:
    """The table of rules."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, rule: Rule, *, now: datetime) -> Rule:
        """Write a new rule; return it with its number."""
        at = to_micros(now)
        values = {**_rule_columns(rule), "created_at": at, "created_by": rule.created_by, "updated_at": at}
        return rule_of(self._tx.execute(insert(r).values(values).returning(*r.c)).one())

    def get(self, rule_id: int) -> Rule | None:
        """Return a rule."""
        row = self._tx.execute(select(r).where(r.c.id == rule_id)).one_or_none()
        return None if row is None else rule_of(row)

    def every(self, *, owner_ids: Collection[int] | None = None) -> list[Rule]:
        """Return the rules of these owners (None: all) in their order."""
        query = select(r).order_by(r.c.owner_id, r.c.position, r.c.id)
        rows = self._tx.execute(query if owner_ids is None else query.where(r.c.owner_id.in_(owner_ids)))
        return [rule_of(row) for row in rows]

    def replace(self, rule: Rule, *, now: datetime) -> bool:
        """Write a rule anew; return False if it is not there."""
        change = update(r).where(r.c.id == rule.id).values(**_rule_columns(rule), updated_at=to_micros(now))
        return bool(changed(self._tx, change))

    def place(self, rule_id: int, position: int) -> None:
        """Give a rule its place in the order."""
        self._tx.execute(update(r).where(r.c.id == rule_id).values(position=position))

    def last_position(self, owner_id: int) -> int:
        """Return the place of the last rule of an owner, 0 where there is none."""
        query = select(func.coalesce(func.max(r.c.position), 0)).where(r.c.owner_id == owner_id)
        return int(self._tx.execute(query).scalar_one())

    def remove(self, rule_id: int) -> bool:
        """Delete a rule; return False if it is not there."""
        return bool(changed(self._tx, delete(r).where(r.c.id == rule_id)))

    def remove_of(self, user_id: int) -> None:
        """Delete what a person who leaves had: their own rules, and those about their tasks alone."""
        theirs = (r.c.scope == Scope.PERSON.value) & (r.c.scope_id == user_id)
        self._tx.execute(delete(r).where(or_(r.c.owner_id == user_id, theirs)))


def channel_of(row: Row[Any]) -> Channel:
    """Build the record from a row."""
    return Channel(
        id=row.id,
        owner_id=row.owner_id,
        kind=row.kind,
        name=row.name,
        open_values=json.loads(row.open_values),
        credential_id=row.credential_id,
        created_at=from_micros(row.created_at),
        created_by=row.created_by,
        updated_at=from_micros(row.updated_at),
        most_per_hour=row.most_per_hour,
        most_per_day=row.most_per_day,
        paused_at=maybe_instant(row.paused_at),
        paused_by=row.paused_by or "",
        disabled_at=maybe_instant(row.disabled_at),
        disabled_reason=row.disabled_reason or "",
        failures=row.failures,
        last_sent_at=maybe_instant(row.last_sent_at),
        last_failed_at=maybe_instant(row.last_failed_at),
        last_answer=row.last_answer or "",
    )


def rule_of(row: Row[Any]) -> Rule:
    """Build the record from a row; kinds, recipients and causes of a newer release are left out."""
    known = set(NoticeKind)
    return Rule(
        id=row.id,
        owner_id=row.owner_id,
        standard=row.standard or "",
        position=row.position,
        scope=Scope(row.scope),
        scope_id=row.scope_id,
        tag=row.tag,
        kinds=frozenset(NoticeKind(each) for each in json.loads(row.kinds) if each in known),
        after_failures=row.after_failures,
        after_seconds=row.after_seconds,
        frequency=Frequency(row.frequency),
        every_seconds=row.every_seconds,
        recipients=tuple(Recipient.read(each) for each in json.loads(row.recipients)),
        mute_while=_causes(row.mute_while),
        goes_on=bool(row.goes_on),
        is_on=bool(row.is_on),
        created_at=from_micros(row.created_at),
        created_by=row.created_by,
        updated_at=from_micros(row.updated_at),
    )


def _causes(kept: str | None) -> tuple[Cause, ...]:
    known = set(On)
    return tuple(Cause.read(each) for each in json.loads(kept or "[]") if each.partition(":")[0] in known)


def _rule_columns(rule: Rule) -> dict[str, Any]:
    return {
        "owner_id": rule.owner_id,
        "standard": rule.standard or None,
        "position": rule.position,
        "scope": rule.scope.value,
        "scope_id": rule.scope_id,
        "tag": rule.tag,
        "kinds": dump(sorted(kind.value for kind in rule.kinds)),
        "after_failures": rule.after_failures,
        "after_seconds": rule.after_seconds,
        "frequency": rule.frequency.value,
        "every_seconds": rule.every_seconds,
        "recipients": dump([each.text for each in rule.recipients]),
        "mute_while": dump([each.text for each in rule.mute_while]) if rule.mute_while else None,
        "goes_on": rule.goes_on,
        "is_on": rule.is_on,
    }
