"""Notifications as pages: channels without their secrets, rules in their order, messages, the link that ends mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from horarium.audit.trail import Trail
from horarium.records.audit import AuditFilter
from horarium.records.people import Role
from horarium.records.reach import Place
from horarium.records.telling import Recipient, Target, To
from horarium.store.books.channels import ChannelBook
from tests.support import notices
from tests.support.pages import Site, open_site, post, token_of
from tests.support.people import SetClock, made_up
from tests.support.vault import HOST

CHANNELS, RULES, SENT = "/notifications", "/notifications/rules", "/notifications/sent"
RULE: dict[str, Any] = {
    "owner": "installation",
    "scope": "tag",
    "tag": "critical",
    "kind": ["failed", "late"],
    "after_failures": "3",
    "after_minutes": "10",
    "frequency": "at_most",
    "every_minutes": "90",
    "to": ["admins"],
    "is_on": "yes",
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock(), sends_mail=True) as opened:
        opened.live()
        opened.person("ines")
        opened.person("bo", Role.USER)
        yield opened


@pytest.fixture
def ines(site: Site) -> TestClient:
    return site.signed_in("ines")


def words(text: str, tag: str = "tbody") -> str:
    """Return what a part of a page says, without its marks."""
    part = text[text.index(f"<{tag}") : text.index(f"</{tag}>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part)).strip()


def said(answer: Any) -> str:
    """Return what a page says about what was just done."""
    found = re.search(r'<div class="toast".*?</div>', answer.text, re.DOTALL)
    return "" if found is None else re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])).strip()


def done(client: TestClient, path: str, **fields: Any) -> str:
    """Send a form; return what the page that it leads to says."""
    answer = post(client, path, **fields)
    assert answer.status_code == 303, answer.text
    return said(client.get(answer.headers["location"]))


def errors(answer: Any) -> list[str]:
    """Return what is wrong with the fields of a form."""
    assert answer.status_code == 422, answer.status_code
    found = re.findall(r'<p class="err"[^>]*>.*?<span>(.*?)</span>', answer.text)
    return [each.replace("&#39;", "'").replace("&#34;", '"') for each in found]


def test_r71_the_secret_of_a_channel_is_on_no_page(site: Site, ines: TestClient) -> None:
    secret = made_up()
    fields = {"ntfy.topic": "ops", "ntfy.server": notices.NOWHERE, "ntfy.token": secret}
    made = post(ines, f"{CHANNELS}/channels/new", kind="ntfy", name="Ops", owner="installation", **fields)
    assert made.headers["location"] == f"{CHANNELS}/channels/1?saved=yes"
    site.task("backup")
    done(ines, f"{CHANNELS}/channels/1/test")
    wrong = post(ines, f"{CHANNELS}/channels/new", kind="ntfy", name="Ops", owner="installation", **fields)
    assert errors(wrong) == ["Name “Ops”: there is a channel of this name."]
    pages = [made.headers["location"], CHANNELS, RULES, SENT, f"{SENT}/1", f"{CHANNELS}/channels/1/remove", "/audit"]
    texts = [ines.get(path).text for path in pages] + [wrong.text]
    assert not [path for path, text in zip([*pages, "again"], texts, strict=True) if secret in text]
    assert "A value is set and not shown" in texts[0]
    with site.store.reading() as tx:
        channel = ChannelBook(tx).get(1)
        assert channel
        assert channel.credential_id is not None


def test_a_channel_is_saved_tested_paused_resumed_and_deleted(site: Site, ines: TestClient) -> None:
    number = notices.add_channel(site, 0, name="Ops")
    there = f"{CHANNELS}/channels/{number}"
    assert done(ines, f"{there}/test").startswith("Ops did not take the test")
    assert done(ines, f"{there}/test").startswith("No test was sent")
    assert "last one failed" in ines.get(CHANNELS).text
    assert done(ines, f"{there}/pause") == "Ops is paused What is to be told there waits until it is resumed."
    assert done(ines, f"{there}/pause").startswith("Channel &#39;Ops&#39; is paused already")
    assert "paused by ines" in ines.get(CHANNELS).text
    assert done(ines, f"{there}/resume") == "Ops sends again"
    fields = {"name": "Phones", "most_per_hour": "5", "ntfy.topic": "phones", "ntfy.server": notices.NOWHERE}
    assert done(ines, there, **fields) == "Phones is saved"
    changed = site.app.state.house.telling.channels.show(number, asker=HOST)
    assert (changed.most_per_hour, changed.open_values["topic"]) == (5, "phones")
    notices.add_rule(site, 0, recipients=(Recipient(To.CHANNEL, number),))
    asked = ines.get(f"{there}/remove").text
    assert "1 rule tells it," in asked
    assert done(ines, f"{there}/remove").startswith("Phones is gone")
    assert ines.get(there).status_code == 404
    assert "a channel that is gone" in ines.get(RULES).text


def test_what_is_wrong_with_a_channel_is_said_beside_its_fields(ines: TestClient) -> None:
    fields: dict[str, Any] = {"kind": "ntfy", "name": " ", "ntfy.server": "ftp://x"}
    wrong = post(ines, f"{CHANNELS}/channels/new", most_per_hour="many", most_per_day="0", **fields)
    found = errors(wrong)
    assert [each.partition(" ")[0] for each in found if not each.startswith("Messages")] == [
        "Name",
        "Server:",
        "Topic:",
    ]
    assert "Messages an hour “many”: use a whole number from 1 to 1000, or nothing for the usual." in found
    assert "Messages a day “0”: use a whole number from 1 to 1000, or nothing for the usual." in found
    assert 'value="many"' in wrong.text
    assert post(ines, f"{CHANNELS}/channels/new", kind="pigeon", name="x").status_code == 422


def test_people_have_channels_and_rules_of_their_own_and_find_no_others(site: Site, ines: TestClient) -> None:
    bo = site.signed_in("bo")
    foreign, rule = notices.add_channel(site, 0, name="Everybody"), notices.add_rule(site, 0)
    assert "Everybody" not in bo.get(CHANNELS).text
    for path in (f"{CHANNELS}/channels/{foreign}", f"{RULES}/{rule}"):
        assert bo.get(path).status_code == 404
    fields = {"ntfy.topic": "mine", "ntfy.server": notices.NOWHERE}
    refused = post(bo, f"{CHANNELS}/channels/new", kind="ntfy", name="Mine", owner="installation", **fields)
    assert refused.status_code == 403
    made = post(bo, f"{CHANNELS}/channels/new", kind="ntfy", name="Mine", **fields)
    assert made.status_code == 303
    assert "Rules for everyone" not in bo.get(RULES).text
    offered = bo.get(f"{RULES}/new").text
    assert "Administrators" not in offered
    assert "Everybody" not in offered
    own: dict[str, Any] = {**RULE, "owner": "me", "to": [f"channel:{foreign}"]}
    assert errors(post(bo, f"{RULES}/new", **own)) == [
        f"Then tell “channel:{foreign}”: use your own channels, or yourself."
    ]
    assert done(bo, f"{RULES}/new", **{**own, "to": ["channel:2"]}) == "The rule is saved"
    assert "Mine" in words(bo.get(RULES).text)
    assert "Mine" in ines.get(CHANNELS).text


def test_rules_are_made_moved_switched_and_come_back_to_their_place(site: Site, ines: TestClient) -> None:
    site.person("ana")
    assert done(ines, f"{RULES}/new", **RULE, people="ana, bo") == "The rule is saved"
    assert done(ines, f"{RULES}/new", **{**RULE, "tag": "money", "goes_on": "yes"}) == "The rule is saved"
    listed = words(ines.get(RULES).text)
    first = "a task tagged critical fails 3 times in a row or is more than 10 minutes late"
    assert listed.startswith(f"1 {first} administrators by e-mail, ana by e-mail, bo by e-mail at most each 90 minutes")
    assert "kept quiet by the setting NOTIFY_ON_TASK_SUCCESS" in listed
    (critical, money) = (6, 7)
    assert done(ines, f"{RULES}/{critical}/move", by="down") == "The rule stands one place lower"
    assert words(ines.get(RULES).text).startswith("1 a task tagged money")
    assert done(ines, f"{RULES}/{critical}/move", by="down") == "The rule stands one place lower"
    order = re.findall(r'id="rule-(\d+)" data-row', ines.get(RULES).text)
    assert order == [str(money), "1", str(critical), "2", "3", "4", "5"]
    assert done(ines, f"{RULES}/{money}/switch", on="no") == "The rule is off"
    assert re.search(rf'id="rule-{money}-sw"[^>]*aria-checked="false"', ines.get(RULES).text)
    gone = post(ines, f"{RULES}/{critical}/remove")
    page = ines.get(gone.headers["location"]).text
    undo = re.search(r'action="(/notifications/rules/back/[^"]+)"', page)
    assert undo
    assert ines.get(f"{RULES}/{critical}").status_code == 404
    assert post(site.signed_in("ana"), undo[1]).status_code == 404
    assert done(ines, undo[1]) == "The rule is back"
    order = re.findall(r'id="rule-(\d+)" data-row', ines.get(RULES).text)
    assert order == [str(money), "1", "8", "2", "3", "4", "5"]
    assert done(ines, f"{RULES}/1/remove").startswith("Every installation has this rule")


def test_a_rule_is_shown_as_it_was_saved_and_what_is_wrong_is_said(site: Site, ines: TestClient) -> None:
    task = site.task("backup")
    assert done(ines, f"{RULES}/new", **{**RULE, "scope": "task", "task": "backup"}) == "The rule is saved"
    form = ines.get(f"{RULES}/6").text
    assert f'value="#{task} backup"' in form
    assert '<input class="input" id="c-every_minutes" name="every_minutes" value="90"' in form
    same: dict[str, Any] = {**RULE, "scope": "task", "task": f"#{task} backup", "after_minutes": "1.5"}
    del same["owner"]
    assert done(ines, f"{RULES}/6", **same) == "The rule is changed"
    assert 'name="after_minutes" value="1.5"' in ines.get(f"{RULES}/6").text
    bad: dict[str, Any] = {
        **RULE,
        "scope": "task",
        "task": "gone",
        "after_failures": "x",
        "every_minutes": "-1",
        "people": "zoe",
    }
    bad |= {"kind": [], "to": []}
    assert errors(post(ines, f"{RULES}/new", **bad)) == [
        "Task “gone”: there is none of this name that you see.",
        "What happens: choose at least one thing.",
        "Failures in a row “x”: use a whole number.",
        "People “zoe”: nobody has this name or address.",
        "Minutes “-1”: use minutes, such as 10 or 1.5, up to a year.",
    ]
    assert errors(post(ines, f"{RULES}/new", **{**RULE, "to": []})) == ["Then tell: choose at least one."]


def test_the_log_is_filtered_walked_and_sent_again(site: Site, ines: TestClient) -> None:
    bo = site.users.find("bo")
    assert bo
    channel = notices.add_channel(site, 0, name="Ops", token=False)
    for number in range(60):
        state = "given_up" if number % 3 == 0 else "sent"
        notices.add_message(site, Target(channel_id=channel), state=state, summary=f"message {number}")
    own = notices.add_message(site, Target(user_id=bo.id), summary="to bo")
    page = ines.get(SENT).text
    assert "message 59" in page
    assert "to bo" in page
    older = re.search(r'href="(/notifications/sent\?before=\d+)"', page)
    assert older
    assert "message 10" not in page
    assert "message 10" in ines.get(older[1]).text
    given_up = ines.get(f"{SENT}?state=given_up&channel={channel}").text
    assert "message 57" in given_up
    assert "message 58" not in given_up
    hers = site.signed_in("bo").get(SENT).text
    assert "to bo" in hers
    assert "message 59" not in hers
    shown = ines.get(f"{SENT}/{own}").text
    assert "it answered 410" in shown
    assert "backup failed" in shown
    assert done(ines, f"{SENT}/{own}/resend").startswith("It is sent again within seconds")
    assert "Waiting" in words(ines.get(f"{SENT}/{own}").text, "h1")
    assert done(ines, f"{SENT}/2/resend") == "Not sent again It arrived: it is not sent again."


def test_the_log_of_one_task_is_for_who_sees_the_task(site: Site, ines: TestClient) -> None:
    task = site.task("backup", place=Place(owner_id=1))
    assert "Task: backup" in ines.get(f"{SENT}?task={task}").text
    assert "backup" not in site.signed_in("bo").get(f"{SENT}?task={task}").text


def test_something_is_held_back_and_ends(site: Site, ines: TestClient) -> None:
    site.task("backup")
    channel = notices.add_channel(site, 0, name="Ops", token=False)
    held = {"task": "backup", "length": "4h", "whom": "all", "reason": "a new disk"}
    assert done(ines, "/notifications/held", what="task", **held).startswith("It is held back")
    assert done(ines, "/notifications/held", what="channel", channel=str(channel), length="1d").startswith("It is held")
    text = ines.get(SENT).text
    assert "a new disk" in text
    assert "to Ops" in text
    bo = site.signed_in("bo")
    assert bo.get(SENT).text.count("End<span") == 0
    assert done(bo, "/notifications/held", what="all", length="until", until="2026-05-15T08:00").startswith(
        "It is held"
    )
    assert done(ines, "/notifications/held/1/end").startswith("It is told again")
    assert post(bo, "/notifications/held/2/end").status_code == 404
    for fields, wrong in (
        ({"what": "task", "task": "gone"}, "Task “gone”: there is none of this name that you see."),
        ({"what": "all", "length": "until", "until": "x"}, "Until: use a time to come, at most a year ahead."),
        ({"what": "all", "length": "until", "until": "2026-05-01T08:00"}, "Until: use a time with its zone,"),
        (
            {"what": "channel", "channel": "2"},
            "What: pause the channel instead; to hold it back is for administrators.",
        ),
    ):
        assert errors(post(bo, "/notifications/held", **fields))[0].startswith(wrong)


def test_what_is_told_by_mail_is_kept_and_counts(site: Site, ines: TestClient) -> None:
    fields = {"tell_failures": "off", "digest": "daily", "digest_hour": "09:00", "quiet_from": "22:00"}
    assert done(ines, "/settings/notifications", **fields) == "Your settings are saved"
    kept = site.app.state.house.preferences.get_all(1)
    assert (kept["tell_failures"], kept["digest"], kept["digest_hour"], kept["quiet_from"]) == (
        *(False, "daily", "09:00"),
        "22:00",
    )
    assert errors(post(ines, "/settings/notifications", digest="never")) != []
    listed = ines.get("/settings/profile").text
    assert "/settings/notifications" in listed
    assert "/settings/applications" not in listed


def test_r84_one_click_ends_mail_without_a_cookie_and_can_be_taken_back(site: Site) -> None:
    person = site.person("dora", Role.USER)
    preferences = site.app.state.house.preferences
    link: str = site.app.state.house.telling.unsubscriber.link(person.id, ["failed"])
    path = link[link.index("/unsubscribe/") :]
    looked = site.client().get(path)
    assert "notifications about failures" in looked.text
    assert preferences.get(person.id, "tell_failures") is True
    ways: tuple[dict[str, Any], ...] = (
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
    )
    for sent in ways:
        preferences.set(person.id, "tell_failures", value=True)
        answer = site.client().post(path, **sent)
        assert answer.status_code == 200
        assert "It has ended" in answer.text
        assert "set-cookie" not in answer.headers or "session" not in answer.headers["set-cookie"]
        assert preferences.get(person.id, "tell_failures") is False
    (entry, *_) = list(Trail(site.store, site.clock).each(AuditFilter()))[::-1]
    assert (entry.actor, entry.actor_id) == ("dora (by a link in a mail)", person.id)
    browser = site.client()
    assert browser.post(f"{path}/back", data={"csrf_token": "x"}).status_code == 403
    back = browser.post(f"{path}/back", data={"csrf_token": token_of(browser, path)})
    assert "They come again" in back.text
    assert preferences.get(person.id, "tell_failures") is True


def test_r84_nothing_else_is_done_without_the_proof_of_a_form(site: Site) -> None:
    person = site.person("dora", Role.USER)
    link: str = site.app.state.house.telling.unsubscriber.link(person.id, ["failed"])
    path = link[link.index("/unsubscribe/") :]
    forms: tuple[dict[str, Any], ...] = (
        {"data": {}},
        {"data": {"List-Unsubscribe": "Two-Clicks"}},
        {"data": {"List-Unsubscribe": "One-Click", "more": "1"}},
        {"files": {"List-Unsubscribe": (None, "No")}},
        {"files": {"a": (None, "One-Click"), "b": (None, "One-Click")}},
        {"json": {"List-Unsubscribe": "One-Click"}},
        {"content": b"x" * 5000, "headers": {"content-type": "multipart/form-data; boundary=x"}},
    )
    for sent in forms:
        assert site.client().post(path, **sent).status_code in {403, 413, 415}, sent
    assert site.app.state.house.preferences.get(person.id, "tell_failures") is True
    for wrong in (f"{path}x", path.replace("tell_failures", "tell_delays"), "/unsubscribe/x", "/unsubscribe/1.x.y"):
        assert site.client().get(wrong).status_code == 404
        assert site.client().post(wrong, data={"List-Unsubscribe": "One-Click"}).status_code == 404
    site.users.disable(person.id, actor=HOST.actor)
    assert site.client().get(path).status_code == 404


def test_the_page_of_a_task_says_who_is_told_and_holds_it_back(site: Site, ines: TestClient) -> None:
    task, other = site.task("backup", tags=("critical",)), site.task("other")
    assert done(ines, f"{RULES}/new", **RULE) == "The rule is saved"
    told = ines.get(f"/tasks/{task}").text
    assert "If a task tagged “critical” fails 3 times" in told
    assert "tell its owner by e-mail, at most once an hour" in told
    assert "every time" not in told, "the setting keeps that rule quiet"
    assert "tagged “critical”" not in ines.get(f"/tasks/{other}").text
    held = {"what": "task", "task": f"#{task}", "length": "4h", "back": f"/tasks/{task}"}
    assert done(ines, "/notifications/held", **held).startswith("It is held back")
    assert "Held back until 16:00." in ines.get(f"/tasks/{task}").text
    assert "Held back until" not in ines.get(f"/tasks/{other}").text
    assert f'value="#{task}"' in ines.get(f"{RULES}/new?task=%23{task}").text
    owned = site.task("bos", place=Place(owner_id=2))
    assert "No rule of yours is about it" in site.signed_in("bo").get(f"/tasks/{owned}").text
