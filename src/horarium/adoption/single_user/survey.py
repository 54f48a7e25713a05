"""Look what is there and say what a move would do; nothing is changed, and no value leaves this room."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from horarium.accounts.names import checked_email, checked_name, key_of
from horarium.adoption.single_user.envfile import EnvFile
from horarium.adoption.single_user.files import followed, real_path
from horarium.adoption.single_user.variables import Fate, Group, Variable, is_setting, sort_out
from horarium.config import Config
from horarium.config.secret_key import weakness
from horarium.errors import ConfigError, Conflict, InvalidValue
from horarium.records.credentials import INSTALLATION
from horarium.records.people import User
from horarium.store.applications import SCHEMA, TableLook, looking
from horarium.store.books.credentials import CredentialBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store
from horarium.vault.checking import checked_kind, split
from horarium.vault.checking import key_of as credential_key_of

DEFAULT_ADMIN: Final = "admin"
OWNER_COLUMN: Final = "owner_id"
_COLUMN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_BOOKKEEPING: Final = frozenset(
    {"alembic_version", "django_migrations", "schema_migrations", "schema_version", "flyway_schema_history"}
)
"""Tables in which tools keep the version of a schema: nobody owns their rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What somebody says about a move: the files, whose everything becomes, and what is to be taken or left.

    With `for_installation` the credentials become the installation's, and only the rows the administrator's.
    """

    env: Path
    database: Path | None = None
    admin: str = ""
    email: str = ""
    owner_column: str = OWNER_COLUMN
    secret: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    leave_tables: tuple[str, ...] = ()
    for_installation: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What a survey has to know beside: the settings, the file they are kept in, and the store if there is one yet."""

    config: Config
    settings_file: Path
    store: Store | None


@dataclass(frozen=True, slots=True)
class Admin:
    """Whose everything becomes; `id` is None for an account that is to be made."""

    name: str
    id: int | None = None
    email: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """The database of the application: its tables, those that stay as they are, and digests of all it holds."""

    path: Path
    owner_column: str
    tables: tuple[TableLook, ...]
    left: tuple[str, ...]
    digests: dict[str, str] = field(repr=False)

    @property
    def wanting(self) -> tuple[TableLook, ...]:
        """Return the tables that are to be changed."""
        return tuple(
            each for each in self.tables if each.name not in self.left and (each.unowned or not each.owner_column)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is there, and what a move would do. `key_file` is where a SECRET_KEY would be made, None if there is one."""

    env: EnvFile
    admin: Admin
    variables: tuple[Variable, ...]
    groups: tuple[Group, ...]
    key_file: Path | None
    rows: Rows | None
    notes: tuple[str, ...]
    for_installation: bool = False

    @property
    def moved(self) -> tuple[str, ...]:
        """Return the variables whose lines become comments."""
        return tuple(each.name for each in self.variables if each.fate is Fate.MOVED)

    @property
    def has_work(self) -> bool:
        """Tell whether there is anything to do."""
        is_missing = self.admin.id is None or self.key_file is not None
        return is_missing or bool(self.groups or (self.rows is not None and self.rows.wanting))


def survey(wishes: Wishes, around: Around) -> Survey:
    """Return what moving in would do.

    Raises `NotFound`, `InvalidValue`, `Conflict`, `ConfigError`, `StoreError` for whatever stands in its way.
    """
    env = EnvFile.read(wishes.env)
    is_ours = env.path == followed(around.settings_file)
    _refuse_unknown("--secret", wishes.secret, env.values, is_ours=is_ours)
    _refuse_unknown("--keep", wishes.keep, env.values)
    variables, groups = sort_out(env.values, is_ours=is_ours, secret=wishes.secret, keep=wishes.keep)
    _refuse_unfit(env, groups)
    key_file = _key_file(around)
    admin = _admin(wishes, around.store)
    owner = Admin("the installation", INSTALLATION) if wishes.for_installation else admin
    groups, variables, there = _without_taken(around.store, owner, groups, variables)
    rows = None if wishes.database is None else _rows(wishes, wishes.database)
    notes = [*there, *_notes(env, variables, around.settings_file, is_ours=is_ours, makes_key=key_file is not None)]
    return Survey(
        env=env,
        admin=admin,
        variables=tuple(variables),
        groups=tuple(groups),
        key_file=key_file,
        rows=rows,
        notes=tuple(notes),
        for_installation=wishes.for_installation,
    )


def _refuse_unknown(option: str, names: Iterable[str], values: Mapping[str, str], *, is_ours: bool = False) -> None:
    for name in names:
        if not values.get(name):
            raise InvalidValue(option, name, "the file has no such variable, or it is empty")
        if is_ours and is_setting(name):
            raise InvalidValue(option, name, "it is a setting that Horarium reads from this file")


def news(env: Path, settings_file: Path, known: dict[str, Any]) -> list[str]:
    """Return the variables that have come into a file since it moved in, and look like parts of credentials."""
    found = EnvFile.read(env)
    is_ours = found.path == followed(settings_file)
    _, groups = sort_out(found.values, is_ours=is_ours, keep=known["keep"])
    moved = {name for group in known["groups"] for name in group["fields"].values()}
    return [name for group in groups for name in group.fields.values() if name not in moved]


def _refuse_unfit(env: EnvFile, groups: Iterable[Group]) -> None:
    """Refuse what the vault would not take, and variables of which one cannot say which value counts."""
    for group in groups:
        split(checked_kind(group.kind), group.values(env.values))
    moved = {variable for group in groups for variable in group.fields.values()}
    for name in env.differing():
        if name in moved:
            lines = " and ".join(map(str, env.lines_of(name)))
            raise Conflict(f"{name} has different values on lines {lines} of {env.path}: keep one of them")


def _key_file(around: Around) -> Path | None:
    key = around.config.secret_key
    if not key:
        return followed(around.settings_file)
    reason = weakness(key)
    if reason is not None:
        where = f"{around.settings_file.name} or the environment"
        raise ConfigError(f"SECRET_KEY {reason}: take it out of {where}, and a fresh one is made")
    return None


def _admin(wishes: Wishes, store: Store | None) -> Admin:
    name = checked_name(wishes.admin, field="--admin") if wishes.admin.strip() else ""
    email = checked_email(wishes.email) if wishes.email.strip() else ""
    if store is None:
        return Admin(name or DEFAULT_ADMIN, None, email)
    with store.reading() as tx:
        book = PeopleBook(tx)
        admins = [each for each in book.everyone() if each.is_admin and each.is_enabled]
        found = book.by_login(key_of(name or DEFAULT_ADMIN))
    if name:
        return Admin(name, None, email) if found is None else _as_admin(found[0])
    if len(admins) > 1:
        raise Conflict("there are several administrators: say with --admin whose everything becomes")
    if admins:
        return _as_admin(admins[0])
    return Admin(DEFAULT_ADMIN, None, email) if found is None else _as_admin(found[0])


def _as_admin(user: User) -> Admin:
    if not user.is_admin or not user.is_enabled:
        raise Conflict(f"{user.name} is no administrator who can sign in: name one, or a new one, with --admin")
    return Admin(user.name, user.id, user.email)


def _without_taken(
    store: Store | None, owner: Admin, groups: list[Group], variables: list[Variable]
) -> tuple[list[Group], list[Variable], list[str]]:
    """Return what is still to be made, and a sentence about each copy that is there. Raises `Conflict` for others."""
    if store is None or owner.id is None:
        return groups, variables, []
    with store.reading() as tx:
        book = CredentialBook(tx)
        taken = [group for group in groups if book.by_key(owner.id, credential_key_of(group.name)) is not None]
    moved = {each.name for each in variables if each.fate is Fate.MOVED}
    clashing = [group for group in taken if moved & set(group.fields.values())]
    if clashing:
        names = ", ".join(repr(group.name) for group in clashing)
        options = " ".join(f"--keep {name}" for group in clashing for name in group.fields.values())
        raise Conflict(f"{owner.name} has credentials of these names already: {names}; rename them, or add {options}")
    names_taken = {group.name for group in taken}
    rest = [Variable(each.name, Fate.SETTING) if each.credential in names_taken else each for each in variables]
    notes = [f"{owner.name} has a credential {name!r} already: it stays as it is" for name in sorted(names_taken)]
    return [group for group in groups if group not in taken], rest, notes


def _rows(wishes: Wishes, database: Path) -> Rows:
    if not _COLUMN.fullmatch(wishes.owner_column):
        allowed = "use letters, figures and underscores, a letter first"
        raise InvalidValue("--owner-column", wishes.owner_column, allowed)
    path = real_path(database, "--database")
    with looking(path) as found:
        found.check()
        tables = tuple(found.look(wishes.owner_column))
        schema = found.schema_digest()
    names = {each.name for each in tables}
    for name in wishes.leave_tables:
        if name not in names:
            raise InvalidValue("--leave-table", name, "the database has no such table")
    left = {*wishes.leave_tables, *(names & _BOOKKEEPING)}
    for each in tables:
        if each.hinder and each.name not in left and each.unowned:
            raise Conflict(
                f"table {each.name} of {path}: {each.hinder}; leave the table as it is with --leave-table {each.name}"
            )
    digests = {each.name: f"{each.rows}:{each.digest}" for each in tables}
    return Rows(path, wishes.owner_column, tables, tuple(sorted(left)), {**digests, SCHEMA: schema})


def _notes(
    env: EnvFile, variables: Iterable[Variable], settings_file: Path, *, is_ours: bool, makes_key: bool
) -> list[str]:
    notes = []
    if not is_ours:
        notes.append(
            f"Horarium reads its own settings from {settings_file}; what it should have of them is yours to copy"
        )
    if env.belongings.mode & 0o077:
        shut = is_ours and makes_key
        after = (
            "since SECRET_KEY goes into it, it becomes its owner's alone" if shut else f"chmod 600 {env.path} ends that"
        )
        notes.append(f"other accounts of this machine have rights on {env.path}: {after}")
    short = [each.name for each in variables if each.is_short]
    if short:
        notes.append(f"less than 8 characters cannot be masked where a task prints them: {', '.join(short)}")
    return notes


def to_facts(found: Survey, keep: Iterable[str] = ()) -> dict[str, Any]:
    """Return what a journal has to know to go on without a survey; no value is part of it."""
    rows = found.rows
    return {
        "env": str(found.env.path),
        "env_sha256": found.env.sha256,
        "key_file": None if found.key_file is None else str(found.key_file),
        "admin": {"name": found.admin.name, "id": found.admin.id, "email": found.admin.email},
        "groups": [{"name": each.name, "kind": each.kind, "fields": dict(each.fields)} for each in found.groups],
        "moved": list(found.moved),
        "keep": list(keep),
        "for_installation": found.for_installation,
        "database": None
        if rows is None
        else {
            "path": str(rows.path),
            "owner_column": rows.owner_column,
            "tables": [each.name for each in rows.wanting],
            "unowned": sum(each.unowned for each in rows.wanting),
            "digests": rows.digests,
        },
    }
