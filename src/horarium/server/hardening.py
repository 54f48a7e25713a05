"""Keep the server's memory from the eyes of the tasks it starts, and from growing with each thread."""

from __future__ import annotations

import ctypes
import logging
import os
import sys

_PR_SET_DUMPABLE = 4
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1 << 20

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


def give_large_memory_back() -> bool:
    """Have large pieces of memory go back to the machine as soon as they are free; tell whether that worked.

    Each password that is checked takes 19 MiB for a moment. The GNU allocator would come to keep that much for every
    thread that has ever checked one; others give it back by themselves.
    """
    try:
        done: int = ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    except (OSError, AttributeError):
        return False
    return done == 1


def is_root() -> bool:
    """Tell whether this process may do anything on this machine."""
    return os.geteuid() == 0
