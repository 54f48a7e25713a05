"""Stop what is about to run of tasks: take back what was claimed, give up what waits, let the rest begin in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from horarium.clock import Alarm, Clock
from horarium.runs.launch import Assignment
from horarium.scheduling.claims import LEAD
from horarium.states import EventKind, Reason, RunState
from horarium.store.books.agenda import AgendaBook
from horarium.store.books.events import EventBook
from horarium.store.books.runs import Held, HoldingBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store, Transaction

START_MARGIN: Final = 50_000
"""How much later than claimed a start may come on a busy machine, in microseconds."""


class Node(Protocol):
    """The scheduler of this process, as far as commands about tasks deal with it."""

    def wake(self) -> None:
        """Look at the store again at once."""
        ...

    def recall(self, task_id: int) -> list[tuple[int, Assignment]]:
        """Take back what it has claimed of a task and not begun."""
        ...

    def put_back(self, claims: list[tuple[int, Assignment]]) -> None:
        """Undo `recall`."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What commands about tasks work with: `on_change` is called after each, `node` is this process's scheduler."""

    store: Store
    clock: Clock
    node: Node | None
    on_change: Callable[[], None]

    @contextmanager
    def recalling(self, tx: Transaction, task_ids: Sequence[int]) -> Iterator[None]:
        """Put back in the queue what this node has claimed of tasks and not begun; `tx` must hold the tasks' rows."""
        node = self.node
        claims = [] if node is None else [claim for each in task_ids for claim in node.recall(each)]
        try:
            for at, job in claims:
                back: dict[str, object] = {"state": RunState.QUEUED.value, "attempt": job.attempt - 1, "node_id": None}
                HoldingBook(tx).move(job.run_id, job.attempt, [RunState.CLAIMED.value], not_before=at, **back)
            yield
        except BaseException:
            if node is not None:
                node.put_back(claims)
            raise

    def await_starts(self, task_ids: Sequence[int]) -> None:
        """Let what other nodes have claimed ahead of these tasks begin before the answer says that it is over.

        They claim a quarter of a second ahead, which is the longest wait; what this node had claimed was recalled.
        """
        if not task_ids:
            return
        with self.store.reading() as tx:
            latest = AgendaBook(tx).latest_claimed([*task_ids, *TaskBook(tx).share_ids(task_ids)])
        ahead = 0 if latest is None else latest - self.clock.micros()
        if ahead > 0:
            self.clock.wait(Alarm(), (min(ahead, LEAD) + START_MARGIN) / 1_000_000)


def give_up_waiting(tx: Transaction, task_id: int, now: int, reason: Reason, *, manual_too: bool) -> list[Held]:
    """End the waiting runs of a task; return the ones under way."""
    under_way = []
    for run in HoldingBook(tx).of_task(task_id):
        if run.state not in {RunState.QUEUED.value, RunState.RETRYING.value}:
            under_way.append(run)
        elif run.planned_at is not None or manual_too:
            state = RunState.SKIPPED if run.attempt == 0 else RunState.CANCELLED
            ended = {"state": state.value, "finished_at": now, "reason": reason.value}
            HoldingBook(tx).move(run.id, run.attempt, [run.state], **ended)
            EventBook(tx).append(
                EventKind.RUN_FINISHED, at=now, task_id=task_id, run_id=run.id, body={"state": state.value}
            )
    return under_way
