"""The API as a program with a token sees it."""

from __future__ import annotations

from starlette.testclient import TestClient

from horarium.accounts.tokens import Made, NewToken, Tokens
from tests.support.pages import Site
from tests.support.people import TESTER, made_up

ROOT = "/api/v1"


def make_token(site: Site, name: str, *scopes: str) -> Made:
    """Make a token of somebody, for everything if no scope is named."""
    owner = site.users.find(name)
    assert owner
    wanted = NewToken(name=made_up(), scopes=scopes or ("admin",))
    return Tokens(site.store, site.clock).make(owner.id, wanted, actor=TESTER)


def program(site: Site, token: str | None, scheme: str = "Bearer") -> TestClient:
    """Return a client that comes with a token, or with none."""
    client = site.client()
    if token is not None:
        client.headers["authorization"] = f"{scheme} {token}"
    return client


def program_of(site: Site, name: str, *scopes: str) -> TestClient:
    """Return a client that comes with a new token of somebody."""
    return program(site, make_token(site, name, *scopes).text)
