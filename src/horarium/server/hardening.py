"""Keep the server's memory and environment from the eyes of the tasks it starts."""

from __future__ import annotations

import ctypes
import logging
import os
import sys

_PR_SET_DUMPABLE = 4

log = logging.getLogger("horarium.server")


def hide_from_other_processes() -> bool:
    """Forbid processes of the same account to read this one's memory and environment; tell whether that worked.

    Only Linux knows how; root sees everything all the same.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        done: int = ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError) as error:
        log.warning("Tasks of the same account could read the server's memory: %s", error)
        return False
    return done == 0


def is_root() -> bool:
    """Tell whether this process may do anything on this machine."""
    return os.geteuid() == 0
