"""Where a move happens: the store, the settings as they stand at each moment, and who does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from horarium.accounts.passwords import Hasher
from horarium.adoption.single_user.envfile import EnvFile
from horarium.adoption.single_user.journal import Journal, Step, kept_of
from horarium.adoption.single_user.variables import Group
from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock
from horarium.config import Config
from horarium.errors import StoreForeign
from horarium.records.actors import Actor
from horarium.records.audit import AuditFilter
from horarium.records.credentials import INSTALLATION, Asker, Credential
from horarium.store.books.credentials import CredentialBook
from horarium.store.port import Store
from horarium.vault.checking import key_of
from horarium.vault.vault import Vault, secrets_of

ORIGINAL_ENV = "original.env"
ORIGINAL_DATABASE = "original.db"
ORIGINAL_LOG = "original.db-wal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a move works with. `settings` reads the settings anew: a move may change them."""

    store: Store
    clock: Clock
    actor: Actor
    data: Path
    settings: Callable[[], Config]
    hasher: Hasher | None = None

    @property
    def asker(self) -> Asker:
        """Return whoever holds the machine."""
        return Asker.of_host(self.actor)

    def vault(self) -> Vault:
        """Return the vault with the present keys. Raises `ConfigError` for a missing or weak one."""
        secret, old = secrets_of(self.settings())
        return Vault(self.store, self.clock, secret=secret, old_secret=old)

    def keyless_vault(self) -> Vault:
        """Return the vault with the present key if there is a good one: what is taken away needs none."""
        key = (self.settings().secret_key or "").strip().encode() or None
        return Vault(self.store, self.clock, secret=key)

    def note_once(self, action: Action, journal: Journal, **details: Any) -> None:
        """Tell the audit log of a move, unless it was told before an interruption."""
        trail = Trail(self.store, self.clock)
        if not trail.page(AuditFilter(text=journal.token, actions=(action.value,)), limit=1):
            about = About("installation", None, f"move {journal.token}")
            trail.note_alone(self.actor, action, about, env=journal.facts["env"], **details)


def groups_of(journal: Journal) -> list[Group]:
    """Return the credentials of a move."""
    return [Group(each["name"], each["kind"], each["fields"]) for each in journal.facts["groups"]]


def original_env(journal: Journal) -> EnvFile:
    """Return the `.env` file as it was. Raises `StoreForeign` if its copy is missing or was changed."""
    kept = kept_of(journal, ORIGINAL_ENV)
    path = journal.folder / ORIGINAL_ENV
    content = path.read_bytes() if kept is not None and path.exists() else None
    if kept is None or content is None:
        raise StoreForeign(f"the copy {path} of the original is missing")
    found = EnvFile(Path(journal.facts["env"]), content, kept.belongings)
    if found.sha256 != kept.sha256:
        raise StoreForeign(f"the copy {path} of the original was changed")
    return found


def note_of(journal: Journal) -> str:
    """Return the note of the credentials that a move makes, by which they are known."""
    return f"moved in from {journal.facts['env']} (move {journal.token})"[:1000]


def made_credential(site: Site, journal: Journal, group: Group) -> Credential | None:
    """Return the credential that a move has made of a group, removed or not, None where it has not or it is gone."""
    made = journal.of(Step.CREDENTIALS).get("made", {})
    owner = credential_owner(journal)
    with site.store.reading() as tx:
        book = CredentialBook(tx)
        if group.name in made:
            return book.get(int(made[group.name]))
        found = None if owner is None else book.by_key(owner, key_of(group.name))
    # The process may have ended between saving it and noting that.
    return found if found is not None and found.note == note_of(journal) else None


def credential_owner(journal: Journal) -> int | None:
    """Return the number of the owner of the credentials, None while that account is not there yet."""
    return INSTALLATION if journal.facts["for_installation"] else owner_id(journal)


def owner_id(journal: Journal) -> int | None:
    """Return the number of the account whose everything becomes, None while it is not there yet."""
    found = journal.of(Step.ADMIN).get("id", journal.facts["admin"]["id"])
    return None if found is None else int(found)


def spare_of(path: Path, journal: Journal) -> Path:
    """Return the name in the folder of a file under which another content of it is written first."""
    return path.with_name(f".{path.name}.{journal.token}")
