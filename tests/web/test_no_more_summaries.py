"""The link in a summary: it ends summaries without a session, takes it back, and says where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from horarium.audit.trail import Trail
from horarium.preferences.settings import Preferences
from horarium.records.audit import AuditFilter, AuditRow
from horarium.records.people import Role
from tests.support.pages import Site, open_site, token_of
from tests.support.people import SetClock
from tests.support.vault import HOST

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock(), sends_mail=True) as opened:
        opened.person("ines")
        for name in ("dora", "bo"):
            preferences(opened).set(opened.person(name, Role.USER).id, "summary", "daily")
        yield opened


def preferences(site: Site) -> Preferences:
    found: Preferences = site.app.state.house.preferences
    return found


def number(site: Site, name: str = "dora") -> int:
    user = site.users.find(name)
    assert user
    return user.id


def summary_of(site: Site, name: str = "dora") -> Any:
    return preferences(site).get(number(site, name), "summary")


def path_of(site: Site, name: str = "dora", span: str = "weekly") -> str:
    link: str = site.app.state.house.telling.unsubscriber.summary_link(number(site, name), span)
    return link[link.index("/unsubscribe/") :]


def changes(site: Site) -> list[AuditRow]:
    """Return who changed settings by a link."""
    return [each for each in Trail(site.store, site.clock).each(AuditFilter()) if "by a link" in each.actor]


def test_r84_one_click_ends_the_summaries_of_one_person_without_a_session(site: Site) -> None:
    path = path_of(site)
    looked = site.client().get(path)
    assert "gets summaries by mail" in looked.text
    assert 'href="/settings/summary"' in looked.text
    assert (summary_of(site), changes(site)) == ("daily", [])
    for _ in range(2):
        answer = site.client().post(path, data=ONE_CLICK)
        assert answer.status_code == 200
        assert "gets no more summaries by mail" in answer.text
    assert (summary_of(site), summary_of(site, "bo")) == ("off", "daily")
    assert preferences(site).get(number(site), "mail_notices") is True
    (entry,) = changes(site)
    assert (entry.actor, entry.actor_id) == ("dora (by a link in a mail)", number(site))
    assert entry.source == "web"
    assert (entry.before, entry.after) == ({"summary": "daily"}, {"summary": "off"})


def test_on_the_page_it_ends_and_comes_again_as_often_as_before(site: Site) -> None:
    path, browser = path_of(site), site.client()
    ended = browser.post(path, data={"csrf_token": token_of(browser, path)})
    assert "gets no more summaries by mail" in ended.text
    assert 'name="was" value="daily"' in ended.text
    assert summary_of(site) == "off"
    assert browser.post(f"{path}/back", data={"csrf_token": "x", "was": "daily"}).status_code == 403
    assert browser.post(f"{path}/back", data=ONE_CLICK).status_code == 403
    assert summary_of(site) == "off"
    back = browser.post(f"{path}/back", data={"csrf_token": token_of(browser, path), "was": "daily"})
    assert "gets summaries by mail again" in back.text
    assert summary_of(site) == "daily"
    # Whoever comes later finds what the letter was; a value that is none counts for nothing.
    browser.post(path, data={"csrf_token": token_of(browser, path)})
    assert 'name="was" value="weekly"' in browser.get(path).text
    browser.post(f"{path}/back", data={"csrf_token": token_of(browser, path), "was": "off"})
    assert summary_of(site) == "weekly"


@pytest.mark.parametrize(("value", "words", "status"), [("weekly", "gets summaries", 409), ("off", "gets no sum", 200)])
def test_a_setting_that_is_locked_is_left_and_it_is_said(site: Site, value: str, words: str, status: int) -> None:
    path, browser = path_of(site), site.client()
    preferences(site).change_rules({"summary": (value, True)}, actor=HOST.actor)
    for answer, expected in (
        (browser.get(path), 200),
        (site.client().post(path, data=ONE_CLICK), status),
        (browser.post(path, data={"csrf_token": token_of(browser, "/login")}), status),
        (
            browser.post(f"{path}/back", data={"csrf_token": token_of(browser, "/login")}),
            409 if value == "off" else 200,
        ),
    ):
        assert answer.status_code == expected
        assert words in answer.text
        assert "locked it" in answer.text
        assert "Undo" not in answer.text
    assert summary_of(site) == value
    assert changes(site) == []


def test_r84_a_forged_link_is_answered_like_one_that_is_not_there(site: Site) -> None:
    path = path_of(site)
    absent = site.client().get("/unsubscribe/x")
    assert absent.status_code == 404
    forged = (f"{path}x", path.replace("weekly", "daily"), path.replace("summary-weekly", "mail_notices"))
    for wrong in (*forged, path.replace(f"/{number(site)}.", f"/{number(site, 'bo')}.")):
        for answer in (site.client().get(wrong), site.client().post(wrong, data=ONE_CLICK)):
            assert (answer.status_code, answer.headers["x-error"]) == (404, absent.headers["x-error"])
    assert (summary_of(site), summary_of(site, "bo")) == ("daily", "daily")


def test_the_letter_on_the_page_shows_the_link_of_its_reader(site: Site) -> None:
    text = site.signed_in("dora").get("/summary/mail?period=daily").text
    assert path_of(site, span="daily") in text
    assert "Send me no more summaries" in text
