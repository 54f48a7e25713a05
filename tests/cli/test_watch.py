"""`status` and `watch`: how the installation does, for people and for monitors."""

from __future__ import annotations

from pathlib import Path

from horarium.cli.exits import ExitCode
from horarium.store.books.nodes import NodeBook
from horarium.store.opening import open_store
from tests.cli.conftest import Program, StillClock


def let_a_scheduler_live(home: Path) -> None:
    store = open_store(home / "data" / "horarium.db", clock=StillClock())
    with store.transaction() as tx:
        lease = store.lease_now(tx) + 30
        NodeBook(tx).register(
            name="test", host="here", pid=1, workers=4, version="0", now=StillClock().micros(), lease=lease
        )
    store.close()


def make_a_store(home: Path) -> None:
    open_store(home / "data" / "horarium.db", clock=StillClock()).close()


def test_status_tells_what_is_bad_and_ends_with_one(horarium: Program, home: Path) -> None:
    make_a_store(home)
    told = horarium("status")
    assert told.code == ExitCode.FAILED
    assert "bad   scheduler  no scheduler gives a sign of life" in told.out
    let_a_scheduler_live(home)
    told = horarium("status")
    assert told.code == ExitCode.OK
    assert "ok    database   it answers" in told.out
    as_json = horarium("status", "--json").json
    assert (as_json["ready"], as_json["nodes"]) == (True, 1)


def test_a_monitor_gets_one_line_with_figures_and_its_own_codes(horarium: Program, home: Path) -> None:
    told = horarium("status", "--plugin")
    assert (told.code, told.out.count("\n")) == (2, 1)
    assert told.out.startswith("HORARIUM CRITICAL - ")
    let_a_scheduler_live(home)
    told = horarium("status", "--plugin")
    assert told.code in {0, 1}
    assert "| lag=0.000s nodes=1 overdue=0s" in told.out


def test_watch_once_looks_from_outside(horarium: Program, home: Path) -> None:
    make_a_store(home)
    told = horarium("watch", "--once")
    assert told.code == ExitCode.FAILED
    assert told.out == "No scheduler works; last seen never.\n"
    let_a_scheduler_live(home)
    told = horarium("watch", "--once", "--json")
    assert told.code == ExitCode.OK
    assert told.json["alive"] is True
    assert told.json["maintenance"] is False


def test_a_database_that_is_not_there_is_critical_and_none_is_made(bare: Program, home: Path) -> None:
    told = bare("status", "--plugin")
    assert told.code == 2
    assert "CRITICAL" in told.out
    assert bare("watch", "--once").code == ExitCode.STORE
    assert not list(home.rglob("*.db"))
