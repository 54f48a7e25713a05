"""Take a move back: the originals byte by byte, the credentials gone; or finish it, so that no copy stays.

Either may be broken off at any moment and called again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from horarium.accounts.keys import derive
from horarium.accounts.second_factor import LABEL, key_id_of
from horarium.adoption.single_user.envfile import EnvFile
from horarium.adoption.single_user.files import checksum, copy_file, put_back, replace_file, sync_folder
from horarium.adoption.single_user.journal import Journal, State, Step, kept_of
from horarium.adoption.single_user.move import KEY
from horarium.adoption.single_user.proof import Weight, names_of, verify
from horarium.adoption.single_user.site import (
    ORIGINAL_DATABASE,
    ORIGINAL_ENV,
    ORIGINAL_LOG,
    Site,
    credential_owner,
    groups_of,
    made_credential,
    original_env,
    spare_of,
)
from horarium.audit.actions import Action
from horarium.config.secret_key import weakness
from horarium.errors import Conflict, StoreUnavailable
from horarium.store.applications import changed_tables, digests, holding, side_files
from horarium.store.books.factors import FactorBook
from horarium.vault.moving import erase, others_sealed

_BEFORE_UNDO: Final = "before-undo"


@dataclass(frozen=True, slots=True)
class Plan:
    """What undoing would do: which files are given back, which credentials go, and what is in the way of it.

    `lost` are changes made since the move that would be lost; `sealed` counts what would not open without the key.
    """

    env: bool
    database: bool
    credentials: tuple[str, ...]
    lost: tuple[str, ...] = ()
    sealed: int = 0


@dataclass(frozen=True, slots=True)
class Undone:
    """What was done: the files given back, the credentials removed, and a sentence for each thing that stays."""

    files: tuple[str, ...]
    credentials: tuple[str, ...]
    stays: tuple[str, ...]


def plan_undo(journal: Journal, site: Site, *, keep_database: bool = False) -> Plan:
    """Return what undoing would do. The database is opened for it, and for nobody else meanwhile.

    Raises `Conflict` for a move that is being finished, `StoreBusy` while the database is in use.
    """
    if journal.state is State.FINISHING:
        raise Conflict(
            "this move was finished: the copies of the originals are gone or going, and nothing brings it back"
        )
    lost: list[str] = []
    env = "env" not in _undone(journal) and _looks_changed(journal, lost)
    database = not keep_database and "database" not in _undone(journal) and _was_touched(journal, lost)
    made = [(group.name, made_credential(site, journal, group)) for group in groups_of(journal)]
    for name, found in made:
        if (
            found is not None
            and not found.is_removed
            and (found.version > 1 or found.owner_id != credential_owner(journal))
        ):
            lost.append(f"credential {name!r} was given other values or another owner since")
    names = tuple(name for name, found in made if found is not None)
    ours = [found.id for _, found in made if found is not None]
    return Plan(env, database, names, tuple(lost), _sealed_beside(journal, site, ours))


def undo(journal: Journal, site: Site, *, force: bool = False, keep_database: bool = False) -> Undone:
    """Take a move back. Changes made since are refused with `Conflict`; with `force` they are put aside instead."""
    keep_database = keep_database or bool(journal.facts.get("keep_database"))
    planned = plan_undo(journal, site, keep_database=keep_database)
    if planned.lost and not force:
        raise Conflict(
            f"{'; '.join(planned.lost)}. Undoing would lose that: `--force` does it and puts the present files aside,"
            " `--keep-database` leaves the database as it is"
        )
    if journal.state is not State.UNDOING:
        journal.move_to(State.UNDOING, undone=[], keep_database=keep_database, keeps_key=bool(planned.sealed))
    stays: list[str] = []
    files = [*_give_env_back(journal, planned, stays), *_give_database_back(journal, planned, stays)]
    removed = _erase(journal, site)
    _tell_what_stays(journal, stays)
    site.note_once(Action.INSTALLATION_MOVED_BACK, journal, files=files, credentials=len(removed), forced=force)
    journal.remove()
    return Undone(tuple(files), removed, tuple(stays))


def finish(journal: Journal, site: Site) -> tuple[str, ...]:
    """Erase the copies of the originals, and the old values from the comments that the move made.

    Returns the variables whose values are gone from the file. Undo is not possible after this. Raises `Conflict`
    unless all of the move is done and as it should be.
    """
    if journal.state is State.MOVED:
        bad = [each.sentence for each in verify(journal, site) if each.weight is Weight.BAD]
        if bad:
            raise Conflict(f"nothing was erased, since not all is as it should be: {'; '.join(bad)}")
    elif journal.state is not State.FINISHING:
        raise Conflict(
            f"the move of {journal.facts['env']} was left {journal.state.value}: only a whole one is finished"
        )
    journal.move_to(State.FINISHING)
    kept, path = kept_of(journal, ORIGINAL_ENV), Path(journal.facts["env"])
    emptied: tuple[str, ...] = ()
    if kept is not None and (journal.folder / kept.name).exists() and path.exists():
        before = EnvFile.read(path)
        after = before.emptied(journal.facts["moved"], original_env(journal))
        if after.content != before.content:
            replace_file(path, after.content, replace(after.belongings, changed_ns=-1), spare_of(path, journal))
            emptied = tuple(journal.facts["moved"])
    site.note_once(Action.INSTALLATION_MOVE_FINISHED, journal)
    journal.remove()
    return emptied


def _undone(journal: Journal) -> list[str]:
    return list(journal.facts.get("undone", []))


def _mark(journal: Journal, what: str) -> None:
    journal.move_to(State.UNDOING, undone=[*_undone(journal), what])


def _looks_changed(journal: Journal, lost: list[str]) -> bool:
    """Tell whether the `.env` file is another than the original; say so where it is not as the move left it."""
    kept, path = kept_of(journal, ORIGINAL_ENV), Path(journal.facts["env"])
    if kept is None:
        return False
    if not path.exists():
        return True
    now = checksum(path)
    ours = {journal.of(step).get("sha256") for step in (Step.KEY, Step.COMMENTED)}
    if now not in {*ours, kept.sha256}:
        lost.append(f"{path} was changed since the move")
    return now != kept.sha256


def _was_touched(journal: Journal, lost: list[str]) -> bool:
    """Tell whether the database is to be given back; say so where the application has changed it since."""
    facts, kept, of = journal.facts["database"], kept_of(journal, ORIGINAL_DATABASE), journal.of(Step.ROWS)
    if facts is None or kept is None or not of.get("opened"):
        return False
    path = Path(facts["path"])
    if not path.exists():
        return True
    if journal.facts.get("giving_database") and checksum(path) == kept.sha256:
        # It was given back, and only its log may be missing.
        return True
    with holding(path, may_be_halfway=bool(of.get("held"))) as held:
        changed = changed_tables(facts["digests"], digests(held, facts["owner_column"]))
    if not of.get("held"):
        # The move was refused before it changed a row. What the application wrote since is not for undo to take.
        return not changed and checksum(path) != kept.sha256
    if changed:
        lost.append(f"{path} was changed since the move ({names_of(changed)})")
    return True


def _sealed_beside(journal: Journal, site: Site, ours: list[int]) -> int:
    """Return how much would not open any more if the SECRET_KEY that the move made went with the file."""
    if not journal.of(Step.KEY).get("sha256"):
        return 0
    key = site.settings().secret_key or ""
    if weakness(key) is not None:
        return 0
    number = key_id_of(derive(key.strip().encode(), LABEL))
    with site.store.reading() as tx:
        book = FactorBook(tx)
        apps = book.count_not_under("") - book.count_not_under(number)
    return apps + others_sealed(site.keyless_vault(), ours)


def _give_env_back(journal: Journal, planned: Plan, stays: list[str]) -> list[str]:
    kept, path = kept_of(journal, ORIGINAL_ENV), Path(journal.facts["env"])
    spare_of(path, journal).unlink(missing_ok=True)
    if kept is None or "env" in _undone(journal):
        return []
    if any(str(path) in each for each in planned.lost):
        stays.append(_put_aside(path, journal))
    files = []
    if planned.env:
        original = original_env(journal)
        if journal.facts.get("keeps_key"):
            key = EnvFile.read(path).values.get(KEY, "") if path.exists() else ""
            original = original.with_line(KEY, key).shut() if key else original
            stays.append(f"SECRET_KEY stays in {path}: other values are sealed with it")
        replace_file(path, original.content, original.belongings, spare_of(path, journal))
        files.append(str(path))
    _mark(journal, "env")
    return files


def _give_database_back(journal: Journal, planned: Plan, stays: list[str]) -> list[str]:
    facts, kept, log = journal.facts["database"], kept_of(journal, ORIGINAL_DATABASE), kept_of(journal, ORIGINAL_LOG)
    if facts is None or kept is None or "database" in _undone(journal):
        return []
    path = Path(facts["path"])
    spare_of(path, journal).unlink(missing_ok=True)
    files = []
    if planned.database:
        copy = journal.folder / kept.name
        if not copy.exists() or checksum(copy) != kept.sha256:
            raise StoreUnavailable(f"the copy {copy} is missing or was changed: nothing was done to {path}")
        if any(str(path) in each for each in planned.lost):
            stays.append(_put_aside(path, journal))
        journal.move_to(State.UNDOING, giving_database=True)
        for side in side_files(path):
            # Whatever stood in them is in the file by now; with another file they would damage it.
            side.unlink(missing_ok=True)
        put_back(copy, path, kept.belongings, spare_of(path, journal))
        if log is not None:
            put_back(journal.folder / log.name, side_files(path)[0], log.belongings, spare_of(path, journal))
        files.append(str(path))
    elif journal.facts.get("keep_database") and journal.of(Step.ROWS).get("held"):
        stays.append(f"{path} stays as it is, with its column {facts['owner_column']}")
    _mark(journal, "database")
    return files


def _erase(journal: Journal, site: Site) -> tuple[str, ...]:
    vault, removed = site.keyless_vault(), []
    for group in groups_of(journal):
        found = made_credential(site, journal, group)
        if found is not None and erase(vault, found.id, asker=site.asker):
            removed.append(group.name)
    return tuple(removed)


def _tell_what_stays(journal: Journal, stays: list[str]) -> None:
    if journal.of(Step.ADMIN).get("made"):
        stays.append(f"The account {journal.facts['admin']['name']} stays")
    key_file = journal.facts["key_file"]
    if journal.of(Step.KEY).get("made") and key_file != journal.facts["env"]:
        stays.append(f"SECRET_KEY stays in {key_file}, which is Horarium's own")


def _put_aside(path: Path, journal: Journal) -> str:
    """Keep the present content of a file that undo replaces although it was changed; return where, in words."""
    target = journal.folder.parent / f"{_BEFORE_UNDO}-{journal.token}-{path.name.lstrip('.')}"
    if not target.exists():
        copy_file(path, target)
        sync_folder(target.parent)
    return f"{path} as it was before the undo is kept in {target}"
