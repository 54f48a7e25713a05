"""Killed while it restores, at whatever point: the store is the old one or the new one, never between."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.place import ROOT

PROGRAM = Path(__file__).with_name("restoring.py")


def told(where: str, folder: Path, **plan: Any) -> list[dict[str, Any]]:
    """Let the program restore and be killed by the plan; return what it found each time."""
    words = json.dumps({"store": where, "folder": str(folder), **plan})
    ran = subprocess.run(
        [sys.executable, "-m", "tests.faults.restoring", words],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=570, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    return [json.loads(line) for line in ran.stdout.splitlines()]


def where_of(request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the address of a store on the database of this test."""
    return str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else str(folder / "h.db")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a store on each of the databases."""
    return where_of(request, tmp_path)


def judge(found: list[dict[str, Any]]) -> None:
    """Fail if a store was neither the old nor the new one, or was damaged."""
    assert {each["state"] for each in found} <= {"old", "new"}, found
    assert [each for each in found if each["damage"]] == []
    assert found[-1]["state"] == "new", "the last one was not killed"


def killed_at(where: str, folder: Path, points: int) -> None:
    """Restore and be killed at so many points, one after the other, then judge."""
    found = told(where, folder, points=points, rows=300)
    judge(found)
    assert len(found) == points + 1
    assert sum(each["killed"] for each in found) == points


def test_r112_killed_at_five_points_it_is_the_old_store_or_the_new_one(where: str, tmp_path: Path) -> None:
    killed_at(where, tmp_path / "b", 5)


@pytest.mark.long
@pytest.mark.timeout(580)
def test_r112_killed_at_twenty_points_it_is_the_old_store_or_the_new_one(where: str, tmp_path: Path) -> None:
    killed_at(where, tmp_path / "b", 20)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_r112_killed_at_random_moments_it_is_the_old_store_or_the_new_one(where: str, tmp_path: Path) -> None:
    for _ in range(5):
        judge(told(where, tmp_path / f"b-{secrets.token_hex(3)}", moments=40, rows=6000))
