"""Rotate a vault in a process of its own, which dies at a given step: `rotating.py DATABASE STEPS`; keys by stdin."""

from __future__ import annotations

import os
import signal
import sys

from horarium.clock import SystemClock
from horarium.records.actors import Actor
from horarium.store.opening import open_store
from horarium.vault import rotation
from horarium.vault.rotation import Rotation
from horarium.vault.vault import Vault


def main(where: str, steps: int) -> None:
    """Rotate with the two keys from standard input, and die after so many steps."""
    new, old = (line.encode() for line in sys.stdin.read().split())
    left = steps

    def go_on() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    rotation.AT_ONCE = 3
    store = open_store(where)
    vault = Vault(store, SystemClock(), secret=new, old_secret=old)
    Rotation(vault, new=new, old=old).run(actor=Actor.of_code("the test"), go_on=go_on)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
