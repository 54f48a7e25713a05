"""From one schema to the next: all or nothing, never guessed, and the same as a schema made at once."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from horarium.errors import InvalidValue, StoreForeign, StoreFull, StoreNewer, StoreOutdated
from horarium.store import schema
from horarium.store.migrations import aside, runner
from horarium.store.opening import connect, open_store
from horarium.store.port import Store, Transaction
from horarium.store.schema import prepare, read_meta, revision_of, write_meta
from horarium.store.tables import SCHEMA_REVISION
from horarium.store.tables.everything import metadata
from tests.architecture.sources import ROOT
from tests.support import schema_text

NEWEST = SCHEMA_REVISION
COMING = f"{int(NEWEST) + 1:04}"
NEXT = '''"""A made-up second release."""

import sqlalchemy as sa
from alembic import op

revision = "{coming}"
down_revision = "{newest}"


def upgrade():
    op.add_column("users", sa.Column("nickname", sa.String(40)))
    op.create_index("ix_users_nickname", "users", ["nickname"])
    {trouble}


def downgrade():
    op.drop_index("ix_users_nickname", "users")
    op.drop_column("users", "nickname")
'''


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of scripts to which a test adds a next release."""
    folder = tmp_path / "scripts"
    shutil.copytree(runner.FOLDER / "versions", folder / "versions", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(runner, "FOLDER", folder)
    return folder / "versions"


@pytest.fixture
def next_release(versions: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend that this program is the next release; give its script."""
    monkeypatch.setattr(schema, "SCHEMA_REVISION", COMING)
    return _write_next(versions)


def test_the_text_that_new_sqlite_stores_are_made_with_says_what_the_tables_say() -> None:
    assert schema_text.PATH.read_text(encoding="utf-8") == schema_text.schema_text(), "run script/docs"


def test_all_tables_are_known_as_ours() -> None:
    assert set(schema._NAME.findall(schema._tables())) == set(metadata.tables)


def _write_next(versions: Path, trouble: str = "") -> Path:
    script = versions / f"{COMING}_next.py"
    script.write_text(NEXT.format(trouble=trouble, coming=COMING, newest=NEWEST))
    return script


def _described(store: Store) -> dict[str, Any]:
    """Return everything a database says about its tables, in a form that can be compared."""
    with store.reading() as tx:
        looked = _sqlite_texts(tx) if store.capabilities.name == "sqlite" else _postgres_texts(tx)
        inspector = inspect(tx.connection)
        found: dict[str, Any] = {"texts": looked}
        for table in set(inspector.get_table_names()) - {"alembic_version"}:
            columns = [
                (each["name"], str(each["type"]), each["nullable"], each["default"])
                for each in inspector.get_columns(table)
            ]
            uniques = sorted(str(each) for each in inspector.get_unique_constraints(table))
            found[table] = (columns, inspector.get_pk_constraint(table), inspector.get_foreign_keys(table), uniques)
    return found


def _sqlite_texts(tx: Transaction) -> dict[str, tuple[str, ...]]:
    rows = tx.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"))
    return {name: _sorted_parts(sql) for name, sql in rows}


def _sorted_parts(sql: str) -> tuple[str, ...]:
    """Cut a statement at its outermost commas and sort the parts.

    A column that was added later stands behind the constraints, which means nothing; in which order the columns come is
    compared where they are listed.
    """
    depth, parts = 0, [""]
    for letter in re.sub(r"\s+", " ", sql).replace("( ", "(").replace(" )", ")"):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 1:
            parts.append("")
        else:
            parts[-1] += letter
    head, paren, first = parts[0].partition("(")
    parts = [first, *parts[1:]]
    body, end, tail = parts[-1].rpartition(")")
    return head + paren, *sorted(part.strip() for part in (*parts[:-1], body)), end + tail.rstrip()


def _postgres_texts(tx: Transaction) -> dict[str, list[Any]]:
    queries = {
        "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        "constraints": "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace ORDER BY 1",
        "columns": "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
    }
    return {
        name: [tuple(row) for row in tx.execute(text(query)) if not str(row[0]).startswith("alembic_version")]
        for name, query in queries.items()
    }


def test_a_schema_made_at_once_is_the_same_as_all_migrations(empty_store: Store) -> None:
    assert runner.upgrade_to_newest(empty_store)[-1] == SCHEMA_REVISION
    migrated = _described(empty_store)
    runner.downgrade(empty_store, runner.BASE)
    assert revision_of(empty_store) is None
    prepare(empty_store, upgrade=False)
    assert _described(empty_store) == migrated
    assert set(migrated) == {"texts", *metadata.tables}


def test_a_migrated_store_starts_like_a_fresh_one(empty_store: Store) -> None:
    runner.upgrade_to_newest(empty_store)
    prepare(empty_store, upgrade=False)
    with empty_store.reading() as tx:
        assert tx.execute(text("SELECT name, value FROM counters")).all() == [("run", 0)]
        assert len(read_meta(tx, "instance") or "") == 16


def test_the_newest_script_is_the_revision_that_the_program_asks_for() -> None:
    assert runner._scripts()[-1].revision == SCHEMA_REVISION


def test_an_upgrade_of_what_is_up_to_date_does_nothing(store: Store) -> None:
    assert runner.pending(store) == []
    assert runner.upgrade_to_newest(store) == []


def test_rp22_a_schema_goes_up_and_down_again_and_keeps_its_rows(shared_where: str | Path, next_release: Path) -> None:
    with closing(connect(shared_where)) as store:
        before = _described(store)
        with store.transaction() as tx:
            write_meta(tx, "kept", "yes")
        assert runner.pending(store) == [COMING]
        assert runner.upgrade_to_newest(store) == [COMING]
        assert revision_of(store) == COMING
        assert "nickname" in str(_described(store)["users"])
        assert runner.downgrade(store, NEWEST) == [COMING]
        assert _described(store) == before
        with store.reading() as tx:
            assert read_meta(tx, "kept") == "yes"


def test_opening_an_older_store_upgrades_it(shared_where: str | Path, next_release: Path) -> None:
    with closing(open_store(shared_where)) as store:
        assert revision_of(store) == COMING


def test_an_older_store_is_refused_with_the_command_when_it_may_not_be_upgraded(
    shared_where: str | Path, next_release: Path
) -> None:
    with pytest.raises(StoreOutdated, match="horarium db upgrade"):
        open_store(shared_where, upgrade=False)


def test_a_newer_store_is_refused_and_left_as_it_is(shared_where: str | Path) -> None:
    with closing(connect(shared_where)) as store:
        with store.transaction() as tx:
            tx.execute(text("UPDATE alembic_version SET version_num = '0999'"))
        for act in (runner.upgrade_to_newest, runner.pending, lambda it: runner.downgrade(it, "base")):
            with pytest.raises(StoreNewer, match="newer release"):
                act(store)
        with pytest.raises(StoreNewer, match=r"schema 0999.*backup"):
            open_store(shared_where)
        assert revision_of(store) == "0999"


@pytest.mark.parametrize("number", ["0000", ""])
def test_a_revision_that_no_release_had_is_foreign(shared_where: str | Path, number: str) -> None:
    with closing(connect(shared_where)) as store:
        with store.transaction() as tx:
            tx.execute(text("UPDATE alembic_version SET version_num = :number"), {"number": number})
        with pytest.raises(StoreForeign, match="no release"):
            runner.upgrade_to_newest(store)
    with pytest.raises(StoreForeign):
        open_store(shared_where)


def test_a_version_table_of_another_program_is_foreign(empty_store: Store) -> None:
    with empty_store.transaction() as tx:
        tx.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        tx.execute(text("INSERT INTO alembic_version VALUES ('8f3a')"))
    for act in (lambda: prepare(empty_store, upgrade=True), lambda: runner.upgrade_to_newest(empty_store)):
        with pytest.raises(StoreForeign, match="not of Horarium"):
            act()


def test_tables_of_another_program_under_our_names_are_foreign(empty_store: Store) -> None:
    with empty_store.transaction() as tx:
        tx.execute(text("CREATE TABLE users (id INTEGER PRIMARY KEY)"))
    for act in (lambda: prepare(empty_store, upgrade=True), lambda: runner.upgrade_to_newest(empty_store)):
        with pytest.raises(StoreForeign, match="another program"):
            act()
    assert revision_of(empty_store) is None


def test_a_downgrade_to_what_does_not_lie_behind_names_what_does(store: Store) -> None:
    with pytest.raises(InvalidValue, match=f"base, 0001, .*{NEWEST}"):
        runner.downgrade(store, "9007")
    assert revision_of(store) == SCHEMA_REVISION


def test_a_script_that_fails_leaves_the_schema_as_it_was(shared_where: str | Path, versions: Path) -> None:
    _write_next(versions, "raise OSError('planted')")
    with closing(connect(shared_where)) as store:
        before = _described(store)
        with pytest.raises(OSError, match="planted"):
            runner.upgrade_to_newest(store)
        assert _described(store) == before
        assert revision_of(store) == NEWEST
        _write_next(versions)
        assert runner.upgrade_to_newest(store) == [COMING]


UPGRADING = """
import sys
from pathlib import Path
from horarium.store.migrations import runner
from horarium.store.opening import connect

runner.FOLDER = Path(sys.argv[1])
runner.upgrade_to_newest(connect(sys.argv[2]))
"""


def test_rp22_a_program_killed_in_the_middle_leaves_the_old_version(shared_where: str | Path, versions: Path) -> None:
    _write_next(versions, "print('in the middle', flush=True); input()")
    command = [sys.executable, "-c", UPGRADING, str(versions.parent), str(shared_where)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        assert program.stdout.readline() == "in the middle\n"
        program.send_signal(signal.SIGKILL)
    with closing(connect(shared_where)) as store:
        assert revision_of(store) == NEWEST
        assert "nickname" not in str(_described(store))
        assert list(store.check()) == []
        _write_next(versions)
        assert runner.upgrade_to_newest(store) == [COMING]


def test_two_programs_that_upgrade_at_once_do_it_once(shared_where: str | Path, versions: Path) -> None:
    _write_next(versions)
    command = [sys.executable, "-c", UPGRADING, str(versions.parent), str(shared_where)]
    programs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for program in programs:
        _, complaint = program.communicate(timeout=60)
        assert program.returncode == 0, complaint
    with closing(connect(shared_where)) as store:
        assert revision_of(store) == COMING


@pytest.fixture
def umask() -> Iterator[None]:
    """Let new files be open to everyone unless somebody takes care."""
    former = os.umask(0)
    yield
    os.umask(former)


@pytest.mark.usefixtures("umask")
def test_rp22_a_file_is_copied_beside_itself_before_its_schema_changes(
    path: Path, file_store: Store, next_release: Path
) -> None:
    with file_store.transaction() as tx:
        write_meta(tx, "written", "before")
    runner.upgrade_to_newest(file_store)
    with file_store.transaction() as tx:
        write_meta(tx, "written", "after")
    copy = path.with_name(f"horarium.db.before-{COMING}")
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as copied:
        assert copied.execute("SELECT version_num FROM alembic_version").fetchone() == (NEWEST,)
        assert copied.execute("SELECT value FROM horarium_meta WHERE key = 'written'").fetchone() == ("before",)
    assert not list(path.parent.glob("*.partial"))


def test_a_copy_can_be_put_back_in_place_of_the_file(path: Path, file_store: Store, next_release: Path) -> None:
    copy = path.with_name(f"horarium.db.before-{COMING}")
    runner.upgrade_to_newest(file_store)
    with closing(connect(copy)) as restored:
        assert revision_of(restored) == NEWEST


def test_an_upgrade_without_room_for_the_copy_changes_nothing(
    path: Path, file_store: Store, next_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_path: Path) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorname = "SQLITE_FULL"
        raise error

    monkeypatch.setattr(aside, "_look_through", no_room)
    with pytest.raises(StoreFull, match=f"before-{COMING}"):
        runner.upgrade_to_newest(file_store)
    assert revision_of(file_store) == NEWEST
    assert [each.name for each in path.parent.glob("*.before-*")] == []


def test_the_scripts_are_in_the_packages_that_people_install(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "uv", "build", "--wheel", "--offline", "--no-build-isolation", "-o", str(tmp_path)]
    done = subprocess.run([*build, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    assert [name for name in names if name.endswith("versions/0001_start.py")]


def test_who_might_only_look_still_may_after_0002_and_others_tasks_go_with_it(empty_store: Store) -> None:
    store = empty_store
    runner.upgrade_to_newest(store)
    runner.downgrade(store, "0001")
    with store.transaction() as tx:
        for number, role in enumerate(("user", "admin")):
            tx.execute(
                text(
                    "INSERT INTO users"
                    " (name, name_key, email, display_name, role, password_hash, time_zone, created_at)"
                    " VALUES (:n, :n, '', '', :r, 'x', 'UTC', 0)"
                ),
                {"n": f"person {number}", "r": role},
            )
    assert runner.upgrade_to_newest(store)[0] == "0002"
    with store.reading() as tx:
        roles = [row[0] for row in tx.execute(text("SELECT role FROM users ORDER BY id"))]
        epochs = [row[0] for row in tx.execute(text("SELECT epoch FROM users ORDER BY id"))]
    assert (roles, epochs) == (["viewer", "admin"], [0, 0])
    runner.downgrade(store, "0001")
    with store.reading() as tx:
        assert [row[0] for row in tx.execute(text("SELECT role FROM users ORDER BY id"))] == ["user", "admin"]


def test_the_present_version_has_the_open_values_after_0003_and_people_s_tasks_are_found_by_an_index(
    empty_store: Store,
) -> None:
    store = empty_store
    runner.upgrade_to_newest(store)
    runner.downgrade(store, "0002")
    with store.transaction() as tx:
        tx.execute(
            text(
                "INSERT INTO user_credentials (id, owner_id, name, name_key, kind, note, version, open_fields, hosts,"
                " created_at, created_by, updated_at, rotated_at)"
                " VALUES (7, 0, 'shop', 'shop', 'token', '', 2, :o, '[]', 0, '', 0, 0)"
            ),
            {"o": '{"url":"a"}'},
        )
        for number in (1, 2):
            tx.execute(
                text(
                    "INSERT INTO credential_versions (credential_id, version, key_id, wrapped_key, fingerprint,"
                    " created_at, created_by) VALUES (7, :v, 'k', 'w', 'f', 0, '')"
                ),
                {"v": number},
            )
    assert "0003" in runner.upgrade_to_newest(store)
    with store.reading() as tx:
        rows = tx.execute(text("SELECT version, open_fields FROM credential_versions ORDER BY version"))
        assert [tuple(row) for row in rows] == [(1, None), (2, '{"url":"a"}')]
