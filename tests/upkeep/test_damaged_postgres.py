"""A damaged page of PostgreSQL: it is noticed, nothing more is written by anybody, and a backup brings all back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from horarium.clock import SystemClock
from horarium.errors import StoreDamaged
from horarium.records.actors import Actor
from horarium.states import EventKind
from horarium.store import damage
from horarium.store.backup import list_backups
from horarium.store.books.events import EventBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.store.postgres import PostgresStore
from horarium.upkeep import check_storage
from horarium.upkeep.backups import back_up
from horarium.upkeep.damage import damage_of
from horarium.upkeep.proving import drill
from horarium.upkeep.restoring import Ask, restore_backup
from horarium.upkeep.rules import BackupRules
from tests.support.bulk import fill_runs
from tests.support.pages import open_site
from tests.support.people import SetClock
from tests.support.restartable import Restartable

pytestmark = pytest.mark.postgres
_PAGE = 8192


def spoil(own_server: Restartable, table: str) -> None:
    """Write over the middle of a page of a table, while the database is down."""
    store = open_store(own_server.url)
    with store.reading() as tx:
        place = tx.execute(text("SELECT current_setting('data_directory'), pg_relation_filepath(:t)"), {"t": table})
        folder, path = place.one()
    store.close()
    own_server.go_away()
    with (Path(folder) / path).open("r+b") as file:
        # What a page begins with says how it is laid out.
        file.seek(_PAGE)
        file.write(b"\xa5" * 64)
    own_server.come_back()


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackupRules:
    monkeypatch.setenv("HORARIUM_BACKUP_FOLDER", str(tmp_path / "backups"))
    return BackupRules(tmp_path / "backups")


@pytest.fixture
def damaged(own_server: Restartable, rules: BackupRules) -> Iterator[Store]:
    """Give a store with a backup, and since then a damaged page among its runs."""
    first = open_store(own_server.url)
    fill_runs(first, 500, kept=100)
    back_up(first, rules, SystemClock(), origin="hand")
    first.close()
    spoil(own_server, "task_executions")
    opened = open_store(own_server.url)
    yield opened
    opened.close()


def runs(store: Store) -> int:
    with store.reading() as tx:
        return int(tx.execute(text("SELECT count(*) FROM task_executions")).scalar_one())


def refuses(act: Callable[[], object], *words: str) -> None:
    with pytest.raises(StoreDamaged) as raised:
        act()
    for each in words:
        assert each in str(raised.value)


def write(store: Store) -> None:
    with store.transaction() as tx:
        EventBook(tx).append(EventKind.CLOCK_JUMPED, at=0)


def test_rp16_r110_a_damaged_page_of_postgresql_stops_all_writing_until_a_backup_is_restored(
    damaged: Store, rules: BackupRules, clock: SetClock, own_server: Restartable, monkeypatch: pytest.MonkeyPatch
) -> None:
    (backup,) = list_backups(rules.folder)
    # Somebody who works with it at the time hears of it, too.
    other = open_store(own_server.url)
    write(other)
    refuses(lambda: check_storage(store=damaged, clock=clock), damaged.location, str(backup.path), "task_executions")
    with damaged.reading() as tx:
        (noted,) = EventBook(tx).newest(kinds=[EventKind.STORE_DAMAGED])
    assert str(backup.path) in noted.body["words"]
    refuses(lambda: write(damaged), "is damaged")
    monkeypatch.setattr("horarium.store.damage.LOOK_SECONDS", 0.0)
    refuses(lambda: write(other), "is damaged")
    with open_site(own_server.url, SystemClock()) as site:
        assert site.client().get("/health/ready").status_code == 503
        assert site.client().get("/setup").status_code < 500
    # It is not taken for whole by whoever opens it, and not repaired behind anybody's back.
    late = open_store(own_server.url)
    refuses(lambda: write(late), "is damaged")
    late.close()
    assert list(damaged.check()) == ["task_executions: a page of the database is damaged"]

    assert drill(damaged, rules, SystemClock(), backup).look.passed
    refuses(lambda: write(damaged), "is damaged")
    restore_backup(damaged, rules, SystemClock(), Ask(backup, Actor.of_code()))
    assert (list(damaged.check()), damage_of(damaged), damage_of(other)) == ([], "", "")
    for each in (damaged, other):
        write(each)
    assert runs(damaged) == 500
    other.close()


def test_rp16_a_database_that_is_whole_again_is_written_to_once_it_is_opened(
    postgres: Store, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("horarium.store.damage.LOOK_SECONDS", 0.0)
    postgres.damage.put("a page was damaged")
    refuses(lambda: write(postgres), "a page was damaged")
    open_store(postgres_url).close()
    write(postgres)
    assert damage_of(postgres) == ""


def test_rp16_where_not_even_a_mark_can_be_written_it_holds_for_this_process(postgres: Store) -> None:
    with postgres.transaction() as tx:
        tx.execute(text("ALTER TABLE horarium_meta RENAME TO elsewhere"))
    postgres.damage.put("a page was damaged")
    refuses(lambda: write(postgres), "a page was damaged")
    assert damage_of(postgres) == "a page was damaged"


def test_rp16_a_mark_that_is_put_while_another_thread_looks_for_one_is_not_forgotten(
    postgres: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = damage._found
    acts = [lambda: postgres.damage.put("a page was damaged"), lambda: refuses(lambda: write(postgres), "was damaged")]

    def find_slowly(connection: Connection) -> str:
        found = find(connection)
        while acts:
            acts.pop(0)()
        return found

    with monkeypatch.context() as at_once:
        at_once.setattr(damage, "LOOK_SECONDS", 0.0)
        at_once.setattr(damage, "_found", find_slowly)
        refuses(lambda: write(postgres), "a page was damaged")
    refuses(lambda: write(postgres), "a page was damaged")


def test_rp16_the_mark_is_looked_for_over_the_connection_that_writes(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(damage, "LOOK_SECONDS", 0.0)
    store = open_store(postgres_url)
    assert isinstance(store, PostgresStore)
    taken: list[object] = []
    event.listen(store._engine, "checkout", lambda *found: taken.append(found[0]))
    write(store)
    assert len(taken) == 1
    store.close()


def test_a_child_looks_for_the_mark_over_a_connection_of_its_own(postgres_url: str) -> None:
    store = open_store(postgres_url)
    assert isinstance(store, PostgresStore)
    inherited = store._engine
    inherited.dispose()
    # As in a child of the process that opened it.
    store._pid = -1
    store.damage.forget()
    assert store.damage.words == ""
    assert store._engine is not inherited
    store.close()
