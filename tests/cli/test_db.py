"""`db size`, `db compact`, `db keep`: room, and how long things are kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from horarium.cli.exits import ExitCode
from horarium.store.books.nodes import NodeBook
from horarium.store.opening import open_store
from horarium.upkeep import check_storage
from tests.cli.conftest import Program, StillClock
from tests.support.bulk import fill_runs


def test_sizes_are_told_by_kind_with_growth_and_forecast(horarium: Program, clock: StillClock, home: Path) -> None:
    assert horarium("db", "upgrade").code == 0
    store = open_store(home / "data" / "horarium.db")
    for day in range(5):
        check_storage(store=store, clock=clock)
        clock.instant += timedelta(days=1)
        if day == 3:
            fill_runs(store, 2000, kept=500)
    store.close()
    told = horarium("db", "size", "--json").json
    kinds = ("runs", "output", "audit", "ledger", "rest", "spare")
    assert told["total"] == sum(told[name] for name in kinds)
    assert told["bytes_per_day"] > 0
    assert told["full_in_days"] > 0
    printed = horarium("db", "size").out
    for words in ("everything else", "in all", "MB a day", "are free", "disk full in"):
        assert words in printed, words


def test_a_file_is_compacted_with_a_dry_run_first_and_never_under_a_scheduler(
    horarium: Program, home: Path, clock: StillClock
) -> None:
    assert horarium("db", "upgrade").code == 0
    path = home / "data" / "horarium.db"
    before = path.stat().st_size
    dry = horarium("db", "compact", "--dry-run", "--json").json
    assert (dry["bytes"], dry["dry_run"]) == (before, True)
    store = open_store(path)
    with store.transaction() as tx:
        lease = store.lease_now(tx) + 3600
        node = NodeBook(tx).register(
            name="test", host="here", pid=1, workers=4, version="0", now=clock.micros(), lease=lease
        )
    store.announce_presence(node)
    refused = horarium("db", "compact")
    assert refused.code != ExitCode.OK
    assert "stop it first" in refused.err
    store.forget_presence(node)
    store.close()
    assert "became free" in horarium("db", "compact").out


def test_r114_what_is_kept_is_shown_set_told_and_refused_when_too_little(horarium: Program) -> None:
    assert "90 days" in horarium("db", "keep").out
    told = horarium("db", "keep", "--run-days", "60", "--runs", "500", "--json").json
    assert (told["run_days"], told["runs"], told["failures"], told["audit_days"]) == (60, 500, 500, 400)
    assert horarium("db", "keep", "--json").json == told
    newest = horarium("audit", "list", "--json").json[0]
    assert (newest["action"], newest["object_name"]) == ("setting.changed", "retention")
    assert (newest["before"]["run_days"], newest["after"]["run_days"]) == (90, 60)
    for words in (("--audit-days", "29"), ("--event-days", "1"), ("--failure-days", "5"), ("--runs", "0")):
        refused = horarium("db", "keep", *words)
        assert refused.code == ExitCode.USAGE, words
        assert "use" in refused.err or "keep" in refused.err
