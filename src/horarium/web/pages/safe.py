"""What the pages about credentials share: who asks, which one they mean, and how it is put into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from starlette.responses import Response

from horarium.accounts.roles import Permission, may
from horarium.errors import Denied, NotFound
from horarium.records.credentials import INSTALLATION, Asker, Credential, Naming
from horarium.store.books.cabinet import SOON
from horarium.store.books.credentials import CredentialBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Transaction
from horarium.vault.credentials import Described
from horarium.vault.kinds import KINDS
from horarium.vault.vault import about
from horarium.web.views.credentials import Age, Mark
from horarium.web.views.parts import TaskName
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

THE_INSTALLATION: Final = "The installation"
_ICONS: Final[Mapping[str, str]] = {
    "login": "user",
    "smtp": "mail",
    "api_key": "key",
    "token": "shield",
    "ssh_key": "server",
    "oauth_client": "lock",
    "database": "db",
    "s3": "box",
    "webhook": "webhook",
    "file": "file",
    "custom": "file",
}
_OUTCOMES: Final = {True: ("ok", "works"), False: ("failed", "does not work"), None: ("late", "not tried to the end")}
_ENGINES: Final = {"postgresql": "PostgreSQL", "postgres": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}
_DAY: Final = timedelta(days=1)


def asker_of(visit: Visit) -> Asker:
    """Return who asks, as the vault knows people."""
    manages = may(visit.identity, Permission.CREDENTIALS_MANAGE)
    return Asker(actor=visit.actor, reach=visit.reach, manages=manages)


def described_for(visit: Visit, *, owner: bool = False, replaces: bool = False) -> Described:
    """Return the credential of the address, for who may know of it; for everybody else it is not there.

    Raises `NotFound`, and `Denied` where they have to be its `owner`, or to have the right that it `replaces`.
    """
    number = visit.number("credential_id")
    try:
        found = visit.house.strongroom.credentials.show(number, asker=asker_of(visit))
    except NotFound:
        with visit.house.services.store.reading() as tx:
            there = CredentialBook(tx).get(number)
        if there is not None:
            visit.foreign = about(there)
        raise
    if (owner and not found.owns) or (replaces and not found.may_replace):
        raise Denied("this is not theirs to do")
    return found


def back_to(visit: Visit, title: str, text: str = "", *, status: Literal["ok", "failed"] = "ok") -> Response:
    """Answer with the way to the page of the credential, and a message there."""
    there = visit.links.to("credential", credential_id=visit.number("credential_id"))
    return visit.go(there, notice=Notice(status=status, title=title, text=text))


def sentence(error: Exception) -> str:
    """Return what an error says as a sentence."""
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}."


def icon_of(kind: str) -> str:
    """Return the icon of a kind."""
    return _ICONS.get(kind, "key")


def kind_words(credential: Credential) -> str:
    """Return the kind in words; of a database the engine."""
    label = KINDS[credential.kind].label if credential.kind in KINDS else credential.kind
    engine = credential.open_fields.get("engine", "") if credential.kind == "database" else ""
    return _ENGINES.get(engine.lower(), engine) or label


def owners_of(tx: Transaction, credentials: Iterable[Credential]) -> dict[int, str]:
    """Return the names of owners by number."""
    return names_of(tx, {each.owner_id for each in credentials})


def names_of(tx: Transaction, owner_ids: set[int]) -> dict[int, str]:
    """Return the names of these owners by number, that of the installation too."""
    people = PeopleBook(tx).by_ids(owner_ids - {INSTALLATION})
    found = {number: people[number].words if number in people else f"Account {number}" for number in owner_ids}
    return {**found, INSTALLATION: THE_INSTALLATION}


def mark_of(credential: Credential, now: datetime) -> Mark:
    """Return how a credential stands: what keeps runs from getting it, else what its test came to."""
    if credential.deleted_at is not None:
        return Mark(status="cancelled", words="removed", at=credential.deleted_at)
    if credential.inactive_at is not None:
        words = "inactive" if credential.is_unused else "stopped"
        return Mark(status="paused", words=words, at=credential.inactive_at)
    if credential.is_expired(now):
        return Mark(status="late", words="expired", at=credential.expires_at)
    return tested_of(credential)


def tested_of(credential: Credential) -> Mark:
    """Return what the test of a credential came to."""
    if credential.tested_at is None:
        return Mark(status="queued", words="not tested")
    status, words = _OUTCOMES[credential.test_passed]
    return Mark(status=status, words=words, at=credential.tested_at)  # type: ignore[arg-type]


def expiry_of(credential: Credential, now: datetime) -> Age:
    """Return until when a credential may be used."""
    at = credential.expires_at
    if at is None:
        return Age(at=None)
    if at <= now:
        return Age(at=at, tone="bad", words="expired")
    return Age(at=at, tone="warn" if at - now <= SOON else "")


def replacing_of(credential: Credential, now: datetime) -> Age:
    """Return when the values were put in, and whether others should be by now."""
    at, rule = credential.rotated_at, credential.rotate_days
    if rule is None:
        return Age(at=at)
    if credential.is_due(now):
        return Age(at=at, tone="bad", words=f"{(now - at) // _DAY} of {rule} days")
    left = (at + rule * _DAY - now) // _DAY
    return Age(at=at, tone="warn" if left <= SOON // _DAY else "", words=f"due in {left} d")


def last_day(at: datetime | None, visit: Visit) -> str:
    """Return the last day before an instant, as a form shows it."""
    return "" if at is None else (at - timedelta(microseconds=1)).astimezone(visit.zone).date().isoformat()


def end_of_day(text: str, visit: Visit) -> datetime | None:
    """Return the instant at which a day ends where the person is. Raises `ValueError` for what is no day."""
    if not text:
        return None
    day = date.fromisoformat(text)
    if not 1971 <= day.year <= 9000:
        raise ValueError(text)
    return datetime.combine(day + _DAY, time(), visit.zone)


def task_names(tasks: Iterable[Naming]) -> tuple[TaskName, ...]:
    """Return tasks as they are named everywhere."""
    return tuple(TaskName(id=each.id, name=each.name, kind=each.kind.value) for each in tasks)
