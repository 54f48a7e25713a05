"""The disk of the store is full: nothing that was acknowledged is lost, and work goes on by itself."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.faults.place import Driver, Place, await_that, place_at
from tests.faults.witness import rest

NEVER_LEFT_OUT: dict[str, Any] = {"overlap": "queue", "overlap_limit": 1000}
SIZE = 24 * 1024 * 1024


class Room(Protocol):
    """Room for a store that can be taken away and given back."""

    def fill(self, driver: Driver) -> None:
        """Leave not a single page."""
        ...

    def free(self, driver: Driver) -> None:
        """Give the room back."""
        ...


class Pages:
    """The database's own limit, for machines on which nobody may make a small disk."""

    def fill(self, driver: Driver) -> None:
        """Leave not a single page."""
        driver.tell("pages 1", "pages")

    def free(self, driver: Driver) -> None:
        """Give the room back."""
        driver.tell(f"pages {1 << 30}", "pages")


class SmallDisk:
    """A small file system that is filled by a file beside the store."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self, driver: Driver) -> None:
        """Leave not a single block."""
        file = os.open(self._ballast, os.O_WRONLY | os.O_CREAT)
        try:
            for size in (1 << 16, 1 << 12, 1):
                while _written(file, size):
                    pass
        finally:
            os.close(file)

    def free(self, driver: Driver) -> None:
        """Give the room back."""
        self._ballast.unlink()


def _written(file: int, size: int) -> bool:
    try:
        return os.write(file, b"\0" * size) > 0
    except OSError:
        return False


@contextmanager
def small_room(folder: Path) -> Iterator[Room]:
    """Make a small file system in memory at the folder where that is allowed, else limit the database itself."""
    folder.mkdir()
    options = ("-t", "tmpfs", "-o", f"size={SIZE},mode=700")
    if os.geteuid() != 0 or subprocess.run(["mount", *options, "tmpfs", folder], check=False).returncode != 0:
        yield Pages()
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_rp15_a_full_disk_pauses_and_loses_nothing(tmp_path: Path) -> None:
    with small_room(tmp_path / "disk") as room, place_at(tmp_path, str(tmp_path / "disk" / "store.db")) as place:
        survive(place, room)


@pytest.mark.long
def test_rp15_a_database_that_may_not_grow_pauses_and_loses_nothing(tmp_path: Path) -> None:
    with place_at(tmp_path) as place:
        survive(place, Pages())


def survive(place: Place, room: Room) -> None:
    tasks = [place.task(f"task {n}", seconds=0.02, **NEVER_LEFT_OUT) for n in range(10)]
    tasks.append(place.task("by hand", every=None, overlap="allow", overlap_limit=4))
    driver = place.start(tasks=tasks, trigger="by hand", trigger_every=0.05)
    place.await_marks(20)
    room.fill(driver)
    await_that(lambda: any(line.startswith("refused") for line in driver.printed))
    full = time.monotonic()
    rest(5.0)
    # What was claimed before may still begin; nothing new does.
    assert place.marks(since=full + 2.0) == []
    room.free(driver)
    free = time.monotonic()
    place.await_marks(30, since=free)
    assert driver.is_well()
    due = time.time_ns() // 1000
    rest(3.0)
    history = place.judge(until=due)
    assert {row["reason"] for row in history.ledger} == {None}
    assert all(row["state"] == "succeeded" for row in history.runs if row["created_at"] < due)
