"""Look whether everything in the vault opens, and name what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from horarium.errors import CredentialUnreadable
from horarium.records.credentials import Credential, Version
from horarium.store.books.credentials import VersionBook
from horarium.vault.vault import Vault

AT_ONCE = 200
NAMED = 10


@dataclass(frozen=True, slots=True)
class Unopened:
    """A version that does not open: whose, which, and whether its key is missing or it was changed."""

    credential_id: int
    name: str
    owner_id: int
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look through the vault found: `versions` in all, those that do not open, and why all of it is sealed."""

    versions: int
    unopened: tuple[Unopened, ...] = ()
    sealed: str = ""

    @property
    def is_sound(self) -> bool:
        """Tell whether everything opens."""
        return not self.unopened and not (self.sealed and self.versions)

    @property
    def all_sentences(self) -> tuple[str, ...]:
        """Return a sentence for everything that does not open, by name; nothing when everything does."""
        if self.sealed and self.versions:
            return (f"{self.sealed}. Tasks that use credentials fail until then; all others run.",)
        return tuple(
            f"credential #{each.credential_id} {each.name!r} version {each.version} cannot be opened: {each.reason}"
            for each in self.unopened
        )

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return the first few of these sentences, and how many there are beyond."""
        more = len(self.all_sentences) - NAMED
        rest = (f"{more:,} more cannot be opened: `horarium vault check` names them",) if more > 0 else ()
        return (*self.all_sentences[:NAMED], *rest)


def inspect(vault: Vault, *, go_on: Callable[[], None] | None = None) -> Findings:
    """Open every value and forget it again; nothing is changed, and no use is noted."""
    with vault.store.reading() as tx:
        standing = vault.standing(tx)
        total = sum(VersionBook(tx).counts().values())
    sealed = vault.sealed_reason(standing)
    if sealed:
        return Findings(total, sealed=sealed)
    bad: list[Unopened] = []
    seen, after = 0, (0, 0)
    while True:
        with vault.store.reading() as tx:
            # Asked for with each page: a rotation may be under way.
            standing = vault.standing(tx)
            book = VersionBook(tx)
            page = book.batch(after=after, most=AT_ONCE)
            for credential, version in page:
                try:
                    vault.open(standing, credential, version, book.sealed(credential.id, version.version))
                except CredentialUnreadable:
                    bad.append(_unopened(credential, version, has_key=version.key_id in standing.here))
        if not page:
            return Findings(seen, tuple(bad))
        seen += len(page)
        after = (page[-1][1].credential_id, page[-1][1].version)
        if go_on is not None:
            go_on()


def _unopened(credential: Credential, version: Version, *, has_key: bool) -> Unopened:
    reason = (
        "it was changed in the database"
        if has_key
        else f"it is sealed with key {version.key_id}, which neither SECRET_KEY nor SECRET_KEY_OLD makes"
    )
    return Unopened(credential.id, credential.name, credential.owner_id, version.version, reason)
