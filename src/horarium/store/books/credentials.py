"""Read and write credentials and their sealed values; nothing here can open one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, case, delete, func, insert, null, or_, select, update

from horarium.clock import from_micros, to_micros
from horarium.records.credentials import Asker, Credential, Subject, Version
from horarium.store.books.codec import dump, maybe_instant
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.vault import credential_grants as g
from horarium.store.tables.vault import credential_values as s
from horarium.store.tables.vault import credential_versions as v
from horarium.store.tables.vault import user_credentials as c

UNUSED: Final = "unused"
"""Why a credential is inactive, as its row says it, when nothing had used it for months."""


class CredentialBook:
    """The credentials, without their values."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, credential: Credential, *, name_key: str) -> Credential:
        """Write a new credential; return it with its number. Raises `DuplicateKey` if its owner has one so named."""
        values = {
            "owner_id": credential.owner_id,
            "name": credential.name,
            "name_key": name_key,
            "kind": credential.kind,
            "note": credential.note,
            "version": credential.version,
            "open_fields": dump(dict(credential.open_fields)),
            "hosts": dump(list(credential.hosts)),
            "created_at": to_micros(credential.created_at),
            "created_by": credential.created_by,
            "updated_at": to_micros(credential.updated_at),
            "rotated_at": to_micros(credential.rotated_at),
            "expires_at": maybe_micros(credential.expires_at),
            "rotate_days": credential.rotate_days,
        }
        return credential_of(self._tx.execute(insert(c).values(values).returning(*c.c)).one())

    def get(self, credential_id: int, *, lock: bool = False) -> Credential | None:
        """Return a credential, a removed one too; `lock` keeps others from changing it meanwhile."""
        query = select(c).where(c.c.id == credential_id)
        row = self._tx.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else credential_of(row)

    def by_key(self, owner_id: int, name_key: str) -> Credential | None:
        """Return the credential that its owner calls so, unless it was removed."""
        query = select(c).where(c.c.owner_id == owner_id, c.c.name_key == name_key, c.c.deleted_at.is_(None))
        row = self._tx.execute(query).one_or_none()
        return None if row is None else credential_of(row)

    def granted(
        self, name_key: str, now: datetime, subjects: Collection[tuple[Subject, int]]
    ) -> list[tuple[int, Credential]]:
        """Return the grants that some of `subjects` have on credentials of this name, the oldest first.

        Each is a pair of the grant's number and the credential.
        """
        ours = [and_(g.c.subject == kind.value, g.c.subject_id == number) for kind, number in subjects]
        if not ours:
            return []
        query = (
            select(g.c.id.label("grant_id"), *c.c)
            .join_from(g, c, g.c.credential_id == c.c.id)
            .where(c.c.name_key == name_key, c.c.deleted_at.is_(None), or_(*ours), *living(now))
        )
        return [(row.grant_id, credential_of(row)) for row in self._tx.execute(query.order_by(g.c.id))]

    def seen(self, asker: Asker, now: datetime, *, removed: bool = False) -> list[Credential]:
        """Return what somebody may know of, by name: their own, what was granted to them, with rights all."""
        query = select(c).where(*seen_by(asker, now, removed=removed))
        return [credential_of(row) for row in self._tx.execute(query.order_by(c.c.name_key, c.c.owner_id, c.c.id))]

    def of_keys(self, name_keys: Collection[str]) -> list[Credential]:
        """Return everybody's credentials that are called so and were not removed."""
        query = select(c).where(c.c.name_key.in_(name_keys), c.c.deleted_at.is_(None))
        return [credential_of(row) for row in self._tx.execute(query.order_by(c.c.id))]

    def change(self, credential_id: int, **columns: Any) -> bool:
        """Set columns; return False if the credential is not there. Raises `DuplicateKey`."""
        return bool(changed(self._tx, update(c).where(c.c.id == credential_id).values(columns)))

    def touch(self, credential_id: int, at: datetime) -> None:
        """Remember when it was last used; one that was inactive for want of use is active again."""
        inactive_at = case((c.c.inactive_reason == UNUSED, null()), else_=c.c.inactive_at)
        values = {"last_used_at": to_micros(at), "inactive_at": inactive_at, "inactive_reason": None}
        self._tx.execute(update(c).where(c.c.id == credential_id).values(values))

    def erase_removed(self, before: datetime) -> int:
        """Delete for good what was removed before an instant, with its values; return how many."""
        return self._erase(c.c.deleted_at < to_micros(before))

    def erase(self, credential_id: int) -> bool:
        """Delete a credential for good, with its values and grants; return False if it is not there."""
        return bool(self._erase(c.c.id == credential_id))

    def _erase(self, gone: Any) -> int:
        # Said of each table: that secrets are erased must not hang on whether a database minds its foreign keys.
        for table in (s, v, g):
            self._tx.execute(delete(table).where(table.c.credential_id.in_(select(c.c.id).where(gone))))
        return changed(self._tx, delete(c).where(gone))


class VersionBook:
    """The sealed values of credentials, version by version."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, version: Version, sealed: Mapping[str, str]) -> None:
        """Write a version with its sealed fields."""
        values = {
            "credential_id": version.credential_id,
            "version": version.version,
            "key_id": version.key_id,
            "wrapped_key": version.wrapped_key,
            "fingerprint": version.fingerprint,
            "created_at": to_micros(version.created_at),
            "created_by": version.created_by,
            "open_fields": None if version.open_fields is None else dump(dict(version.open_fields)),
            "replaced_at": maybe_micros(version.replaced_at),
            "kept_until": maybe_micros(version.kept_until),
        }
        self._tx.execute(insert(v).values(values))
        self._put(version.credential_id, version.version, sealed)

    def get(self, credential_id: int, version: int) -> Version | None:
        """Return one version."""
        row = self._tx.execute(select(v).where(*_at(credential_id, version))).one_or_none()
        return None if row is None else _version(row)

    def of_credential(self, credential_id: int) -> list[Version]:
        """Return all versions, the newest first."""
        query = select(v).where(v.c.credential_id == credential_id).order_by(v.c.version.desc())
        return [_version(row) for row in self._tx.execute(query)]

    def current(self, ids: Collection[int]) -> dict[int, Version]:
        """Return the present version of each of these credentials."""
        joined = and_(v.c.credential_id == c.c.id, v.c.version == c.c.version)
        rows = self._tx.execute(select(v).join_from(v, c, joined).where(c.c.id.in_(ids)))
        return {row.credential_id: _version(row) for row in rows}

    def sealed(self, credential_id: int, version: int) -> dict[str, str]:
        """Return the sealed fields of a version by name."""
        query = select(s.c.field, s.c.sealed).where(s.c.credential_id == credential_id, s.c.version == version)
        return {row.field: row.sealed for row in self._tx.execute(query.order_by(s.c.field))}

    def fields_of(self, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
        """Return the names of the sealed fields of the present version of each of these credentials."""
        joined = and_(s.c.credential_id == c.c.id, s.c.version == c.c.version)
        query = select(s.c.credential_id, s.c.field).join_from(s, c, joined).where(c.c.id.in_(ids))
        found: dict[int, tuple[str, ...]] = {}
        for row in self._tx.execute(query.order_by(s.c.field)):
            found[row.credential_id] = (*found.get(row.credential_id, ()), row.field)
        return found

    def kept(self, credential_id: int) -> set[int]:
        """Return the numbers of those versions whose values are there."""
        query = select(s.c.version).where(s.c.credential_id == credential_id).distinct()
        return {int(row[0]) for row in self._tx.execute(query)}

    def keep_until(self, credential_id: int, version: int, *, replaced_at: datetime, kept_until: datetime) -> None:
        """Note that a version was replaced, and until when runs that began with it may go on using it."""
        change = update(v).where(*_at(credential_id, version))
        self._tx.execute(change.values(replaced_at=to_micros(replaced_at), kept_until=to_micros(kept_until)))

    def erase(self, credential_id: int, version: int, at: datetime) -> bool:
        """Delete the values of a version now; return False if they were gone already."""
        values = s.c.credential_id == credential_id, s.c.version == version
        gone = {"kept_until": to_micros(at), "open_fields": None}
        self._tx.execute(update(v).where(*_at(credential_id, version)).values(gone))
        return bool(changed(self._tx, delete(s).where(*values)))

    def reseal(self, version: Version, sealed: Mapping[str, str]) -> None:
        """Put another wrapped key and other sealed fields in the place of those that are there."""
        change = update(v).where(*_at(version.credential_id, version.version))
        self._tx.execute(
            change.values(key_id=version.key_id, wrapped_key=version.wrapped_key, fingerprint=version.fingerprint)
        )
        self._erase(version.credential_id, version.version)
        self._put(version.credential_id, version.version, sealed)

    def rewrap(self, version: Version, *, old_key_id: str) -> bool:
        """Put another wrapped key where that of `old_key_id` still stands; return False if somebody was faster."""
        change = update(v).where(*_at(version.credential_id, version.version), v.c.key_id == old_key_id)
        return bool(
            changed(
                self._tx,
                change.values(key_id=version.key_id, wrapped_key=version.wrapped_key, fingerprint=version.fingerprint),
            )
        )

    def batch(
        self, *, after: tuple[int, int], most: int, not_under: str | None = None, lock: bool = False
    ) -> list[tuple[Credential, Version]]:
        """Return versions whose values are there, in order behind `after`, each with its credential.

        With `not_under` only those that are sealed under another key; `lock` keeps others from changing them.
        """
        number, version = after
        behind = or_(v.c.credential_id > number, and_(v.c.credential_id == number, v.c.version > version))
        query = select(*_ALL_OF_BOTH).join_from(v, c, v.c.credential_id == c.c.id).where(behind, _HAS_VALUES)
        if not_under is not None:
            query = query.where(v.c.key_id != not_under)
        if lock:
            query = query.with_for_update(of=v)
        rows = self._tx.execute(query.order_by(v.c.credential_id, v.c.version).limit(most))
        return [(credential_of(row), _version_of_both(row)) for row in rows]

    def newest(self, most: int) -> list[tuple[Credential, Version]]:
        """Return the versions with values that were made last, newest first, each with its credential."""
        query = select(*_ALL_OF_BOTH).join_from(v, c, v.c.credential_id == c.c.id).where(_HAS_VALUES)
        rows = self._tx.execute(query.order_by(v.c.created_at.desc(), v.c.credential_id).limit(most))
        return [(credential_of(row), _version_of_both(row)) for row in rows]

    def counts(self) -> dict[str, int]:
        """Return how many versions with values each key seals."""
        query = select(v.c.key_id, func.count()).where(_HAS_VALUES).group_by(v.c.key_id)
        return {str(row[0]): int(row[1]) for row in self._tx.execute(query)}

    def erase_replaced(self, now: datetime) -> int:
        """Delete the values of versions that need not be kept any longer; return how many fields."""
        over = select(v.c.credential_id).where(
            v.c.credential_id == s.c.credential_id, v.c.version == s.c.version, v.c.kept_until <= to_micros(now)
        )
        self._tx.execute(
            update(v).where(v.c.kept_until <= to_micros(now), v.c.open_fields.is_not(None)).values(open_fields=None)
        )
        return changed(self._tx, delete(s).where(over.exists()))

    def _put(self, credential_id: int, version: int, sealed: Mapping[str, str]) -> None:
        rows = [
            {"credential_id": credential_id, "version": version, "field": name, "sealed": text}
            for name, text in sealed.items()
        ]
        if rows:
            self._tx.execute(insert(s), rows)

    def _erase(self, credential_id: int, version: int) -> None:
        self._tx.execute(delete(s).where(s.c.credential_id == credential_id, s.c.version == version))


_VERSION_COLUMNS = tuple(column.label(f"version_{column.name}") for column in v.columns)
_ALL_OF_BOTH = (*c.columns, *_VERSION_COLUMNS)
_HAS_VALUES = select(s.c.field).where(s.c.credential_id == v.c.credential_id, s.c.version == v.c.version).exists()


def seen_by(asker: Asker, now: datetime, *, removed: bool = False) -> list[ColumnElement[bool]]:
    """Return the conditions on what somebody may know of."""
    found: list[ColumnElement[bool]] = [c.c.deleted_at.is_not(None) if removed else c.c.deleted_at.is_(None)]
    if not asker.sees_all:
        # What was removed is only its owner's to restore.
        shared = [] if removed else [shared_with(asker, now)]
        found.append(or_(c.c.owner_id == asker.user_id, *shared))
    return found


def shared_with(asker: Asker, now: datetime) -> ColumnElement[bool]:
    """Return the condition on what was granted to somebody, as a person or in one of their projects."""
    ours = [and_(g.c.subject == Subject.PERSON.value, g.c.subject_id == asker.user_id)]
    if asker.reach.projects:
        ours.append(and_(g.c.subject == Subject.PROJECT.value, g.c.subject_id.in_(asker.reach.projects)))
    return c.c.id.in_(select(g.c.credential_id).where(or_(*ours), *living(now)))


def living(now: datetime) -> Sequence[Any]:
    """Return the conditions on a grant that still gives something."""
    return (g.c.revoked_at.is_(None), or_(g.c.expires_at.is_(None), g.c.expires_at > to_micros(now)))


def maybe_micros(instant: datetime | None) -> int | None:
    """Return microseconds since the epoch, or None for None."""
    return None if instant is None else to_micros(instant)


def _at(credential_id: int, version: int) -> tuple[Any, ...]:
    return (v.c.credential_id == credential_id, v.c.version == version)


def credential_of(row: Row[Any]) -> Credential:
    """Return the credential that a row holds."""
    return Credential(
        id=row.id,
        owner_id=row.owner_id,
        name=row.name,
        kind=row.kind,
        note=row.note,
        version=row.version,
        open_fields=json.loads(row.open_fields),
        hosts=tuple(json.loads(row.hosts)),
        created_at=from_micros(row.created_at),
        created_by=row.created_by,
        updated_at=from_micros(row.updated_at),
        rotated_at=from_micros(row.rotated_at),
        expires_at=maybe_instant(row.expires_at),
        rotate_days=row.rotate_days,
        last_used_at=maybe_instant(row.last_used_at),
        tested_at=maybe_instant(row.tested_at),
        test_passed=row.test_passed,
        test_words=row.test_words or "",
        inactive_at=maybe_instant(row.inactive_at),
        is_unused=row.inactive_reason == UNUSED,
        deleted_at=maybe_instant(row.deleted_at),
    )


def _open(text: str | None) -> dict[str, str] | None:
    return None if text is None else dict(json.loads(text))


def _version(row: Any) -> Version:
    return Version(
        credential_id=row.credential_id,
        version=row.version,
        key_id=row.key_id,
        wrapped_key=row.wrapped_key,
        fingerprint=row.fingerprint,
        created_at=from_micros(row.created_at),
        created_by=row.created_by,
        open_fields=_open(row.open_fields),
        replaced_at=maybe_instant(row.replaced_at),
        kept_until=maybe_instant(row.kept_until),
    )


def _version_of_both(row: Row[Any]) -> Version:
    return Version(
        credential_id=row.version_credential_id,
        version=row.version_version,
        key_id=row.version_key_id,
        wrapped_key=row.version_wrapped_key,
        fingerprint=row.version_fingerprint,
        created_at=from_micros(row.version_created_at),
        created_by=row.version_created_by,
        open_fields=_open(row.version_open_fields),
        replaced_at=maybe_instant(row.version_replaced_at),
        kept_until=maybe_instant(row.version_kept_until),
    )
