"""Finds nodes that are gone and decides, once, about what they left behind."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from horarium.scheduling.compiled import CompiledTasks
from horarium.states import EventKind, NodeState, RunState
from horarium.store.books.events import EventBook
from horarium.store.books.nodes import NodeBook
from horarium.store.books.runs import Held, HoldingBook, RunBook
from horarium.store.port import Store, Transaction

FOREVER = float("inf")
_OWN: set[tuple[int, int]] = set()


def find_dead(tx: Transaction, store: Store, own: int | None, *, only_certain: bool = False) -> list[int]:
    """Return living-looking nodes whose process has certainly ended or whose lease has run out, `own` excepted.

    With `only_certain` a lease that has run out is not enough: after an outage of the store that of every node has.
    """
    now, here = store.lease_now(tx), place()
    # A lease far ahead was measured by a clock that has begun anew since: the machine was started again.
    latest = FOREVER if store.capabilities.shares_hosts else now + 3600
    earliest = -FOREVER if only_certain else now
    return [
        node_id
        for node_id, lease_until, where, pid in NodeBook(tx).living()
        if node_id != own
        and (
            not earliest <= lease_until <= latest
            or store.is_gone(node_id)
            or (where == here and not _is_there(pid, node_id))
        )
    ]


def mark_own(node_id: int) -> None:
    """Remember that `node_id` is a node of this very process."""
    _OWN.add((os.getpid(), node_id))


def forget_own(node_id: int) -> None:
    """Forget `mark_own`."""
    _OWN.discard((os.getpid(), node_id))


def place() -> str:
    """Return where process numbers mean what they mean here: this machine since its start, in this container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        boot = space = "?"
    return f"{socket.gethostname()}/{boot}/{space}"[:200]


def _is_there(pid: int, node_id: int) -> bool:
    """Tell whether the process of a node lives here; our own number may have belonged to another process before us."""
    if pid == os.getpid():
        return (pid, node_id) in _OWN
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def bury(tx: Transaction, dead: Sequence[int], compiled: CompiledTasks, now: int) -> int:
    """Mark nodes as dead and settle the runs that they held; return how many runs that were."""
    mine = [node_id for node_id in dead if NodeBook(tx).end(node_id, NodeState.DEAD, now=now)]
    if not mine:
        return 0
    for node_id in mine:
        EventBook(tx).append(EventKind.NODE_DEAD, at=now, body={"node": node_id})
    return settle_held(tx, mine, compiled, now, cause="the process that ran it ended without a word")


def settle_held(tx: Transaction, node_ids: Sequence[int], compiled: CompiledTasks, now: int, *, cause: str) -> int:
    """Mark the held runs of these nodes as interrupted; those that may run again are queued for a new attempt."""
    HoldingBook(tx).await_tasks(HoldingBook(tx).tasks_of_held(node_ids))
    held = HoldingBook(tx).held_by(node_ids)
    if not held:
        return 0
    standing = HoldingBook(tx).standing_of(sorted({run.task_id for run in held}))
    tasks = compiled.get(tx, [(task_id, each.revision) for task_id, each in standing.items()])
    for run in held:
        task = tasks.get(run.task_id)
        # A removed task is not among them: off means off, also for what was cut off. The same for a cancelled run.
        wanted = task is not None and run.cancel_asked_by is None
        again = wanted and run.interruptions < tasks[run.task_id].definition.policies.rerun_interrupted
        _interrupt(tx, run, now, cause=cause, again=again)
    return len(held)


def give_back(tx: Transaction, run_ids: Sequence[int], node_id: int) -> int:
    """Put claimed runs that never began back in the queue, as if they had not been claimed; return how many."""
    holding, count = HoldingBook(tx), 0
    for run in holding.held_by([node_id]):
        if run.id in run_ids and run.state == RunState.CLAIMED.value:
            back: dict[str, object] = {"state": RunState.QUEUED.value, "attempt": run.attempt - 1, "node_id": None}
            count += holding.move(run.id, run.attempt, [RunState.CLAIMED.value], **back)
    return count


def _interrupt(tx: Transaction, run: Held, now: int, *, cause: str, again: bool) -> None:
    holding = HoldingBook(tx)
    state = RunState.QUEUED if again else RunState.INTERRUPTED
    columns: dict[str, object] = {"state": state.value, "interruptions": run.interruptions + 1, "reason": cause}
    columns |= {"not_before": now, "node_id": None} if again else {"finished_at": now}
    if not holding.move(run.id, run.attempt, [RunState.CLAIMED.value, RunState.RUNNING.value], **columns):
        return
    holding.close_attempt(
        run.id, run.attempt, state=RunState.INTERRUPTED.value, finished_at=now, cause=cause, node_id=run.node_id
    )
    body = {"attempt": run.attempt, "again": again, "cause": cause}
    EventBook(tx).append(EventKind.RUN_INTERRUPTED, at=now, task_id=run.task_id, run_id=run.id, body=body)
    if not again:
        RunBook(tx).stand([(RunState.INTERRUPTED.value, run.id, now, 1, 1, run.task_id)])
        done = {"state": RunState.INTERRUPTED.value, "attempt": run.attempt}
        EventBook(tx).append(EventKind.RUN_FINISHED, at=now, task_id=run.task_id, run_id=run.id, body=done)
