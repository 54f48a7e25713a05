"""Run a command of Horarium as another account: `python as_account.py UID GID WORDS…`, started by root.

The interpreter may lie where only root can read, so everything is loaded first and the rights are given up then.
"""

from __future__ import annotations

import os
import pkgutil
import sys
from importlib import import_module

import horarium.cli
from horarium.cli.main import run
from horarium.store.opening import open_store

NEEDED_LATER = (
    "encodings.idna",
    "horarium.dashboard.serving",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.lifespan.on",
)


def main() -> int:
    """Load, give up the rights, run; return the exit code."""
    uid, gid = int(sys.argv[1]), int(sys.argv[2])
    for module in (
        *NEEDED_LATER,
        *(f"horarium.cli.{each.name}" for each in pkgutil.iter_modules(horarium.cli.__path__)),
    ):
        import_module(module)
    open_store(":memory:").close()
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    return run(sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
