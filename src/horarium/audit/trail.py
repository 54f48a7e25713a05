"""Append to the audit log, in the transaction of the change that it tells of, and search it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from horarium.audit.actions import Action, Result
from horarium.clock import Clock
from horarium.records.actors import Actor
from horarium.records.audit import AuditFilter, AuditRow
from horarium.store.books.audit import AuditBook, Entry, as_text
from horarium.store.port import Store, Transaction

NAME_LIMIT = 254
_TEXT_LIMIT = 500


class About:
    """What an entry is about: a kind, a number where it has one, and the name it had at that moment."""

    __slots__ = ("id", "kind", "name")

    def __init__(self, kind: str, number: int | None = None, name: str = "") -> None:
        """Name a thing."""
        self.kind = kind
        self.id = number
        self.name = name[:NAME_LIMIT]


class Trail:
    """The audit log of one store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Work on `store`."""
        self._store = store
        self._clock = clock

    def note(
        self,
        tx: Transaction,
        actor: Actor,
        action: Action,
        about: About | None = None,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        result: Result = Result.DONE,
        **details: Any,
    ) -> None:
        """Write an entry with the commit of `tx`: if it cannot be written, nothing of the change happens.

        Of `before` and `after` only what differs is kept. Nobody may hand over a secret here.
        """
        old, new = changes(before, after)
        entry: Entry = (
            *(self._clock.micros(), actor.words, actor.user_id, actor.source.value, actor.address[:64]),
            *(actor.request[:64], action.value, result.value),
            *((None, None, None) if about is None else (about.kind, about.id, about.name)),
            *(as_text(old), as_text(new), as_text(_plain(details))),
        )
        tx.at_end(_write, entry)

    def note_alone(self, actor: Actor, action: Action, about: About | None = None, **rest: Any) -> None:
        """Write an entry about something that changed nothing, such as a refusal, in a transaction of its own."""
        with self._store.transaction() as tx:
            self.note(tx, actor, action, about, **rest)

    def page(
        self, wanted: AuditFilter | None = None, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> list[AuditRow]:
        """Return entries newest first: those with numbers below `before`, or the ones just above `after`."""
        with self._store.reading() as tx:
            return AuditBook(tx).page(wanted or AuditFilter(), before=before, after=after, limit=limit)

    def each(self, wanted: AuditFilter | None = None) -> Iterator[AuditRow]:
        """Go through all entries of a search, oldest first; the store is read while the caller goes on."""
        with self._store.reading() as tx:
            yield from AuditBook(tx).each(wanted or AuditFilter())


def changes(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what differs of two sets of values, as it is kept: old and new."""
    if before is None or after is None:
        return _plain(before or {}), _plain(after or {})
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        _plain({name: before[name] for name in names if name in before}),
        _plain({name: after[name] for name in names if name in after}),
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: Any) -> Any:
    if type(value) is str:
        # What nearly all of them are, and asked for last below.
        return _short(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(each) for each in value][:100]
    if isinstance(value, Mapping):
        return {str(name): _value(each) for name, each in value.items()}
    return _short(str(value))


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"


def _write(tx: Transaction, entries: list[Entry]) -> None:
    AuditBook(tx).append(entries)
