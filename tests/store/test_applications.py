"""The database of an application: looked at without a trace, held alone, its rows given an owner and nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from horarium.errors import Conflict, StoreBusy, StoreForeign
from horarium.store import applications
from horarium.store.applications import SCHEMA, changed_tables, digests, holding, looking
from tests.support.installation import change, fill, rows_of, snapshot


@pytest.fixture(params=["delete", "wal"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a database of 100 rows, with and without a write-ahead log."""
    monkeypatch.setattr(applications, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(applications, "BATCH_ROWS", 7)
    made = tmp_path / "app.db"
    fill(made, 100, journal_mode=request.param)
    return made


def digests_of(path: Path) -> dict[str, str]:
    with looking(path) as found:
        return digests(found, "owner_id")


def test_looking_leaves_no_trace(path: Path) -> None:
    before = snapshot(path.parent)
    with looking(path) as found:
        found.check()
        assert [each.name for each in path.parent.iterdir()] == ["app.db"]
        tables = {each.name: (each.rows, each.unowned, each.owner_column) for each in found.look("OWNER_ID")}
    assert tables == {
        "notes": (79, 79, None),
        'odd "name': (10, 9, "owner_id"),
        "schema_version": (1, 1, None),
        "tags": (10, 10, None),
    }
    assert snapshot(path.parent) == before


def test_each_row_without_an_owner_gets_one_and_the_rest_stays(path: Path) -> None:
    before = digests_of(path)
    said: list[str] = []
    with holding(path) as held:
        driver: Any = held._connection.connection.driver_connection
        driver.set_trace_callback(said.append)
        done = {name: held.give_owner(name, "owner_id", 5) for name in ("notes", "tags")}
        driver.set_trace_callback(None)
        done['odd "name'] = held.give_owner('odd "name', "owner_id", 5)
        assert held.give_owner("notes", "owner_id", 6) == 0
        assert held.owners('odd "name', "owner_id") == {5: 9, 77: 1}
    assert done == {"notes": 79, "tags": 10, 'odd "name': 9}
    assert len([each for each in said if each.startswith("UPDATE notes")]) == 79 // 7 + 1
    assert digests_of(path) == before
    assert rows_of(path, "SELECT DISTINCT owner_id FROM notes") == [(5,)]
    assert sorted(each.name for each in path.parent.iterdir()) == ["app.db"]


def test_what_is_held_is_nobody_elses(path: Path) -> None:
    with holding(path), closing(sqlite3.connect(path, timeout=0.01)) as other, pytest.raises(sqlite3.OperationalError):
        other.execute("INSERT INTO notes (title) VALUES ('x')")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="in use by another program"), holding(path):
            pass


def test_a_locked_database_is_told_when_it_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a write-ahead log readers wait for nobody, so this is about one without."""
    monkeypatch.setattr(applications, "WAIT_SECONDS", 0.05)
    path = tmp_path / "app.db"
    fill(path, 10)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusy, match="in use by another program"), looking(path) as found:
            found.check()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("INSERT INTO notes (title) VALUES ('x')", "notes"),
        ("UPDATE notes SET body = NULL WHERE id = 3", "notes"),
        ("DELETE FROM tags WHERE tag = 'tag 1'", "tags"),
        ("CREATE TABLE more (a)", "more"),
        ("CREATE INDEX titled ON notes (title)", SCHEMA),
        ("DROP VIEW titles", SCHEMA),
    ],
)
def test_every_other_change_is_seen(path: Path, statement: str, what: str) -> None:
    before = digests_of(path)
    change(path, statement)
    assert changed_tables(before, digests_of(path)) == [what]


def test_bytes_and_texts_that_look_alike_are_told_apart(path: Path) -> None:
    change(path, "UPDATE notes SET body = CAST('abc' AS BLOB) WHERE id = 1")
    before = digests_of(path)
    change(path, "UPDATE notes SET body = 'abc' WHERE id = 1")
    assert changed_tables(before, digests_of(path)) == ["notes"]
    change(path, "UPDATE notes SET title = CAST(x'ff41' AS TEXT) WHERE id = 1")
    assert changed_tables(before, digests_of(path)) == ["notes"]


@pytest.mark.parametrize(
    ("trigger", "hinders"),
    [
        ("AFTER UPDATE ON notes BEGIN SELECT 1; END", True),
        ("BEFORE UPDATE OF title, owner_id ON notes BEGIN SELECT 1; END", True),
        ("AFTER UPDATE OF title ON notes BEGIN SELECT 1; END", False),
        ("AFTER INSERT ON notes BEGIN UPDATE tags SET uses = 1; END", False),
    ],
)
def test_a_trigger_that_would_run_is_named(path: Path, trigger: str, hinders: bool) -> None:
    change(path, f"CREATE TRIGGER stamp {trigger}")
    with looking(path) as found:
        notes = next(each for each in found.look("owner_id") if each.name == "notes")
    assert ("its trigger stamp would run" in notes.hinder) is hinders


def test_full_text_tables_and_their_shadows_are_left_to_sqlite(path: Path) -> None:
    change(path, "CREATE VIRTUAL TABLE words USING fts5(title)")
    change(path, "INSERT INTO words VALUES ('hello')")
    with looking(path) as found:
        names = [each.name for each in found.look("owner_id")]
    assert [name for name in names if name.startswith("words")] == []


def test_a_table_whose_columns_hide_the_row_numbers_is_served_as_well(path: Path) -> None:
    change(path, "CREATE TABLE hidden (rowid TEXT, oid TEXT, _rowid_ TEXT)")
    change(path, "INSERT INTO hidden VALUES ('a', 'b', 'c')")
    with holding(path) as held:
        assert held.give_owner("hidden", "owner_id", 5) == 1
    assert rows_of(path, "SELECT * FROM hidden") == [("a", "b", "c", 5)]


def test_a_change_that_was_broken_off_is_refused_unless_it_may_be_ours(path: Path) -> None:
    path.with_name("app.db-journal").write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(504))
    with pytest.raises(Conflict, match="in the middle of a change"), looking(path):
        pass
    if not path.with_name("app.db-wal").exists() and rows_of(path, "PRAGMA journal_mode") == [("delete",)]:
        with holding(path, may_be_halfway=True) as held:
            held.check()


def test_an_empty_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    with pytest.raises(StoreForeign, match="is no SQLite database"), looking(tmp_path / "x.db"):
        pass
