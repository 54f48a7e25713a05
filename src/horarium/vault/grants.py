"""Let people, projects and tasks use a credential without reading it, and end that at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from horarium.audit.actions import Action
from horarium.errors import Conflict, InvalidValue, NotFound, TaskNotFound
from horarium.records.credentials import Asker, Credential, Grant, Subject, Use
from horarium.store.books.grants import GrantBook, UseBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.projects import ProjectBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction
from horarium.vault.checking import checked_expiry
from horarium.vault.idle import keep
from horarium.vault.marks import target_mark
from horarium.vault.seeing import owned
from horarium.vault.vault import Vault, about

TAKE_BACK: Final = timedelta(minutes=10)
"""How long the end of a grant can be taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGrant:
    """To whom a credential is to be granted; `may_replace` lets a person put other values into it as well."""

    subject: Subject
    subject_id: int
    may_replace: bool = False
    expires_at: datetime | None = None


class Grants:
    """The rights of use on the credentials of one vault."""

    def __init__(self, vault: Vault) -> None:
        """Work on the store of `vault`; no key is needed for this."""
        self._store = vault.store
        self._clock = vault.clock
        self._trail = vault.trail

    def make(self, credential_id: int, wanted: NewGrant, *, asker: Asker) -> Grant:
        """Let somebody use a credential; done again it takes the place of the grant before.

        A grant to a task holds as long as the task executes what it does now and belongs to whom it does. Raises
        `NotFound` for a credential, person, project or task that is not there for the asker, `Denied` if it is not
        theirs, `InvalidValue`.
        """
        now = self._clock.now()
        expires_at = checked_expiry(wanted.expires_at, now)
        if wanted.may_replace and wanted.subject is not Subject.PERSON:
            raise InvalidValue("may_replace", wanted.subject.value, "only people can be let replace values")
        with self._store.transaction() as tx:
            credential = owned(tx, credential_id, asker, now)
            name, mark = _named(tx, wanted, asker)
            book = GrantBook(tx)
            for each in book.of_credential(credential.id, now):
                if (each.subject, each.subject_id) == (wanted.subject, wanted.subject_id):
                    book.revoke(each.id, now)
            made = book.add(
                Grant(
                    id=0,
                    credential_id=credential.id,
                    subject=wanted.subject,
                    subject_id=wanted.subject_id,
                    may_replace=wanted.may_replace,
                    target_mark=mark,
                    granted_by=asker.actor.words,
                    granted_at=now,
                    expires_at=expires_at,
                )
            )
            details = _details(made, name)
            self._trail.note(tx, asker.actor, Action.GRANT_MADE, about(credential), **details)
            if credential.is_unused:
                keep(tx, self._trail, asker.actor, credential, now, why="somebody is let use it")
        return made

    def revoke(self, credential_id: int, grant_id: int, *, asker: Asker) -> Grant:
        """End a grant: no run opens the credential by it from now on.

        Raises `NotFound` for what is not there, has ended, or belongs to another credential, and `Denied`.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            credential = owned(tx, credential_id, asker, now, removed=True)
            grant = GrantBook(tx).get(grant_id)
            if grant is None or grant.credential_id != credential.id or not GrantBook(tx).revoke(grant_id, now):
                raise NotFound(f"there is no grant {grant_id}")
            details = _details(grant, _name_of(tx, grant))
            self._trail.note(tx, asker.actor, Action.GRANT_REVOKED, about(credential), **details)
        return grant

    def again(self, credential_id: int, grant_id: int, *, asker: Asker) -> Grant:
        """Take back that a grant was ended: it is made anew, as it was.

        Raises as `make`, `NotFound` for one of another credential or that has not ended, and `Conflict` for one that
        ended longer ago than somebody takes back at once.
        """
        with self._store.reading() as tx:
            found = GrantBook(tx).get(grant_id)
        if found is None or found.credential_id != credential_id or found.revoked_at is None:
            raise NotFound(f"there is no grant {grant_id}")
        if self._clock.now() - found.revoked_at > TAKE_BACK:
            raise Conflict("it ended a while ago: grant it anew")
        wanted = NewGrant(
            subject=found.subject,
            subject_id=found.subject_id,
            may_replace=found.may_replace,
            expires_at=found.expires_at,
        )
        return self.make(credential_id, wanted, asker=asker)

    def names(self, grants: tuple[Grant, ...]) -> dict[int, str]:
        """Return the name of the person, project or task that each grant is for, by the grant's number."""
        with self._store.reading() as tx:
            return {grant.id: _name_of(tx, grant) for grant in grants}

    def waiting(self, grants: tuple[Grant, ...]) -> set[int]:
        """Return the numbers of those grants that wait to be made anew, since their tasks changed."""
        with self._store.reading() as tx:
            return {grant.id for grant in grants if grant.subject is Subject.TASK and not _still_fits(tx, grant)}

    def uses(self, credential: Credential, *, before: int | None = None, limit: int = 50) -> list[Use]:
        """Return the uses that were made of a credential, the newest first, those `before` a number."""
        with self._store.reading() as tx:
            return UseBook(tx).of_credential(credential.id, before=before, limit=limit)


def _named(tx: Transaction, wanted: NewGrant, asker: Asker) -> tuple[str, str | None]:
    """Return the name of whom a grant is for, and the mark of what a task executes. Raises `NotFound`."""
    number = wanted.subject_id
    if wanted.subject is Subject.TASK:
        task = TaskBook(tx).get(number)
        if task is None or task.removed_at is not None or not asker.reach.covers(task.place):
            raise TaskNotFound(number)
        return task.name, target_mark(task.definition, task.place)
    if wanted.subject is Subject.PERSON:
        user = PeopleBook(tx).by_id(number)
        if user is None:
            raise NotFound(f"there is no user {number}")
        return user.name, None
    project = ProjectBook(tx).get(number)
    if project is None or not (asker.sees_all or project.id in asker.reach.projects):
        raise NotFound(f"there is no project {number}")
    return project.name, None


def _name_of(tx: Transaction, grant: Grant) -> str:
    number = grant.subject_id
    found: Any
    if grant.subject is Subject.TASK:
        found = TaskBook(tx).get(number)
    elif grant.subject is Subject.PERSON:
        found = PeopleBook(tx).by_id(number)
    else:
        found = ProjectBook(tx).get(number)
    return f"#{number}" if found is None else str(found.name)


def _still_fits(tx: Transaction, grant: Grant) -> bool:
    task = TaskBook(tx).get(grant.subject_id)
    return task is not None and target_mark(task.definition, task.place) == grant.target_mark


def _details(grant: Grant, name: str) -> dict[str, Any]:
    details: dict[str, Any] = {
        "grant": grant.id,
        "subject": grant.subject.value,
        "subject_id": grant.subject_id,
        "subject_name": name,
    }
    if grant.may_replace:
        details["may_replace"] = True
    if grant.expires_at is not None:
        details["expires_at"] = grant.expires_at.isoformat()
    return details
