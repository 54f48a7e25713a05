"""`token`: made, listed and revoked from the host."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from horarium.accounts.tokens import Tokens
from horarium.cli.exits import ExitCode
from horarium.store.opening import open_store
from tests.cli.conftest import Program, StillClock
from tests.support.people import made_up


@pytest.fixture
def ana(horarium: Program, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make an administrator."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(made_up().encode())))
    assert horarium("user", "create-admin", "ana", "--password-stdin").code == 0
    return "ana"


def opens(home: Path, clock: StillClock, text: str) -> bool:
    store = open_store(home / "data" / "horarium.db")
    try:
        return Tokens(store, clock).find(text) is not None
    finally:
        store.close()


def test_r58_a_token_is_printed_once_alone_and_nowhere_else(
    horarium: Program, ana: str, home: Path, clock: StillClock
) -> None:
    made = horarium("token", "create", ana, "--name", "deploy pipeline", "--scope", "read", "--scope", "trigger")
    text = made.out.strip()
    assert (made.code, made.out.count("\n")) == (0, 1)
    assert opens(home, clock, text)
    assert text not in made.err
    assert "shown this once" in made.err
    for words in (["token", "list"], ["token", "list", "--json"], ["audit", "list", "--json"]):
        printed = horarium(*words)
        assert text not in printed.out
        assert text.rpartition("_")[2] not in printed.out
    (listed,) = horarium("token", "list", "--json").json
    assert (listed["name"], listed["scopes"], listed["user"]) == ("deploy pipeline", ["read", "trigger"], "ana")
    assert listed["expires_at"].startswith("2026-05-31")


def test_a_token_is_revoked_by_its_number_and_opens_nothing(
    horarium: Program, ana: str, home: Path, clock: StillClock
) -> None:
    made = horarium("token", "create", ana, "--name", "x", "--json").json
    assert made["scopes"] == ["read"]
    revoked = horarium("token", "revoke", str(made["id"]))
    assert (revoked.code, revoked.out) == (0, f"Revoked token {made['id']}, 'x'.\n")
    assert not opens(home, clock, made["token"])
    assert horarium("token", "list").out == "No tokens.\n"
    assert horarium("token", "revoke", str(made["id"])).code == ExitCode.NOT_FOUND


def test_r107_what_is_done_to_tokens_is_told(horarium: Program, ana: str) -> None:
    made = horarium("token", "create", ana, "--name", "x", "--json").json
    horarium("token", "revoke", str(made["id"]))
    newest, first = horarium("audit", "list", "--action", "token.", "--json").json
    assert (newest["action"], first["action"]) == ("token.revoked", "token.made")
    assert (first["source"], first["object_name"], first["details"]["owner"]) == ("cli", "x", "ana")
    assert first["after"]["scopes"] == ["read"]


def test_only_tokens_of_one_person_are_listed(horarium: Program, ana: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(made_up().encode())))
    assert horarium("user", "create-admin", "otto", "--password-stdin").code == 0
    for name in (ana, "otto"):
        assert horarium("token", "create", name, "--name", f"of {name}").code == 0
    assert [each["user"] for each in horarium("token", "list", "--user", "OTTO", "--json").json] == ["otto"]
    assert "of ana" in horarium("token", "list").out


def test_what_cannot_be_is_refused_in_one_sentence(
    horarium: Program, ana: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert horarium("token", "create", ana, "--name", "x").code == 0
    for words, code in (
        (["nobody", "--name", "x"], ExitCode.NOT_FOUND),
        ([ana, "--name", "x"], ExitCode.USAGE),
        ([ana, "--name", " "], ExitCode.USAGE),
        ([ana, "--name", "y", "--days", "0"], ExitCode.USAGE),
        ([ana, "--name", "y", "--days", "367"], ExitCode.USAGE),
        ([ana, "--name", "y", "--scope", "all"], ExitCode.USAGE),
        ([ana, "--name", "y", "--never"], ExitCode.USAGE),
    ):
        refused = horarium("token", "create", *words)
        assert (refused.code, refused.out) == (code, ""), words
        assert refused.err.count("\n") == 1
    monkeypatch.setenv("HORARIUM_ENDLESS_TOKENS", "on")
    assert horarium("token", "create", ana, "--name", "y", "--never", "--json").json["expires_at"] is None
