"""Keep credentials: save, describe, replace, hand on, remove, restore. Nothing here gives a saved secret back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from horarium.audit.actions import Action
from horarium.clock import to_micros
from horarium.errors import Conflict, Denied, DuplicateKey, InvalidValue, NotFound
from horarium.records.credentials import INSTALLATION, UNDO, Asker, Credential, Grant, Version
from horarium.store.books.codec import dump
from horarium.store.books.credentials import CredentialBook, VersionBook, maybe_micros
from horarium.store.books.grants import GrantBook, UseBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Transaction
from horarium.vault.checking import (
    checked_expiry,
    checked_hosts,
    checked_kind,
    checked_name,
    checked_note,
    checked_rotation,
    key_of,
    short_fields,
    split,
)
from horarium.vault.keypairs import completed
from horarium.vault.seeing import may_replace, owned, replaceable, seen
from horarium.vault.vault import Vault, about

KEEP_REPLACED: Final = timedelta(hours=24)
"""How long replaced values are kept for runs that began with them, where nothing else is said."""
LONGEST_KEPT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """What a credential is to be made of. `owner_id` 0 is the installation; `fields` hold open and secret values."""

    name: str
    kind: str
    fields: Mapping[str, str] = field(repr=False)
    owner_id: int = INSTALLATION
    note: str = ""
    hosts: tuple[str, ...] = ()
    expires_at: datetime | None = None
    rotate_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be said about a credential from now on; what is left out stays.

    For the date and the days False is left out, and None takes them away.
    """

    name: str | None = None
    note: str | None = None
    hosts: tuple[str, ...] | None = None
    expires_at: datetime | bool | None = False
    rotate_days: int | bool | None = False


@dataclass(frozen=True, slots=True)
class Saved:
    """A credential that was saved, and the fields whose values are too short to be masked where a task prints them."""

    credential: Credential
    short: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return one sentence for each thing that somebody should know."""
        return tuple(
            f"{name} has less than 8 characters: it cannot be masked where a task prints it" for name in self.short
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A credential as it may be shown: which secret fields are set, and a mark that tells two versions apart."""

    credential: Credential
    secret_fields: tuple[str, ...]
    fingerprint: str
    grants: tuple[Grant, ...] = ()
    versions: tuple[Version, ...] = ()
    owns: bool = False
    may_replace: bool = False


class Credentials:
    """The credentials of one vault, for whoever asks: owners manage theirs, administrators the installation's."""

    def __init__(self, vault: Vault) -> None:
        """Work with the keys of `vault`."""
        self._vault = vault
        self._store = vault.store
        self._clock = vault.clock
        self._trail = vault.trail

    def add(self, wanted: NewCredential, *, asker: Asker) -> Saved:
        """Save a new credential. Raises `InvalidValue`, `Denied` for another owner's, `VaultSealed`."""
        kind = checked_kind(wanted.kind)
        opened, secret = split(kind, completed(kind.name, wanted.fields))
        now = self._clock.now()
        by = asker.actor.words
        draft = Credential(
            id=0,
            owner_id=wanted.owner_id,
            name=checked_name(wanted.name),
            kind=kind.name,
            note=checked_note(wanted.note),
            version=1,
            open_fields=opened,
            hosts=checked_hosts(wanted.hosts),
            created_at=now,
            created_by=by,
            updated_at=now,
            rotated_at=now,
            expires_at=checked_expiry(wanted.expires_at, now),
            rotate_days=checked_rotation(wanted.rotate_days),
        )
        if not asker.owns(draft):
            raise Denied("a credential is saved for oneself; the installation's are for administrators")
        try:
            with self._store.transaction() as tx:
                _check_owner(tx, wanted.owner_id)
                made = put_new(self._vault, tx, draft, secret, asker=asker)
        except DuplicateKey:
            raise _taken(draft.name) from None
        return Saved(made, short_fields(secret))

    def list(self, *, asker: Asker, removed: bool = False) -> list[Described]:
        """Return what somebody may know of, by name; with `removed` what can be restored."""
        now = self._clock.now()
        with self._store.reading() as tx:
            found = CredentialBook(tx).seen(asker, now, removed=removed)
            ids = [each.id for each in found]
            versions, fields = VersionBook(tx).current(ids), VersionBook(tx).fields_of(ids)
        return [
            Described(
                credential=each,
                secret_fields=fields.get(each.id, ()),
                fingerprint=versions[each.id].fingerprint if each.id in versions else "",
                owns=asker.owns(each),
            )
            for each in found
            if not removed or asker.owns(each)
        ]

    def show(self, credential_id: int, *, asker: Asker) -> Described:
        """Return everything about a credential but its secrets; grants and versions to its owner alone.

        Raises `NotFound`, also for what is not theirs to know of.
        """
        now = self._clock.now()
        with self._store.reading() as tx:
            found = seen(tx, credential_id, asker, now, removed=True)
            version = VersionBook(tx).get(found.id, found.version)
            knows = asker.owns(found) or asker.sees_all
            return Described(
                credential=found,
                secret_fields=VersionBook(tx).fields_of([found.id]).get(found.id, ()),
                fingerprint="" if version is None else version.fingerprint,
                grants=tuple(GrantBook(tx).of_credential(found.id, now)) if knows else (),
                versions=tuple(VersionBook(tx).of_credential(found.id)) if knows else (),
                owns=asker.owns(found),
                may_replace=may_replace(tx, found, asker, now),
            )

    def find(self, name: str, *, asker: Asker, owner_id: int | None = None, removed: bool = False) -> Credential:
        """Return the credential that somebody means by a name: their own first. Raises `NotFound`, `Conflict`."""
        key = key_of(name)
        with self._store.reading() as tx:
            every = CredentialBook(tx).seen(asker, self._clock.now(), removed=removed)
        found = [each for each in every if key_of(each.name) == key]
        if owner_id is not None:
            found = [each for each in found if each.owner_id == owner_id]
        own = [each for each in found if each.owner_id == (INSTALLATION if asker.is_host else asker.user_id)]
        if not found:
            raise NotFound(f"there is no credential {name!r}")
        if len(found) > 1 and not own:
            numbers = ", ".join(f"#{each.id}" for each in found)
            raise Conflict(f"several credentials are named {name!r}: say which by its number ({numbers})")
        return (own or found)[0]

    def replace(
        self, credential_id: int, fields: Mapping[str, str], *, asker: Asker, keep: timedelta = KEEP_REPLACED
    ) -> Saved:
        """Put other values into a credential: a new version, whole. Fields that are left out keep no old value.

        The version before is kept for `keep`, for runs that began with it, and then erased. Raises `NotFound`,
        `Denied`, `InvalidValue`, `VaultSealed`.
        """
        if not timedelta(0) <= keep <= LONGEST_KEPT:
            raise InvalidValue("keep", keep, "use a time from nothing to 30 days")
        now = self._clock.now()
        with self._store.transaction() as tx:
            before = replaceable(tx, credential_id, asker, now)
            opened, secret = split(checked_kind(before.kind), completed(before.kind, fields))
            after = put_values(self._vault, tx, before, opened, secret, keep=keep, asker=asker)
        return Saved(after, short_fields(secret))

    def change(self, credential_id: int, changes: Changes, *, asker: Asker) -> Credential:
        """Change what is said about a credential, not its values. Raises `NotFound`, `Denied`, `InvalidValue`."""
        now = self._clock.now()
        columns = _columns(changes, now)
        try:
            with self._store.transaction() as tx:
                before = owned(tx, credential_id, asker, now)
                CredentialBook(tx).change(before.id, updated_at=to_micros(now), **columns)
                after = owned(tx, credential_id, asker, now)
                if shown(before) != shown(after):
                    self._note(tx, asker, Action.CREDENTIAL_CHANGED, after, before=shown(before), now=shown(after))
        except DuplicateKey:
            raise _taken(changes.name or "") from None
        return after

    def give(self, credential_id: int, owner_id: int, *, asker: Asker) -> Credential:
        """Make somebody else (0: the installation) its owner: every kept version is sealed anew for them.

        Grants stay as they are. Raises `NotFound`, `Denied`, `InvalidValue`, `VaultSealed`, `CredentialUnreadable`.
        """
        now = self._clock.now()
        try:
            with self._store.transaction() as tx:
                before = owned(tx, credential_id, asker, now)
                _check_owner(tx, owner_id)
                self._seal_for(tx, before, owner_id, asker)
                CredentialBook(tx).change(before.id, owner_id=owner_id, updated_at=to_micros(now))
                after = CredentialBook(tx).get(before.id) or before
                self._note(tx, asker, Action.CREDENTIAL_GIVEN, after, before=shown(before), now=shown(after))
        except DuplicateKey:
            raise Conflict("the new owner has a credential of this name: rename this one first") from None
        return after

    def remove(self, credential_id: int, *, asker: Asker) -> Credential:
        """Remove a credential: no run gets it from now on; for 30 days it can be restored. Raises as `change`."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            found = owned(tx, credential_id, asker, now)
            CredentialBook(tx).change(found.id, deleted_at=to_micros(now))
            sweep_values(tx, now)
            self._trail.note(tx, asker.actor, Action.CREDENTIAL_REMOVED, about(found))
        return found

    def stop(self, credential_id: int, *, asker: Asker) -> Credential:
        """Let no run open a credential from now on, until it is restored or its values are replaced.

        Raises as `change`, and `Conflict` if that is so already.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            found = owned(tx, credential_id, asker, now)
            if found.inactive_at is not None and not found.is_unused:
                raise Conflict(f"credential {found.name!r} is stopped already")
            CredentialBook(tx).change(found.id, inactive_at=to_micros(now), inactive_reason=None)
            self._trail.note(tx, asker.actor, Action.CREDENTIAL_STOPPED, about(found))
        return found

    def restore(self, credential_id: int, *, asker: Asker) -> Credential:
        """Bring a removed or inactive credential back, with its grants.

        Raises `NotFound`, `Denied`, and `Conflict` if nothing is to be restored or its name was taken meanwhile.
        """
        now = self._clock.now()
        try:
            with self._store.transaction() as tx:
                before = owned(tx, credential_id, asker, now, removed=True)
                if not before.is_removed and before.inactive_at is None:
                    raise Conflict(f"credential {before.name!r} is neither removed nor inactive")
                if before.deleted_at is not None and before.deleted_at + UNDO <= now:
                    raise Conflict(f"credential {before.name!r} was removed more than 30 days ago")
                back = {"deleted_at": None, "inactive_at": None, "inactive_reason": None}
                # From now on it counts as unused anew.
                CredentialBook(tx).change(before.id, updated_at=to_micros(now), **back)
                self._trail.note(tx, asker.actor, Action.CREDENTIAL_RESTORED, about(before))
                after = owned(tx, credential_id, asker, now)
        except DuplicateKey:
            raise Conflict("another credential has this name by now: rename that one first") from None
        return after

    def sweep(self) -> None:
        """Erase replaced values that need not be kept, and what was removed 30 days ago; close uses left open."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            sweep_values(tx, now)
            UseBook(tx).close_left_over(now)

    def _note(
        self,
        tx: Transaction,
        asker: Asker,
        action: Action,
        credential: Credential,
        *,
        before: Mapping[str, Any],
        now: Mapping[str, Any],
    ) -> None:
        self._trail.note(tx, asker.actor, action, about(credential), before=before, after=now)

    def _seal_for(self, tx: Transaction, credential: Credential, owner_id: int, asker: Asker) -> None:
        key, versions = self._vault.key_to_seal(tx, asker.actor), VersionBook(tx)
        standing = self._vault.require_open(tx)
        theirs = replace(credential, owner_id=owner_id)
        for version in versions.of_credential(credential.id):
            sealed = versions.sealed(credential.id, version.version)
            if sealed:
                values = self._vault.open(standing, credential, version, sealed)
                versions.reseal(*self._vault.seal(key, theirs, version.version, values, version.created_by))


def put_new(vault: Vault, tx: Transaction, draft: Credential, secret: Mapping[str, str], *, asker: Asker) -> Credential:
    """Write a credential with its first values; return it with its number. Raises `VaultSealed`, `DuplicateKey`.

    Whether somebody may, and what is in the values, was looked at before.
    """
    key = vault.key_to_seal(tx, asker.actor)
    made = CredentialBook(tx).add(draft, name_key=key_of(draft.name))
    VersionBook(tx).add(*vault.seal(key, made, 1, secret, draft.created_by))
    vault.trail.note(tx, asker.actor, Action.CREDENTIAL_ADDED, about(made), after=shown(made, secret))
    return made


def put_values(
    vault: Vault,
    tx: Transaction,
    before: Credential,
    opened: Mapping[str, str],
    secret: Mapping[str, str],
    *,
    keep: timedelta,
    asker: Asker,
) -> Credential:
    """Make these values the present version of a credential; those before are kept for `keep`. Raises `VaultSealed`.

    Whether somebody may, and what is in the values, was looked at before.
    """
    now = vault.clock.now()
    key = vault.key_to_seal(tx, asker.actor)
    number = before.version + 1
    made, sealed = vault.seal(key, replace(before, open_fields=opened), number, secret, asker.actor.words)
    versions = VersionBook(tx)
    versions.keep_until(before.id, before.version, replaced_at=now, kept_until=now + keep)
    versions.add(made, sealed)
    at = to_micros(now)
    CredentialBook(tx).change(
        before.id,
        version=number,
        open_fields=dump(dict(opened)),
        updated_at=at,
        rotated_at=at,
        inactive_at=None,
        inactive_reason=None,
        tested_at=None,
        test_passed=None,
        test_words=None,
    )
    after = seen(tx, before.id, asker, now)
    sweep_values(tx, now)
    told = (shown(before), shown(after, secret))
    vault.trail.note(tx, asker.actor, Action.CREDENTIAL_REPLACED, about(after), before=told[0], after=told[1])
    return after


def sweep_values(tx: Transaction, now: datetime) -> None:
    """Erase replaced values that need not be kept any longer, and what was removed 30 days ago."""
    VersionBook(tx).erase_replaced(now)
    CredentialBook(tx).erase_removed(now - UNDO)


def shown(credential: Credential, secret: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return a credential as an audit entry shows it: of secrets only which there are."""
    values: dict[str, Any] = {
        "name": credential.name,
        "kind": credential.kind,
        "owner_id": credential.owner_id,
        "note": credential.note,
        "hosts": credential.hosts,
        "version": credential.version,
        "expires_at": credential.expires_at,
        "rotate_days": credential.rotate_days,
        **{f"field.{name}": value for name, value in credential.open_fields.items()},
    }
    if secret is not None:
        values["secret_fields"] = sorted(secret)
    return values


def _columns(changes: Changes, now: datetime) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if changes.name is not None:
        name = checked_name(changes.name)
        columns |= {"name": name, "name_key": key_of(name)}
    if changes.note is not None:
        columns["note"] = checked_note(changes.note)
    if changes.hosts is not None:
        columns["hosts"] = dump(list(checked_hosts(changes.hosts)))
    if not isinstance(changes.expires_at, bool):
        columns |= {"expires_at": maybe_micros(checked_expiry(changes.expires_at, now)), "warned_at": to_micros(now)}
    if not isinstance(changes.rotate_days, bool):
        columns["rotate_days"] = checked_rotation(changes.rotate_days)
    return columns


def _check_owner(tx: Transaction, owner_id: int) -> None:
    if owner_id != INSTALLATION and PeopleBook(tx).by_id(owner_id) is None:
        raise NotFound(f"there is no user {owner_id}")


def _taken(name: str) -> InvalidValue:
    return InvalidValue("name", name, "there is a credential of this name")
