"""`horarium user reset-second-step`."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from horarium.accounts.people import People
from horarium.cli.exits import ExitCode
from horarium.store.opening import open_store
from tests.cli.conftest import Program, StillClock
from tests.support.factors import give_app, second_factor
from tests.support.people import made_up


@pytest.fixture
def ana(horarium: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    typed = io.TextIOWrapper(io.BytesIO(made_up().encode()))
    monkeypatch.setattr(sys, "stdin", typed)
    assert horarium("user", "create-admin", "ana", "--email", "ana@example.org", "--password-stdin").code == 0
    return horarium


def test_r21_somebody_s_second_step_is_taken_away_and_noted(ana: Program, home: Path, clock: StillClock) -> None:
    store = open_store(home / "data" / "horarium.db")
    user = People(store, clock).find("ana")
    assert user
    give_app(second_factor(store, clock), user, clock)
    told = ana("user", "reset-second-step", "ANA@example.org")
    assert (told.code, told.out) == (ExitCode.OK, "ana has no second step any more.\n")
    assert not second_factor(store, clock).of(user.id).has_any
    store.close()
    again = ana("user", "reset-second-step", "ana", "--json")
    assert again.json == {"id": user.id, "name": "ana", "reset": False}
    entry = ana("audit", "list", "--action", "factor.removed", "--json").json
    assert len(entry) == 1


def test_nobody_by_that_name_is_one_sentence(ana: Program) -> None:
    refused = ana("user", "reset-second-step", "nobody")
    assert (refused.code, refused.out) == (ExitCode.NOT_FOUND, "")
    assert refused.err.count("\n") == 1
