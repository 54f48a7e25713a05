"""Chat and push: what others wrote stays text, messages fit, and answers are told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from horarium.errors import InvalidValue
from horarium.notify.channels.base import ChannelKind
from horarium.notify.channels.kinds import KINDS
from horarium.notify.lines import lifeless, one_line
from horarium.outgoing.addresses import Policy
from horarium.records.notices import Message, NoticeKind
from tests.support.chats import Chat, Seen, chat
from tests.support.loopback import Asked, WebServer, web_server
from tests.support.mail import certificate
from tests.support.messages import AT, BASE, HOSTILE, failure, message, send, thousand, topic
from tests.support.people import made_up

CHATS = ("slack", "discord", "teams", "telegram", "ntfy")
JOINT = "\u2060"


def values(name: str, address: str, token: str = "") -> dict[str, str]:
    """Return the values of a channel of a kind that leads to a server on loopback."""
    token = token or made_up()
    return {
        "slack": {"url": f"{address}/services/{token}"},
        "discord": {"url": f"{address}/api/webhooks/1/{token}"},
        "teams": {"url": f"{address}/workflows/1?sig={token}"},
        "telegram": {"server": address, "token": f"123456:{token}", "chat": "-1001234567890"},
        "ntfy": {"server": address, "topic": "tidewater-ops", "token": f"tk_{token}"},
    }[name]


@contextmanager
def service(name: str) -> Iterator[tuple[WebServer, Chat]]:
    found = chat(name)
    with web_server() as server:
        server.answer = found.answer
        yield server, found


def seen(name: str, *messages: Message) -> list[Seen]:
    """Send messages and return them as people see them."""
    with service(name) as (server, found):
        for each in messages:
            try:
                assert send(KINDS[name], values(name, server.address), each).startswith("taken")
            except Exception as error:
                raise AssertionError([each.body[:300] for each in server.asked[-1:]]) from error
        return found.seen


@pytest.mark.parametrize("name", CHATS)
def test_r84_mentions_links_and_markup_of_others_are_inert_and_read_as_they_are(name: str) -> None:
    alone = [
        message(
            topic(hostile, words=f"{hostile}\n{hostile}", facts={f"Name {hostile}": f"Value {hostile}"}), team=hostile
        )
        for hostile in HOSTILE
    ]
    together = message(*(topic(hostile, words=hostile) for hostile in HOSTILE), team=HOSTILE[0])
    found = seen(name, *alone, together)
    assert {link: each.alive for each in found for link in each.links[:1] if each.alive} == {}
    assert all(link.startswith(BASE) for each in found for link in each.links)
    for hostile, each in zip(HOSTILE, found, strict=False):
        assert f"{one_line(hostile)} failed" in each.text.replace(JOINT, ""), hostile
        assert f"Value {one_line(hostile)}" in re.sub(r": *\n", ": ", each.text.replace(JOINT, ""))


def test_the_services_of_these_tests_see_what_is_alive() -> None:
    plain = "<!channel> @everyone [x](http://evil.test)"
    element = {"type": "mrkdwn", "text": plain}
    embed = {"title": "t", "url": BASE, "description": plain, "footer": {"text": "f"}}
    action = {"type": "Action.OpenUrl", "title": "Open", "url": BASE}
    card = {"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": plain}]}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card | {"actions": [action]}}
    for name, path, body in (
        ("slack", "/", {"text": "a", "blocks": [{"type": "context", "elements": [element]}]}),
        ("discord", "/?wait=true", {"embeds": [embed], "allowed_mentions": {"parse": []}}),
        ("teams", "/", {"type": "message", "attachments": [attachment]}),
        ("telegram", "/bot1:a/sendMessage", {"chat_id": "1", "text": plain, "entities": []}),
        ("ntfy", "/", {"topic": "t", "title": "t", "message": plain, "priority": 3, "click": BASE}),
    ):
        assert chat(name).read(asked(body, path)).alive, name


def asked(body: object, path: str = "/") -> Asked:
    return Asked("POST", path, {}, json.dumps(body))


@pytest.mark.parametrize("name", CHATS)
def test_r84_names_and_outputs_of_any_size_fit(name: str) -> None:
    kinds = list(NoticeKind)
    for letters in ("x", "é", "漢", "😀", "&<>", "*_`", "\\", "a.b@c "):
        long = letters * (10_240 // len(letters))
        facts = {f"{n} {long}": long for n in range(40)}
        whole = topic(long, words=f"{long}\n" * 100, facts=facts)
        many = [topic(f"{n} {long}", kinds[n % len(kinds)], words=long, many=n + 1) for n in range(300)]
        found = seen(name, message(whole, team=long), message(*many, team=long))
        assert "300 notices" in found[1].text
        assert " more: " in found[1].text


@pytest.mark.parametrize("name", CHATS)
def test_r84_of_a_thousand_topics_none_goes_unmentioned(name: str) -> None:
    (found,) = seen(name, thousand())
    text = found.text.replace(JOINT, "")
    listed = re.findall(r"Task (\d+) x*…?", text)
    assert [int(each) for each in listed] == list(range(len(listed)))
    assert len(listed) >= 10
    counted = re.search(r"And ([\d,]+) more: ([^.]+)\.", text)
    assert counted
    left = sum(int(each.replace(",", "")) for each in re.findall(r"([\d,]+) [a-z]", counted[2]))
    assert len(listed) + left == 1000
    assert int(counted[1].replace(",", "")) == left
    assert "1,000 notices: 800 failed, 100 late, 100 recovered" in text


@pytest.mark.parametrize("name", CHATS)
def test_each_kind_of_topic_is_told_once_and_many_times(name: str) -> None:
    alone = [topic("Ledger", kind) for kind in NoticeKind]
    bare = [
        topic("", kind, words="", facts={}, first_at=AT, path="", run_id=None, task_id=None, many=3)
        for kind in NoticeKind
    ]
    found = seen(name, *map(message, alone), *(message(each, team="") for each in bare))
    assert len(found) == len([*alone, *bare])
    for first, second, kind in zip(found, found[len(alone) :], NoticeKind, strict=False):
        assert "Ledger" in first.text, kind
        assert "LedgerMismatch" in first.text, kind
        assert "(no name)" in second.text, kind
        assert "(3 times)" in second.text, kind


@pytest.mark.parametrize("name", CHATS)
def test_times_are_those_of_who_reads_it(name: str) -> None:
    (found,) = seen(name, message(zone="Europe/Berlin"))
    assert "Thu 14 May 2026, 06:00 to 06:08 (Europe/Berlin)" in found.text


@pytest.mark.parametrize("name", CHATS)
def test_r77_a_certificate_that_nobody_vouches_for_is_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    with web_server(certificate(tmp_path).server) as server:
        error = failure(KINDS[name], values(name, server.address), message())
        assert server.asked == []
    assert "certificate is not to be trusted" in str(error)
    assert not error.is_final


@pytest.mark.parametrize("name", CHATS)
def test_r79_an_inner_address_is_refused_for_good_before_a_byte_is_sent(name: str) -> None:
    with service(name) as (server, _):
        error = failure(KINDS[name], values(name, server.address), message(), policy=Policy())
        assert server.asked == []
    assert error.is_final
    assert "HORARIUM_OUTGOING_ALLOW" in str(error)


REFUSALS = [
    ("slack", 403, "invalid_token", True, None, "removed in Slack"),
    ("slack", 404, "channel_not_found", True, None, "channel is gone"),
    ("slack", 410, "channel_is_archived", True, None, "archived"),
    ("slack", 400, "invalid_payload", True, None, "as it is"),
    ("slack", 500, "rollup_error", False, None, "trouble of its own"),
    ("slack", 429, "", False, 30.0, "left alone"),
    ("discord", 404, '{"code": 10015}', True, None, "removed in Discord"),
    ("discord", 401, '{"code": 50027}', True, None, "token"),
    ("discord", 429, '{"retry_after": 1.5}', False, 1.5, "left alone"),
    ("discord", 400, '{"code": {}}', True, None, "does not take"),
    ("teams", 404, "", True, None, "removed or switched off in Teams"),
    ("teams", 401, '{"error": {}}', True, None, "removed or switched off in Teams"),
    ("teams", 502, "", False, None, "trouble"),
    ("telegram", 401, '{"ok": false, "description": "Unauthorized"}', True, None, "token is refused"),
    ("telegram", 404, '{"ok": false, "description": "Not Found"}', True, None, "token is refused"),
    ("telegram", 400, '{"description": "Bad Request: chat not found"}', True, None, "no such chat"),
    ("telegram", 403, '{"description": "Forbidden: bot was blocked by the user"}', True, None, "blocked"),
    ("telegram", 400, '{"parameters": {"migrate_to_chat_id": -1009}}', True, None, "enter -1009 as chat"),
    ("telegram", 429, '{"parameters": {"retry_after": 12}}', False, 12.0, "left alone"),
    ("ntfy", 403, '{"code": 40301}', True, None, "may not publish"),
    ("ntfy", 401, "", True, None, "token is refused"),
    ("ntfy", 429, "", False, 30.0, "no more messages"),
    ("ntfy", 507, "", False, None, "no room"),
]


@pytest.mark.parametrize(("name", "status", "body", "is_final", "wait", "words"), REFUSALS)
def test_refusals_are_told_in_words_and_by_whether_they_last(
    name: str, status: int, body: str, is_final: bool, wait: float | None, words: str
) -> None:
    with web_server() as server:
        server.answer = lambda asked: (status, {"Retry-After": "30"} if status == 429 else {}, body)
        error = failure(KINDS[name], values(name, server.address), message())
    assert (error.is_final, error.wait_seconds) == (is_final, wait)
    assert str(error).startswith(f"it answered {status}: ")
    assert words in str(error)


@pytest.mark.parametrize("name", CHATS)
def test_what_was_sent_and_comes_back_is_not_repeated(name: str) -> None:
    with web_server() as server:
        for status in (400, 401, 404, 500):
            server.answer = lambda asked, status=status: (  # type: ignore[misc]
                status,
                {"X": asked.path},
                json.dumps({"description": asked.path, "code": asked.path, "error": str(asked.headers)}),
            )
            failure(KINDS[name], values(name, server.address), message())


@pytest.mark.parametrize("name", ["discord", "telegram", "ntfy"])
@pytest.mark.parametrize("body", ["", "[]", "<html>", '{"id": {}}', '{"ok": true, "result": 1}', "[" * 5000])
def test_a_page_of_somebody_else_is_no_acknowledgement(name: str, body: str) -> None:
    with web_server() as server:
        server.answer = lambda _: (200, {}, body)
        error = failure(KINDS[name], values(name, server.address), message())
    assert not error.is_final
    assert "what answers there is" in str(error)


def test_the_token_goes_where_it_belongs() -> None:
    token = made_up()
    with service("ntfy") as (server, _):
        send(KINDS["ntfy"], values("ntfy", server.address, token), message())
        send(KINDS["ntfy"], {"server": f"{server.address}/", "topic": "open"}, message())
        assert [each.headers.get("authorization") for each in server.asked] == [f"Bearer tk_{token}", None]
        assert token not in server.asked[0].body
    with service("telegram") as (server, _):
        send(KINDS["telegram"], {**values("telegram", server.address, token), "topic": "17"}, message())
        assert server.asked[0].path == f"/bot123456:{token}/sendMessage"
        assert json.loads(server.asked[0].body)["message_thread_id"] == 17


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("slack", "url", "https://hooks.slack.com/triggers/T1/2/3"),
        ("slack", "url", "hooks.slack.com/services/T1"),
        ("discord", "url", "https://discord.com/channels/1/2"),
        ("discord", "url", "https://discord.com/api/webhooks/1/2#x"),
        ("teams", "url", "https://tidewater.webhook.office.com/webhookb2/1"),
        ("teams", "url", ""),
        ("telegram", "token", "123456"),
        ("telegram", "chat", "tidewater"),
        ("telegram", "topic", "zero"),
        ("telegram", "server", "https://api.example/?a=b"),
        ("telegram", "server", "ftp://api.example"),
        ("ntfy", "topic", "a b"),
        ("ntfy", "topic", "x" * 65),
        ("ntfy", "token", "a b"),
    ],
)
def test_values_that_cannot_be_are_refused_by_field(name: str, field: str, value: str) -> None:
    kind = KINDS[name]
    given = {**values(name, "https://h.example"), field: value}
    with pytest.raises(InvalidValue) as caught:
        kind.checked(given)
    assert caught.value.field == field
    is_secret = next(each.is_secret for each in kind.fields if each.name == field)
    assert not value or (value in str(caught.value)) is not is_secret
    assert kind.faults(given) == {field: caught.value.allowed}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_each_kind_says_what_it_asks_for(kind: ChannelKind) -> None:
    assert kind.sentence.endswith(".")
    assert kind.label
    assert kind.icon
    assert len({field.name for field in kind.fields}) == len(kind.fields)
    for field in kind.fields:
        assert field.label
        assert field.sentence.endswith(".")


def test_lifeless_text_looks_as_before() -> None:
    for hostile in HOSTILE:
        assert lifeless(hostile).replace(JOINT, "") == hostile
