"""Checks and their calls: found by their token, moved by what they were found as, so that each miss counts once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, false, func, insert, or_, select, update

from horarium.clock import from_micros
from horarium.records.checks import Call, CallKind, CheckWish, HeartbeatCheck
from horarium.records.reach import Place, Reach
from horarium.states import CheckState
from horarium.store.books.codec import maybe_instant
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.watch import calls as c
from horarium.store.tables.watch import checks as t

KEPT_CALLS: Final = 100
"""How many calls of a check are kept."""
_WAITING: Final = (CheckState.NEW.value, CheckState.UP.value)


class CheckBook:
    """The tables of checks and calls."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, wish: CheckWish, *, token: str, now: int) -> int:
        """Write a new check; return its number."""
        values = {**_columns(wish), "token": token, "state": CheckState.NEW.value, "misses": 0}
        stamps = {"created_at": now, "updated_at": now}
        return int(self._tx.execute(insert(t).values({**values, **stamps}).returning(t.c.id)).scalar_one())

    def get(self, check_id: int, *, lock: bool = False) -> HeartbeatCheck | None:
        """Return a check by number; `lock` keeps others from changing it meanwhile."""
        query = select(t).where(t.c.id == check_id)
        row = self._tx.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else _check(row)

    def by_token(self, token: str, *, lock: bool = False) -> HeartbeatCheck | None:
        """Return the check that a token calls."""
        query = select(t).where(t.c.token == token)
        row = self._tx.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else _check(row)

    def page(self, reach: Reach, *, after: int = 0, most: int = 500) -> list[HeartbeatCheck]:
        """Return what somebody sees, by number, from above `after`."""
        query = select(t).where(*_covered(reach), t.c.id > after).order_by(t.c.id).limit(most)
        return [_check(row) for row in self._tx.execute(query)]

    def count(self, reach: Reach, *, down_only: bool = False) -> int:
        """Return how many checks somebody sees."""
        query = select(func.count()).select_from(t).where(*_covered(reach))
        return int(
            self._tx.execute(query.where(t.c.state == CheckState.DOWN.value) if down_only else query).scalar_one()
        )

    def counts(self) -> dict[str, int]:
        """Return how many checks there are in each state."""
        return {row[0]: int(row[1]) for row in self._tx.execute(select(t.c.state, func.count()).group_by(t.c.state))}

    def change(self, check_id: int, wish: CheckWish, *, now: int, **columns: Any) -> None:
        """Give a check another definition."""
        self.set(check_id, **_columns(wish), updated_at=now, **columns)

    def set(self, check_id: int, **columns: Any) -> None:
        """Set columns of a check that is held."""
        self._tx.execute(update(t).where(t.c.id == check_id).values(columns))

    def remove(self, check_id: int) -> None:
        """Delete a check with its calls."""
        self._tx.execute(delete(c).where(c.c.check_id == check_id))
        self._tx.execute(delete(t).where(t.c.id == check_id))

    def overdue(self, now: int, *, most: int = 200) -> list[HeartbeatCheck]:
        """Return checks whose grace was over before `now` and that nobody has counted as missed."""
        query = select(t).where(t.c.alarm_at.is_not(None), t.c.alarm_at <= now, t.c.state.in_(_WAITING))
        return [_check(row) for row in self._tx.execute(query.order_by(t.c.alarm_at).limit(most))]

    def miss(self, check_id: int, *, alarm_at: int, now: int) -> bool:
        """Count a miss of a check that still stands as it was seen; False when a call or another node was faster."""
        query = update(t).where(t.c.id == check_id, t.c.state.in_(_WAITING), t.c.alarm_at == alarm_at)
        values = {"state": CheckState.DOWN.value, "down_at": now, "alarm_at": None, "misses": t.c.misses + 1}
        return changed(self._tx, query.values(values)) == 1


class CheckFinder:
    """The table of checks, for who names some of them."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def by_ids(self, ids: Collection[int]) -> dict[int, HeartbeatCheck]:
        """Return checks by number."""
        return {row.id: _check(row) for row in self._tx.execute(select(t).where(t.c.id.in_(ids)))}

    def called(self, name: str, reach: Reach) -> list[HeartbeatCheck]:
        """Return the checks of this name that somebody sees; a few at most."""
        query = select(t).where(*_covered(reach), t.c.name == name).order_by(t.c.id).limit(10)
        return [_check(row) for row in self._tx.execute(query)]


class CallBook:
    """The table of calls."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(
        self,
        check_id: int,
        kind: CallKind,
        *,
        at: int,
        exit_code: int | None,
        address: str,
        agent: str,
        seconds: float | None,
    ) -> None:
        """Write a call, and forget those that are more than are kept."""
        values = {"check_id": check_id, "at": at, "kind": kind.value, "exit_code": exit_code, "address": address[:64]}
        self._tx.execute(insert(c).values({**values, "agent": agent[:200], "seconds": seconds}))
        mine = select(c.c.id).where(c.c.check_id == check_id)
        edge = mine.order_by(c.c.id.desc()).limit(1).offset(KEPT_CALLS)
        self._tx.execute(delete(c).where(c.c.check_id == check_id, c.c.id <= edge.scalar_subquery()))

    def newest(self, check_id: int, *, most: int = KEPT_CALLS) -> list[Call]:
        """Return the newest calls of a check, newest first."""
        query = select(c).where(c.c.check_id == check_id).order_by(c.c.id.desc()).limit(most)
        return [_call(row) for row in self._tx.execute(query)]


def _covered(reach: Reach) -> Sequence[ColumnElement[bool]]:
    if reach.everything:
        return ()
    seen: list[ColumnElement[bool]] = [t.c.owner_id == reach.user_id]
    if reach.projects:
        seen.append(t.c.project_id.in_(reach.projects))
    if reach.shared:
        seen.append(and_(t.c.owner_id.is_(None), t.c.project_id.is_(None)))
    return (or_(*seen) if reach.user_id > 0 else false(),)


def _columns(wish: CheckWish) -> dict[str, Any]:
    return {
        "name": wish.name,
        "description": wish.description,
        "schedule": wish.schedule,
        "timezone": wish.timezone,
        "grace_seconds": wish.grace_seconds,
        "owner_id": wish.place.owner_id,
        "project_id": wish.place.project_id,
    }


def _check(row: Any) -> HeartbeatCheck:
    return HeartbeatCheck(
        id=row.id,
        wish=CheckWish(
            name=row.name,
            schedule=row.schedule,
            timezone=row.timezone,
            grace_seconds=row.grace_seconds,
            description=row.description,
            place=Place(row.owner_id, row.project_id),
        ),
        token=row.token,
        state=CheckState(row.state),
        created_at=from_micros(row.created_at),
        updated_at=from_micros(row.updated_at),
        last_at=maybe_instant(row.last_at),
        began_at=maybe_instant(row.began_at),
        due_at=maybe_instant(row.due_at),
        alarm_at=maybe_instant(row.alarm_at),
        down_at=maybe_instant(row.down_at),
        misses=row.misses,
    )


def _call(row: Any) -> Call:
    return Call(
        id=row.id,
        at=from_micros(row.at),
        kind=CallKind(row.kind),
        exit_code=row.exit_code,
        address=row.address,
        agent=row.agent,
        seconds=row.seconds,
    )
