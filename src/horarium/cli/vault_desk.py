"""What the commands about the vault work with."""

from __future__ import annotations

from datetime import datetime

import typer

from horarium.accounts.people import People
from horarium.accounts.projects import Projects
from horarium.cli.wishes import instant_of
from horarium.cli.workplace import Workplace
from horarium.errors import NotFound
from horarium.records.credentials import INSTALLATION, Asker, Credential, Subject
from horarium.server.vault import open_vault
from horarium.vault.credentials import Credentials
from horarium.vault.grants import Grants


class Desk:
    """What the commands of this file work with."""

    def __init__(self, work: Workplace) -> None:
        self.work = work
        self.asker = Asker.of_host(work.actor)
        self.vault = open_vault(work.config, work.store, work.clock)
        self.credentials = Credentials(self.vault)
        self.grants = Grants(self.vault)
        self.people = People(work.store, work.clock)

    def owner_id(self, name: str | None) -> int:
        """Return the number of a person, 0 for the installation. Raises `NotFound`."""
        return INSTALLATION if name is None else self.person_id(name)

    def person_id(self, name: str) -> int:
        """Return the number of a person by name. Raises `NotFound`."""
        found = self.people.find(name)
        if found is None:
            raise NotFound(f"there is no user {name!r}")
        return found.id

    def subject(self, task: str | None, person: str | None, project: str | None) -> tuple[Subject, int]:
        """Return for whom a grant is to be. Raises `NotFound`, and `BadParameter` unless exactly one is named."""
        if [task, person, project].count(None) != 2:
            raise typer.BadParameter("say for whom with one of --task, --person and --project")
        if task is not None:
            return Subject.TASK, self.work.find_task(task).id
        if person is not None:
            return Subject.PERSON, self.person_id(person)
        found = Projects(self.work.store, self.work.clock).find(project or "")
        if found is None:
            raise NotFound(f"there is no project {project!r}")
        return Subject.PROJECT, found.id

    def find(self, text: str, owner: str | None = None) -> Credential:
        """Return the credential that somebody means. Raises `NotFound`, `Conflict`."""
        return self._found(text, owner, removed=False)

    def find_lost(self, text: str, owner: str | None = None) -> Credential:
        """Return the removed or inactive credential that somebody means. Raises `NotFound`, `Conflict`."""
        try:
            return self._found(text, owner, removed=True)
        except NotFound:
            return self._found(text, owner, removed=False)

    def _found(self, text: str, owner: str | None, *, removed: bool) -> Credential:
        number = text.removeprefix("#")
        if text.startswith("#") and number.isascii() and number.isdigit() and len(number) < 19:
            return self.credentials.show(int(number), asker=self.asker).credential
        owner_id = None if owner is None else self.person_id(owner)
        return self.credentials.find(text, asker=self.asker, owner_id=owner_id, removed=removed)

    def instant(self, text: str | None) -> datetime | None:
        """Return the instant of an option, None where it was left out."""
        return None if text is None else instant_of(text, self.work.zone)
