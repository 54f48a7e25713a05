"""Leave out what was missed while a restore held schedules: every instant and every waiting run with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from horarium.clock import Clock
from horarium.scheduling.arrears import settle_arrears
from horarium.states import EventKind, Reason, RunState
from horarium.store.books.aftermath import AftermathBook
from horarium.store.books.events import EventBook
from horarium.store.books.runs import HoldingBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store, Transaction

AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did: how many tasks had missed instants that were left out, how many waiting runs were given up.

    Both are 0 where everything is made up by the policy of each task.
    """

    tasks: int = 0
    runs: int = 0


def leave_out(store: Store, clock: Clock, since: int, go_on: Callable[[], None]) -> Released:
    """Settle what was missed, and give up what has waited since before `since`, each for the reason "held"."""
    tasks = runs = after = 0
    while True:
        with store.transaction() as tx:
            found = AftermathBook(tx).overdue_tasks(clock.micros(), after=after, most=AT_ONCE)
            for task_id in found:
                task = TaskBook(tx).get(task_id, lock=True)
                if task is not None:
                    settle_arrears(tx, task, clock.micros(), all_of_it=True, reason=Reason.HELD)
        if not found:
            break
        tasks, after = tasks + len(found), found[-1]
        go_on()
    after = 0
    while True:
        with store.transaction() as tx:
            waiting = AftermathBook(tx).waiting_runs(since, after=after, most=AT_ONCE)
            runs += sum(_give_up(tx, clock.micros(), each) for each in waiting)
        if not waiting:
            return Released(tasks, runs)
        after = waiting[-1][0]
        go_on()


def _give_up(tx: Transaction, now: int, run: tuple[int, int, int, str]) -> bool:
    run_id, task_id, attempt, state = run
    ending = RunState.SKIPPED if attempt == 0 else RunState.CANCELLED
    columns = {"state": ending.value, "finished_at": now, "reason": Reason.HELD.value}
    if not HoldingBook(tx).move(run_id, attempt, [state], **columns):
        return False
    EventBook(tx).append(EventKind.RUN_FINISHED, at=now, task_id=task_id, run_id=run_id, body={"state": ending.value})
    return True
