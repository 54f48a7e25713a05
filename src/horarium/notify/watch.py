"""Find what is late, stuck, takes too long or never started, from time to time and never more than a few at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from horarium.clock import from_micros, to_micros
from horarium.notify.facts import at_mark, in_words
from horarium.notify.happenings import of_task
from horarium.notify.rules import USUAL_SECONDS, Happening
from horarium.records.notices import NoticeKind
from horarium.records.tasks import Task
from horarium.records.telling import Rule
from horarium.states import RunState
from horarium.store.books.delays import DelayBook, Held, Waiting
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction

MOST: Final = 200
"""How many of each kind one look takes; the others come when these have been told."""
TIMES_USUAL: Final = 3
"""How many times longer than the longest of the latest runs one is that takes unusually long."""
SHORTEST_SECONDS: Final = 300
"""What takes no longer than this never takes too long, unless a rule says so."""
_SAMPLE: Final = 20
_LEAST_SAMPLE: Final = 5
_SECOND: Final = 1_000_000


def delays(tx: Transaction, rules: Sequence[Rule], now: datetime) -> list[Happening]:
    """Return what is late, stuck, too long or never started, as far as a rule asks for it; of each task the worst."""
    wanted = {kind: _least(rules, kind) for kind in USUAL_SECONDS}
    least = {kind: seconds for kind, seconds in wanted.items() if seconds is not None}
    found: dict[tuple[NoticeKind, int], Happening] = {}
    waits = [kind for kind in (NoticeKind.LATE, NoticeKind.NEVER_STARTED) if kind in least]
    if waits:
        _add(found, _waiting(tx, waits, min(least[kind] for kind in waits), now))
    if NoticeKind.STUCK in least or NoticeKind.TOO_LONG in least:
        _add(found, _held(tx, least, now))
    return list(found.values())


def _least(rules: Iterable[Rule], kind: NoticeKind) -> int | None:
    """Return after how many seconds the most impatient rule about a kind wants to know of it."""
    usual = USUAL_SECONDS[kind]
    asked = [usual if rule.after_seconds is None else rule.after_seconds for rule in rules if kind in rule.kinds]
    return min(asked) if asked else None


def _add(found: dict[tuple[NoticeKind, int], Happening], happenings: Iterable[Happening]) -> None:
    for each in happenings:
        key = (each.kind, each.task_id or 0)
        if key not in found or (each.seconds or 0) > (found[key].seconds or 0):
            found[key] = each


def _waiting(tx: Transaction, kinds: Sequence[NoticeKind], seconds: int, now: datetime) -> list[Happening]:
    before = to_micros(now - timedelta(seconds=seconds))
    book = DelayBook(tx)
    rows = [*book.not_started(before, most=MOST), *book.not_decided(before, most=MOST)]
    tasks = TaskBook(tx).by_ids(sorted({row.task_id for row in rows}))
    found = []
    for row in rows:
        task = tasks.get(row.task_id)
        if task is not None and task.removed_at is None:
            found += [_late(task, row, kind, now) for kind in kinds]
    return found


def _late(task: Task, row: Waiting, kind: NoticeKind, now: datetime) -> Happening:
    planned = from_micros(row.planned_at)
    waited = (now - planned).total_seconds()
    why = "Nobody has looked at it: no scheduler is running that could." if row.run_id is None else "It waits."
    return of_task(
        task,
        kind,
        now,
        words=f"It was due {in_words(waited)} ago and has not started. {why}",
        facts={"Planned": at_mark(planned)},
        mark=f"due:{row.planned_at}",
        seconds=waited,
        **_run(row.run_id),
    )


def _held(tx: Transaction, least: dict[NoticeKind, int], now: datetime) -> list[Happening]:
    earliest = min(least.get(NoticeKind.STUCK, SHORTEST_SECONDS), least.get(NoticeKind.TOO_LONG) or SHORTEST_SECONDS)
    rows = DelayBook(tx).held(to_micros(now - timedelta(seconds=earliest)), most=MOST)
    tasks = TaskBook(tx).by_ids(sorted({row.task_id for row in rows}))
    found = []
    for row in rows:
        task = tasks.get(row.task_id)
        if task is None:
            continue
        if NoticeKind.STUCK in least:
            found += _stuck(task, row, now)
        if NoticeKind.TOO_LONG in least and row.state == RunState.RUNNING and row.started_at is not None:
            found.append(_long(tx, task, row, now))
    return found


def _stuck(task: Task, row: Held, now: datetime) -> list[Happening]:
    """Return that a run hangs: taken and not begun, or going on behind its own limit."""
    if row.state == RunState.CLAIMED or row.started_at is None:
        since = row.due_at or to_micros(now)
        words = "A worker has taken it {} ago and has not begun."
    elif task.definition.policies.timeout_seconds is not None:
        since = row.started_at + int(task.definition.policies.timeout_seconds * _SECOND)
        words = "It should have been ended by its time limit {} ago and still runs."
    else:
        return []
    seconds = (to_micros(now) - since) / _SECOND
    if seconds <= 0:
        return []
    rest = {"words": words.format(in_words(seconds)), "mark": f"run:{row.run_id}", "seconds": seconds}
    return [of_task(task, NoticeKind.STUCK, now, **rest, **_run(row.run_id))]


def _long(tx: Transaction, task: Task, row: Held, now: datetime) -> Happening:
    seconds = (to_micros(now) - (row.started_at or 0)) / _SECOND
    lengths = DelayBook(tx).usual_lengths(task.id, most=_SAMPLE)
    longest = max(lengths, default=0) / _SECOND
    is_unusual = len(lengths) >= _LEAST_SAMPLE and seconds > max(SHORTEST_SECONDS, TIMES_USUAL * longest)
    facts = {"Longest of late": in_words(longest)} if lengths else {}
    return of_task(
        task,
        NoticeKind.TOO_LONG,
        now,
        words=f"It has been running for {in_words(seconds)}.",
        facts=facts,
        mark=f"run:{row.run_id}",
        seconds=seconds,
        is_unusual=is_unusual,
        **_run(row.run_id),
    )


def _run(run_id: int | None) -> dict[str, Any]:
    return {} if run_id is None else {"run_id": run_id, "path": f"/runs/{run_id}"}
