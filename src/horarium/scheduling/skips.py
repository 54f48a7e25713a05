"""Say in an event what was left out: how much, of which tasks, and what of it nobody was there for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from horarium.states import Reason

_UNATTENDED: Final = frozenset({Reason.MISSED.value, Reason.WINDOW.value, Reason.CAP.value})
_MOST: Final = 100


def skip_body(skipped: Sequence[Sequence[Any]], spans: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return the body of an event about rows of the ledger: one by one, and stretches of them.

    `missed` has (task, count, first and last planned instant) where nobody was there at the time.
    """
    count = len(skipped) + sum(int(row[3]) for row in spans)
    tasks = sorted({row[0] for row in skipped} | {row[0] for row in spans})
    body: dict[str, Any] = {"count": count, "tasks": tasks[:_MOST]}
    missed = _missed(
        [
            *((row[0], row[1], row[1], 1) for row in skipped if row[3] in _UNATTENDED),
            *((row[0], row[1], row[2], row[3]) for row in spans if row[4] in _UNATTENDED),
        ]
    )
    return {**body, "missed": missed} if missed else body


def _missed(rows: Iterable[tuple[int, int, int, int]]) -> list[list[int]]:
    found: dict[int, list[int]] = {}
    for task_id, first, last, count in rows:
        each = found.setdefault(task_id, [task_id, 0, first, last])
        each[1:] = [each[1] + count, min(each[2], first), max(each[3], last)]
    return list(found.values())[:_MOST]
