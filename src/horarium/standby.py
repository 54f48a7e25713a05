"""Work that goes on beside everything else, in a thread of its own, until it is told to stop."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import ClassVar

from horarium.clock import Alarm


class Standby(ABC):
    """A thread that can be started, stopped and started again.

    Who works in it looks at `_is_stopping` between two steps, and waits by `_alarm`, which rings when it is to stop.
    """

    thread_name: ClassVar[str]
    stop_seconds: ClassVar[float] = 3.0
    """How long a stop waits for the step that is under way."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._alarm = Alarm()
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, for the first time or again."""
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name=self.thread_name, daemon=True)
        self._thread.start()

    def begin_stop(self) -> None:
        """Ask for the stop without waiting for it."""
        self._is_stopping = True
        self._alarm.ring()

    def stop(self) -> None:
        """Stop after the step that is under way; harmless when repeated. What is left goes on after the next start."""
        self.begin_stop()
        if self._thread is not None:
            self._thread.join(self.stop_seconds)
            self._thread = None

    @abstractmethod
    def _run(self) -> None:
        """Work until `_is_stopping`."""
