"""Say which tasks get which credential: by the same order in which a run looks for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from horarium.records.credentials import INSTALLATION, Credential, Grant, Naming, Subject
from horarium.records.reach import Reach
from horarium.store.books.cabinet import CabinetBook
from horarium.store.books.credentials import CredentialBook
from horarium.store.books.grants import GrantBook
from horarium.store.port import Transaction
from horarium.vault.checking import key_of


def users_of(
    tx: Transaction, credentials: Sequence[Credential], reach: Reach, now: datetime
) -> dict[int, tuple[Naming, ...]]:
    """Return the tasks, of those that are seen, that get each of these credentials under the name they give."""
    keys = {key_of(each.name) for each in credentials}
    tasks = [(task, keys & {key_of(name) for name in task.names}) for task in CabinetBook(tx, now).namings(reach)]
    tasks = [(task, wanted) for task, wanted in tasks if wanted]
    if not tasks:
        return {}
    rivals: dict[str, list[Credential]] = defaultdict(list)
    for each in CredentialBook(tx).of_keys(keys):
        rivals[key_of(each.name)].append(each)
    grants = GrantBook(tx).of_many([each.id for several in rivals.values() for each in several], now)
    found: dict[int, list[Naming]] = defaultdict(list)
    for task, wanted in tasks:
        got = {number for key in wanted for number in _meant(task, rivals[key], grants)}
        for number in got:
            found[number].append(task)
    return {each.id: tuple(found[each.id]) for each in credentials if each.id in found}


def may_get(task: Naming, credential: Credential, grants: Iterable[Grant]) -> bool:
    """Tell whether a task may get a credential whose name it gives, be it by one of the `grants` on it."""
    return _owns(task, credential.owner_id) or any(_is_for(task, each) for each in grants)


def _meant(task: Naming, rivals: Iterable[Credential], grants: Iterable[Grant]) -> set[int]:
    """Return the numbers of those credentials, all of one name, that a task gets.

    One that is there for each person may get another one for each.
    """
    theirs = [each for each in rivals if _owns(task, each.owner_id)]
    if theirs and not task.per_user:
        return {theirs[0].id}
    ours = {each.id for each in rivals}
    given = [each.credential_id for each in grants if each.credential_id in ours and _is_for(task, each)]
    return {each.id for each in theirs} | set(given[:1])


def _owns(task: Naming, owner_id: int) -> bool:
    place = task.place
    if task.per_user:
        return owner_id != INSTALLATION
    person = place.for_user_id or place.owner_id
    return owner_id == person if person else place.is_shared and owner_id == INSTALLATION


def _is_for(task: Naming, grant: Grant) -> bool:
    match grant.subject:
        case Subject.TASK:
            return grant.subject_id in {task.id, task.template_id}
        case Subject.PERSON:
            return task.per_user or grant.subject_id == (task.place.for_user_id or task.place.owner_id)
        case Subject.PROJECT:
            return grant.subject_id == task.place.project_id
