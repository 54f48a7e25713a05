"""What fell due while nobody looked, settled before a change makes it impossible to say what it was."""

from __future__ import annotations

from horarium.clock import to_micros
from horarium.errors import InvalidSchedule
from horarium.records.tasks import Task
from horarium.scheduling.compiled import trigger_of
from horarium.scheduling.decisions import Condition, Verdict, instants_until, set_aside
from horarium.scheduling.skips import skip_body
from horarium.states import EventKind, Reason
from horarium.store.books.agenda import AgendaBook
from horarium.store.books.events import EventBook
from horarium.store.books.ledger import LedgerBook
from horarium.store.port import Transaction


def settle_arrears(tx: Transaction, task: Task, now: int, *, all_of_it: bool, reason: Reason = Reason.MISSED) -> None:
    """Record the instants of a task up to `now` that have no outcome yet, and move the task on.

    A task that is paused or parked leaves them out as such. What it would have run in its usual condition is left for
    the next tick, which makes it up by the misfire policy, or with `all_of_it` recorded as `reason`. The task's row
    must be held by `tx`.
    """
    if task.definition.schedule is None or task.next_at is None:
        return
    condition = Condition(
        None if task.parking is None else to_micros(task.parking.at),
        None if task.pause is None else to_micros(task.pause.at),
        None if task.pause is None or task.pause.until is None else to_micros(task.pause.until),
    )
    next_at: int | None = to_micros(task.next_at)
    try:
        trigger = trigger_of(task.definition.schedule)
        while next_at is not None and next_at <= now:
            instants, next_at = instants_until(trigger, next_at, now)
            verdict = Verdict()
            rest = set_aside(verdict, instants, condition, task.definition.policies.misfire.grace_seconds)
            if all_of_it:
                verdict.leave_out(rest, reason)
            _record(tx, task.id, verdict, now)
            if rest and not all_of_it:
                next_at = rest[0]
                break
    except InvalidSchedule:
        # A schedule that cannot be followed any more says nothing about what it would have given.
        return
    AgendaBook(tx).advance([(next_at, task.id)])


def _record(tx: Transaction, task_id: int, verdict: Verdict, now: int) -> None:
    rows = [(task_id, at, None, reason.value, None, now) for at, reason in verdict.skips]
    spans = [(task_id, first, last, count, reason.value, None, now) for first, last, count, reason in verdict.spans]
    if not rows and not spans:
        return
    body = skip_body(rows, spans)
    EventBook(tx).append(EventKind.OCCURRENCES_SKIPPED, at=now, task_id=task_id, body=body)
    LedgerBook(tx).record(rows)
    LedgerBook(tx).record_spans(spans)
