"""Very many runs, written by the database itself: a store that has been at work for years, in seconds."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import text

from horarium.clock import SystemClock, to_micros
from horarium.store.port import Store
from horarium.store.sqlite import SqliteStore

_NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last) ",
    "postgresql": "WITH n(i) AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint))) ",
}
_OUTPUT = '[[0,"o","' + "written by a task, line after line " * 4 + '"]]'
_LEDGER = """INSERT INTO occurrences (task_id, planned_at, run_id, decided_at) {n}
SELECT 1 + i % 50, :start + i * :gap, i, :start + i * :gap FROM n"""
_RUNS = """INSERT INTO task_executions (id, task_id, planned_at, triggered_by, state, attempt, interruptions, node_id,
 created_at, started_at, finished_at) {n}
SELECT i, 1 + i % 50, :start + i * :gap, 'schedule', 'succeeded', 1, 0, 1, :start + i * :gap, :start + i * :gap,
 :start + i * :gap + 500000 FROM n"""
_ATTEMPTS = """INSERT INTO task_attempts (run_id, number, state, node_id, pid, started_at, finished_at, exit_code,
 output_bytes, dropped_bytes) {n}
SELECT i, 1, 'succeeded', 1, 4711, :start + i * :gap, :start + i * :gap + 500000, 0, 200, 0 FROM n"""
_PRINTED = "INSERT INTO task_output (run_id, attempt, first_line, lines, body) {n} SELECT i, 1, 1, 1, :body FROM n"
_STATEMENTS = (_LEDGER, _RUNS, _ATTEMPTS, _PRINTED)
_AT_ONCE = 50_000


def fill_runs(store: Store, count: int, *, kept: int) -> None:
    """Write runs of fifty tasks of which the newest `kept` ended within the last 80 days, the others before day 100."""
    now, day = to_micros(SystemClock().now()), 86_400_000_000
    with store.transaction() as tx:
        tx.execute(text("UPDATE counters SET value = :count WHERE name = 'run'"), {"count": count})
        for number in range(1, 51):
            values = {"id": number, "name": f"task {number}", "at": now}
            tx.execute(
                text(
                    "INSERT INTO scheduled_tasks (id, name, kind, target, spec, is_local, timezone, policies, tags,"
                    " description, source, revision, failures_in_row, created_at, updated_at, for_user_id)"
                    " VALUES (:id, :name, 'python', 'os:getpid', '{}', false, 'UTC', '{}', '[]', '', 'code', 1, 0,"
                    " :at, :at, 0)"
                ),
                values,
            )
        if store.capabilities.name == "postgresql":
            # Numbers that were given are not counted there.
            tx.execute(text("SELECT setval(pg_get_serial_sequence('scheduled_tasks', 'id'), 50)"))
    old = count - kept
    _fill(store, 1, old, start=now - 400 * day, gap=300 * day // max(old, 1))
    _fill(store, old + 1, count, start=now - 80 * day - (old + 1) * (79 * day // kept), gap=79 * day // kept)


def _fill(store: Store, first: int, last: int, *, start: int, gap: int) -> None:
    numbers = _NUMBERS[store.capabilities.name]
    for begin in range(first, last + 1, _AT_ONCE):
        values: dict[str, Any] = {"first": begin, "last": min(begin + _AT_ONCE - 1, last), "start": start, "gap": gap}
        for statement in _STATEMENTS:
            wanted = values | {"body": _OUTPUT} if ":body" in statement else values
            wanted = {name: value for name, value in wanted.items() if f":{name}" in statement or f":{name}" in numbers}
            with store.transaction() as tx:
                tx.execute(text(statement.format(n=numbers)), wanted)


def size_of_a_packed_copy(store: SqliteStore) -> int:
    """Return how large the file would be without anything free in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "packed.db"
        with closing(sqlite3.connect(store.location)) as connection:
            connection.execute("VACUUM INTO ?", (str(path),))
        return path.stat().st_size
