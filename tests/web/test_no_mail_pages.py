"""Where there is no mail server the pages say so, to who may set one and to who has to ask; a rule's answers, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from horarium.notify.channel_desk import NewChannel
from horarium.notify.mailing import NO_MAIL
from horarium.records.people import Role
from horarium.records.telling import Target
from horarium.store.books.deliveries import LyingBook
from tests.support import notices
from tests.support.api import program_of
from tests.support.pages import Site, open_site, post
from tests.support.people import SetClock
from tests.support.vault import HOST

CHANNELS, MESSAGES, RULES = "/notifications", "/notifications/sent", "/notifications/rules"
PAGES = (
    *(CHANNELS, f"{CHANNELS}/channels/new?kind=email", RULES, f"{RULES}/new", MESSAGES),
    *("/settings/notifications", "/settings/summary"),
)
FOR_ADMINS, FOR_OTHERS = "To have mail sent, set SMTP_HOST, leave SMTP_ENABLED on", "Ask an administrator to set one."


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock()) as opened:
        opened.live()
        opened.person("ines")
        opened.person("bo", Role.USER)
        yield opened


def note(client: TestClient, path: str) -> str:
    """Return what a page says about mail, without its marks."""
    text = client.get(path).text
    found = re.search(r'<div class="note [^"]*" id="no-mail">.*?</div></div>', text, re.DOTALL)
    return "" if found is None else re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[0])).strip()


@pytest.mark.parametrize("path", PAGES)
def test_pages_about_mail_say_that_none_goes_out_and_what_to_do(site: Site, path: str) -> None:
    assert FOR_ADMINS in note(site.signed_in("ines"), path)
    told = note(site.signed_in("bo"), path)
    assert told.startswith("No mail goes out: no mail server is set.")
    assert told.endswith(FOR_OTHERS)
    assert "SMTP" not in told
    assert note(site.signed_in("ines", sends_mail=True), path) == ""


def test_rules_that_tell_by_mail_alone_are_marked_where_none_goes_out(site: Site) -> None:
    words = "by mail alone, and none goes out"
    shown = site.signed_in("ines").get(RULES).text
    # All five standard rules tell by mail; a setting keeps the one about successes quiet.
    assert shown.count(words) == 4
    assert words not in site.signed_in("ines", sends_mail=True).get(RULES).text


def test_the_api_warns_of_a_rule_that_tells_by_mail_alone(site: Site) -> None:
    client = program_of(site, "ines")
    mail = NewChannel(name="Mail", kind="email", values={"to": "ops@example.org"})
    number = notices.telling(site).channels.add(mail, asker=HOST).id
    hook = notices.add_channel(site, 0)
    warning = f"It tells by mail alone, and {NO_MAIL}."

    def warned(*told: str, **more: bool) -> list[str]:
        wanted = {"owner": "installation", "kinds": ["failed"], "recipients": told, **more}
        answer = client.post("/api/v1/rules", json=wanted)
        assert answer.status_code == 201, answer.text
        found: list[str] = answer.json()["warnings"]
        return found

    assert warned("owner", f"channel:{number}") == [warning]
    assert warned("owner", f"channel:{hook}") == []
    assert warned("owner", is_on=False) == []
    listed = client.get("/api/v1/rules").json()["rules"]
    assert [bool(each["warnings"]) for each in listed[:3]] == [True, False, False]


def test_a_message_that_lies_is_shown_as_not_sent_with_the_reason(site: Site) -> None:
    client = site.signed_in("ines")
    number = left_for_ines(site, timedelta())
    for path in (MESSAGES, f"{MESSAGES}/{number}"):
        shown = client.get(path).text
        assert "Not sent" in shown
        assert NO_MAIL in shown
    assert "Next try" not in client.get(f"{MESSAGES}/{number}").text


def test_sending_again_without_a_mail_server_says_that_it_waits(site: Site) -> None:
    client = site.signed_in("ines")
    number = left_for_ines(site, timedelta(days=2))
    answer = post(client, f"{MESSAGES}/{number}/resend")
    assert "It waits for a mail server" in client.get(answer.headers["location"]).text


def left_for_ines(site: Site, later: timedelta) -> int:
    """Add a message to her that is left, so much later, for want of a mail server; return its number."""
    ines = site.users.find("ines")
    assert ines
    number = notices.add_message(site, Target(user_id=ines.id), state="waiting")
    with site.store.transaction() as tx:
        given_up = LyingBook(tx).leave(0, site.clock.now() + later, why=NO_MAIL)
    assert given_up == (1 if later else 0)
    return number
