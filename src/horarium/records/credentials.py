"""The records of the vault: credentials with their versions, who may use them, who did; never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from horarium.records.actors import Actor
from horarium.records.reach import EVERYTHING, Place, Reach
from horarium.states import TaskKind

INSTALLATION: Final = 0
"""The owner of what belongs to the installation as a whole."""
UNDO: Final = timedelta(days=30)
"""How long a credential that was removed, or is inactive since nothing used it, can be restored."""


class Subject(StrEnum):
    """Who is let use a credential."""

    PERSON = "person"
    """A person, in the tasks that are theirs."""
    PROJECT = "project"
    """A project, in all of its tasks."""
    TASK = "task"
    """One task, as long as it executes what it did when it was let."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who wants something of the vault: somebody, the tasks they can see, and what they are there.

    `manages` is for administrators: the installation's credentials are theirs to keep. `is_host` is for whoever holds
    the machine, and with it the key and the store.
    """

    actor: Actor
    reach: Reach = field(default_factory=Reach)
    manages: bool = False
    is_host: bool = False

    @classmethod
    def of_host(cls, actor: Actor) -> Self:
        """Return a program or a person at the machine itself."""
        return cls(actor=actor, reach=EVERYTHING, manages=True, is_host=True)

    @property
    def user_id(self) -> int:
        """Return the number of the account, -1 for nobody's."""
        return self.actor.user_id or -1

    @property
    def sees_all(self) -> bool:
        """Tell whether they may know of every credential that it is there."""
        return self.manages or self.is_host

    def owns(self, credential: Credential) -> bool:
        """Tell whether they may do everything with a credential, which never means to read it."""
        if credential.owner_id == INSTALLATION:
            return self.sees_all
        return self.is_host or credential.owner_id == self.user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """An encrypted set of named values, without the values.

    `open_fields` are the fields that are no secrets. `version` counts how often the values were replaced; `rotated_at`
    says when they were last. One with `inactive_at` is stopped by its owner, or `is_unused`: nothing had used it for
    months.
    """

    id: int
    owner_id: int
    name: str
    kind: str
    note: str
    version: int
    open_fields: Mapping[str, str]
    hosts: tuple[str, ...]
    created_at: datetime
    created_by: str
    updated_at: datetime
    rotated_at: datetime
    expires_at: datetime | None = None
    rotate_days: int | None = None
    last_used_at: datetime | None = None
    tested_at: datetime | None = None
    test_passed: bool | None = None
    test_words: str = ""
    inactive_at: datetime | None = None
    is_unused: bool = False
    deleted_at: datetime | None = None

    @property
    def goes_at(self) -> datetime | None:
        """Return from when on it is erased for want of use, None for one that stays."""
        return self.inactive_at + UNDO if self.is_unused and self.inactive_at is not None else None

    @property
    def is_removed(self) -> bool:
        """Tell whether it was removed and can still be restored."""
        return self.deleted_at is not None

    def is_expired(self, now: datetime) -> bool:
        """Tell whether its date has passed: then no run gets it any more."""
        return self.expires_at is not None and self.expires_at <= now

    def is_due(self, now: datetime) -> bool:
        """Tell whether its values should have been replaced by now."""
        return self.rotate_days is not None and self.rotated_at + timedelta(days=self.rotate_days) <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One set of values of a credential: under which key it is sealed, and until when it is kept once replaced.

    `open_fields` are those that are no secrets; None for a version of before they were kept, and once it is erased.
    """

    credential_id: int
    version: int
    key_id: str
    wrapped_key: str = field(repr=False)
    fingerprint: str
    created_at: datetime
    created_by: str
    open_fields: Mapping[str, str] | None = None
    replaced_at: datetime | None = None
    kept_until: datetime | None = None

    def opened_of(self, credential: Credential) -> Mapping[str, str]:
        """Return the open values that go with its secrets; where none were kept, the present ones."""
        return credential.open_fields if self.open_fields is None else self.open_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The right of a person, a project or a task to use a credential.

    `target_mark` is what a task executed when it was granted; if that changes the grant waits to be made anew.
    """

    id: int
    credential_id: int
    subject: Subject
    subject_id: int
    granted_by: str
    granted_at: datetime
    may_replace: bool = False
    target_mark: str | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Tell whether it gives nothing any more."""
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One time that a credential was opened, by which attempt of which run, and until when."""

    id: int
    credential_id: int
    version: int
    purpose: str
    actor: str
    opened_at: datetime
    run_id: int | None = None
    attempt: int | None = None
    task_id: int | None = None
    user_id: int | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """A task that names credentials in its definition; `per_user` is one that is there once for each person."""

    id: int
    name: str
    kind: TaskKind
    place: Place
    names: tuple[str, ...]
    template_id: int | None = None
    per_user: bool = False


@dataclass(frozen=True, slots=True)
class KeyMark:
    """A key that the vault knows: not the key, but a value that only the right one opens."""

    id: str
    check_value: str
    created_at: datetime
    retired_at: datetime | None = None
