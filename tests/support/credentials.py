"""Credentials of a site: saved and shared, and what its pages say about them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from starlette.testclient import TestClient

from horarium.audit.trail import Trail
from horarium.records.credentials import Credential, Subject
from horarium.records.people import User
from horarium.vault.credentials import NewCredential
from horarium.vault.grants import NewGrant
from horarium.web.strongroom import Strongroom
from tests.support.pages import Site
from tests.support.people import made_up
from tests.support.vault import HOST


def room(site: Site) -> Strongroom:
    """Return the strongroom of the pages."""
    found: Strongroom = site.app.state.house.strongroom
    return found


def saved(site: Site, name: str, owner: User | None = None, value: str = "", **more: Any) -> Credential:
    """Save a token."""
    fields = {"token": value or made_up(), **more.pop("fields", {})}
    owner_id = 0 if owner is None else owner.id
    wanted = NewCredential(name=name, kind="token", fields=fields, owner_id=owner_id, **more)
    return room(site).credentials.add(wanted, asker=HOST).credential


def share(site: Site, credential: Credential, who: User, *, may_replace: bool = False) -> int:
    """Let a person use a credential; return the number of the grant."""
    grant = NewGrant(subject=Subject.PERSON, subject_id=who.id, may_replace=may_replace)
    return room(site).grants.make(credential.id, grant, asker=HOST).id


def text_of(page: str) -> str:
    """Return what a page says, without its marks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def words(client: TestClient, path: str) -> str:
    """Return what a page at an address says."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


def rows(client: TestClient, path: str) -> list[str]:
    """Return the names in the list."""
    return re.findall(r'<a class="t" data-open-row href="/credentials/\d+">([^<]+)</a>', client.get(path).text)


def told(site: Site) -> list[str]:
    """Return what the audit log tells, the newest first."""
    return [row.action for row in Trail(site.store, site.clock).page(limit=100)]


def of(number: int, *rest: str) -> str:
    """Return the address of a credential, or of something about it."""
    return "/".join(("/credentials", str(number), *rest))
