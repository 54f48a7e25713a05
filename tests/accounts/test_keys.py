"""Keys: one for each use, signatures whose parts have borders, comparison that tells nothing by its time."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from horarium.accounts import keys
from horarium.accounts.fingerprints import fingerprint, same
from horarium.accounts.keys import derive, is_signed, sign

SOURCES = Path(keys.__file__).parents[1]
SECRETS = {"token", "signature", "fingerprint", "code", "password"}


def test_r67_each_use_has_a_key_of_its_own_and_none_is_the_secret() -> None:
    secret = b"s" * 32
    made = {derive(secret, label) for label in ("forms", "notes", "login", "device")}
    assert len(made) == 4
    assert secret not in made
    assert derive(secret, "forms") == derive(secret, "forms")


def test_a_signature_knows_where_its_parts_end() -> None:
    key = derive(b"s" * 32, "test")
    assert sign(key, "ab", "c") != sign(key, "a", "bc")
    assert is_signed(key, sign(key, "ab", "c"), "ab", "c")
    assert not is_signed(derive(b"t" * 32, "test"), sign(key, "ab", "c"), "ab", "c")


def test_r62_secrets_are_compared_by_one_function_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def noted(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return one == other

    monkeypatch.setattr("horarium.accounts.fingerprints.hmac.compare_digest", noted)
    assert same("a", "a")
    assert not is_signed(b"k" * 32, "x", "part")
    assert len(compared) == 2


def test_r62_no_secret_is_compared_with_an_equals_sign() -> None:
    found = []
    for folder in ("accounts", "web"):
        for path in sorted((SOURCES / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Compare) and any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops):
                    names = {each.id for each in (node.left, *node.comparators) if isinstance(each, ast.Name)}
                    found += [f"{path.name}:{node.lineno}" for name in names if name in SECRETS]
    assert found == []


def test_a_fingerprint_does_not_lead_back() -> None:
    assert len(fingerprint("secret")) == 64
    assert "secret" not in fingerprint("secret")
