"""Everything that is known after a fault: the witness file, the client's log, and the store, as plain rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select, text

from horarium.store.opening import connect
from horarium.store.port import Store, Transaction
from horarium.store.tables import events as events_table
from horarium.store.tables import nodes, occurrence_spans, occurrences, scheduled_tasks, task_attempts, task_executions
from tests.faults.witness import Mark, append, read_marks

Row = dict[str, Any]


@dataclass(slots=True)
class History:
    """What the checker judges. Times in microseconds, except the seconds of `Mark.steady` and `faults`.

    `client` holds what a client asked and was told, in order; `faults` the steady-clock seconds at which processes
    were killed; `damage` what the database says about itself; `left` the processes that should be gone and are not.
    """

    tasks: list[Row] = field(default_factory=list)
    ledger: list[Row] = field(default_factory=list)
    spans: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    nodes: list[Row] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    client: list[Row] = field(default_factory=list)
    faults: list[float] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    left: list[int] = field(default_factory=list)

    @property
    def names(self) -> dict[int, str]:
        """Return the names of the tasks by number."""
        return {task["id"]: task["name"] for task in self.tasks}


class ClientLog:
    """What a client asked for and was told, one line each, written before and after the command."""

    def __init__(self, path: Path | str) -> None:
        self._path = path

    def asked(self, what: str, task: str) -> None:
        """Note that a command is about to be sent."""
        append(self._path, json.dumps({"said": "asked", "what": what, "task": task}))

    def told(self, what: str, task: str, **answer: Any) -> None:
        """Note that it was acknowledged."""
        append(self._path, json.dumps({"said": "told", "what": what, "task": task, **answer}))

    def rows(self) -> list[Row]:
        """Read it."""
        try:
            return [json.loads(line) for line in Path(self._path).read_text(encoding="utf-8").splitlines()]
        except FileNotFoundError:
            return []


def read_history(
    store: Store, witness: Path | str, *, client: ClientLog | None = None, faults: list[float] | None = None
) -> History:
    """Read everything out of one snapshot of the store, and the files beside it."""
    with store.reading() as tx:
        return History(
            tasks=_rows(tx, scheduled_tasks),
            ledger=_rows(tx, occurrences),
            spans=_rows(tx, occurrence_spans),
            runs=_rows(tx, task_executions),
            attempts=_rows(tx, task_attempts),
            events=_rows(tx, events_table),
            nodes=_rows(tx, nodes),
            marks=read_marks(witness),
            client=[] if client is None else client.rows(),
            faults=faults or [],
            damage=_damage(tx, store),
        )


def history_at(address: str, witness: Path | str, **rest: Any) -> History:
    """Read the history of the store at an address, whatever its schema."""
    store = connect(address)
    try:
        return read_history(store, witness, **rest)
    finally:
        store.close()


def processes_with(token: str) -> list[int]:
    """Return the living processes in whose environment `token` stands: all that a test's programs have started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2][:1]
            if state not in {"Z", "X"} and token.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _rows(tx: Transaction, table: Table) -> list[Row]:
    return [dict(row._mapping) for row in tx.execute(select(table).order_by(*table.primary_key.columns))]


def _damage(tx: Transaction, store: Store) -> list[str]:
    if store.capabilities.name != "sqlite":
        return list(store.check())
    found = [str(row[0]) for row in tx.execute(text("PRAGMA integrity_check"))]
    found += [f"{row[0]}, row {row[1]}: points to nothing" for row in tx.execute(text("PRAGMA foreign_key_check"))]
    return [line for line in found if line != "ok"]
