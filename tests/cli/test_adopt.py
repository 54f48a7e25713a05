"""`adopt`: a single-user installation moves in, is looked through, and comes back to the byte."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from horarium.accounts.people import People
from horarium.cli.exits import ExitCode
from horarium.clock import SystemClock
from horarium.config import load_config
from horarium.store.opening import open_store
from horarium.vault.moving import holds
from horarium.vault.vault import Vault, secrets_of
from tests.cli.conftest import Apply, Program, mode_of
from tests.support.installation import MOVE, MOVED, Installation, change, fill, make_installation, rows_of, snapshot
from tests.support.people import made_up


def test_dry_run_move_verify_undo_give_back_the_originals_to_the_byte(bare: Program, apply: Apply, home: Path) -> None:
    old = make_installation(home)
    before, dates = snapshot(home), [path.stat().st_mtime_ns for path in (old.env, old.database)]
    dry = bare(*MOVE)
    assert dry.code == ExitCode.OK, dry.err
    assert "app.db: 4 tables, 10,000 rows" in dry.out
    assert "Nothing was changed" in dry.out
    assert snapshot(home) == before
    done = apply()
    assert done.code == ExitCode.OK, done.err
    assert rows_of(old.database, "SELECT owner_id, count(*) FROM notes GROUP BY 1") == [(1, 7999)]
    assert rows_of(old.database, "SELECT owner_id, count(*) FROM tags GROUP BY 1") == [(1, 1000)]
    assert rows_of(old.database, 'SELECT owner_id, count(*) FROM "odd ""name" GROUP BY 1') == [(1, 900), (77, 100)]
    assert rows_of(old.database, "SELECT * FROM schema_version") == [(7,)]
    looked = bare("adopt", "verify")
    assert looked.code == ExitCode.OK, looked.out
    assert {line.split()[0] for line in looked.out.splitlines()} == {"ok"}
    back = bare("adopt", "undo")
    assert back.code == ExitCode.OK, back.err
    assert old.is_as_before()
    assert {name: found for name, found in snapshot(home).items() if name in before} == before
    assert [path.stat().st_mtime_ns for path in (old.env, old.database)] == dates
    assert "The account admin stays" in back.out
    for answer in (dry, done, looked, back):
        assert not [each for each in old.secrets if each in answer.out + answer.err]


def test_what_would_be_done_is_told_by_name_and_as_json(bare: Program, old: Installation, home: Path) -> None:
    told = bare(*MOVE)
    assert "  SHOP_TOKEN         to the vault, 'shop' token; the line becomes a comment" in told.out
    assert "  INTERVAL           stays, the application's" in told.out
    assert "  SMTP_PASSWORD      to the vault, 'smtp' password; stays, since Horarium reads it as well" in told.out
    assert "  notes           319 rows; gets the column owner_id; 319 without an owner get one" in told.out
    assert "  schema_version  1 row; left as it is" in told.out
    assert "administrator 'admin': would be made" in told.out
    assert "it becomes its owner's alone" in told.err
    plain = bare(*MOVE, "--json").json
    assert {each["name"] for each in plain["variables"] if each["fate"] == "moved"} == set(MOVED)
    assert {each["name"]: each["kind"] for each in plain["credentials"]} == {
        "shop": "token",
        "bsky": "login",
        "mirror": "custom",
        "smtp": "custom",
    }
    assert (plain["changed"], plain["secret_key"]["made"], plain["admin"]["made"]) == (False, True, True)
    assert {path.name for path in home.iterdir()} == {".env", "app.db"}


def test_the_values_are_in_the_vault_and_their_lines_are_comments(
    apply: Apply, bare: Program, old: Installation, home: Path
) -> None:
    before = old.files[".env"].decode().splitlines(keepends=True)
    assert apply().code == ExitCode.OK
    after = old.env.read_bytes().decode().splitlines(keepends=True)
    for number, line in enumerate(before[:-1]):
        name = line.strip().removeprefix("export ").partition("=")[0]
        assert after[number] == (f"# {line}" if name in MOVED else line)
    assert after[len(before) - 1] == before[-1] + "\r\n"
    assert after[len(before)].startswith("SECRET_KEY=")
    assert len(after) == len(before) + 1
    assert mode_of(old.env) == 0o600
    store = open_store(home / "data" / "horarium.db")
    secret, _ = secrets_of(load_config())
    vault = Vault(store, SystemClock(), secret=secret)
    assert holds(vault, 1, {"token": old.secrets[0], "url": "https://shop.example"})
    assert holds(vault, 2, {"username": "me.example", "password": old.secrets[1]})
    assert not holds(vault, 2, {"username": "me.example", "password": made_up()})
    assert holds(vault, 3, {"api_key": old.secrets[2], "api_secret": old.secrets[3]})
    store.close()
    listed = bare("vault", "list", "--json").json
    assert {(each["name"], each["owner_id"]) for each in listed} == {
        (name, 1) for name in ("bsky", "mirror", "shop", "smtp")
    }


def test_r71_r107_nothing_of_a_secret_is_left_behind_by_a_move_that_was_taken_back_or_finished(
    apply: Apply, bare: Program, old: Installation, home: Path
) -> None:
    assert apply().code == ExitCode.OK
    assert bare("adopt", "undo").code == ExitCode.OK
    assert "found no" not in bare("audit", "verify").out
    actions = [each["action"] for each in bare("audit", "list", "--json").json]
    assert actions[0] == "installation.moved_back"
    assert actions.count("credential.removed") == actions.count("credential.added") == 4
    assert apply().code == ExitCode.OK
    refused = bare("adopt", "finish")
    assert refused.code != ExitCode.OK
    assert bare("adopt", "finish", "--yes").code == ExitCode.OK
    kept = old.secrets[4].encode()
    for path in [each for each in home.rglob("*") if each.is_file()]:
        found = [each for each in old.secrets if each.encode() in path.read_bytes() and each.encode() != kept]
        assert not found, path
    text = old.env.read_bytes().decode()
    assert "# SHOP_TOKEN=\r\n" in text
    assert "# BSKY_PASSWORD=\r\n" in text
    assert kept.decode() in text
    assert bare("adopt", "undo").code == ExitCode.NOT_FOUND
    again = bare("adopt", "single-user", "--database", "app.db")
    assert again.code == ExitCode.OK, again.err
    assert "Nothing is to be done" in again.out
    assert apply().out == "Nothing is to be done.\n"


def test_r71_while_it_stands_only_the_copies_and_the_file_hold_the_values(
    apply: Apply, bare: Program, old: Installation, home: Path
) -> None:
    assert apply().code == ExitCode.OK
    for path in [each for each in (home / "data").rglob("*") if each.is_file()]:
        found = [each for each in old.secrets if each.encode() in path.read_bytes()]
        assert found == [] or path.name == "original.env", path
        assert mode_of(path) == 0o600


def test_finishing_erases_nothing_while_something_does_not_open(
    apply: Apply, bare: Program, old: Installation, home: Path
) -> None:
    assert apply().code == ExitCode.OK
    change(home / "data" / "horarium.db", "UPDATE credential_values SET sealed = 'x' WHERE credential_id = 2")
    before = snapshot(home)
    refused = bare("adopt", "finish", "--yes")
    assert refused.code == ExitCode.REFUSED
    assert "'bsky' cannot be opened" in refused.err
    assert snapshot(home) == before
    assert bare("adopt", "undo").code == ExitCode.OK
    assert old.is_as_before()


def test_the_installation_can_own_the_credentials(apply: Apply, bare: Program, old: Installation) -> None:
    done = apply(*MOVE, "--for-installation")
    assert done.code == ExitCode.OK, done.err
    assert {each["owner_id"] for each in bare("vault", "list", "--json").json} == {0}
    assert rows_of(old.database, "SELECT DISTINCT owner_id FROM notes") == [(1,)]
    assert bare("adopt", "verify").code == ExitCode.OK
    assert bare("adopt", "undo").code == ExitCode.OK
    assert old.is_as_before()
    assert bare("adopt", "single-user", "--for-installation").code == ExitCode.OK


def test_a_second_move_changes_nothing_and_says_so(apply: Apply, bare: Program, home: Path, old: Installation) -> None:
    assert apply().code == ExitCode.OK
    before = snapshot(home)
    for answer in (apply(), bare(*MOVE)):
        assert answer.code == ExitCode.OK
        assert answer.out.startswith("Nothing is to be done: ")
    assert bare(*MOVE, "--json").json["state"] == "moved"
    assert snapshot(home) == before
    with old.env.open("a", encoding="utf-8") as file:
        file.write(f"LATER_TOKEN={made_up()}\n")
    assert "--only LATER_TOKEN" in bare(*MOVE).err
    fill(home / "other.db", 50)
    other = bare("adopt", "single-user", "--database", "other.db")
    assert other.code == ExitCode.REFUSED
    assert "adopt finish" in other.err


def test_what_was_changed_since_is_refused_and_put_aside_by_force(
    apply: Apply, bare: Program, old: Installation, home: Path
) -> None:
    assert apply().code == ExitCode.OK
    with old.env.open("a", encoding="utf-8") as file:
        file.write("NEW=1\n")
    change(old.database, "INSERT INTO notes (title) VALUES ('new')")
    looked = bare("adopt", "verify")
    assert looked.code == ExitCode.OK
    assert "1 rows of" in looked.out
    refused = bare("adopt", "undo")
    assert (refused.code, refused.err.count("\n")) == (ExitCode.REFUSED, 1)
    assert ".env was changed" in refused.err
    assert "table notes" in refused.err
    assert bare("adopt", "verify").code == ExitCode.OK
    forced = bare("adopt", "undo", "--force")
    assert forced.code == ExitCode.OK, forced.err
    assert old.is_as_before()
    aside = sorted((home / "data" / "adoption").glob("before-undo-*"))
    assert [path.name.rpartition("-")[2] for path in aside] == ["app.db", "env"]
    assert [mode_of(path) for path in aside] == [0o600, 0o600]
    assert b"NEW=1" in aside[1].read_bytes()
    assert rows_of(aside[0], "SELECT count(*) FROM notes WHERE title = 'new'") == [(1,)]


def test_undo_can_leave_the_database_with_what_has_come_since(apply: Apply, bare: Program, old: Installation) -> None:
    assert apply().code == ExitCode.OK
    change(old.database, "INSERT INTO notes (title) VALUES ('new')")
    assert bare("adopt", "undo", "--keep-database").code == ExitCode.OK
    assert old.env.read_bytes() == old.files[".env"]
    assert rows_of(old.database, "SELECT count(*) FROM notes WHERE owner_id IS NULL") == [(1,)]
    again = apply()
    assert again.code == ExitCode.OK, again.err
    assert rows_of(old.database, "SELECT count(*) FROM notes WHERE owner_id = 1") == [(320,)]


def test_the_key_stays_where_something_else_is_sealed_with_it(
    apply: Apply, bare: Program, old: Installation, types: Any
) -> None:
    assert apply().code == ExitCode.OK
    types(f"{made_up()}\n")
    assert bare("vault", "add", "mine", "--kind", "token", "--stdin", "token").code == ExitCode.OK
    back = bare("adopt", "undo")
    assert back.code == ExitCode.OK
    assert "SECRET_KEY stays in" in back.out
    assert old.env.read_bytes().startswith(old.files[".env"])
    assert [each["name"] for each in bare("vault", "list", "--json").json] == ["mine"]
    assert bare("vault", "check").code == ExitCode.OK


def test_a_database_with_a_log_comes_back_with_its_log(apply: Apply, bare: Program, home: Path) -> None:
    old = make_installation(home, rows=400)
    old.database.unlink()
    fill(old.database, 400, journal_mode="wal")
    log = home / "app.db-wal"
    with closing(sqlite3.connect(old.database, isolation_level=None)) as connection:
        connection.execute("INSERT INTO notes (title) VALUES ('only in the log')")
        left = {path: path.read_bytes() for path in (old.database, log)}
    # An application that was killed leaves its log; closing has just put it away.
    for path, content in left.items():
        path.write_bytes(content)
    before = snapshot(home)
    dry = bare(*MOVE)
    assert "notes           320 rows" in dry.out, dry.err
    assert snapshot(home) == before
    assert apply().code == ExitCode.OK
    assert rows_of(old.database, "SELECT owner_id FROM notes WHERE title = 'only in the log'") == [(1,)]
    assert bare("adopt", "undo").code == ExitCode.OK
    assert {path: path.read_bytes() for path in left} == left


def test_files_that_were_deleted_since_come_back_and_no_old_log_is_put_beside(
    apply: Apply, bare: Program, old: Installation, home: Path
) -> None:
    assert apply().code == ExitCode.OK
    old.env.unlink()
    old.database.unlink()
    for suffix in ("-wal", "-journal"):
        (home / f"app.db{suffix}").write_bytes(b"of a file that is gone")
    back = bare("adopt", "undo")
    assert back.code == ExitCode.OK, back.err
    assert old.is_as_before()
    assert sorted(path.name for path in home.iterdir()) == [".env", "app.db", "data"]


def test_names_owner_and_tables_can_be_said(apply: Apply, bare: Program, old: Installation) -> None:
    words = [*MOVE, "--admin", "ana", "--email", "ana@example.org", "--owner-column", "whose"]
    words += ["--keep", "BSKY_PASSWORD", "--secret", "INTERVAL", "--leave-table", "tags"]
    done = apply(*words)
    assert done.code == ExitCode.OK, done.err
    assert "Made the administrator ana." in done.out
    assert [each["name"] for each in bare("vault", "list", "--json").json] == ["interval", "mirror", "shop", "smtp"]
    assert b"\r\nexport BSKY_USERNAME='me.example'\r\nBSKY_PASSWORD=" in old.env.read_bytes()
    assert b"\r\n# INTERVAL=15\r\n" in old.env.read_bytes()
    assert rows_of(old.database, "SELECT count(whose), count(*) FROM notes") == [(319, 319)]
    assert rows_of(old.database, 'SELECT count(whose) FROM "odd ""name"') == [(40,)]
    assert [row[1] for row in rows_of(old.database, "PRAGMA table_info(tags)")] == ["tag", "uses"]


def test_an_administrator_who_is_there_gets_it_all_without_a_password(
    horarium: Program, home: Path, types: Any
) -> None:
    types(f"{made_up()}\n")
    assert horarium("user", "create-admin", "ana", "--password-stdin").code == ExitCode.OK
    key = (home / ".env").read_bytes()
    (home / "app").mkdir()
    old = make_installation(home / "app", rows=100)
    words = ["adopt", "single-user", "--env", "app/.env", "--database", "app/app.db"]
    told = horarium(*words)
    assert "administrator 'ana': is there" in told.out
    assert "SECRET_KEY: is set" in told.out
    assert "Horarium reads its own settings from" in told.err
    assert horarium(*words, "--apply").code == ExitCode.OK
    # Horarium reads another file: of this one even the settings of the mail server are the application's.
    assert b"# SMTP_PASSWORD=" in old.env.read_bytes()
    assert mode_of(old.env) == 0o640
    assert (home / ".env").read_bytes() == key
    assert horarium("adopt", "verify", "--env", "app/.env").code == ExitCode.OK
    assert horarium("adopt", "undo", "--env", "app/.env").code == ExitCode.OK
    assert old.is_as_before()
    types(f"{made_up()}\n")
    assert horarium("user", "create-admin", "otto", "--password-stdin").code == ExitCode.OK
    several = horarium(*words)
    assert (several.code, several.err.count("\n")) == (ExitCode.REFUSED, 1)
    assert "--admin" in several.err


def test_a_key_for_horarium_goes_into_its_own_file(apply: Apply, bare: Program, home: Path) -> None:
    (home / "app").mkdir()
    old = make_installation(home / "app", rows=10)
    assert apply("adopt", "single-user", "--env", "app/.env").code == ExitCode.OK
    assert mode_of(home / ".env") == 0o600
    assert (home / ".env").read_text(encoding="utf-8").startswith("SECRET_KEY=")
    back = bare("adopt", "undo", "--env", "app/.env")
    assert "which is Horarium's own" in back.out
    assert old.is_as_before()
    assert bare("vault", "check").code == ExitCode.OK


def test_a_link_is_followed_and_stays_a_link(apply: Apply, bare: Program, home: Path) -> None:
    (home / "real").mkdir()
    old = make_installation(home / "real", rows=10)
    (home / ".env").symlink_to("real/.env")
    assert apply("adopt", "single-user").code == ExitCode.OK
    assert (home / ".env").is_symlink()
    assert b"# SHOP_TOKEN=" in old.env.read_bytes()
    assert bare("adopt", "undo").code == ExitCode.OK
    assert (home / ".env").is_symlink()
    assert old.is_as_before()


def test_on_postgresql_it_is_the_same(
    apply: Apply, bare: Program, old: Installation, postgres_url: str, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    before = snapshot(home)
    assert bare(*MOVE).code == ExitCode.OK
    assert snapshot(home) == before
    assert apply().code == ExitCode.OK
    assert bare("adopt", "verify").code == ExitCode.OK
    assert [each["name"] for each in bare("vault", "list", "--json").json] == ["bsky", "mirror", "shop", "smtp"]
    assert bare("adopt", "undo").code == ExitCode.OK
    assert old.is_as_before()
    assert bare("audit", "list", "--json").json[0]["action"] == "installation.moved_back"


def test_r63_a_weak_password_changes_nothing(apply: Apply, home: Path, old: Installation) -> None:
    before = snapshot(home)
    refused = apply(password="short")
    assert refused.code == ExitCode.USAGE
    assert snapshot(home) == before


def test_without_secrets_and_database_an_administrator_and_a_key_are_made(
    apply: Apply, bare: Program, home: Path
) -> None:
    (home / ".env").write_text("INTERVAL=15\n", encoding="utf-8")
    assert "Add --apply" in bare("adopt", "single-user").out
    assert apply("adopt", "single-user").code == ExitCode.OK
    assert (home / ".env").read_text(encoding="utf-8").startswith("INTERVAL=15\nSECRET_KEY=")
    assert bare("adopt", "finish", "--yes").code == ExitCode.OK
    assert "Nothing is to be done" in bare("adopt", "single-user").out


def test_the_account_is_the_one_of_the_password(apply: Apply, old: Installation, home: Path) -> None:
    password = made_up()
    assert apply(password=password).code == ExitCode.OK
    store = open_store(home / "data" / "horarium.db")
    assert People(store, SystemClock()).authenticate("admin", password).is_admin
    store.close()


def test_verify_names_what_is_not_as_it_should_be(apply: Apply, bare: Program, old: Installation, home: Path) -> None:
    assert apply().code == ExitCode.OK
    old.env.write_bytes(old.env.read_bytes().replace(b"# SHOP_TOKEN", b"SHOP_TOKEN"))
    change(home / "data" / "horarium.db", "UPDATE credential_values SET sealed = 'x' WHERE credential_id = 2")
    folder = next((home / "data" / "adoption").glob("single-user-*"))
    (folder / "original.db").write_bytes(b"x")
    change(old.database, "ALTER TABLE notes DROP COLUMN owner_id")
    looked = bare("adopt", "verify")
    assert looked.code == ExitCode.FAILED
    bad = [line for line in looked.out.splitlines() if line.startswith("bad")]
    assert [
        word for word in ("original.db", "'bsky'", "SHOP_TOKEN", "owner_id") if not any(word in each for each in bad)
    ] == []
    plain = bare("adopt", "verify", "--json").json
    assert [each["weight"] for each in plain].count("bad") == len(bad) == 4
