"""A program that backs a store up again and again until it is killed: `python -m tests.faults.backing_up JSON`."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from horarium.clock import SystemClock
from horarium.errors import Conflict, StoreBusy
from horarium.store.backup import Keep
from horarium.store.opening import open_store
from horarium.upkeep.backups import back_up
from horarium.upkeep.rules import BackupRules


def main() -> None:
    """Back up with a rest in between; the store is opened and closed for each, as by the command line."""
    plan = json.loads(sys.argv[1])
    rules = BackupRules(Path(plan["folder"]), Keep(plan["keep"]))
    while True:
        store = open_store(plan["store"])
        try:
            made = back_up(store, rules, SystemClock(), origin="task")
            sys.stdout.write(f"{made['file']}\n")
        except (Conflict, StoreBusy) as error:
            sys.stdout.write(f"busy: {error}\n")
        sys.stdout.flush()
        store.close()
        threading.Event().wait(plan["every"])


if __name__ == "__main__":
    main()
