"""Open credentials for runs: the one way by which a saved secret leaves the vault. Each use leaves a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from horarium.audit.actions import Action, Result
from horarium.audit.trail import About
from horarium.errors import CredentialDenied, CredentialUnreadable, VaultSealed
from horarium.records.actors import Actor, Source
from horarium.records.credentials import INSTALLATION, Credential, Grant, Subject, Use, Version
from horarium.records.secrets import Opened
from horarium.records.tasks import Task
from horarium.store.books.credentials import CredentialBook, VersionBook
from horarium.store.books.grants import GrantBook, UseBook
from horarium.store.books.history import HistoryBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction
from horarium.vault.checking import key_of
from horarium.vault.idle import keep
from horarium.vault.marks import target_mark
from horarium.vault.vault import Vault, about

RUN = "run"
"""What a credential was opened for, as the row of the use says it."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What an attempt asks for."""

    name: str
    task: Task
    run_id: int
    attempt: int
    user_id: int | None

    @property
    def actor(self) -> Actor:
        """Return who opens: the task, by way of the server."""
        return Actor(name=f"task {self.task.name}", source=Source.SERVER)

    @property
    def owners(self) -> list[int]:
        """Return whose credentials the task may use without a grant, in the order they are looked for.

        Those of the person it runs for or belongs to; a task of the installation those of the installation.
        """
        if self.user_id is not None:
            return [self.user_id]
        return [INSTALLATION] if self.task.place.is_shared else []

    @property
    def subjects(self) -> list[tuple[Subject, int]]:
        """Return to whom a grant lets this task use a credential."""
        place = self.task.place
        found = [(Subject.TASK, self.task.id)]
        if self.task.template_id is not None:
            found.append((Subject.TASK, self.task.template_id))
        if self.user_id is not None:
            found.append((Subject.PERSON, self.user_id))
        if place.project_id is not None:
            found.append((Subject.PROJECT, place.project_id))
        return found

    @property
    def details(self) -> dict[str, Any]:
        """Return what an audit entry tells of the attempt."""
        return {"run": self.run_id, "attempt": self.attempt, "task": self.task.name, "task_id": self.task.id}


class VaultKeyring:
    """Opens the credentials of a vault for runs."""

    def __init__(self, vault: Vault) -> None:
        """Open with the keys of `vault`."""
        self._vault = vault
        self._store = vault.store
        self._clock = vault.clock
        self._trail = vault.trail

    def open(self, name: str, *, task: Task, run_id: int, attempt: int, for_user_id: int = 0) -> Opened:
        """Open the credential that a task knows as `name`, and note the use in the same transaction.

        A task names its credentials in its definition. It may use those of the person it runs for or belongs to, those
        of the installation if it belongs to that, and what was granted to itself, that person or its project. Raises
        `CredentialDenied`, `CredentialUnreadable`, `VaultSealed`; each is noted in the audit log.
        """
        place = task.place
        wish = _Wish(name, task, run_id, attempt, for_user_id or place.for_user_id or place.owner_id)
        try:
            with self._store.transaction() as tx:
                return self._opened(tx, wish)
        except CredentialDenied as error:
            self._note_failure(wish, Action.CREDENTIAL_DENIED, Result.REFUSED, error)
            raise
        except (CredentialUnreadable, VaultSealed) as error:
            self._note_failure(wish, Action.CREDENTIAL_UNREADABLE, Result.FAILED, error)
            raise

    def close(self, run_id: int, attempt: int) -> None:
        """Note that an attempt has ended, and with it every use that it made."""
        with self._store.transaction() as tx:
            UseBook(tx).close(run_id, attempt, self._clock.now())

    def _opened(self, tx: Transaction, wish: _Wish) -> Opened:
        standing = self._vault.require_open(tx)
        credential = self._allowed(tx, wish)
        self._refuse_unusable(credential)
        version = self._version(tx, credential, wish.run_id)
        sealed = VersionBook(tx).sealed(credential.id, version.version)
        values = self._vault.open(standing, credential, version, sealed)
        self._note_use(tx, credential, version, wish)
        opened = version.opened_of(credential)
        return Opened(
            credential_id=credential.id,
            name=wish.name,
            version=version.version,
            fields={**opened, **values},
            plain=frozenset(opened),
        )

    def _allowed(self, tx: Transaction, wish: _Wish) -> Credential:
        """Return the credential that the task means, its own people's before granted ones."""
        key = key_of(wish.name)
        if key not in {key_of(each) for each in wish.task.definition.credentials}:
            raise CredentialDenied(f"task {wish.task.name!r} does not say that it uses a credential {wish.name!r}")
        book = CredentialBook(tx)
        for owner in wish.owners:
            own = book.by_key(owner, key)
            if own is not None:
                return own
        waiting = False
        # The oldest grant counts: nobody can put another credential under a name that a task has already.
        for grant_id, credential in book.granted(key, self._clock.now(), wish.subjects):
            if _fits(tx, GrantBook(tx).get(grant_id), wish):
                return credential
            waiting = True
        if waiting:
            raise CredentialDenied(
                f"the grant of credential {wish.name!r} waits: task {wish.task.name!r} executes something else or"
                " belongs to somebody else than when it was granted, so the owner of the credential has to grant it"
                " again; a run that was given parameters has to do without"
            )
        raise CredentialDenied(f"task {wish.task.name!r} may not use a credential {wish.name!r}: none was granted")

    def _refuse_unusable(self, credential: Credential) -> None:
        if credential.is_expired(self._clock.now()):
            raise CredentialDenied(f"credential {credential.name!r} has expired: replace it or change its date")
        # One that nobody used for months is active again as soon as somebody does.
        if credential.inactive_at is not None and not credential.is_unused:
            raise CredentialDenied(f"credential {credential.name!r} is stopped: its owner can restore it")

    def _version(self, tx: Transaction, credential: Credential, run_id: int) -> Version:
        """Return the version that the run began with while that is kept, else the present one."""
        book = VersionBook(tx)
        begun = UseBook(tx).version_of(credential.id, run_id)
        if begun is not None and begun != credential.version:
            earlier = book.get(credential.id, begun)
            if earlier and earlier.kept_until and self._clock.now() < earlier.kept_until:
                return earlier
        present = book.get(credential.id, credential.version)
        if present is None:
            raise CredentialUnreadable(f"credential {credential.name!r} has lost its values in the database")
        return present

    def _note_use(self, tx: Transaction, credential: Credential, version: Version, wish: _Wish) -> None:
        now = self._clock.now()
        UseBook(tx).open(
            Use(
                id=0,
                credential_id=credential.id,
                version=version.version,
                purpose=RUN,
                actor=wish.actor.words,
                opened_at=now,
                run_id=wish.run_id,
                attempt=wish.attempt,
                task_id=wish.task.id,
                user_id=wish.user_id,
            )
        )
        if credential.is_unused:
            keep(tx, self._trail, wish.actor, credential, now, why="it is used again", **wish.details)
        CredentialBook(tx).touch(credential.id, now)
        details = {**wish.details, "version": version.version}
        if wish.user_id is not None:
            details["user_id"] = wish.user_id
        self._trail.note(tx, wish.actor, Action.CREDENTIAL_OPENED, about(credential), **details)

    def _note_failure(self, wish: _Wish, action: Action, result: Result, error: Exception) -> None:
        what = About("credential", None, wish.name)
        self._trail.note_alone(wish.actor, action, what, result=result, reason=str(error), **wish.details)


def _fits(tx: Transaction, grant: Grant | None, wish: _Wish) -> bool:
    """Tell whether a grant holds for what this run of the task executes, and for whose the task is."""
    if grant is None:
        return False
    if grant.subject is not Subject.TASK:
        return True
    # What is made of a template belongs to the people it runs for; the grant was to the template.
    subject = wish.task if grant.subject_id == wish.task.id else TaskBook(tx).get(grant.subject_id)
    if subject is None or grant.target_mark != target_mark(wish.task.definition, subject.place):
        return False
    run = HistoryBook(tx).get(wish.run_id)
    return run is None or not run.params
