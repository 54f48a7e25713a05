"""Be the small process beside the server: watch until the server says goodbye.

It outlives a server that was killed, long enough to say so, and leaves when another one works or the store is gone.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
from pathlib import Path
from typing import Final

from horarium.clock import Clock, SystemClock
from horarium.config import Config, load_config
from horarium.errors import ConfigError
from horarium.server.hardening import hide_from_other_processes
from horarium.server.watching import LOOK_SECONDS, Watcher

log = logging.getLogger("horarium.watch")

GOODBYE: Final = b"bye\n"
ORPHAN_SECONDS: Final = 600.0
"""How long it goes on without the server that started it, at most."""


def attend(config: Config, clock: Clock, source: int) -> None:
    """Watch until `source`, the pipe from the server, brings a goodbye; or until there is nothing more to watch."""
    watcher = Watcher.of(config, clock)
    alone_since: float | None = None
    while True:
        if alone_since is None:
            said = _heard(source)
            if said == GOODBYE:
                return
            if said == b"":
                alone_since = clock.monotonic()
                log.warning("The server is gone without a goodbye", extra={"word": "watch.alone"})
        else:
            select.select([], [], [], LOOK_SECONDS)
        trouble = watcher.look()
        if alone_since is None:
            continue
        is_over = trouble is None and watcher.is_alive
        is_gone = watcher.seen is None or not _is_there(config)
        if is_over or is_gone or clock.monotonic() - alone_since > ORPHAN_SECONDS:
            return


def _heard(source: int) -> bytes | None:
    """Wait for the next look; return what the server said meanwhile, empty for its end, None for nothing."""
    ready, _, _ = select.select([source], [], [], LOOK_SECONDS)
    return os.read(source, len(GOODBYE)) if ready else None


def _is_there(config: Config) -> bool:
    where = config.database
    path = where if not isinstance(where, str) else where.removeprefix("sqlite:///")
    return "://" in str(path) or Path(path).exists()


def main() -> int:
    """Watch by the settings of this process; return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hide_from_other_processes()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        attend(load_config(), SystemClock(), sys.stdin.fileno())
    except ConfigError as error:
        log.error("The watcher cannot start: %s", error)  # noqa: TRY400 - the sentence says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
