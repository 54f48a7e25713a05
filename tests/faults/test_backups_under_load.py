"""Backups while servers work, programs open and close the store, and anything is killed at any moment."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from horarium.clock import SystemClock
from horarium.store.backup import Keep, list_backups, verify_backup
from horarium.store.opening import open_store
from horarium.upkeep.proving import drill
from horarium.upkeep.rules import BackupRules
from tests.faults.place import ROOT, Place
from tests.faults.test_kills import load
from tests.faults.witness import rest

LOOK = "import sys; from horarium.store.opening import open_store; open_store(sys.argv[1]).close()"


def backed_up(place: Place, rounds: int, *, every: float, longest: float) -> None:
    """Kill what backs up, and now and then who schedules, as often; then judge the store and every backup."""
    randomly = secrets.SystemRandom()
    rules = BackupRules(place.folder / "backups", Keep(40))
    words = json.dumps({"store": place.address, "folder": str(rules.folder), "keep": 40, "every": every})
    plan = load(place)
    driver = place.start(**plan)
    for number in range(rounds):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.faults.backing_up", words],
            cwd=ROOT, env={**os.environ, "FAULTS_TOKEN": place.token}, stdout=subprocess.PIPE, text=True,
        ) as backing_up:  # fmt: skip
            assert backing_up.stdout is not None
            if number % 2 == 0:
                assert backing_up.stdout.readline()
            subprocess.run([sys.executable, "-c", LOOK, place.address], check=True, timeout=120)
            rest(randomly.uniform(0.0, longest))
            backing_up.kill()
        if number % 3 == 2:
            place.kill(driver)
            driver = place.start(**plan)
        # What is listed is whole, at every moment.
        for backup in list_backups(rules.folder)[:2]:
            verify_backup(backup.path)
    rest(2.5)
    place.judge()
    listed = list_backups(rules.folder)
    assert listed
    store = open_store(place.address)
    try:
        for backup in listed:
            proof = drill(store, rules, SystemClock(), backup)
            assert proof.look.passed, (backup.name, proof.look.words)
    finally:
        store.close()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("place", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)], indirect=True)
def test_rp21_backups_under_load_and_kills_are_whole_and_lose_no_row(place: Place) -> None:
    backed_up(place, 3, every=0.2, longest=1.0)


@pytest.mark.long
@pytest.mark.timeout(3400)
def test_rp21_a_hundred_rounds_of_backups_under_load_and_kills(place: Place) -> None:
    backed_up(place, 100, every=10.0, longest=14.0)


WATCHED = """
import sys
from pathlib import Path
from horarium.clock import SystemClock
from horarium.records.actors import Actor
from horarium.store.backup import list_backups
from horarium.store.opening import open_store
from horarium.upkeep.backups import back_up
from horarium.upkeep.proving import drill
from horarium.upkeep.restoring import Ask, restore_backup
from horarium.upkeep.rules import BackupRules
store, rules = open_store(sys.argv[1]), BackupRules(Path(sys.argv[2]))
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
back_up(store, rules, SystemClock(), origin="hand")
(backup,) = list_backups(rules.folder)
drill(store, rules, SystemClock(), backup)
restore_backup(store, rules, SystemClock(), Ask(backup, Actor.of_code()))
live = {sys.argv[1], sys.argv[1] + "-wal", sys.argv[1] + "-shm"}
assert opened
sys.exit(bool(live & set(opened)))
"""


def test_r110_a_backup_a_drill_and_a_restore_open_the_live_file_through_sqlite_alone(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    open_store(path).close()
    command = [sys.executable, "-c", WATCHED, str(path), str(tmp_path / "b")]
    subprocess.run(command, check=True, timeout=120)
