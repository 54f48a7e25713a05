"""Keep the watcher's process beside the server: start it, start it again when it ends, say goodbye to it."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import Final

from horarium.clock import Alarm, Clock
from horarium.server.lookout import GOODBYE

log = logging.getLogger("horarium.server")

AGAIN_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 3.0
_PROGRAM: Final = "horarium.server.lookout"


class Companion:
    """The process that watches this one from outside."""

    def __init__(self, clock: Clock) -> None:
        """Start nothing yet."""
        self._clock = clock
        self._alarm = Alarm()
        self._is_stopping = False
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._parting = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Return the number of its process, None where there is none."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def start(self) -> None:
        """Start it, and a thread that waits for its end, for the first time or again."""
        self._is_stopping = False
        self._keeper = threading.Thread(target=self._keep, name="horarium-companion", daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        """Say goodbye and wait a moment; harmless when repeated."""
        self._is_stopping = True
        self._alarm.ring()
        process = self._process
        if process is not None:
            self._part(process)
        if self._keeper is not None:
            self._keeper.join(_STOP_SECONDS)

    def _part_if_late(self, process: subprocess.Popen[bytes]) -> None:
        """Say goodbye to one that was started while the stop was asked for."""
        if self._is_stopping:
            self._part(process)

    def _keep(self) -> None:
        while not self._is_stopping:
            try:
                # A session of its own: what a terminal sends to the server is not meant for it.
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", _PROGRAM],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                log.warning("The watcher could not be started: %s", error, extra={"word": "watch.lost"})
            else:
                self._part_if_late(self._process)
                code = self._process.wait()
                if not self._is_stopping:
                    log.warning("The watcher ended by itself (%d)", code, extra={"word": "watch.lost"})
            self._clock.wait(self._alarm, AGAIN_SECONDS)

    def _part(self, process: subprocess.Popen[bytes]) -> None:
        """Say goodbye to a process once, whoever asks for it how often, and wait a moment for its end."""
        with self._parting:
            if process.stdin is not None and not process.stdin.closed:
                try:
                    process.stdin.write(GOODBYE)
                    process.stdin.close()
                except OSError:
                    # It has ended already, which is what a goodbye is for.
                    log.debug("The watcher was gone before the goodbye")
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
