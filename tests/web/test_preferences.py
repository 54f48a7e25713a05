"""Settings on the pages: kept, refused beside their field, locked, and seen on every page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from starlette.testclient import TestClient

from horarium.preferences.setting import Setting, SettingType
from horarium.preferences.settings import Preferences
from horarium.records.people import Role
from horarium.records.tasks import PerUser, PythonSpec, TaskDefinition
from tests.support.browser import open_page
from tests.support.pages import Site, open_site, post, served, token_of
from tests.support.people import SetClock

TIME, ADDED, RULES = "/settings/time", "/settings/applications", "/settings/installation"
SYNC = (
    Setting(key="sync_interval", type=SettingType.NUMBER, default=3600, least=60, most=86_400, sentence="Seconds."),
    Setting(key="sync_media", type=SettingType.SWITCH, default=True, sentence="Whether pictures go along."),
    Setting(key="notification_email", type=SettingType.TEXT, default=None, sentence="Where problems are told of."),
)


@pytest.fixture
def site(tmp_path: Path, clock: SetClock) -> Iterator[Site]:
    with open_site(tmp_path, clock) as opened:
        opened.person("ines")
        opened.person("marek", Role.USER)
        yield opened


@pytest.fixture
def preferences(site: Site) -> Preferences:
    found: Preferences = site.app.state.house.preferences
    found.register("Sync", SYNC)
    return found


def number_of(site: Site, name: str) -> int:
    user = site.users.find(name)
    assert user
    return user.id


def send(client: TestClient, path: str, values: dict[str, str], lock: tuple[str, ...] = ()) -> Any:
    """Send settings in step, as their form does."""
    form = {"key": list(values), "value": list(values.values()), "lock": list(lock)}
    return client.post(path, data={"csrf_token": token_of(client, path), **{k: v for k, v in form.items() if v}})


def test_zone_clock_language_and_look_show_on_every_page(site: Site) -> None:
    client = site.signed_in("ines")
    assert '<html lang="en" data-look="system">' in client.get("/").text
    chosen = {"timezone": "Asia/Tokyo", "clock": "12h", "date_language": "de", "look": "dark"}
    answer = post(client, TIME, page=TIME, **chosen, week_start="monday", page_size="50")
    assert (answer.status_code, answer.headers["location"]) == (303, TIME)
    page = client.get("/").text
    assert '<html lang="en" data-look="dark" data-theme="dark">' in page
    assert '9:00 pm <small title="Asia/Tokyo">JST</small>' in page
    assert "<h1>Donnerstag 14. Mai</h1>" in page
    assert "Your settings are saved" in page
    task = site.task(cron="0 6 * * *")
    page = client.get(f"/tasks/{task}").text
    assert "Fr 15. Mai" in page
    assert "6:00 am" in page
    assert "3:00 pm for you" in page
    assert 'data-look="system"' in site.signed_in("marek").get("/").text


def test_what_a_person_left_as_it_was_stays_not_chosen(site: Site, preferences: Preferences) -> None:
    usual = {"timezone": "UTC", "clock": "24h", "date_language": "en", "look": "dark", "week_start": "monday"}
    assert post(site.signed_in("ines"), TIME, page=TIME, **usual, page_size="50").status_code == 303
    standing = preferences.standing(number_of(site, "ines"))
    assert {key for key, each in standing.items() if each.is_own} == {"timezone", "look"}


def test_the_first_day_of_a_week_moves_the_line_between_weeks(site: Site) -> None:
    client, task = site.signed_in("ines"), site.task(cron="0 6 * * *")
    monday = client.get(f"/tasks/{task}").text
    post(client, TIME, page=TIME, week_start="sunday")
    sunday = client.get(f"/tasks/{task}").text
    # Today is a Thursday: Monday is four rows down, Sunday three.
    assert 'y1="56"' in monday
    assert 'y1="42"' in sunday
    assert 'y1="56"' not in sunday


def test_lists_are_as_long_as_a_person_wants_them(site: Site) -> None:
    client = site.signed_in("ines")
    for number in range(60):
        site.task(f"job {number}", cron=None)
    assert client.get("/tasks").text.count('id="task-') == 50
    post(client, TIME, page=TIME, page_size="25")
    assert client.get("/tasks").text.count('id="task-') == 25


def test_a_wrong_value_is_named_beside_its_field_and_nothing_is_lost(site: Site, preferences: Preferences) -> None:
    client = site.signed_in("ines")
    answer = post(client, TIME, page=TIME, timezone="Europe/Atlantis", clock="12h")
    assert answer.status_code == 422
    assert 'href="#s-timezone"' in answer.text
    assert 'id="s-timezone-err"' in answer.text
    assert '<option value="Europe/Atlantis" selected>' in answer.text
    assert 'value="12h" checked' in answer.text
    assert preferences.get(number_of(site, "ines"), "clock") == "24h"


def test_applications_settings_are_a_part_once_there_are_some(site: Site) -> None:
    client = site.signed_in("marek")
    assert ADDED not in client.get(TIME).text
    assert "No application has settings here." in client.get(ADDED).text
    site.app.state.house.preferences.register("Sync", SYNC)
    assert ADDED in client.get(TIME).text
    values = {"sync_interval": "900", "sync_media": "off", "notification_email": ""}
    assert send(client, ADDED, values).status_code == 303
    assert site.app.state.house.preferences.get(number_of(site, "marek"), "sync_interval") == 900
    assert '<option value="off" selected>' in client.get(ADDED).text
    answer = send(client, ADDED, {"sync_interval": "5", "notification_email": "marek@tidewater.example"})
    assert answer.status_code == 422
    assert "Sync interval: use a whole number from 60 to 86400." in answer.text
    assert 'value="5"' in answer.text
    assert 'value="marek@tidewater.example"' in answer.text


@pytest.mark.usefixtures("preferences")
def test_r48_only_settings_that_are_there_are_written(site: Site) -> None:
    client = site.signed_in("marek")
    for key in ("role", "clock", "is_admin", "sync_intervall"):
        assert send(client, ADDED, {"sync_media": "off", key: "admin"}).status_code == 422
    form = {"csrf_token": token_of(client, ADDED), "key": ["sync_media", "sync_media"], "value": ["on", "off"]}
    assert client.post(ADDED, data=form).status_code == 422
    assert client.post(ADDED, data={**form, "key": ["sync_media"]}).status_code == 422
    assert post(client, TIME, page=TIME, role="admin").status_code == 422
    assert site.users.get(number_of(site, "marek")).role is Role.USER
    assert site.app.state.house.preferences.get(number_of(site, "marek"), "sync_media") is True


def test_an_administrator_sets_and_locks_for_everybody(site: Site, preferences: Preferences) -> None:
    ines, marek = site.signed_in("ines"), site.signed_in("marek")
    assert RULES in ines.get(TIME).text
    assert RULES not in marek.get(TIME).text
    assert marek.get(RULES).status_code == 403
    answer = send(ines, RULES, {"clock": "12h", "sync_interval": "600"}, lock=("clock",))
    assert (answer.status_code, answer.headers["location"]) == (303, RULES)
    assert (preferences.rules()["clock"].is_locked, preferences.rules()["sync_interval"].is_locked) == (True, False)
    page = marek.get(TIME).text
    assert "An administrator has set this for everybody." in page
    assert 'value="12h" checked disabled' in page
    refused = post(marek, TIME, page=TIME, clock="24h")
    assert refused.status_code == 422
    assert 'id="s-clock-err"' in refused.text
    assert "12:00 pm" in marek.get("/tasks").text
    assert send(ines, RULES, {"clock": "13h"}).status_code == 422
    assert send(ines, RULES, {"timezone": "UTC"}).status_code == 422
    assert send(ines, RULES, {"clock": "24h"}).status_code == 303
    assert not preferences.rules()["clock"].is_locked


def test_r22_settings_of_the_installation_need_a_fresh_proof_and_lose_nothing_meanwhile(
    site: Site, clock: SetClock, preferences: Preferences
) -> None:
    client = site.signed_in("ines")
    clock.move(timedelta(minutes=11))
    asked = send(client, RULES, {"clock": "12h", "page_size": "25"}, lock=("clock",))
    assert asked.status_code == 403
    assert asked.headers["X-Error"] == "prove_again"
    assert preferences.rules()["clock"].value == "24h"
    held = asked.text.partition('name="held" value="')[2].partition('"')[0]
    form = {"csrf_token": token_of(client, RULES), "held": held, "proof": site.passwords["ines"]}
    assert client.post(RULES, data=form).status_code == 303
    rules = preferences.rules()
    assert (rules["clock"].value, rules["clock"].is_locked, rules["page_size"].value) == ("12h", True, "25")


def test_tasks_for_each_person_are_shown_to_whom_they_are(site: Site, preferences: Preferences) -> None:
    ines, marek = site.signed_in("ines"), site.signed_in("marek")
    per_user = PerUser(interval="sync_interval")
    template = site.desk.define(TaskDefinition("sync", PythonSpec("shop.jobs:sync"), None, per_user=per_user)).task
    mine, his = (site.desk.find("sync", for_user_id=number_of(site, name)).id for name in ("ines", "marek"))
    page = ines.get("/tasks").text
    assert (f'id="task-{template.id}"' in page, f'id="task-{mine}"' in page, f'id="task-{his}"' in page) == (
        *(True, True),
        False,
    )
    everybody = ines.get(f"/tasks?of={template.id}").text
    assert everybody.count('id="task-') == 2
    assert '<span class="tag">marek</span>' in everybody
    assert "each person: 2 have it" in ines.get(f"/tasks/{template.id}").text
    assert "Run now…" not in ines.get(f"/tasks/{template.id}").text
    assert [marek.get(f"/tasks/{number}").status_code for number in (template.id, mine, his)] == [404, 404, 200]
    assert marek.get(f"/tasks?of={template.id}").text.count('id="task-') == 1
    assert preferences.get(number_of(site, "marek"), "sync_interval") == 3600


@pytest.mark.browser
@pytest.mark.usefixtures("_needs_browser")
def test_a_look_that_is_chosen_for_all_browsers_takes_the_place_of_this_browsers_own(
    browser: Browser, site: Site
) -> None:
    with served(site) as base, open_page(browser, scheme="light") as page:
        page.goto(f"{base}/login")
        page.get_by_label("E-mail").fill("ines@tidewater.example")
        page.locator("input[name=password]").fill(site.passwords["ines"])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{base}/")
        root = page.locator("html")
        page.keyboard.press("t")
        expect(root).to_have_attribute("data-theme", "dark")
        page.goto(f"{base}{TIME}")
        expect(root).to_have_attribute("data-theme", "dark")
        page.get_by_role("radio", name="Light").check(force=True)
        page.get_by_role("radio", name="2:32 pm").check(force=True)
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".toast")).to_contain_text("Your settings are saved")
        expect(root).to_have_attribute("data-theme", "light")
        expect(page.locator("#clock")).to_contain_text("12:00 pm")
        page.keyboard.press("t")
        expect(root).to_have_attribute("data-theme", "dark")
        page.reload()
        expect(root).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("path", [TIME, "/settings/notifications", "/settings/summary"])
def test_ones_own_page_speaks_to_its_reader_and_that_of_everybody_of_people(site: Site, path: str) -> None:
    client = site.signed_in("ines")
    assert "the person" not in client.get(path).text
    assert "How often a summary of the runs that you see comes by mail." in client.get("/settings/summary").text
    assert "How often a summary of the runs that the person sees comes by mail." in client.get(RULES).text
