"""A vault with a made-up key, people who ask it, and tasks that use it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from horarium.clock import Clock
from horarium.records.actors import Actor
from horarium.records.credentials import Asker, Credential
from horarium.records.people import User
from horarium.records.reach import NOWHERE, Place, Reach
from horarium.records.tasks import PythonSpec, Task, TaskDefinition
from horarium.scheduling.tasks import TaskDesk
from horarium.store.port import Store
from horarium.vault.credentials import Credentials, NewCredential
from horarium.vault.grants import Grants
from horarium.vault.keyring import VaultKeyring
from horarium.vault.vault import Vault
from tests.support.people import TESTER

HOST = Asker.of_host(TESTER)


def new_secret() -> bytes:
    """Return a SECRET_KEY that nobody has used before."""
    return secrets.token_hex(32).encode()


def as_user(user: User, *projects: int) -> Asker:
    """Return a person who asks for themselves."""
    actor = Actor(name=user.name, user_id=user.id)
    if user.is_admin:
        return Asker(actor=actor, manages=True, reach=Reach(everything=True))
    return Asker(actor=actor, reach=Reach(user_id=user.id, projects=projects))


class House:
    """Everything about one vault."""

    def __init__(self, store: Store, clock: Clock, secret: bytes | None, old: bytes | None = None) -> None:
        self.store = store
        self.clock = clock
        self.vault = Vault(store, clock, secret=secret, old_secret=old)
        self.credentials = Credentials(self.vault)
        self.grants = Grants(self.vault)
        self.keyring = VaultKeyring(self.vault)
        self.desk = TaskDesk(store, clock)

    def with_keys(self, secret: bytes | None, old: bytes | None = None) -> House:
        """Return the same house with other keys."""
        return House(self.store, self.clock, secret, old)

    def save(
        self, name: str, value: str, *, asker: Asker = HOST, owner_id: int = 0, expires_at: datetime | None = None,
        open_values: Mapping[str, str] | None = None,
    ) -> Credential:  # fmt: skip
        """Save a token."""
        fields = {"token": value, **(open_values or {})}
        wanted = NewCredential(name=name, kind="token", fields=fields, owner_id=owner_id, expires_at=expires_at)
        return self.credentials.add(wanted, asker=asker).credential

    def task(self, name: str, *uses: str, place: Place = NOWHERE, target: str = "shop.jobs:run", **spec: Any) -> Task:
        """Define a task that says which credentials it uses."""
        definition = TaskDefinition(name, PythonSpec(target, **spec), None, credentials=uses)
        found = self.desk.define(definition).task
        return found if place == NOWHERE else self.desk.give(found.id, place, by=TESTER)

    def opened(self, task: Task, name: str, *, run_id: int = 1, attempt: int = 1) -> Mapping[str, str]:
        """Open a credential as a run does."""
        return self.keyring.open(name, task=task, run_id=run_id, attempt=attempt).fields
