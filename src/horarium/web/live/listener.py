"""One open stream: what it waits for, what is queued for it, and when it has to end."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

MOST_QUEUED_OCTETS: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Log:
    """The output of one attempt of a run of a task, shown in `zone`."""

    run_id: int
    task_id: int
    attempt: int
    zone: tzinfo


class Listener:
    """A stream as the hub sees it; `log` is set for one that follows output, `after` is what it has had already."""

    __slots__ = ("_octets", "_queue", "_woken", "after", "ended", "log", "session", "user_id")

    def __init__(self, *, session: str, user_id: int, after: int, log: Log | None = None) -> None:
        self.session = session
        self.user_id = user_id
        self.after = after
        self.log = log
        self.ended = False
        self._queue: deque[bytes] = deque()
        self._octets = 0
        self._woken = asyncio.Event()

    def push(self, told: bytes) -> None:
        """Queue something; a reader so slow that too much is waiting is dropped, and finds the rest when it returns."""
        if self.ended:
            return
        if self._octets + len(told) > MOST_QUEUED_OCTETS:
            self._queue.clear()
            self.end()
            return
        self._queue.append(told)
        self._octets += len(told)
        self._woken.set()

    def end(self) -> None:
        """End the stream after what is queued."""
        self.ended = True
        self._woken.set()

    def wake(self) -> None:
        """Let a waiting stream look up, for example because its reader has gone."""
        self._woken.set()

    async def take(self, patience_seconds: float) -> bytes:
        """Return everything that is queued, waiting for something at most `patience_seconds`; nothing if none came."""
        if not self._queue and not self.ended:
            try:
                await asyncio.wait_for(self._woken.wait(), patience_seconds)
            except TimeoutError:
                return b""
        self._woken.clear()
        taken = b"".join(self._queue)
        self._queue.clear()
        self._octets = 0
        return taken
