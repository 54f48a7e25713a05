"""Backups: taken while others write, looked through before they count, and never half there."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections import namedtuple
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlalchemy.engine import make_url

from horarium.accounts.people import People
from horarium.accounts.sessions import Device, Sessions
from horarium.accounts.setup import Setup
from horarium.accounts.throttle import Throttle
from horarium.errors import Conflict, InvalidValue, StoreForeign, StoreFull, StoreUnavailable
from horarium.records.people import Role, User
from horarium.records.runs import Line
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.scheduling.tasks import TaskDesk
from horarium.states import Stream
from horarium.store.backup import list_backups, make_backup, prune_backups, verify_backup
from horarium.store.backup.shelf import locked
from horarium.store.books.output import OutputBook, chunk_row
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.store.tables import task_output
from horarium.upkeep import backup_database
from tests.support.people import TESTER, SetClock, cheap_hasher, made_up
from tests.support.postgres import Cluster


def with_tasks(store: Store, clock: SetClock, count: int, *, first: int = 0) -> None:
    """Add tasks that only run by hand."""
    desk = TaskDesk(store, clock)
    desk.define_many(TaskDefinition(f"task {first + n}", PythonSpec("os:getpid"), None) for n in range(count))


def task_count(path: Path) -> int:
    """Count the tasks in a SQLite file, without the library."""
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM scheduled_tasks").fetchone()[0])
    finally:
        connection.close()


def test_r110_a_backup_is_listed_looked_through_and_for_its_owner_alone(
    store: Store, clock: SetClock, tmp_path: Path
) -> None:
    with_tasks(store, clock, 7)
    folder = tmp_path / "kept" / "backups"
    told = backup_database(store=store, folder=folder, clock=clock)
    (backup,) = list_backups(folder)
    assert told["file"] == backup.path.name
    assert backup.rows["scheduled_tasks"] == 7
    assert verify_backup(backup.path) == backup
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert {path.name for path in folder.iterdir()} == {".lock", backup.path.name, backup.note.name}


def test_rp21_a_copied_back_file_is_the_store_as_it_was(sqlite: Store, clock: SetClock, tmp_path: Path) -> None:
    with_tasks(sqlite, clock, 3)
    backup = make_backup(sqlite, tmp_path / "b", clock=clock)
    with_tasks(sqlite, clock, 4, first=3)
    back = tmp_path / "restored.db"
    back.write_bytes(backup.path.read_bytes())
    restored = open_store(back)
    try:
        assert list(restored.check()) == []
        assert TaskDesk(restored, clock).find("task 2").name == "task 2"
        assert task_count(back) == 3
    finally:
        restored.close()


@pytest.mark.postgres
def test_rp21_a_restored_dump_is_the_store_as_it_was(
    postgres: Store, postgres_cluster: Cluster, clock: SetClock, tmp_path: Path
) -> None:
    with_tasks(postgres, clock, 3)
    backup = make_backup(postgres, tmp_path / "b", clock=clock)
    database = postgres_cluster.create()
    url = make_url(postgres_cluster.url(database))
    environment = {**os.environ, "PGPASSWORD": str(url.password)}
    address = url._replace(drivername="postgresql", password=None).render_as_string()
    command = ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", f"--dbname={address}"]
    subprocess.run([*command, str(backup.path)], env=environment, check=True, timeout=60)
    restored = open_store(postgres_cluster.url(database))
    try:
        assert TaskDesk(restored, clock).find("task 2").name == "task 2"
        with_tasks(restored, clock, 1, first=50)
    finally:
        restored.close()
        postgres_cluster.drop(database)


def test_r111_sessions_tries_and_the_set_up_code_stay_out(
    store: Store, clock: SetClock, tmp_path: Path, add_person: Callable[[str, Role], User]
) -> None:
    Setup(store, clock, People(store, clock, hasher=cheap_hasher())).offer()
    before = make_backup(store, tmp_path / "before", clock=clock)
    assert before.rows["horarium_meta"] < 2
    member = add_person("mira", Role.USER)
    sessions = Sessions(store, clock)
    token = sessions.start(member, Device(address="127.0.0.1", agent="an unusual browser"), actor=TESTER)
    Throttle(store, clock).take(address="127.0.0.1", name="mira")
    backup = make_backup(store, tmp_path / "after", clock=clock)
    assert (backup.rows["users"], backup.rows["user_sessions"], backup.rows["login_attempts"]) == (1, 0, 0)
    assert b"an unusual browser" not in backup.path.read_bytes()
    assert sessions.find(token) is not None


def test_r111_deleted_rows_are_not_in_the_free_pages_of_a_copy(sqlite: Store, clock: SetClock, tmp_path: Path) -> None:
    canary = made_up()
    line = Line(1, clock.now(), Stream.STDOUT, canary)
    with sqlite.transaction() as tx:
        OutputBook(tx).append([chunk_row(1, 1, [line])])
    with sqlite.transaction() as tx:
        tx.execute(delete(task_output))
    assert canary.encode() not in make_backup(sqlite, tmp_path, clock=clock).path.read_bytes()


def test_r111_no_password_stands_in_the_dump_or_its_note(
    postgres: Store, postgres_url: str, clock: SetClock, tmp_path: Path
) -> None:
    backup = make_backup(postgres, tmp_path, clock=clock)
    password = str(make_url(postgres_url).password)
    assert password.encode() not in backup.path.read_bytes() + backup.note.read_bytes()


def test_a_backup_is_one_moment_while_others_write(store: Store, clock: SetClock, tmp_path: Path) -> None:
    with_tasks(store, clock, 500)
    is_over = threading.Event()
    failed: list[Exception] = []

    def write() -> None:
        number = 1000
        try:
            while not is_over.is_set():
                with_tasks(store, clock, 5, first=number)
                number += 5
        except Exception as error:  # noqa: BLE001 - handed to the test's own thread
            failed.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            backup = make_backup(store, tmp_path / str(number), clock=clock)
            assert backup.rows["scheduled_tasks"] % 5 == 0
    finally:
        is_over.set()
        writer.join()
    assert failed == []


def test_r110_a_second_one_at_the_same_moment_is_refused(sqlite: Store, clock: SetClock, tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(Conflict, match="another backup"):
        make_backup(sqlite, tmp_path, clock=clock)
    make_backup(sqlite, tmp_path, clock=clock)


def test_r110_a_failure_leaves_nothing_behind_and_the_old_ones_alone(
    store: Store, clock: SetClock, tmp_path: Path
) -> None:
    old = make_backup(store, tmp_path, clock=clock)
    there = sorted(path.name for path in tmp_path.iterdir())

    def give_up() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_backup(store, tmp_path, clock=clock, go_on=give_up)
    assert sorted(path.name for path in tmp_path.iterdir()) == there
    assert list_backups(tmp_path) == [old]


def test_r110_too_little_room_is_seen_before_anything_is_written(
    store: Store, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "free")  # noqa: PYI024 - stands in for the one of shutil
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(1000))
    for dry_run in (True, False):
        with pytest.raises(StoreFull, match="are free"):
            backup_database(store=store, folder=tmp_path / "b", clock=clock, dry_run=dry_run)
    assert list_backups(tmp_path / "b") == []


def test_r110_a_full_disk_in_the_middle_keeps_the_old_backup(
    sqlite: Store, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_backup(sqlite, tmp_path, clock=clock)

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("horarium.store.backup.making.checksum_of", no_room)
    with pytest.raises(StoreUnavailable, match="No space left"):
        make_backup(sqlite, tmp_path, clock=clock)
    monkeypatch.undo()
    assert list_backups(tmp_path) == [old]
    verify_backup(old.path)


def test_r110_the_last_good_one_is_never_pruned(sqlite: Store, clock: SetClock, tmp_path: Path) -> None:
    made = []
    for _ in range(4):
        made.append(make_backup(sqlite, tmp_path, clock=clock))
        clock.move(timedelta(days=1))
    # The newest was cut off by something else: it counts for nothing, so the one before it stays.
    made[3].path.write_bytes(made[3].path.read_bytes()[:100])
    assert [each.path for each in prune_backups(tmp_path, 1, dry_run=True)] == [made[1].path, made[0].path]
    assert len(prune_backups(tmp_path, 1)) == 2
    assert [each.path for each in list_backups(tmp_path)] == [made[2].path]
    for keep in (0, -1, True):
        with pytest.raises(InvalidValue, match="keep"):
            prune_backups(tmp_path, keep)


def test_old_backups_go_only_after_a_new_one_stands(store: Store, clock: SetClock, tmp_path: Path) -> None:
    names = []
    for _ in range(4):
        names.append(backup_database(store=store, folder=tmp_path, keep=2, clock=clock)["file"])
        clock.move(timedelta(days=1))
    assert [each.path.name for each in list_backups(tmp_path)] == [names[3], names[2]]
    dry = backup_database(store=store, folder=tmp_path, keep=2, clock=clock, dry_run=True)
    assert (dry["pruned"], dry["kept"]) == (1, 1)
    assert len(list_backups(tmp_path)) == 2


@pytest.mark.parametrize("damage", ["cut", "changed", "no note"])
def test_rp21_a_damaged_backup_is_found_out(store: Store, clock: SetClock, tmp_path: Path, damage: str) -> None:
    backup = make_backup(store, tmp_path, clock=clock)
    content = bytearray(backup.path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    if damage == "no note":
        backup.note.unlink()
    else:
        backup.path.write_bytes(content if damage == "changed" else content[:-10])
    with pytest.raises(StoreForeign):
        verify_backup(backup.path)


def test_a_dump_program_that_is_missing_is_named(
    postgres: Store, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreUnavailable, match="needs its program pg_dump"):
        make_backup(postgres, tmp_path / "b", clock=clock)


def test_a_dump_program_that_fails_is_quoted(
    postgres: Store, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump: error: server version mismatch' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(StoreUnavailable, match="server version mismatch"):
        make_backup(postgres, tmp_path / "b", clock=clock)
    assert list_backups(tmp_path / "b") == []


def test_a_folder_that_cannot_be_used_is_named(sqlite: Store, clock: SetClock, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="backup folder"):
        make_backup(sqlite, tmp_path / "file" / "b", clock=clock)


def test_a_database_in_memory_is_refused(clock: SetClock, tmp_path: Path) -> None:
    memory = open_store(":memory:")
    with pytest.raises(InvalidValue, match="memory"):
        make_backup(memory, tmp_path, clock=clock)
    memory.close()


WATCHED = """
import sys
from pathlib import Path
from horarium.store.backup import make_backup
from horarium.store.opening import open_store
store = open_store(sys.argv[1])
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
make_backup(store, Path(sys.argv[2]))
assert opened
sys.exit(any(sys.argv[1] in each for each in opened))
"""


def test_r110_nothing_but_sqlite_opens_the_live_file(sqlite: Store, clock: SetClock, tmp_path: Path) -> None:
    with_tasks(sqlite, clock, 20)
    subprocess.run([sys.executable, "-c", WATCHED, sqlite.location, str(tmp_path)], check=True, timeout=60)
    make_backup(sqlite, tmp_path, clock=clock)
    # What was lost with the locks of a file that somebody else opened: rows that only this process still saw.
    with_tasks(sqlite, clock, 10, first=100)
    assert task_count(Path(sqlite.location)) == 30


CRAMPED = """
import resource, sys
from pathlib import Path
from horarium.errors import StoreError
from horarium.store.backup import list_backups, make_backup
from horarium.store.opening import open_store
store, folder = open_store(sys.argv[1]), Path(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    make_backup(store, folder)
except StoreError as error:
    print(error)
"""


def test_r110_a_copy_that_finds_no_room_is_not_listed(sqlite: Store, clock: SetClock, tmp_path: Path) -> None:
    with_tasks(sqlite, clock, 500)
    old = make_backup(sqlite, tmp_path, clock=clock)
    there = sorted(path.name for path in tmp_path.iterdir())
    command = [sys.executable, "-c", CRAMPED, sqlite.location, str(tmp_path)]
    ran = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert str(tmp_path) in ran.stdout
    assert list_backups(tmp_path) == [old]
    assert sorted(path.name for path in tmp_path.iterdir()) == there


PROGRAM = """
import itertools, sys
from pathlib import Path
from horarium.store.backup import make_backup
from horarium.store.opening import open_store
store = open_store(sys.argv[1])
print("open", flush=True)
for n in itertools.count():
    make_backup(store, Path(sys.argv[2]))
    print(n, flush=True)
"""


def test_rp21_whatever_moment_it_is_killed_at_what_is_listed_is_whole(
    sqlite: Store, clock: SetClock, tmp_path: Path
) -> None:
    with_tasks(sqlite, clock, 300)
    folder = tmp_path / "b"
    for round_ in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, sqlite.location, str(folder)], stdout=subprocess.PIPE, text=True
        ) as program:
            assert program.stdout is not None
            program.stdout.readline()
            # A different moment of the work in each round; no clock could be moved in another process.
            threading.Event().wait(0.005 * round_)
            program.send_signal(signal.SIGKILL)
        for backup in list_backups(folder):
            assert verify_backup(backup.path).rows["scheduled_tasks"] == 300
    make_backup(sqlite, folder, clock=clock)
    left = {path.name for path in folder.iterdir()} - {".lock"}
    listed = {backup.path.name for backup in list_backups(folder)}
    assert left == listed | {f"{name}.json" for name in listed}
    assert list(sqlite.check()) == []
