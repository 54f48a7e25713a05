"""`adopt`: what is unfit, in use, full or changed meanwhile is one sentence, and nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from horarium.accounts.people import People
from horarium.adoption.single_user.journal import alone
from horarium.cli.exits import ExitCode
from horarium.errors import StoreFull
from horarium.store.opening import open_store
from tests.cli.conftest import Answer, Apply, Program, mode_of
from tests.support.installation import MOVE, Installation, change, fill, make_installation, rows_of, snapshot
from tests.support.people import add_admin, cheap_hasher, made_up
from tests.support.places import unprivileged

AS_ACCOUNT = Path(__file__).parents[1] / "journeys" / "as_account.py"


def one_sentence(answer: Answer, code: ExitCode, *words: str) -> None:
    assert (answer.code, answer.out) == (code, ""), answer.err
    lines = answer.err.splitlines()
    assert [line for line in lines if line.startswith("horarium: ")] == lines[-1:]
    for word in words:
        assert word in answer.err


def bad_env(home: Path, case: str) -> None:
    path = home / "x.env"
    made: dict[str, Callable[[], object]] = {
        "missing": lambda: None,
        "binary": lambda: path.write_bytes(b"A_TOKEN=\xff\xfe12345678\n"),
        "nul": lambda: path.write_bytes(b"A_TOKEN=1234\x005678\n"),
        "quote": lambda: path.write_text('OK=1\nA_TOKEN="12345678\n', encoding="utf-8"),
        "twice": lambda: path.write_text("A_TOKEN=12345678\nA_TOKEN=87654321\n", encoding="utf-8"),
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "loop": lambda: path.symlink_to("x.env"),
        "long": lambda: path.write_bytes(b"#" * ((1 << 20) + 1)),
        "names": lambda: path.hardlink_to(home / "y.env"),
    }
    (home / "y.env").write_text("A_TOKEN=12345678\n", encoding="utf-8")
    made[case]()


@pytest.mark.parametrize(
    ("case", "code", "word"),
    [
        ("missing", ExitCode.NOT_FOUND, "there is no file"),
        ("binary", ExitCode.USAGE, "UTF-8"),
        ("nul", ExitCode.USAGE, "NUL"),
        ("quote", ExitCode.USAGE, "line 2"),
        ("twice", ExitCode.REFUSED, "lines 1 and 2"),
        ("folder", ExitCode.USAGE, "no regular file"),
        ("pipe", ExitCode.USAGE, "no regular file"),
        ("loop", ExitCode.USAGE, "cannot be looked at"),
        ("long", ExitCode.USAGE, "larger than"),
        ("names", ExitCode.REFUSED, "second name"),
    ],
)
def test_an_unfit_file_of_variables_is_one_sentence(
    bare: Program, apply: Apply, home: Path, case: str, code: ExitCode, word: str
) -> None:
    bad_env(home, case)
    for answer in (bare("adopt", "single-user", "--env", "x.env"), apply("adopt", "single-user", "--env", "x.env")):
        one_sentence(answer, code, word)
        assert "12345678" not in answer.err
    assert not (home / "data").exists()


def bad_database(path: Path, case: str) -> None:
    if case == "text":
        path.write_text("no database", encoding="utf-8")
    elif case == "ours":
        open_store(path).close()
    elif case == "damaged":
        fill(path, 2000)
        with path.open("r+b") as file:
            file.seek(4096 * 3)
            file.write(b"\xaa" * 4096 * 8)
    elif case == "halfway":
        fill(path, 10)
        path.with_name(f"{path.name}-journal").write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(504))
    elif case == "trigger":
        fill(path, 10)
        change(path, "CREATE TRIGGER stamp AFTER UPDATE ON notes BEGIN DELETE FROM tags; END")
    elif case == "folder":
        path.mkdir()


@pytest.mark.parametrize(
    ("case", "code", "word"),
    [
        ("missing", ExitCode.NOT_FOUND, "there is no file"),
        ("text", ExitCode.UNFIT_STORE, "is no SQLite database"),
        ("ours", ExitCode.UNFIT_STORE, "database of Horarium itself"),
        ("damaged", ExitCode.UNFIT_STORE, "damaged"),
        ("halfway", ExitCode.REFUSED, "in the middle of a change"),
        ("trigger", ExitCode.REFUSED, "--leave-table notes"),
        ("folder", ExitCode.USAGE, "no regular file"),
    ],
)
def test_an_unfit_database_is_one_sentence(
    bare: Program, apply: Apply, old: Installation, home: Path, case: str, code: ExitCode, word: str
) -> None:
    bad_database(home / "x.db", case)
    words = ("adopt", "single-user", "--database", "x.db")
    before = snapshot(home)
    for answer in (bare(*words), apply(*words)):
        one_sentence(answer, code, word)
    assert snapshot(home) == before


@pytest.mark.parametrize(
    "words",
    [
        ["--keep", "NO_SUCH"],
        ["--secret", "NO_SUCH"],
        ["--secret", "SMTP_HOST"],
        ["--leave-table", "no_such"],
        ["--owner-column", "a b"],
        ["--email", "nobody"],
    ],
)
def test_an_option_that_means_nothing_is_one_sentence(bare: Program, old: Installation, words: list[str]) -> None:
    one_sentence(bare(*MOVE, *words), ExitCode.USAGE, words[0] if words[0] != "--email" else "email")


def test_a_database_in_use_is_told_and_the_move_goes_on_later(
    bare: Program, apply: Apply, old: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("horarium.store.applications.WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(old.database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert bare(*MOVE).code == ExitCode.OK
        busy = apply()
        assert (busy.code, busy.out) == (ExitCode.STORE, "")
        assert "in use by another program" in busy.err
        connection.execute("ROLLBACK")
    assert b"# SHOP_TOKEN" not in old.env.read_bytes()
    told = bare(*MOVE)
    assert "was broken off after the step 'credentials'" in told.out
    assert bare("adopt", "verify").code == ExitCode.REFUSED
    assert bare(*MOVE, "--apply").code == ExitCode.OK
    assert bare("adopt", "undo").code == ExitCode.OK
    assert old.is_as_before()


def test_rows_that_come_while_it_moves_are_not_lost(
    bare: Program, apply: Apply, old: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("horarium.store.applications.WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(old.database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO notes (title) VALUES ('meanwhile')")
        assert apply().code == ExitCode.STORE
        connection.execute("COMMIT")
    refused = bare(*MOVE, "--apply")
    one_sentence(refused, ExitCode.REFUSED, "was changed since the move began (table notes)")
    assert bare("adopt", "undo").code == ExitCode.OK
    assert old.env.read_bytes() == old.files[".env"]
    assert rows_of(old.database, "SELECT count(*) FROM notes WHERE title = 'meanwhile'") == [(1,)]
    assert apply().code == ExitCode.OK


def test_a_file_that_was_changed_while_it_moves_is_not_overwritten(
    bare: Program, apply: Apply, old: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreFull("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("horarium.adoption.single_user.move.refuse_unproven", refuse)
        one_sentence(apply(), ExitCode.STORE, "the disk is full")
    with old.env.open("a", encoding="utf-8") as file:
        file.write("NEW=1\n")
    one_sentence(bare(*MOVE, "--apply"), ExitCode.REFUSED, "was changed since the move began")
    assert b"NEW=1\n" in old.env.read_bytes()
    one_sentence(bare("adopt", "undo"), ExitCode.REFUSED, "--force")
    assert bare("adopt", "undo", "--force").code == ExitCode.OK
    assert old.is_as_before()


def test_a_value_that_did_not_arrive_stops_the_move_before_anything_is_taken_away(
    bare: Program, apply: Apply, old: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("horarium.adoption.single_user.proof.holds", lambda *_: False)
        one_sentence(apply(), ExitCode.REFUSED, "does not hold what")
    assert b"# SHOP_TOKEN" not in old.env.read_bytes()
    assert bare("adopt", "undo").code == ExitCode.OK
    assert old.is_as_before()


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(
    bare: Program, apply: Apply, old: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("shutil.disk_usage", lambda _: _Usage())
        one_sentence(apply(), ExitCode.STORE, "has room for")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("horarium.adoption.single_user.files.os.fsync", full)
        one_sentence(apply(), ExitCode.STORE, "the disk is full")
    assert old.is_as_before()
    assert apply().code == ExitCode.OK
    assert bare("adopt", "undo").code == ExitCode.OK
    assert old.is_as_before()


class _Usage:
    total = used = free = 0


def test_a_name_that_is_taken_is_told_before_anything_is_done(
    horarium: Program, home: Path, types: Any, apply: Apply
) -> None:
    types(f"{made_up()}\n")
    assert horarium("user", "create-admin", "ana", "--password-stdin").code == ExitCode.OK
    types(f"{made_up()}\n")
    assert horarium("vault", "add", "shop", "--kind", "token", "--stdin", "token", "--owner", "ana").code == ExitCode.OK
    (home / "app.env").write_text(f"SHOP_TOKEN={made_up()}\n", encoding="utf-8")
    one_sentence(apply("adopt", "single-user", "--env", "app.env"), ExitCode.REFUSED, "'shop'", "--keep SHOP_TOKEN")
    types(f"{made_up()}\n")
    refused = horarium("adopt", "single-user", "--env", "app.env", "--admin", "nobody\x00", "--apply")
    assert refused.code == ExitCode.USAGE


def test_without_a_move_there_is_nothing_to_look_at_or_take_back(horarium: Program) -> None:
    for word in ("verify", "undo", "finish"):
        one_sentence(horarium("adopt", word), ExitCode.NOT_FOUND, "nothing has moved in")


def test_r1_a_key_that_is_too_weak_is_told_before_anything_is_made(apply: Apply, home: Path) -> None:
    (home / ".env").write_text(f"SECRET_KEY=dev\nSHOP_TOKEN={made_up()}\n", encoding="utf-8")
    one_sentence(apply("adopt", "single-user"), ExitCode.CONFIG, "SECRET_KEY has only 3 characters")
    assert [path.name for path in home.iterdir()] == [".env"]


def test_the_applications_database_cannot_be_horariums(apply: Apply, home: Path, old: Installation) -> None:
    with old.env.open("a", encoding="utf-8") as file:
        file.write("\nDATABASE_URL=app.db\n")
    before = snapshot(home)
    one_sentence(apply(), ExitCode.REFUSED, "needs a database of its own")
    one_sentence(apply("adopt", "single-user"), ExitCode.UNFIT_STORE, "database of another program")
    assert snapshot(home) == before


def test_two_moves_at_once_are_one(apply: Apply, old: Installation, data_folder: Path) -> None:
    with alone(data_folder):
        one_sentence(apply(), ExitCode.REFUSED, "another move is under way")


def test_what_this_account_may_not_replace_is_one_sentence() -> None:
    with unprivileged() as (folder, owner):
        old = make_installation(folder, rows=10)
        data = folder / "elsewhere" / "data"
        data.mkdir(mode=0o700, parents=True)
        store = open_store(data / "horarium.db")
        add_admin(People(store, hasher=cheap_hasher()), "ana")
        store.close()
        for path in (old.env, old.database, data.parent, data, *data.iterdir()):
            os.chown(path, *owner)
        words = [*MOVE, "--apply"]

        def as_account() -> subprocess.CompletedProcess[str]:
            command = [sys.executable, str(AS_ACCOUNT), str(owner[0]), str(owner[1]), *words]
            return subprocess.run(
                command, cwd=folder, capture_output=True, text=True, check=False,
                env={"PATH": os.environ["PATH"], "HORARIUM_DATA": str(data)},
            )  # fmt: skip

        folder.chmod(0o555)
        shut = as_account()
        folder.chmod(0o755)
        assert shut.returncode == ExitCode.STORE, shut.stderr
        assert "may not be written by this account" in shut.stderr.splitlines()[-1]
        assert old.is_as_before()
        old.database.chmod(0o400)
        assert "may not be read and written" in as_account().stderr.splitlines()[-1]
        old.database.chmod(0o600)
        old.env.chmod(0o400)
        done = as_account()
        assert done.returncode == ExitCode.OK, done.stderr
        assert mode_of(old.env) == 0o400
        assert old.env.stat().st_uid == owner[0]
