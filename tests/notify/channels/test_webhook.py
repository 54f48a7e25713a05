"""Webhooks: signed so that the receiver of the documents takes them, once; whole, or with the rest counted."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from typing import Any

import pytest

from horarium.clock import SystemClock
from horarium.errors import InvalidValue
from horarium.notify.channels.base import ChannelKind, DeliveryFailed
from horarium.notify.channels.webhook import MOST_OCTETS, body_of, kind, new_key, signature
from horarium.testing.clock import ManualClock
from tests.architecture.sources import ROOT
from tests.support.loopback import Asked, web_server
from tests.support.messages import AT, HOSTILE, failure, message, send, thousand, topic
from tests.support.people import made_up

BLOCK = re.compile(r"^```python run\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WEBHOOK = kind(SystemClock())


def documented(key: str) -> Any:
    """Return the receiver that the reference page shows."""
    found = BLOCK.search((ROOT / "docs" / "reference" / "webhooks.md").read_text(encoding="utf-8"))
    assert found
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(found[1], names)  # noqa: S102 - what people copy from the page is what is tested
    return names["Receiver"](key)


def values(url: str, key: str, **more: str) -> dict[str, str]:
    return {"url": url, "secret": key, **more}


@pytest.mark.parametrize("key", [new_key(), made_up() + made_up()], ids=["made", "own"])
def test_r78_webhooks_are_signed_and_the_documented_receiver_refuses_replays(key: str) -> None:
    clock = ManualClock(AT)
    receiver, taken = documented(key), []

    def answer(asked: Asked) -> tuple[int, dict[str, str], str]:
        try:
            taken.append(receiver.take(asked.headers, asked.body.encode(), now=clock.now().timestamp()))
        except ValueError:
            return 401, {}, ""
        return 200, {}, ""

    with web_server() as server:
        server.answer = answer
        hook = kind(clock)
        first, second = message(), message(id="another")
        assert send(hook, values(server.address, key), first) == "taken: 200"
        clock.advance(timedelta(seconds=60))
        # The same message, tried again: known by its id, whatever its signature.
        send(hook, values(server.address, key), first)
        send(hook, values(server.address, key), second)
        assert [each and each["id"] for each in taken] == [first.id, None, second.id]
        caught = server.asked[0]
        refused = failure(hook, values(server.address, new_key()), message(id="third"))
    assert refused.is_final
    replayed = documented(key)
    for headers, body, later in (
        (caught.headers, caught.body, 3600),
        (caught.headers | {"webhook-timestamp": str(int(AT.timestamp()) + 3600)}, caught.body, 3600),
        (caught.headers | {"webhook-id": "fresh"}, caught.body, 1),
        (caught.headers, caught.body.replace("Reconcile", "Something"), 1),
    ):
        with pytest.raises(ValueError, match=r"does not fit|too long ago"):
            replayed.take(headers, body.encode(), now=(AT + timedelta(seconds=later)).timestamp())


def test_r78_while_a_key_changes_both_old_and_new_receivers_take_it() -> None:
    old, new = new_key(), new_key()
    with web_server() as server:
        send(WEBHOOK, values(server.address, f"{old} {new}"), message())
        (asked,) = server.asked
    for key in (old, new):
        assert documented(key).take(asked.headers, asked.body.encode())["id"] == message().id
    assert asked.headers["webhook-signature"].count("v1,") == 2


def test_a_key_in_base64_and_the_same_octets_as_text_sign_alike() -> None:
    key = "whsec_" + base64.b64encode(bytes(range(24))).decode()
    made = signature(key, "msg_1", 1674087231, b'{"test": 2432232314}')
    assert made == signature(bytes(range(24)).decode("latin-1"), "msg_1", 1674087231, b'{"test": 2432232314}')
    assert re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=", made)


def test_the_body_says_all_and_the_extra_header_goes_along() -> None:
    token = made_up()
    with web_server() as server:
        send(WEBHOOK, values(server.address, new_key(), header="X-Api-Key", header_value=token), message())
        (asked,) = server.asked
    assert asked.headers["x-api-key"] == token
    assert asked.headers["content-type"] == "application/json; charset=utf-8"
    body = json.loads(asked.body)
    assert (body["title"], body["more"], body["more_words"]) == ("Reconcile payments failed", 0, "")
    (told,) = body["topics"]
    assert (told["kind"], told["tone"], told["run_id"]) == ("failed", "bad", 48213)
    assert told["url"] == "https://horarium.example.org/runs/48213"
    assert told["facts"] == {"Attempts": "3", "Worker": "worker-2"}


def test_r84_a_body_keeps_its_size_and_counts_what_it_leaves_out() -> None:
    huge = message(*(topic(f"{n} {'é' * 10_000}", words="ü" * 50_000) for n in range(1000)))
    for sent in (thousand(), huge):
        made = body_of(sent)
        body = json.loads(made)
        assert len(made) <= MOST_OCTETS
        assert len(body["topics"]) + body["more"] == 1000
        assert f"And {body['more']:,} more: " in body["more_words"]
        assert len(body["topics"]) > 5


def test_r82_a_body_of_ones_own_is_filled_and_never_worked_out() -> None:
    template = '{"summary": "{{title}}", "n": {{count}}, "text": "{{ text }}", "to": "{{link}} {{team}} {{tone}}"}'
    for hostile in HOSTILE:
        sent = message(topic(hostile, words=hostile), topic('"}, {"x": "', words="\\"))
        with web_server() as server:
            send(WEBHOOK, values(server.address, new_key(), template=template), sent)
            body = json.loads(server.asked[0].body)
        assert list(body) == ["summary", "n", "text", "to"]
        assert body["n"] == 2
        assert "49" not in body["text"]
        assert '"}, {"x": " failed: \\' in body["text"]
    body = json.loads(kept(template, thousand()))
    assert " more: " in body["text"]
    assert len(body["text"]) < 22_000


def kept(template: str, sent: Any) -> str:
    with web_server() as server:
        send(WEBHOOK, values(server.address, new_key(), template=template), sent)
        return server.asked[0].body


@pytest.mark.parametrize(
    "template",
    [
        *('{"a": "{{7*7}}"}', '{"a": "{{title.__class__}}"}', '{"a": "{{ titel }}"}', '{"a": "{{}}"}'),
        *('{"a": {{title}}}', "{{title}}", "title", '{"a": "{{title}}"', '{"a": "{{title|safe}}"}'),
    ],
)
def test_r82_an_unknown_variable_or_what_is_no_json_is_refused_when_it_is_saved(template: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        WEBHOOK.checked(values("https://h.example", new_key(), template=template))
    assert caught.value.field == "template"


def test_r82_other_marks_of_templates_are_text() -> None:
    plain = '{"a": "{0.__class__} %(x)s ${env} {% include %}"}'
    assert kept(plain, message()) == plain


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("url", {"url": "ftp://x.example"}),
        ("url", {"url": "https://ana:word@x.example"}),
        ("url", {"url": ""}),
        ("secret", {"secret": "short"}),
        ("secret", {"secret": "whsec_!!!"}),
        ("secret", {"secret": "whsec_YQ=="}),
        ("secret", {"secret": " ".join(new_key() for _ in range(3))}),
        ("header", {"header": "Host", "header_value": "x"}),
        ("header", {"header": "Webhook-Id", "header_value": "x"}),
        ("header", {"header": "a b", "header_value": "x"}),
        ("header_value", {"header": "X-Key", "header_value": "a\r\nb"}),
        ("header_value", {"header": "X-Key"}),
        ("header", {"header_value": "x"}),
        ("field", {"colour": "blue"}),
    ],
)
def test_values_that_cannot_be_are_refused_by_field_and_secrets_not_repeated(
    field: str, changed: dict[str, str]
) -> None:
    given = values("https://h.example/hook", new_key()) | changed
    with pytest.raises(InvalidValue) as caught:
        WEBHOOK.checked(given)
    assert caught.value.field == field
    secrets = [given[each.name] for each in WEBHOOK.fields if each.is_secret and len(given.get(each.name, "")) > 3]
    assert not any(secret in str(caught.value) for secret in secrets)
    if field != "field":
        assert WEBHOOK.faults(given) == {field: caught.value.allowed}


def test_a_form_is_told_of_all_faults_at_once() -> None:
    assert set(WEBHOOK.faults({"secret": "x", "header": "a b"})) == {"url", "secret", "header"}


@pytest.mark.parametrize(
    ("status", "headers", "is_final", "wait"),
    [
        (400, {}, True, None),
        (401, {}, True, None),
        (403, {}, True, None),
        (404, {}, True, None),
        (410, {}, True, None),
        (302, {"Location": "/there"}, True, None),
        (408, {}, False, None),
        (429, {"Retry-After": "17"}, False, 17.0),
        (429, {"Retry-After": "soon"}, False, None),
        (429, {"Retry-After": "-5"}, False, None),
        (429, {"Retry-After": "nan"}, False, None),
        (429, {"Retry-After": "99999999"}, False, 86400.0),
        (500, {}, False, None),
        (503, {"Retry-After": "3"}, False, 3.0),
    ],
)
def test_answers_are_told_apart_by_whether_trying_again_makes_sense(
    status: int, headers: dict[str, str], is_final: bool, wait: float | None
) -> None:
    with web_server() as server:
        server.answer = lambda asked: (status, headers, asked.headers["webhook-signature"])
        error = failed(WEBHOOK, server.address)
    assert (error.is_final, error.wait_seconds) == (is_final, wait)
    assert str(error).startswith(f"it answered {status}: ")
    assert len(server.asked) == 1


def failed(hook: ChannelKind, address: str) -> DeliveryFailed:
    return failure(hook, values(address, new_key()), message())


def test_a_wait_may_be_told_as_an_instant() -> None:
    with web_server() as server:
        # The server of the standard library says its own time as well, as the first of the two.
        server.answer = lambda _: (503, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}, "")
        assert failed(WEBHOOK, server.address).wait_seconds == 86400.0


def test_r79_where_nobody_may_go_is_final_and_who_is_not_there_is_not(free_port: int) -> None:
    gone = failure(WEBHOOK, values(f"http://localhost:{free_port}", new_key()), message())
    assert (gone.is_final, str(gone)) == (False, "the connection failed: Connection refused")
