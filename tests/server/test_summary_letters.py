"""Summaries as a mail server gets them: how a reader gets no more of them stands in their head and at their end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from horarium.accounts.people import People
from horarium.clock import to_micros
from horarium.config import Config
from horarium.errors import LinkRefused
from horarium.notify.unsubscribing import Ending, Unsubscriber
from horarium.preferences.settings import Preferences
from horarium.records.actors import Actor
from horarium.records.people import Role, User
from horarium.reports.periods import Span, latest
from horarium.server.post import courier_of, summaries_of
from horarium.store.books.people import PeopleBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.support.mail import Caught, mail_server
from tests.support.people import START, SetClock, add_person, cheap_hasher, made_up
from tests.support.stores import prepared

CODE = Actor.of_code()


def add(store: Store, clock: SetClock, name: str) -> User:
    """Add a person with a confirmed address who gets a summary each day."""
    user = add_person(People(store, clock, hasher=cheap_hasher()), name, Role.VIEWER)
    with store.transaction() as tx:
        PeopleBook(tx).change(user.id, email_confirmed_at=to_micros(START), email=f"{name}@example.org")
    Preferences(store, clock).set(user.id, "summary", "daily")
    with store.reading() as tx:
        found = PeopleBook(tx).by_id(user.id)
    assert found
    return found


def letters(tmp_path: Path, base_url: str, secret: bytes) -> tuple[Store, SetClock, list[Caught], list[User]]:
    """Return what a mail server got of the summaries of two people."""
    store, clock = open_store(prepared(tmp_path / "horarium.db")), SetClock()
    people = [add(store, clock, name) for name in ("mira", "noor")]
    with mail_server() as box:
        config = Config(smtp_host="127.0.0.1", smtp_security="none", smtp_port=box.port, data=tmp_path)
        config = replace(config, base_url=base_url)
        courier = courier_of(config, store, clock, secret)
        assert courier
        for user in people:
            summaries_of(config, store, clock).send_now(user, latest(Span.WEEKLY, clock.now(), "UTC"))
        assert courier.carry() == 2
        return store, clock, sorted(box.letters, key=lambda each: each.recipients), people


def test_r84_a_summary_says_in_its_head_and_at_its_end_how_to_get_no_more(tmp_path: Path) -> None:
    secret = made_up().encode()
    store, clock, (first, second), (mira, noor) = letters(tmp_path, "https://h.example/x", secret)
    link = str(first.message["List-Unsubscribe"]).strip("<>")
    assert link.startswith(f"https://h.example/x/unsubscribe/{mira.id}.summary-weekly.")
    assert str(first.message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert f"\nSend me no more summaries: {link}\n" in first.text
    assert f'<a href="{link}"' in first.html
    assert ">Send me no more summaries</a>" in first.html
    assert str(second.message["List-Unsubscribe"]).strip("<>") != link
    preferences, ends = Preferences(store, clock), Unsubscriber(secret, "https://h.example/x")
    token = link.rpartition("/")[2]
    assert ends.read(token) == Ending(mira.id, "summary", "weekly", "off")
    assert preferences.get(mira.id, "summary") == "daily"
    # What is put back is how often they came, whatever letter it was.
    assert ends.end(token, preferences, actor=CODE) == Ending(mira.id, "summary", "daily", "off")
    assert ends.end(token, preferences, actor=CODE) == Ending(mira.id, "summary", "weekly", "off")
    assert (preferences.get(mira.id, "summary"), preferences.get(noor.id, "summary")) == ("off", "daily")
    assert preferences.get(mira.id, "mail_notices") is True
    signature = token.rpartition(".")[2]
    wrong = (
        *(f"{token}x", f"{noor.id}.summary-weekly.{signature}", f"{mira.id}.summary-daily.{signature}"),
        *(
            f"{mira.id}.summary-off.{signature}",
            f"{mira.id}.summary.{signature}",
            f"{mira.id}.mail_notices.{signature}",
        ),
    )
    for each in wrong:
        with pytest.raises(LinkRefused):
            ends.read(each)
    # As with notices: another key ends the links that were made with the one before.
    with pytest.raises(LinkRefused):
        Unsubscriber(made_up().encode(), "https://h.example/x").read(token)
    store.close()


def test_without_encryption_no_one_click_is_promised(tmp_path: Path) -> None:
    store, _, (first, _), _ = letters(tmp_path, "http://h.example", made_up().encode())
    assert str(first.message["List-Unsubscribe"]).startswith("<http://h.example/unsubscribe/")
    assert first.message["List-Unsubscribe-Post"] is None
    store.close()
