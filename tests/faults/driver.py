"""A program with a scheduler that the fault tests start, kill, freeze and stop: `python -m tests.faults.driver JSON`.

It prints `ready` once it schedules. It reads lines: `how` is answered by `well` or `unwell`, `pages N` lets a store in
a file not grow beyond that many pages, as a full disk does. While it lives it may trigger
a task by hand every so often, noting in the client's log what was asked and what was acknowledged.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Any

from sqlalchemy import text

from horarium import TaskScheduler
from horarium.errors import StoreError
from horarium.scheduling import heartbeat
from tests.faults.history import ClientLog


def main() -> None:
    """Schedule until SIGTERM comes."""
    wanted = json.loads(sys.argv[1])
    if wanted.get("lease"):
        heartbeat.LEASE_SECONDS, heartbeat.BEAT_SECONDS, heartbeat.SWEEP_SECONDS = wanted["lease"]
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    scheduler = TaskScheduler(wanted["store"], max_workers=wanted.get("slots", 16))
    client = ClientLog(wanted["client"])
    for task in wanted.get("tasks", ()):
        add(scheduler, task, client)
    scheduler.start()
    say("ready")
    threading.Thread(target=answer, args=(scheduler,), daemon=True).start()
    trigger_until(over, scheduler, client, wanted)
    scheduler.stop(grace=wanted.get("grace", 10.0))
    scheduler.close()
    say("over")


def add(scheduler: TaskScheduler, task: dict[str, Any], client: ClientLog) -> None:
    """Add a task as the configuration describes it."""
    rest = dict(task)
    name, function, seconds = rest.pop("name"), f"tests.faults.witness:{rest.pop('does')}", rest.pop("every", None)
    client.asked("add", name)
    if seconds is None:
        scheduler.add_task(name, function, **rest)
    else:
        scheduler.add_interval_task(name, function, seconds, **rest)
    client.told("add", name)


def trigger_until(over: threading.Event, scheduler: TaskScheduler, client: ClientLog, wanted: dict[str, Any]) -> None:
    """Ask for runs by hand until the end; what the store refuses is not acknowledged."""
    name, pause = wanted.get("trigger"), wanted.get("trigger_every", 0.1)
    while not over.wait(None if name is None else pause):
        client.asked("trigger", str(name))
        try:
            run = scheduler.trigger_task_now(str(name))
        except StoreError as error:
            say(f"refused {error}")
        else:
            client.told("trigger", str(name), run=run)


def answer(scheduler: TaskScheduler) -> None:
    """Do what the lines that come in say."""
    for line in sys.stdin:
        word, _, number = line.strip().partition(" ")
        if word == "pages":
            limit_pages(scheduler, int(number))
        say(word if word == "pages" else "well" if scheduler._service.is_well else "unwell")


def limit_pages(scheduler: TaskScheduler, most: int) -> None:
    """Let the file not grow beyond so many pages, or not at all if it is larger already."""
    store: Any = scheduler._store
    with store.transaction() as tx:
        tx.execute(text(f"PRAGMA max_page_count = {most}"))


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
