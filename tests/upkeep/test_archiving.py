"""The audit log moves into archives: each entry is in one place, the chain goes on, and nothing is lost by a kill."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from horarium.audit import shelf
from horarium.audit.actions import Action
from horarium.audit.archive import Archiver, ArchiveRule
from horarium.audit.chain import verify
from horarium.audit.trail import About, Trail
from horarium.errors import Conflict, InvalidValue, StoreFull, StoreUnavailable
from horarium.records.audit import AuditArchive
from horarium.store.books.archives import ArchiveBook
from horarium.store.books.audit import AuditBook
from horarium.store.port import Store
from horarium.upkeep import archive_audit_logs
from tests.support.people import TESTER, SetClock

QUICK = timedelta()
YEARS = timedelta(days=800)


def note(store: Store, clock: SetClock, count: int) -> None:
    trail = Trail(store, clock)
    with store.transaction() as tx:
        for number in range(count):
            trail.note(tx, TESTER, Action.NOTED, About("task", number, f"entry {number}"), after={"n": number})


def archives_of(store: Store) -> list[AuditArchive]:
    with store.reading() as tx:
        return ArchiveBook(tx).all()


def in_store(store: Store) -> list[int]:
    with store.reading() as tx:
        return [row[0] for row in AuditBook(tx).raw(after=0, most=1_000_000)]


def in_archives(store: Store, folder: Path) -> list[int]:
    return [row[0] for each in archives_of(store) for row in shelf.entries_of(folder / each.file)]


def check_exact(store: Store, folder: Path, written: int) -> None:
    """Look that each entry is in one place, that together they are all, and that the chain goes through them."""
    assert in_archives(store, folder) + in_store(store) == list(range(1, written + 1))
    found = verify(store, folder)
    assert (found.fault, found.entries) == ("", written)


def archiver(store: Store, clock: SetClock, folder: Path, batch: int = 10) -> Archiver:
    return Archiver(store, clock, folder, ArchiveRule(age=timedelta(days=30), batch=batch, rest=QUICK))


def test_r114_old_entries_move_and_the_chain_goes_on_through_the_archives(
    store: Store, clock: SetClock, tmp_path: Path
) -> None:
    note(store, clock, 25)
    clock.move(timedelta(days=401))
    note(store, clock, 5)
    found = archive_audit_logs(store=store, folder=tmp_path, clock=clock)
    assert (found["entries"], found["archives"]) == (25, 1)
    (archive,) = archives_of(store)
    assert (archive.first_id, archive.last_id, archive.entries) == (1, 25, 25)
    assert found["bytes"] == archive.size == (tmp_path / archive.file).stat().st_size
    # That it was made is an entry itself, of the server.
    check_exact(store, tmp_path, 31)
    newest = Trail(store, clock).page(limit=1)[0]
    assert (newest.action, newest.source, newest.details["file"]) == ("archive.made", "server", archive.file)
    assert verify(store).unread == 25


def test_r114_a_file_says_what_is_in_it_and_can_be_followed_without_us(
    store: Store, clock: SetClock, tmp_path: Path
) -> None:
    note(store, clock, 12)
    clock.move(YEARS)
    archive_audit_logs(store=store, folder=tmp_path, clock=clock)
    (archive,) = archives_of(store)
    note_text = json.loads(shelf.note_of(tmp_path / archive.file).read_text())
    assert note_text["entries"] == 12
    assert note_text["sha256"] == shelf.checksum(tmp_path / archive.file)
    previous = note_text["previous"]
    with gzip.open(tmp_path / archive.file, "rt") as lines:
        for line in lines:
            plain = json.loads(line)
            assert plain["previous"] == previous
            values = [plain[name] for name in note_text["columns"] if name != "hash"]
            said = json.dumps(values, ensure_ascii=True, separators=(",", ":"))
            previous = hashlib.sha256(said.encode()).hexdigest()
            assert previous == plain["hash"]
    assert previous == note_text["last_hash"]
    assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir() if path.is_file()} == {"0o600"}


def test_r114_a_dry_run_says_the_same_and_changes_nothing(store: Store, clock: SetClock, tmp_path: Path) -> None:
    note(store, clock, 25)
    clock.move(YEARS)
    folder = tmp_path / "kept"
    dry = archive_audit_logs(store=store, folder=folder, clock=clock, dry_run=True)
    assert (len(in_store(store)), folder.exists()) == (25, False)
    wet = archive_audit_logs(store=store, folder=folder, clock=clock)
    assert dry == {**wet, "bytes": 0, "dry_run": True}


@pytest.mark.parametrize("days", [0, 29.9, -1, True, "all", 36_501])
def test_r114_what_is_younger_than_the_least_stays_whatever_is_asked(
    store: Store, clock: SetClock, tmp_path: Path, days: float
) -> None:
    note(store, clock, 3)
    clock.move(timedelta(days=29.5))
    with pytest.raises(InvalidValue, match="days"):
        archive_audit_logs(store=store, folder=tmp_path, days=days, clock=clock)
    archive_audit_logs(store=store, folder=tmp_path, days=30, clock=clock)
    assert in_store(store) == [1, 2, 3]


def test_r114_a_file_and_a_transaction_hold_only_so_many(store: Store, clock: SetClock, tmp_path: Path) -> None:
    note(store, clock, 25)
    clock.move(YEARS)
    left: list[int] = []
    archiver(store, clock, tmp_path).run(go_on=lambda: left.append(len(in_store(store))))
    assert [each.entries for each in archives_of(store)] == [10, 10, 5]
    assert left == [25 - 10 + 1, 25 - 20 + 2, 3]
    check_exact(store, tmp_path, 28)


def test_rp26_a_second_time_finds_nothing_and_the_next_archive_follows(
    store: Store, clock: SetClock, tmp_path: Path
) -> None:
    note(store, clock, 25)
    clock.move(timedelta(days=31))
    first = archiver(store, clock, tmp_path, 100).run()
    again = archiver(store, clock, tmp_path, 100).run()
    assert (first.entries, again.entries, again.files) == (25, 0, 0)
    clock.move(timedelta(days=31))
    assert archiver(store, clock, tmp_path, 100).run().entries == 1
    check_exact(store, tmp_path, 27)


def test_r114_two_at_once_are_one_and_the_other_is_told(store: Store, clock: SetClock, tmp_path: Path) -> None:
    note(store, clock, 200)
    clock.move(YEARS)
    said: list[str] = []

    def archive() -> None:
        try:
            archiver(store, clock, tmp_path, 20).run()
        except Conflict as error:
            said.append(str(error))

    threads = [threading.Thread(target=archive) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("already" in each for each in said)
    assert len(said) < 3
    check_exact(store, tmp_path, 210)


@pytest.mark.postgres
def test_rp26_two_machines_with_folders_of_their_own_never_keep_an_entry_twice(
    postgres: Store, clock: SetClock, tmp_path: Path
) -> None:
    note(postgres, clock, 30)
    clock.move(YEARS)
    one, other = archiver(postgres, clock, tmp_path / "one", 30), archiver(postgres, clock, tmp_path / "other", 30)

    def come_between(*_: object) -> None:
        other.run()

    with pytest.MonkeyPatch.context() as patch:
        shelve = shelf.shelve

        def shelve_late(path: Path, archive: AuditArchive, instance: str) -> None:
            shelve(path, archive, instance)
            if path.parent == tmp_path / "one":
                come_between()

        patch.setattr(shelf, "shelve", shelve_late)
        with pytest.raises(Conflict, match="another program"):
            one.run()
    assert [path.name for path in (tmp_path / "one").iterdir()] == [".lock"]
    check_exact(postgres, tmp_path / "other", 31)


KILLED = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from horarium.audit import archive, shelf
from horarium.audit.archive import Archiver, ArchiveRule
from horarium.store.books.archives import ArchiveBook
from horarium.store.opening import open_store
from tests.support.people import SetClock
store, folder, place, micros = open_store(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
clock = SetClock()
clock.move(timedelta(microseconds=micros - clock.micros()))
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
def then_die(of, name):
    real = getattr(of, name)
    def done(*given, **named):
        real(*given, **named)
        die()
    setattr(of, name, done)
if place == "while writing":
    shelf.hash_of = die
elif place == "partial":
    then_die(shelf, "write_entries")
elif place == "read back":
    then_die(shelf, "look_through")
elif place == "note named":
    then_die(Path, "replace")
elif place == "file named":
    then_die(shelf, "shelve")
elif place == "moved out":
    then_die(ArchiveBook, "move_out")
elif place == "committed":
    then_die(archive.Archiver, "_step")
Archiver(store, clock, folder, ArchiveRule(age=timedelta(days=30), batch=10, rest=timedelta())).run()
"""
PLACES = ("while writing", "partial", "read back", "note named", "file named", "moved out", "committed")


@pytest.fixture
def address(store: Store, request: pytest.FixtureRequest) -> str:
    is_file = store.capabilities.name == "sqlite"
    return store.location if is_file else str(request.getfixturevalue("postgres_url"))


@pytest.mark.parametrize("place", PLACES)
def test_rp26_a_kill_at_any_step_leaves_each_entry_in_one_place(
    store: Store, address: str, clock: SetClock, tmp_path: Path, place: str
) -> None:
    note(store, clock, 25)
    clock.move(YEARS)
    folder = tmp_path / "kept"
    command = [sys.executable, "-c", KILLED, address, str(folder), place, str(clock.micros())]
    died = subprocess.run(command, check=False, timeout=60, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert died.returncode == -signal.SIGKILL
    moved = 1 if place == "committed" else 0
    assert len(archives_of(store)) == moved
    check_exact(store, folder, 25 + moved)
    archiver(store, clock, folder).run()
    check_exact(store, folder, 28)
    # What the killed one left half done is gone, and nothing else is.
    names = {each.file for each in archives_of(store)}
    assert {path.name for path in folder.iterdir()} == {".lock", *names, *(f"{name}.json" for name in names)}


def test_rp26_a_finished_file_whose_entries_are_not_in_the_store_is_never_swept(
    store: Store, clock: SetClock, tmp_path: Path
) -> None:
    note(store, clock, 25)
    clock.move(YEARS)
    archiver(store, clock, tmp_path).run()
    lost = archives_of(store)[1]
    with store.transaction() as tx:
        tx.execute(text("DELETE FROM audit_archives WHERE first_id = 11"))
    clock.move(YEARS)
    with pytest.raises(Conflict, match="not whole"):
        archiver_with_gap(store, clock, tmp_path)
    assert (tmp_path / lost.file).exists()
    found = verify(store, tmp_path)
    assert (found.bad_id, found.fault) == (26, "entry 11 is missing before it")


def archiver_with_gap(store: Store, clock: SetClock, folder: Path) -> None:
    with store.transaction() as tx:
        tx.execute(text("DELETE FROM audit_archives WHERE first_id = 21"))
    archiver(store, clock, folder).run()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda content: content[:-20],
    "changed": lambda content: content[:40] + bytes([content[40] ^ 255]) + content[41:],
    "another": lambda content: gzip.compress(b'{"id": 1}\n'),
}


@pytest.mark.parametrize("damage", [*DAMAGES, "gone"])
def test_r108_a_damaged_archive_is_found_and_named(store: Store, clock: SetClock, tmp_path: Path, damage: str) -> None:
    note(store, clock, 25)
    clock.move(YEARS)
    archiver(store, clock, tmp_path).run()
    path = tmp_path / archives_of(store)[1].file
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    found = verify(store, tmp_path)
    assert found.bad_id == 11
    assert path.name in found.fault


def test_r108_an_entry_that_stands_in_both_places_is_found(store: Store, clock: SetClock, tmp_path: Path) -> None:
    note(store, clock, 12)
    with store.transaction() as tx:
        tx.execute(text("CREATE TABLE aside AS SELECT * FROM audit_log WHERE id = 3"))
    clock.move(YEARS)
    archiver(store, clock, tmp_path).run()
    with store.transaction() as tx:
        tx.execute(text("INSERT INTO audit_log SELECT * FROM aside"))
        tx.execute(text("DROP TABLE aside"))
    found = verify(store, tmp_path)
    assert (found.bad_id, found.is_sound) == (3, False)


def test_r108_a_log_that_is_not_whole_is_not_archived(store: Store, clock: SetClock, tmp_path: Path) -> None:
    note(store, clock, 25)
    with store.transaction() as tx:
        tx.execute(text("UPDATE audit_log SET actor = 'nobody' WHERE id = 13"))
    clock.move(YEARS)
    with pytest.raises(Conflict, match="entry 13: it was changed"):
        archiver(store, clock, tmp_path).run()
    assert in_store(store)[:15] == list(range(11, 26))
    assert verify(store, tmp_path).bad_id == 13


def test_r114_a_disk_that_is_full_keeps_every_entry_where_it_is(
    store: Store, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(store, clock, 25)
    clock.move(YEARS)

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shelf, "write_entries", no_room)
    folder = tmp_path / "kept"
    with pytest.raises(StoreFull):
        archiver(store, clock, folder).run()
    assert len(in_store(store)) == 25
    assert [path.name for path in folder.iterdir()] == [".lock"]
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="folder of archives"):
        archiver(store, clock, tmp_path / "file" / "kept").run()


def test_rp26_entries_written_meanwhile_stay(store: Store, clock: SetClock, tmp_path: Path) -> None:
    note(store, clock, 40)
    clock.move(YEARS)
    archiver(store, clock, tmp_path).run(go_on=lambda: note(store, clock, 3))
    assert in_archives(store, tmp_path) == list(range(1, 41))
    check_exact(store, tmp_path, 40 + 4 * 4)


def test_the_folder_is_the_hosts(
    sqlite: Store, clock: SetClock, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(sqlite, clock, 3)
    clock.move(YEARS)
    archive_audit_logs(store=sqlite, clock=clock)
    assert len(list((data_folder / "audit-archives").glob("*.gz"))) == 1
    clock.move(YEARS)
    monkeypatch.setenv("HORARIUM_ARCHIVES", str(tmp_path / "elsewhere"))
    archive_audit_logs(store=sqlite, clock=clock)
    assert len(list((tmp_path / "elsewhere").glob("*.gz"))) == 1
