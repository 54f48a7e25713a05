"""A place to run commands in: an own folder, an own environment, the program called as a person calls it."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from horarium.cli.main import run
from horarium.clock import Alarm, to_micros
from tests.support.installation import MOVE, Installation, make_installation
from tests.support.people import made_up


class StillClock:
    """A clock that stands where it is put; waiting moves it on."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
        self.passed = 0.0
        self.on_wait: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return self.instant

    def micros(self) -> int:
        return to_micros(self.instant)

    def monotonic(self) -> float:
        return self.passed

    def wait(self, alarm: Alarm, seconds: float) -> bool:
        self.passed += seconds
        self.on_wait()
        return alarm.wait(0)


@dataclass
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Program = Callable[..., Answer]
Apply = Callable[..., Answer]


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give an empty working folder, and an environment without settings of ours."""
    for name in [name for name in os.environ if name.startswith(("HORARIUM_", "SMTP_"))]:
        monkeypatch.delenv(name)
    for name in ("SECRET_KEY", "SECRET_KEY_OLD", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HORARIUM_TIMEZONE", "Europe/Berlin")
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o022)
    os.umask(before)
    yield tmp_path
    os.umask(before)


@pytest.fixture
def bare(home: Path, clock: StillClock, capsys: pytest.CaptureFixture[str]) -> Program:
    """Give the program in a folder where nothing has been made yet."""

    def program(*arguments: str) -> Answer:
        code = run(arguments, clock=clock)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return Answer(code, printed.out, printed.err)

    return program


@pytest.fixture
def horarium(bare: Program) -> Program:
    """Give the program in a folder that has been initialised."""
    assert bare("init").code == 0
    return bare


@pytest.fixture
def old(home: Path) -> Installation:
    """Give a small single-user installation in the working folder."""
    return make_installation(home, rows=400)


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function by which a test types on standard input."""

    def typed(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return typed


@pytest.fixture
def apply(bare: Program, types: Any) -> Apply:
    """Give a function that moves in, with a made-up password for the administrator."""

    def moved(*words: str, password: str = "") -> Answer:
        types(f"{password or made_up()}\n")
        return bare(*(words or MOVE), "--apply", "--password-stdin")

    return moved


def mode_of(path: Path) -> int:
    """Return the permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)
