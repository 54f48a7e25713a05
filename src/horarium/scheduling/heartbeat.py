"""A node's sign of life: a lease renewed from a thread of its own, and the sweep for nodes that gave none."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Sequence
from threading import Thread

from horarium._version import __version__
from horarium.clock import Alarm, Clock
from horarium.errors import StoreError
from horarium.scheduling import silence
from horarium.scheduling.compiled import CompiledTasks
from horarium.scheduling.rescue import bury, find_dead, forget_own, mark_own, place
from horarium.states import EventKind, NodeState
from horarium.store.alone import refuse_joining
from horarium.store.books.events import EventBook
from horarium.store.books.nodes import NodeBook
from horarium.store.port import Store

log = logging.getLogger("horarium.scheduling")

LEASE_SECONDS = silence.LEASE_SECONDS
BEAT_SECONDS = 5.0
SWEEP_SECONDS = 10.0


class Heartbeat:
    """Keeps one node alive in the store and buries others that are not."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        workers: int,
        on_lost: Callable[[], None],
        on_rescued: Callable[[], None],
        await_end: Callable[[Sequence[int]], object] | None = None,
    ) -> None:
        """Register with `join` when the time comes.

        `on_lost` is called when this node was declared dead, `on_rescued` after a sweep that put runs back in the
        queue. `await_end` waits until the given processes of a dead node's attempts have ended, so that no second
        copy is started beside a first.
        """
        self._await_end = await_end or _nothing
        self._store = store
        self._clock = clock
        self._workers = workers
        self._on_lost = on_lost
        self._on_rescued = on_rescued
        self._compiled = CompiledTasks()
        self._alarm = Alarm()
        self._stopping = False
        self._renewed = 0.0
        self._renewed_there = 0.0
        self._swept = 0.0
        self._thread: Thread | None = None
        self.node_id = -1
        self.lag_seconds = 0.0
        self.is_draining = False
        """Set when this node only finishes what it has; the next sign of life says so."""
        self.supervise: Callable[[], None] = _at_ease
        """Called before each sign of life, to see whether there is life; it may begin anew."""

    @property
    def is_trusted(self) -> bool:
        """Tell whether the lease still holds by our own steady clock; distrusted early, before others see it end."""
        return self._clock.monotonic() - self._renewed < LEASE_SECONDS - BEAT_SECONDS

    def join(self) -> int:
        """Register this process as a node, after burying the dead; return its number.

        Nodes of which only the lease has run out are left to the sweep: when the store itself was away they live.
        Raises `StoreUnavailable` while a backup is being restored.
        """
        with self._store.reading() as tx:
            dead = find_dead(tx, self._store, None, only_certain=True)
            processes = NodeBook(tx).held_processes(dead, place())
        self._await_end(processes)
        now = self._clock.micros()
        with self._store.transaction() as tx:
            refuse_joining(self._store, tx)
            self._renewed = self._swept = self._clock.monotonic()
            self._renewed_there = self._store.lease_now(tx)
            rescued = bury(tx, dead, self._compiled, now)
            self.node_id = NodeBook(tx).register(
                name=f"{socket.gethostname()}-{os.getpid()}",
                host=place(),
                pid=os.getpid(),
                workers=self._workers,
                version=__version__,
                now=now,
                lease=self._renewed_there + LEASE_SECONDS,
            )
            # Before the commit: from then on others look for the mark.
            self._store.announce_presence(self.node_id)
            mark_own(self.node_id)
            EventBook(tx).append(EventKind.NODE_STARTED, at=now, body={"node": self.node_id})
        if rescued:
            log.warning("Found %d runs that a process left behind when it ended; see their pages", rescued)
        return self.node_id

    def start(self) -> None:
        """Begin to renew and to sweep."""
        self._thread = Thread(target=self._run, name="horarium-heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End renewing."""
        self._stopping = True
        self._alarm.ring()
        if self._thread is not None:
            self._thread.join(20.0)

    def leave(self) -> None:
        """Say goodbye in the store."""
        now = self._clock.micros()
        with self._store.transaction() as tx:
            if NodeBook(tx).end(self.node_id, NodeState.STOPPED, now=now):
                EventBook(tx).append(EventKind.NODE_STOPPED, at=now, body={"node": self.node_id})
        self._store.forget_presence(self.node_id)
        forget_own(self.node_id)

    def _run(self) -> None:
        while not self._stopping:
            if self._clock.wait(self._alarm, BEAT_SECONDS):
                continue
            try:
                self.supervise()
                self.beat()
                if self._clock.monotonic() - self._swept >= SWEEP_SECONDS - 1:
                    self._swept = self._clock.monotonic()
                    self.sweep()
            except StoreError as error:
                log.warning("The sign of life could not be written (%s); trying again", error)
            except Exception:
                log.exception("The heartbeat stumbled and goes on")

    def beat(self) -> None:
        """Renew the lease now."""
        asked = self._clock.monotonic()
        lag, self.lag_seconds = self.lag_seconds, 0.0
        with self._store.transaction() as tx:
            there = self._store.lease_now(tx)
            lease = there + LEASE_SECONDS
            kept = NodeBook(tx).renew(self.node_id, now=self._clock.micros(), lease=lease, lag_seconds=lag)
            if self.is_draining:
                NodeBook(tx).drain(self.node_id, now=self._clock.micros())
        if there - self._renewed_there > 2 * BEAT_SECONDS:
            # We were cut off from the store, so others may have been too: they get time to show that they live.
            self._swept = self._clock.monotonic()
        if kept:
            # From when we asked, not from the answer: a slow answer must not stretch our trust.
            self._renewed, self._renewed_there = asked, there
        else:
            log.error("This process was declared dead while it was cut off; it ends its runs and begins anew")
            self._on_lost()

    def sweep(self) -> None:
        """Look for nodes that are gone and settle what they held."""
        with self._store.reading() as tx:
            dead = find_dead(tx, self._store, self.node_id)
            if not dead:
                return
            processes = NodeBook(tx).held_processes(dead, place())
        self._await_end(processes)
        with self._store.transaction() as tx:
            # Asked again: one that was slow may have renewed its lease while we waited.
            still = set(find_dead(tx, self._store, self.node_id))
            rescued = bury(tx, [each for each in dead if each in still], self._compiled, self._clock.micros())
        if rescued:
            log.warning("Took over %d runs from nodes that are gone", rescued)
            self._on_rescued()


def _at_ease() -> None:
    return None


def _nothing(_processes: Sequence[int]) -> None:
    return None
