"""What takes how much room, when the disk is full, and a database that is damaged."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete, text

from horarium import TaskScheduler
from horarium.clock import SystemClock
from horarium.errors import StoreDamaged
from horarium.records.keeping import KeepRule
from horarium.records.runs import Event
from horarium.runs.keeping import Cleaner, Steps
from horarium.states import EventKind
from horarium.store.backup import make_backup
from horarium.store.books.events import EventBook
from horarium.store.books.storage import Sample
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.store.room import Sizes, compact, give_back, measure, pages_of
from horarium.store.sqlite import SqliteStore
from horarium.store.tables import task_attempts, task_executions, task_output
from horarium.upkeep import check_storage
from horarium.upkeep.damage import damage_of
from horarium.upkeep.disk import LOW_BYTES, Disk, watch_disk
from horarium.upkeep.storage import DAY, look, outlook, samples_of
from tests.support.bulk import fill_runs
from tests.support.pages import open_site
from tests.support.people import SetClock

GB = 1_000_000_000


def told(store: Store, *kinds: EventKind) -> list[Event]:
    with store.reading() as tx:
        return EventBook(tx).newest(kinds=kinds)


def test_what_takes_room_is_told_by_kind_and_adds_up(store: Store) -> None:
    fill_runs(store, 5000, kept=1000)
    sizes = measure(store)
    assert min(sizes.runs, sizes.output, sizes.audit, sizes.ledger, sizes.rest) > 0
    assert sizes.runs > sizes.ledger > sizes.audit
    assert sizes.output > 500_000
    if isinstance(store, SqliteStore) and store.path:
        with store.reading() as tx:
            pages = tx.execute(text("PRAGMA page_count")).scalar_one() * 4096
        assert sizes.total == pages


def test_a_day_has_one_sample_the_last_one(store: Store, clock: SetClock) -> None:
    check_storage(store=store, clock=clock)
    clock.move(timedelta(hours=1))
    check_storage(store=store, clock=clock)
    clock.move(timedelta(days=1))
    fill_runs(store, 500, kept=100)
    check_storage(store=store, clock=clock)
    first, second = samples_of(store, clock)
    assert second.day - first.day == DAY
    assert first.taken_at % DAY == 13 * 3_600_000_000
    assert second.sizes.runs > first.sizes.runs
    clock.move(timedelta(days=500))
    check_storage(store=store, clock=clock)
    assert len(samples_of(store, clock, days=1000)) == 1


def test_a_dry_run_writes_nothing(store: Store, clock: SetClock) -> None:
    found = check_storage(store=store, clock=clock, dry_run=True)
    assert found["bytes"] > 0
    assert samples_of(store, clock) == []


def sample(day: int, used: int, *, free: int | None = 10 * GB, spare: int = 0) -> Sample:
    return Sample(day * DAY, day * DAY, Sizes(runs=used, spare=spare), free, None if free is None else 100 * GB)


def test_the_forecast_follows_the_line_through_the_samples() -> None:
    steady = outlook([sample(day, GB + day * 100_000_000) for day in range(10)])
    assert steady.per_day == pytest.approx(100_000_000)
    assert steady.full_in_days == pytest.approx(100)
    holes = outlook([sample(day, GB + day * 100_000_000, spare=GB) for day in (0, 4, 9)])
    assert holes.full_in_days == pytest.approx(110)
    assert outlook([sample(day, GB - day) for day in range(10)]).full_in_days is None
    assert outlook([sample(day, GB + day, free=None) for day in range(10)]).full_in_days is None
    assert outlook([sample(day, GB + day * 9999) for day in range(10)], shares_disk=False).full_in_days is None


@pytest.mark.parametrize("days", [(), (0,), (0, 1), (0, 2)])
def test_too_few_days_make_no_forecast(days: tuple[int, ...]) -> None:
    assert outlook([sample(day, GB + day * 100) for day in days]).per_day is None


@pytest.mark.parametrize(
    ("free", "total", "is_low"),
    [
        (LOW_BYTES - 1, 2 * GB, True),
        (LOW_BYTES, 2 * GB, False),
        (GB, 20 * GB, True),
        (2 * GB, 20 * GB, False),
        (100 * GB, 1001 * GB, True),
    ],
)
def test_rp15_the_disk_is_low_at_a_tenth_or_500_mb(free: int, total: int, is_low: bool) -> None:
    assert Disk(free, total).is_low == is_low


def test_rp15_low_room_is_told_once_and_so_is_enough(store: Store, clock: SetClock) -> None:
    for free, low in ((50, False), (9, True), (8, True), (11, True), (9, True), (13, False), (50, False)):
        found = Disk(free * GB, 100 * GB)
        assert watch_disk(store, clock, usage=partial(lambda disk, _folder: disk, found)) == low
    kinds = [event.kind for event in told(store, EventKind.DISK_LOW, EventKind.DISK_ENOUGH)]
    assert kinds == ["disk.enough", "disk.low"]
    body = told(store, EventKind.DISK_LOW)[0].body
    assert (body["free"], body["total"]) == (9 * GB, 100 * GB)


def test_rp15_the_hourly_task_judges_the_disk(store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Disk(GB, 100 * GB))
    assert check_storage(store=store, clock=clock)["low"] is True
    assert len(told(store, EventKind.DISK_LOW)) == 1


def test_free_pages_go_back_in_steps_and_some_stay(sqlite: SqliteStore) -> None:
    fill_runs(sqlite, 5000, kept=10)
    with sqlite.transaction() as tx:
        for table in (task_output, task_attempts, task_executions):
            tx.execute(delete(table))
    before = pages_of(sqlite)
    gone = []
    while size := give_back(sqlite):
        gone.append(size)
    pages = pages_of(sqlite)
    assert pages
    assert before
    assert sqlite.path
    assert len(gone) > 1
    assert gone[0] == 256 * 4096
    assert 0 < pages.free * 20 <= pages.count
    assert sqlite.path.stat().st_size == pages.count * pages.size == before.count * before.size - sum(gone)


def old_file(path: Path) -> SqliteStore:
    """Make a store as earlier releases did: one that gives nothing back."""
    store = open_store(path)
    assert isinstance(store, SqliteStore)
    store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    store = open_store(path)
    assert isinstance(store, SqliteStore)
    return store


def test_an_older_file_gives_back_after_it_was_compacted_once(tmp_path: Path) -> None:
    store = old_file(tmp_path / "old.db")
    fill_runs(store, 5000, kept=10)
    cleaned = Cleaner(store, SystemClock(), KeepRule(), Steps(rest=timedelta())).run()
    assert (cleaned.runs, cleaned.freed) == (4990, 0)
    before = pages_of(store)
    compact(store)
    after = pages_of(store)
    assert before
    assert after
    assert (before.gives_back, after.gives_back) == (False, True)
    assert after.free == 0
    assert after.count <= before.count - before.free
    assert (tmp_path / "old.db").stat().st_size == after.count * after.size
    assert list(store.check()) == []
    store.close()


@pytest.fixture
def damaged(data_folder: Path) -> Iterator[SqliteStore]:
    """Give a store with a good backup, of which then a page of old output was overwritten."""
    path = data_folder / "horarium.db"
    made = open_store(path)
    fill_runs(made, 3000, kept=1000)
    make_backup(made, data_folder / "backups")
    made.close()
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT pageno FROM dbstat WHERE name = 'task_output' AND pagetype = 'leaf' LIMIT 1 OFFSET 9"
        (page,) = connection.execute(query).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xde\xad" * 1000)
    store = open_store(path)
    assert isinstance(store, SqliteStore)
    yield store
    store.close()


def test_rp16_damage_stops_all_writing_and_says_which_file_and_which_backup_is_good(
    damaged: SqliteStore, data_folder: Path, clock: SetClock
) -> None:
    with pytest.raises(StoreDamaged) as raised:
        check_storage(store=damaged, clock=clock)
    (backup,) = (data_folder / "backups").glob("horarium-*.db")
    for words in (damaged.location, str(backup), "Nothing more is written"):
        assert words in str(raised.value)
    (event,) = told(damaged, EventKind.STORE_DAMAGED)
    assert str(backup) in event.body["words"]
    with pytest.raises(StoreDamaged, match="damaged"), damaged.transaction() as tx:
        tx.execute(text("DELETE FROM events"))
    # Who opens it besides does not write either, and it was not repaired behind anybody's back.
    other = open_store(damaged.location)
    with pytest.raises(StoreDamaged), other.transaction():
        pass
    assert list(other.check()) != []
    other.close()


def test_rp16_a_backup_that_is_damaged_too_is_not_called_good(damaged: SqliteStore, clock: SetClock) -> None:
    folder = Path(damaged.location).parent / "backups"
    (backup,) = folder.glob("horarium-*.db")
    backup.write_bytes(backup.read_bytes()[:-4096])
    with pytest.raises(StoreDamaged, match="There is no good backup in"):
        check_storage(store=damaged, clock=clock)


def test_rp16_a_backup_in_its_place_is_written_to_again(
    damaged: SqliteStore, data_folder: Path, clock: SetClock
) -> None:
    with pytest.raises(StoreDamaged):
        check_storage(store=damaged, clock=clock)
    damaged.close()
    (backup,) = (data_folder / "backups").glob("horarium-*.db")
    for suffix in ("-wal", "-shm"):
        (data_folder / f"horarium.db{suffix}").unlink(missing_ok=True)
    shutil.copyfile(backup, data_folder / "horarium.db")
    store = open_store(data_folder / "horarium.db")
    check_storage(store=store, clock=clock)
    assert damage_of(store) == ""
    assert not (data_folder / "horarium.db-damaged").exists()
    store.close()


def test_rp16_the_scheduler_pauses_and_the_server_is_not_ready(
    damaged: SqliteStore, data_folder: Path, clock: SetClock
) -> None:
    ran = threading.Event()
    pause = threading.Event()
    with TaskScheduler(data_folder / "horarium.db") as scheduler:
        scheduler.add_interval_task("often", ran.set, seconds=1)
        scheduler.start()
        assert ran.wait(30)
        with open_site(damaged.location, SystemClock()) as site:
            assert site.client().get("/health/ready").status_code == 200
            with pytest.raises(StoreDamaged):
                check_storage(store=damaged, clock=SystemClock())
            assert site.client().get("/health/ready").status_code == 503
            assert site.client().get("/setup").status_code < 500
        pause.wait(2.5)
        ran.clear()
        assert not ran.wait(4)


def test_it_is_looked_through_once_a_day(store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[None] = []

    def check(_store: Store) -> tuple[str, ...]:
        looks.append(None)
        return ()

    monkeypatch.setattr(type(store), "check", check)
    for _ in range(26):
        check_storage(store=store, clock=clock)
        clock.move(timedelta(hours=1))
    assert len(looks) == 2
    clock.move(timedelta(days=-300))
    check_storage(store=store, clock=clock)
    assert len(looks) == 3


def test_the_first_look_measures_without_writing(store: Store, clock: SetClock) -> None:
    found = look(store, clock, usage=lambda _: Disk(7, 9))
    assert (found.disk_free, found.disk_total) == (7, 9)
