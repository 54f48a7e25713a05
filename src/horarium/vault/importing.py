"""Take the secrets of a `.env` file into the vault: each variable becomes a credential of its name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from horarium.config.dotenv import parse_dotenv
from horarium.config.loading import ENV_FILE
from horarium.config.options import CATALOGUE, GIVEN_TO_RUNS, LATER
from horarium.errors import InvalidValue
from horarium.records.credentials import INSTALLATION, Asker
from horarium.store.books.credentials import CredentialBook
from horarium.store.port import Store
from horarium.vault.checking import checked_name, key_of, short_fields
from horarium.vault.credentials import Credentials, NewCredential
from horarium.vault.kinds import KINDS

FIELD: Final = "value"
KIND: Final = "custom"
_OWN: Final = frozenset(
    {*LATER, *GIVEN_TO_RUNS, ENV_FILE}
    | {option.variable for option in CATALOGUE}
    | {f"{option.variable}_FILE" for option in CATALOGUE}
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the file: `fate` is new, there or ours; of its value only whether it is too short to be masked."""

    name: str
    fate: str
    is_short: bool = False
    value: str = field(default="", repr=False)


def plan(
    store: Store, text: str, *, owner_id: int = INSTALLATION, only: Collection[str] = ()
) -> tuple[list[Variable], list[int]]:
    """Return what would be made of each variable, and the numbers of lines that mean nothing; nothing is changed.

    Variables of Horarium itself stay where they are, and so do empty ones. With `only`, no others are looked at;
    raises `InvalidValue` for one that the file does not have.
    """
    found = parse_dotenv(text)
    for name in only:
        if not found.values.get(name):
            raise InvalidValue("only", name, "the file has no such variable, or it is empty")
    planned = []
    with store.reading() as tx:
        for name, value in found.values.items():
            if not value or (only and name not in only):
                continue
            is_there = CredentialBook(tx).by_key(owner_id, key_of(name)) is not None
            fate = "ours" if name in _OWN else "there" if is_there else "new"
            planned.append(Variable(name, fate, bool(short_fields({name: value})), value))
    return planned, found.bad_lines


def take(credentials: Credentials, planned: Collection[Variable], *, asker: Asker, owner_id: int) -> int:
    """Save a credential for each new variable; return how many. Done again, it takes only what is missing."""
    new = [each for each in planned if each.fate == "new"]
    for each in new:
        # All names are looked at before the first is saved.
        checked_name(each.name)
    for each in new:
        wanted = NewCredential(
            name=each.name,
            kind=KINDS[KIND].name,
            fields={FIELD: each.value},
            owner_id=owner_id,
            note="from a .env file",
        )
        credentials.add(wanted, asker=asker)
    return len(new)
