"""Captured output: chunks of lines, each a row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from horarium.clock import from_micros, to_micros
from horarium.records.runs import Line
from horarium.states import Stream
from horarium.store.books.codec import dump
from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables import task_output as t

_APPEND = Hot.insert_into(t)
_CODES = {Stream.STDOUT: "o", Stream.STDERR: "e", Stream.LOG: "l", Stream.SYSTEM: "s"}
_STREAMS = {code: stream for stream, code in _CODES.items()}


def chunk_row(run_id: int, attempt: int, lines: Sequence[Line]) -> tuple[Any, ...]:
    """Return the row that holds `lines`, which must be numbered without gaps."""
    body = [[to_micros(line.at), _CODES[line.stream], line.text] for line in lines]
    return (run_id, attempt, lines[0].number, len(lines), dump(body))


class OutputBook:
    """The table of output."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write chunks made by `chunk_row`."""
        self._tx.many(_APPEND, rows)

    def lines(self, run_id: int, attempt: int, *, after: int = 0, most: int = 2000) -> list[Line]:
        """Return up to `most` lines with numbers above `after`, in order."""
        query = (
            select(t.c.first_line, t.c.body)
            .where(t.c.run_id == run_id, t.c.attempt == attempt, t.c.first_line + t.c.lines > after + 1)
            .order_by(t.c.first_line)
        )
        found: list[Line] = []
        for first, body in self._tx.execute(query):
            for number, (at, code, words) in enumerate(json.loads(body), first):
                if number > after:
                    found.append(Line(number, from_micros(at), _STREAMS[code], words))
            if len(found) >= most:
                break
        return found[:most]

    def count(self, run_id: int, attempt: int) -> int:
        """Return how many lines are kept of an attempt."""
        query = select(func.coalesce(func.sum(t.c.lines), 0)).where(t.c.run_id == run_id, t.c.attempt == attempt)
        return int(self._tx.execute(query).scalar_one())

    def last_number(self, run_id: int, attempt: int) -> int:
        """Return the number of the last line that is kept, 0 when there is none."""
        query = select(func.coalesce(func.max(t.c.first_line + t.c.lines - 1), 0)).where(
            t.c.run_id == run_id, t.c.attempt == attempt
        )
        return int(self._tx.execute(query).scalar_one())
