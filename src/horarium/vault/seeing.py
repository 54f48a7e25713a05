"""Find a credential for somebody: what is not theirs to know of answers like what is not there."""

from __future__ import annotations

from datetime import datetime

from horarium.errors import Denied, NotFound
from horarium.records.credentials import Asker, Credential, Grant, Subject
from horarium.store.books.credentials import CredentialBook
from horarium.store.books.grants import GrantBook
from horarium.store.port import Transaction

OWNER_ONLY = "only its owner may do this"


def absent(credential_id: object) -> NotFound:
    """Return the error for a credential that is not there, or not for the one who asks."""
    return NotFound(f"there is no credential {credential_id}")


def seen(
    tx: Transaction, credential_id: int, asker: Asker, now: datetime, *, removed: bool = False, lock: bool = False
) -> Credential:
    """Return a credential that somebody may know of; a removed one only with `removed`. Raises `NotFound`."""
    found = CredentialBook(tx).get(credential_id, lock=lock)
    if found is None or (found.is_removed and not removed):
        raise absent(credential_id)
    if asker.owns(found) or asker.sees_all:
        return found
    if found.is_removed or not of_person(tx, found, asker, now):
        raise absent(credential_id)
    return found


def owned(tx: Transaction, credential_id: int, asker: Asker, now: datetime, *, removed: bool = False) -> Credential:
    """Return a credential that is somebody's to manage, held until the end. Raises `NotFound`, `Denied`."""
    found = seen(tx, credential_id, asker, now, removed=removed, lock=True)
    if not asker.owns(found):
        raise Denied(f"credential {found.name!r} is not yours: {OWNER_ONLY}")
    return found


def replaceable(tx: Transaction, credential_id: int, asker: Asker, now: datetime) -> Credential:
    """Return a credential whose values somebody may replace, held until the end. Raises `NotFound`, `Denied`."""
    found = seen(tx, credential_id, asker, now, lock=True)
    if may_replace(tx, found, asker, now):
        return found
    raise Denied(f"credential {found.name!r} is not yours to replace: {OWNER_ONLY}, or who was let")


def may_replace(tx: Transaction, credential: Credential, asker: Asker, now: datetime) -> bool:
    """Tell whether somebody may put other values into a credential."""
    return asker.owns(credential) or any(each.may_replace for each in of_person(tx, credential, asker, now))


def of_person(tx: Transaction, credential: Credential, asker: Asker, now: datetime) -> list[Grant]:
    """Return the grants by which somebody may use a credential, as a person or in one of their projects."""
    return [
        grant
        for grant in GrantBook(tx).of_credential(credential.id, now)
        if (grant.subject is Subject.PERSON and grant.subject_id == asker.user_id)
        or (grant.subject is Subject.PROJECT and grant.subject_id in asker.reach.projects)
    ]
