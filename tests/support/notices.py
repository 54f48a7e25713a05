"""Channels, rules, messages and what is held back, one of each, made for a test of the pages or the API."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from starlette.testclient import TestClient

from horarium.notify.channel_desk import NewChannel
from horarium.records.notices import NoticeKind
from horarium.records.people import User
from horarium.records.telling import Delivery, Purpose, Recipient, Rule, Snooze, Target, To, Try
from horarium.store.books.deliveries import DeliveryBook
from horarium.web.pages.rules import kept
from horarium.web.telling import Telling
from tests.support.pages import Site
from tests.support.people import START, add_person, made_up
from tests.support.vault import HOST

NOWHERE = "https://127.0.0.1:9"
"""An address that nothing is sent to: messages leave the machine, or not at all."""
NAMED = re.compile(r"\{(\w+)(?::int)?\}")
KINDS = {"channel_id", "rule_id", "message_id", "snooze_id", "kept"}


def telling(site: Site) -> Telling:
    """Return the desks that the pages work with."""
    found: Telling = site.app.state.house.telling
    return found


def add_channel(site: Site, owner_id: int, *, name: str = "", token: bool = True) -> int:
    """Make a channel; return its number."""
    values = {"server": NOWHERE, "topic": "ops"}
    values |= {"token": made_up()} if token else {}
    wanted = NewChannel(name=name or secrets.token_hex(8), kind="ntfy", values=values, owner_id=owner_id)
    return telling(site).channels.add(wanted, asker=HOST).id


def add_rule(site: Site, owner_id: int, **given: Any) -> int:
    """Make a rule that tells its owner, or administrators; return its number."""
    told = Recipient(To.PERSON, owner_id) if owner_id else Recipient(To.ADMINS)
    wanted = Rule(owner_id=owner_id, **{"kinds": frozenset({NoticeKind.FAILED}), "recipients": (told,), **given})
    return telling(site).rules.add(wanted, asker=HOST).id


def add_message(site: Site, target: Target, *, state: str = "given_up", summary: str = "backup: failed") -> int:
    """Write a message; return its number."""
    now = site.clock.now()
    at = int(now.timestamp() * 1_000_000)
    topics = [["failed", "backup", at, at, 1, "The disk is full.", {"Attempts": "3"}, None, None, "/tasks"]]
    body = {"team": "", "base_url": "", "zone": "UTC", "is_digest": False, "thread": "", "topics": topics}
    draft = Delivery(
        message_id=secrets.token_hex(16),
        target=target,
        purpose=Purpose.NOTICES,
        summary=summary,
        topics=1,
        body=body,
        created_at=now,
        not_before=now,
        try_until=now + timedelta(days=1),
    )
    with site.store.transaction() as tx:
        book = DeliveryBook(tx)
        number = book.add(draft)
        made = book.get(number)
        assert made
        if state == "given_up":
            book.give_up(made, Try(now, 0.2, is_taken=False, answer="it answered 410"))
        elif state == "sent":
            book.note_sent(made, Try(now, 0.2, is_taken=True, answer="taken: 200"))
    return number


def add_snooze(site: Site, user_id: int) -> int:
    """Hold something back for somebody, or a channel for everybody; return its number."""
    channel_id = 0 if user_id else add_channel(site, 0, token=False)
    now = site.clock.now()
    wanted = Snooze(user_id=user_id, channel_id=channel_id, until=now + timedelta(hours=1), created_at=now)
    return telling(site).log.snooze(wanted, asker=HOST).id


def filled(site: Site, path: str, route: str, *, owner_id: int, asker_id: int) -> str:
    """Return a path with things of this owner (0: the installation) in it, made for this one request."""

    def made(found: re.Match[str]) -> str:
        match found[1]:
            case "channel_id":
                number = add_channel(site, owner_id)
                if route.endswith("channel_resume"):
                    site.app.state.house.telling.channels.pause(number, asker=HOST)
                return str(number)
            case "rule_id":
                number = add_rule(site, owner_id)
                add_rule(site, owner_id)
                return str(number)
            case "message_id":
                target = Target(user_id=owner_id) if owner_id else Target(channel_id=add_channel(site, 0, token=False))
                return str(add_message(site, target))
            case "snooze_id":
                return str(add_snooze(site, owner_id))
            case "kept":
                return kept_rule(site, owner_id, asker_id)
        return found[0]

    return NAMED.sub(made, path)


def kept_rule(site: Site, owner_id: int, asker_id: int) -> str:
    """Remove a rule; return what brings it back."""
    number = add_rule(site, owner_id)
    desk = site.app.state.house.telling.rules
    rule = desk.show(number, asker=HOST)
    desk.remove(number, asker=HOST)
    return kept(site.app.state.house.form_key, rule, 0, asker_id)


def ending_token(site: Site, *, is_ended: bool = False) -> str:
    """Return the token of a link that ends mail to somebody who was made for it."""
    name = secrets.token_hex(8)
    person: User = add_person(site.users, name, email=f"{name}@example.org")
    house = site.app.state.house
    link: str = house.telling.unsubscriber.link(person.id, [NoticeKind.FAILED])
    token = link.rpartition("/")[2]
    if is_ended:
        house.telling.unsubscriber.end(token, house.preferences, actor=HOST.actor)
    return token


def body_for(client: TestClient, route: str, method: str) -> dict[str, Any] | None:
    """Return a sound body of a request to the API, None where it takes none."""
    bodies: dict[tuple[str, str], dict[str, Any]] = {
        ("api_channels", "POST"): {
            "name": secrets.token_hex(8),
            "kind": "ntfy",
            "values": {"server": NOWHERE, "topic": "ops"},
        },
        ("api_channel", "PATCH"): {"name": secrets.token_hex(8)},
        ("api_rules", "POST"): {"kinds": ["failed"], "recipients": ["owner"]},
        ("api_rule", "PATCH"): {"after_failures": 3},
        ("api_snoozes", "POST"): {"until": (START + timedelta(days=2)).isoformat()},
    }
    if route == "api_rules_order":
        listed = client.get("/api/v1/rules", params={"owner": "me"})
        rules = listed.json()["rules"] if listed.status_code == HTTPStatus.OK else []
        return {"ids": [each["id"] for each in rules][::-1]}
    return bodies.get((route, method))
