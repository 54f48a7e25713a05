"""What only a file can meet with: foreign locks, full disks, other people's databases, modes, forks."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from horarium.errors import StoreBusy, StoreError, StoreForeign, StoreFull, StoreUnavailable
from horarium.store.opening import connect, open_store
from horarium.store.schema import read_meta, write_meta
from horarium.store.sqlite import SqliteStore
from tests.store.work import add_task
from tests.support.places import unprivileged


@pytest.fixture
def sqlite(path: Path) -> Iterator[SqliteStore]:
    """Give a store in a file that waits a quarter of a second for a foreign lock, not five."""
    open_store(path).close()
    opened = SqliteStore(path, busy_seconds=0.25)
    yield opened
    opened.close()


HOLD_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


class ForeignLock:
    """Another program that holds the write lock until it is released."""

    def __init__(self, path: Path) -> None:
        self._holder = subprocess.Popen(
            [sys.executable, "-c", HOLD_LOCK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._holder.stdout
        assert self._holder.stdout.readline() == "held\n"

    def release(self) -> None:
        """Let go."""
        self._holder.communicate()


def test_rp11_a_short_foreign_lock_only_delays_a_write(tmp_path: Path) -> None:
    store = open_store(tmp_path / "h.db")
    lock = ForeignLock(tmp_path / "h.db")
    timer = threading.Timer(1.0, lock.release)
    begun = time.monotonic()
    timer.start()
    assert add_task(store) > 0
    assert 0.9 < time.monotonic() - begun < 4.5
    timer.join()
    store.close()


def test_rp11_a_long_foreign_lock_is_told_and_readers_do_not_mind(sqlite: SqliteStore, path: Path) -> None:
    add_task(sqlite, "there")
    lock = ForeignLock(path)
    with pytest.raises(StoreBusy, match="locked by another program"):
        add_task(sqlite, "not now")
    with sqlite.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM scheduled_tasks")).scalar_one() == 1
    lock.release()
    assert add_task(sqlite, "now") > 0


def test_rp15_a_full_database_is_told_and_works_again_when_there_is_room(sqlite: SqliteStore) -> None:
    with sqlite.transaction() as tx:
        pages = int(tx.execute(text("PRAGMA page_count")).scalar_one())
        tx.execute(text("PRAGMA max_page_count = 1"))
        write_meta(tx, "size", str(pages))
    with pytest.raises(StoreFull, match="full"), sqlite.transaction() as tx:
        write_meta(tx, "large", "x" * 1_000_000)
    with sqlite.reading() as tx:
        assert read_meta(tx, "size") == str(pages)
        assert read_meta(tx, "large") is None
    with sqlite.transaction() as tx:
        tx.execute(text("PRAGMA max_page_count = 1000000"))
    with sqlite.transaction() as tx:
        write_meta(tx, "large", "x" * 1_000_000)


def test_rp15_a_commit_that_finds_no_room_is_taken_back_whole(sqlite: SqliteStore) -> None:
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = Path(sqlite.location + "-wal")
    with sqlite.transaction() as tx:
        write_meta(tx, "key", "before")
    # Python ignores the signal, so that writes beyond the limit fail as they do on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, kept[1]))
    try:
        with pytest.raises(StoreError), sqlite.transaction() as tx:
            write_meta(tx, "key", "after" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    with sqlite.reading() as tx:
        assert read_meta(tx, "key") == "before"
    with sqlite.transaction() as tx:
        write_meta(tx, "key", "after")
    assert list(sqlite.check()) == []


def _text_file(path: Path) -> None:
    path.write_text("these are the letters of somebody\n" * 100)


def _marked_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 99")
        connection.execute("CREATE TABLE letters (body)")
        connection.commit()


def _plain_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE users (name)")
        connection.commit()


@pytest.mark.parametrize("make", [_text_file, _marked_database, _plain_database])
def test_a_file_of_another_program_is_refused_and_left_as_it_is(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "theirs"
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreForeign):
        open_store(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["theirs"]


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreForeign, match="not a regular file"):
        open_store(tmp_path)


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="there is no folder"):
        open_store(tmp_path / "none" / "h.db")
    assert not (tmp_path / "none").exists()


def test_a_damaged_file_is_told_and_not_mended(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    store = open_store(path)
    add_task(store)
    store.close()
    body = bytearray(path.read_bytes())
    body[4096 * 3 :] = b"\x17" * len(body[4096 * 3 :])
    path.write_bytes(body)
    with pytest.raises(StoreForeign, match="damaged"):
        open_store(path)


def said_to(owner: tuple[int, int], path: Path) -> str:
    """Open a store as another account, in a process of its own; return what it is told."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(owner[1])
                os.setuid(owner[0])
            open_store(path)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent reads it
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


@pytest.mark.parametrize("what", ["file", "folder", "new"])
def test_what_may_not_be_written_is_named(what: str) -> None:
    with unprivileged() as (folder, owner):
        path = folder / "h.db"
        if what != "new":
            open_store(path).close()
            os.chown(path, *owner)
        if what == "file":
            path.chmod(0o400)
        else:
            folder.chmod(0o500)
        said = said_to(owner, path)
        folder.chmod(0o700)
    assert said.startswith("StoreUnavailable: the ")
    assert "may not be" in said


def test_r6_nobody_else_reads_the_files_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = open_store(tmp_path / "h.db")
        add_task(store)
        store.announce_presence(1)
    finally:
        os.umask(old)
    modes = {str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode) for path in sorted(tmp_path.rglob("*"))}
    assert modes == {
        "h.db": 0o600,
        "h.db-nodes": 0o700,
        "h.db-nodes/1.lock": 0o600,
        "h.db-shm": 0o600,
        "h.db-wal": 0o600,
    }
    store.close()


OPENED = """
import sys
from pathlib import Path
path = sys.argv[1]
opened = []
sys.addaudithook(lambda event, words: opened.append(event) if event == "open" and str(words[0]) == path else None)
from horarium import TaskScheduler
ran = []
with TaskScheduler(path) as scheduler:
    made = list(opened)
    scheduler.add_interval_task("tick", lambda: ran.append(1), seconds=1)
    scheduler.trigger_task_now("tick")
    other = TaskScheduler(path)
    other.get_all_tasks()
    other.close()
    while not ran:
        pass
print(len(made), len(opened))
"""


def test_r110_after_it_was_made_nothing_but_sqlite_opens_the_live_file(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", OPENED, str(tmp_path / "h.db")], check=True, capture_output=True, text=True
    )
    assert found.stdout.split() == ["1", "1"]


def test_the_settings_are_those_that_keep_what_was_acknowledged(sqlite: SqliteStore) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0}
    with sqlite.transaction() as tx:
        found = {name: tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in wanted}
    assert found == wanted
    with sqlite.reading() as tx:
        assert tx.connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


@pytest.mark.parametrize("where", ["sqlite:///{}", "{}"])
def test_a_path_and_an_address_are_the_same_place(where: str, tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    open_store(path).close()
    opened = connect(where.format(path))
    assert opened.location == str(path)
    opened.close()


def test_r114_whoever_waited_long_for_the_file_still_asks_often_whether_it_is_free(path: Path) -> None:
    ours, over = open_store(path), threading.Event()

    def keep_busy() -> None:
        with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as theirs:
            while not over.is_set():
                theirs.execute("BEGIN IMMEDIATE")
                threading.Event().wait(0.3)
                theirs.execute("COMMIT")
                # Short for who asks ten times a second, long for who asks every few hundredths.
                threading.Event().wait(0.05)

    thread = threading.Thread(target=keep_busy)
    thread.start()
    try:
        waited = []
        for turn in range(10):
            threading.Event().wait(0.037 * turn)
            began = time.monotonic()
            with ours.transaction() as tx:
                write_meta(tx, "turn", str(turn))
            waited.append(time.monotonic() - began)
    finally:
        over.set()
        thread.join()
        ours.close()
    assert max(waited) < 0.6, waited
