"""The limit of the machine: what SQLite alone does with a row of a run, with nothing around it."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path


def commits(place: str, synchronous: str, each: int, rows: int) -> float:
    """Return how many rows a second one connection writes with `each` rows a commit."""
    connection = sqlite3.connect(Path(place, "raw.db"), isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute({"FULL": "PRAGMA synchronous = FULL", "NORMAL": "PRAGMA synchronous = NORMAL"}[synchronous])
    connection.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, task INTEGER, at INTEGER, state TEXT, result TEXT)")
    begin = time.perf_counter()
    for start in range(0, rows, each):
        connection.execute("BEGIN IMMEDIATE")
        batch = [(number, number, 0, "succeeded", None) for number in range(start, start + each)]
        connection.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", batch)
        connection.execute("COMMIT")
    return rows / (time.perf_counter() - begin)
