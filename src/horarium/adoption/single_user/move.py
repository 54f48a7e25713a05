"""Do what a survey says, step by step; a move that was broken off at any moment goes on where it was.

Nothing of the old installation is taken away before all of it is proven to be in the new place: the lines of the
`.env` file become comments last.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from horarium.accounts.people import NewPerson, People
from horarium.adoption.single_user.envfile import EnvFile
from horarium.adoption.single_user.files import (
    Belongings,
    Kept,
    check_replaceable,
    check_room,
    checksum,
    copy_file,
    refused,
    replace_file,
    sync_folder,
)
from horarium.adoption.single_user.journal import Journal, State, Step, folder_of, make_folder
from horarium.adoption.single_user.proof import refuse_changed_rows, refuse_unproven
from horarium.adoption.single_user.site import (
    ORIGINAL_DATABASE,
    ORIGINAL_ENV,
    ORIGINAL_LOG,
    Site,
    credential_owner,
    groups_of,
    made_credential,
    note_of,
    original_env,
    owner_id,
    spare_of,
)
from horarium.adoption.single_user.survey import Survey, to_facts
from horarium.adoption.single_user.variables import Group
from horarium.audit.actions import Action
from horarium.config import new_secret_key
from horarium.errors import Conflict, InvalidValue
from horarium.store.applications import holding, side_files
from horarium.vault.credentials import Credentials, NewCredential

KEY: Final = "SECRET_KEY"
_ROOM: Final = 1 << 20


def begin(found: Survey, site: Site, *, keep: Collection[str] = ()) -> Journal:
    """Begin a move, after a look whether each file could be put back; `keep` are variables that were to be left.

    Raises `StoreUnavailable`, `StoreFull`.
    """
    check_replaceable(found.env.path)
    if found.key_file is not None and found.key_file.exists():
        check_replaceable(found.key_file)
    size = len(found.env.content)
    if found.rows is not None:
        path = found.rows.path
        check_replaceable(path, is_written=True)
        log = side_files(path)[0]
        size += path.stat().st_size + (log.stat().st_size if log.exists() else 0)
        # What is changed of the database is kept by SQLite until it is sure, and each row grows by its owner.
        check_room(path.parent, path.stat().st_size + _ROOM)
    check_room(site.data, size + _ROOM)
    folder = folder_of(site.data, found.env.path)
    make_folder(folder)
    started = site.clock.now().isoformat(timespec="seconds")
    return Journal.begin(folder, {"token": secrets.token_hex(6), "started_at": started, **to_facts(found, keep)})


def needs_password(journal: Journal, site: Site) -> bool:
    """Tell whether an interrupted move is still to make the administrator."""
    return owner_id(journal) is None and People(site.store, site.clock).find(journal.facts["admin"]["name"]) is None


def go_on(journal: Journal, site: Site, password: str | None) -> None:
    """Do all steps that are not done yet.

    Raises `Conflict` for what was changed meanwhile, and whatever a step does; then it can be called again, or the
    move be undone.
    """
    if journal.state is not State.MOVING:
        raise Conflict(f"this move is {journal.state.value}: it does not go on")
    steps: tuple[tuple[Step, Callable[[], dict[str, Any]]], ...] = (
        (Step.COPIES, lambda: _copy(journal)),
        (Step.KEY, lambda: _make_key(journal)),
        (Step.ADMIN, lambda: _make_admin(journal, site, password)),
        (Step.CREDENTIALS, lambda: _save(journal, site)),
        (Step.ROWS, lambda: _give_owner(journal)),
        (Step.CHECKED, lambda: refuse_unproven(journal, site)),
        (Step.NOTED, lambda: _note(journal, site)),
        (Step.COMMENTED, lambda: _comment_out(journal)),
    )
    for step, do in steps:
        if not journal.is_done(step):
            journal.begin_step(step)
            journal.end_step(step, **do())
    journal.move_to(State.MOVED, moved_at=site.clock.now().isoformat(timespec="seconds"))


def _copy(journal: Journal) -> dict[str, Any]:
    env = Path(journal.facts["env"])
    originals = {ORIGINAL_ENV: env}
    database = journal.facts["database"]
    if database is not None:
        path = Path(database["path"])
        log = side_files(path)[0]
        originals[ORIGINAL_DATABASE] = path
        if log.exists() and log.stat().st_size:
            originals[ORIGINAL_LOG] = log
    before = {name: _state_of(path) for name, path in originals.items()}
    kept = {}
    for name, path in originals.items():
        kept[name] = _kept(path, journal.folder / name).to_json()
    for name, path in originals.items():
        if _state_of(path) != before[name]:
            raise Conflict(f"{path} is being written to: stop the application, then go on")
    if kept[ORIGINAL_ENV]["sha256"] != journal.facts["env_sha256"]:
        raise Conflict(f"{env} was changed since it was looked at: `horarium adopt undo`, then try again")
    sync_folder(journal.folder)
    return {"kept": kept}


def _state_of(path: Path) -> tuple[int, int, int]:
    with refused(path, "read"):
        found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _kept(source: Path, target: Path) -> Kept:
    target.unlink(missing_ok=True)
    found = copy_file(source, target)
    if checksum(target) != found:
        raise Conflict(f"the copy {target} does not read as it was written: look at the disk")
    return Kept(target.name, found, Belongings.of(source))


def _make_key(journal: Journal) -> dict[str, Any]:
    """Write a fresh SECRET_KEY where there is none; what the file will be is noted before."""
    if journal.facts["key_file"] is None:
        return {}
    path = Path(journal.facts["key_file"])
    before = EnvFile.read(path, "the settings file") if path.exists() else EnvFile(path, b"", Belongings.of_new())
    if before.values.get(KEY):
        # Made before an interruption.
        return {"made": True}
    is_same = str(path) == journal.facts["env"]
    if is_same and before.sha256 != journal.facts["env_sha256"]:
        raise Conflict(_changed(path))
    after = before.with_line(KEY, new_secret_key()).shut()
    if is_same:
        journal.begin_step(Step.KEY, sha256=after.sha256)
    replace_file(path, after.content, after.belongings, spare_of(path, journal))
    return {"made": True}


def _make_admin(journal: Journal, site: Site, password: str | None) -> dict[str, Any]:
    wanted = journal.facts["admin"]
    people = People(site.store, site.clock, hasher=site.hasher)
    found = people.find(wanted["name"])
    if found is None:
        if password is None:
            raise InvalidValue("password", "(not shown)", f"the account {wanted['name']} is to be made and needs one")
        zone = site.settings().timezone
        person = NewPerson(name=wanted["name"], password=password, email=wanted["email"], time_zone=zone)
        return {"id": people.add_admin(person, actor=site.actor).id, "made": True}
    if not found.is_admin or not found.is_enabled:
        raise Conflict(f"{found.name} is no administrator who can sign in: `horarium adopt undo`, then name another")
    return {"id": found.id, "made": wanted["id"] is None}


def _save(journal: Journal, site: Site) -> dict[str, Any]:
    vault, original = site.vault(), original_env(journal)
    made: dict[str, int] = dict(journal.of(Step.CREDENTIALS).get("made", {}))
    for group in groups_of(journal):
        found = made_credential(site, journal, group)
        made[group.name] = _add(Credentials(vault), journal, site, group, original) if found is None else found.id
        journal.begin_step(Step.CREDENTIALS, made=made)
    return {"made": made}


def _add(credentials: Credentials, journal: Journal, site: Site, group: Group, original: EnvFile) -> int:
    owner = credential_owner(journal)
    if owner is None:
        raise Conflict(f"the account {journal.facts['admin']['name']} is not there: `horarium adopt undo`")
    wanted = NewCredential(
        name=group.name,
        kind=group.kind,
        fields=group.values(original.values),
        owner_id=owner,
        note=note_of(journal),
    )
    return credentials.add(wanted, asker=site.asker).credential.id


def _give_owner(journal: Journal) -> dict[str, Any]:
    database = journal.facts["database"]
    owner = owner_id(journal)
    if database is None or owner is None:
        return {"rows": {}}
    rows: dict[str, int] = {}
    may_be_halfway = bool(journal.of(Step.ROWS).get("held"))
    # Opening alone may change the file: SQLite puts into it what an application left in its log.
    journal.begin_step(Step.ROWS, opened=True)
    with holding(Path(database["path"]), may_be_halfway=may_be_halfway) as held:
        refuse_changed_rows(held, journal)
        journal.begin_step(Step.ROWS, held=True)
        for name in database["tables"]:
            rows[name] = held.give_owner(name, database["owner_column"], owner)
        refuse_changed_rows(held, journal)
    return {"rows": rows}


def _note(journal: Journal, site: Site) -> dict[str, Any]:
    database = journal.facts["database"]
    site.note_once(
        Action.INSTALLATION_MOVED,
        journal,
        owner=journal.facts["admin"]["name"],
        credentials=len(journal.facts["groups"]),
        variables=len(journal.facts["moved"]),
        database=None if database is None else database["path"],
        rows=None if database is None else database["unowned"],
    )
    return {}


def _comment_out(journal: Journal) -> dict[str, Any]:
    path = Path(journal.facts["env"])
    now = checksum(path)
    if now == journal.of(Step.COMMENTED).get("sha256"):
        # Written before an interruption.
        return {}
    if now != journal.of(Step.KEY).get("sha256", journal.facts["env_sha256"]):
        raise Conflict(_changed(path))
    before = EnvFile.read(path)
    after = before.commented(journal.facts["moved"])
    journal.begin_step(Step.COMMENTED, sha256=after.sha256)
    if after.content != before.content:
        of = replace(after.belongings, changed_ns=-1)
        replace_file(path, after.content, of, spare_of(path, journal))
    return {}


def _changed(path: Path) -> str:
    return f"{path} was changed since the move began: take your change out and go on, or `horarium adopt undo`"
