"""Prove that a move has lost nothing: open and compare, recount, look again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from horarium.accounts.people import People
from horarium.adoption.single_user.envfile import EnvFile
from horarium.adoption.single_user.files import checksum
from horarium.adoption.single_user.journal import Journal, Step, kept_of
from horarium.adoption.single_user.site import Site, groups_of, made_credential, original_env, owner_id
from horarium.config.secret_key import weakness
from horarium.errors import Conflict, HorariumError
from horarium.store.applications import SCHEMA, ApplicationDatabase, changed_tables, digests, looking
from horarium.vault.moving import holds


class Weight(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    """It is as it should be."""
    NOTE = "note"
    """It has changed since, as it may."""
    BAD = "bad"
    """It is not as it should be."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    weight: Weight
    sentence: str


def refuse_changed_rows(held: ApplicationDatabase, journal: Journal) -> None:
    """Refuse a database that says anything else than when the move began, owners apart. Raises `Conflict`."""
    database = journal.facts["database"]
    changed = changed_tables(database["digests"], digests(held, database["owner_column"]))
    if changed:
        raise Conflict(
            f"{database['path']} was changed since the move began ({names_of(changed)}): stop the application, then"
            " `horarium adopt undo --keep-database`, and move again"
        )


def refuse_unproven(journal: Journal, site: Site) -> dict[str, Any]:
    """Refuse to go on unless every credential opens to the values of before, and every row is there with an owner."""
    vault, original = site.vault(), original_env(journal)
    for group in groups_of(journal):
        found = made_credential(site, journal, group)
        if found is None or not holds(vault, found.id, group.values(original.values)):
            raise Conflict(
                f"credential {group.name!r} does not hold what {journal.facts['env']} says: `horarium adopt undo`"
            )
    database = journal.facts["database"]
    if database is not None:
        with looking(Path(database["path"])) as found_rows:
            refuse_changed_rows(found_rows, journal)
            for name in database["tables"]:
                left = found_rows.owners(name, database["owner_column"]).get(None, 0)
                if left:
                    raise Conflict(f"{left} rows of table {name} of {database['path']} have no owner: go on once more")
    return {}


def verify(journal: Journal, site: Site) -> list[Finding]:
    """Look at everything that a move has done; nothing is changed. What people changed since is noted, not blamed."""
    return [
        *_copies(journal),
        _settings(site),
        _admin(journal, site),
        *_credentials(journal, site),
        *_rows(journal),
        _env(journal),
    ]


def names_of(tables: list[str]) -> str:
    """Return tables in words."""
    return ", ".join("indexes, views or triggers" if name == SCHEMA else f"table {name}" for name in tables)


def _copies(journal: Journal) -> list[Finding]:
    found = []
    for name in sorted(journal.of(Step.COPIES).get("kept", {})):
        kept, path = kept_of(journal, name), journal.folder / name
        if kept is not None and path.exists() and checksum(path) == kept.sha256:
            found.append(Finding(Weight.OK, f"the copy {path} is as it was taken"))
        else:
            found.append(Finding(Weight.BAD, f"the copy {path} is missing or was changed: undo cannot use it"))
    return found


def _settings(site: Site) -> Finding:
    reason = weakness(site.settings().secret_key or "")
    return Finding(Weight.OK, "SECRET_KEY is set") if reason is None else Finding(Weight.BAD, f"SECRET_KEY {reason}")


def _admin(journal: Journal, site: Site) -> Finding:
    number = owner_id(journal)
    every = {each.id: each for each in People(site.store, site.clock).list()}
    found = None if number is None else every.get(number)
    if found is None:
        return Finding(Weight.BAD, f"the account {journal.facts['admin']['name']} is gone")
    if not found.is_admin or not found.is_enabled:
        return Finding(Weight.NOTE, f"{found.name} is no administrator who can sign in any more")
    return Finding(Weight.OK, f"{found.name} is an administrator")


def _credentials(journal: Journal, site: Site) -> list[Finding]:
    found = []
    try:
        vault, original = site.vault(), original_env(journal)
    except HorariumError as error:
        return [Finding(Weight.BAD, f"credentials cannot be compared: {error}")]
    for group in groups_of(journal):
        made, name = made_credential(site, journal, group), f"credential {group.name!r}"
        try:
            if made is None or made.is_removed:
                found.append(Finding(Weight.NOTE, f"{name} was removed since"))
            elif made.version > 1:
                found.append(Finding(Weight.NOTE, f"{name} was given other values since"))
            elif holds(vault, made.id, group.values(original.values)):
                found.append(Finding(Weight.OK, f"{name} opens and holds what the file said"))
            else:
                found.append(Finding(Weight.BAD, f"{name} does not hold what the file said"))
        except HorariumError as error:
            found.append(Finding(Weight.BAD, str(error)))
    return found


def _rows(journal: Journal) -> list[Finding]:
    database = journal.facts["database"]
    if database is None:
        return []
    try:
        with looking(Path(database["path"])) as held:
            now = digests(held, database["owner_column"])
            left = {name: held.owners(name, database["owner_column"]) for name in database["tables"]}
    except HorariumError as error:
        return [Finding(Weight.BAD, str(error))]
    changed = changed_tables(database["digests"], now)
    unowned = sum(each.get(None, 0) for each in left.values())
    words = [f"{database['path']} was written to since ({names_of(changed)})"] if changed else []
    words += [f"{unowned:,} rows of {database['path']} have come without an owner since"] if unowned else []
    if any(not each for name, each in left.items() if not database["digests"].get(name, "0:").startswith("0:")):
        return [Finding(Weight.BAD, f"{database['path']} has lost its column {database['owner_column']}")]
    if words:
        return [Finding(Weight.NOTE, each) for each in words]
    return [Finding(Weight.OK, f"{database['path']} holds what it held, and every row has an owner")]


def _env(journal: Journal) -> Finding:
    path = journal.facts["env"]
    try:
        present = EnvFile.read(Path(path))
    except HorariumError as error:
        return Finding(Weight.BAD, str(error))
    back = [name for name in journal.facts["moved"] if present.values.get(name)]
    if back:
        return Finding(Weight.BAD, f"{path} gives values again that are in the vault: {', '.join(back)}")
    return Finding(Weight.OK, f"{path} gives none of the values that are in the vault")
