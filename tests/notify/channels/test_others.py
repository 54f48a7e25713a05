"""What Apprise knows: reached by its own parts, within a time, and without a word of the address in any answer."""

from __future__ import annotations

import json
import logging
import re
import threading
import warnings
from typing import Any

import apprise
import pytest

from horarium.errors import InvalidValue
from horarium.notify.channels import others
from horarium.notify.channels.base import DeliveryFailed
from horarium.notify.channels.kinds import KINDS
from horarium.notify.channels.others import _converted, body_of
from horarium.outgoing.caller import Caller
from tests.support.chats import ADDRESS
from tests.support.loopback import talker, web_server
from tests.support.messages import HERE, HOSTILE, failure, message, send, thousand, topic
from tests.support.people import made_up

OTHERS = KINDS["apprise"]


def test_a_message_goes_out_by_the_part_that_the_address_names() -> None:
    with web_server() as server:
        assert send(OTHERS, {"url": f"json://localhost:{server.port}/{made_up()}"}, message()) == "taken by Apprise"
        (asked,) = server.asked
    body = json.loads(asked.body)
    assert (body["title"], body["type"]) == ("Reconcile payments failed", "failure")
    assert "https://horarium.example.org/runs/48213" in body["message"]
    assert "LedgerMismatch" in body["message"]
    assert OTHERS.for_admins


@pytest.mark.parametrize(("status", "is_final"), [(400, True), (401, True), (404, True), (429, False), (503, False)])
def test_refusals_are_told_apart_and_hold_no_secret(
    status: int, is_final: bool, caplog: pytest.LogCaptureFixture
) -> None:
    token = made_up()
    caplog.set_level(logging.DEBUG)
    with web_server() as server:
        server.answer = lambda asked: (status, {}, asked.path)
        error = failure(OTHERS, {"url": f"json://ana:{token}@localhost:{server.port}/{token}"}, message())
    assert (error.is_final, str(error)) == (is_final, f"Apprise could not hand it over: it was answered {status}")
    assert token not in caplog.text


def test_who_is_not_there_or_silent_is_left_in_time(free_port: int) -> None:
    error = failure(OTHERS, {"url": f"json://localhost:{free_port}/"}, message())
    assert not error.is_final
    assert "could not hand it over" in str(error)
    with (
        talker(b"", waits=5.0) as (port, _),
        Caller(HERE, seconds=0.5) as caller,
        pytest.raises(DeliveryFailed, match=r"it took longer than 0\.5 s") as caught,
    ):
        OTHERS.send(message(), {"url": f"json://localhost:{port}/?rto=30"}, caller)
    assert not caught.value.is_final


def test_r84_what_others_wrote_is_lifeless_and_fits() -> None:
    for hostile in HOSTILE:
        for sent in (message(topic(hostile, words=hostile)), message(topic(hostile, words=hostile), topic())):
            text = body_of(sent, 1000).replace("https://horarium.example.org/runs/48213", "")
            assert not ADDRESS.search(text)
            assert not re.search(r"@(?:everyone|here)|<[@!#]", text)
    for room in (60, 160, 1000, 20_000):
        for sent in (thousand(), message(topic("x" * 10_240, words="y" * 10_240))):
            assert len(body_of(sent, room)) <= room
    text = body_of(thousand(), 5000)
    counted = re.search(r"And ([\d,]+) more: ", text)
    assert counted
    assert len(re.findall(r"Task \d+", text)) + int(counted[1].replace(",", "")) == 1000


@pytest.mark.parametrize(
    "url",
    [
        *("nosuch://x", "https//x", "x", "syslog://", "dbus://", "json://a b", "slack://x", ""),
        *("jsons://localhost/?verify=no", "json://localhost/?redirect=yes"),
    ],
)
def test_addresses_that_lead_nowhere_or_check_nothing_are_refused(url: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        OTHERS.checked({"url": url})
    assert caught.value.field == "url"
    assert not url or url not in str(caught.value) or url.endswith("://")


def test_what_a_service_wants_as_html_is_escaped_and_still_fits() -> None:
    class Service:
        notify_format = "html"

    text = _converted(message(topic("<b>x</b>", words="<i>" * 2000), team="<u>"), Service(), 1000)
    assert len(text) <= 1000
    assert "<i>" not in text
    assert "<u>" not in text


def test_two_threads_that_load_apprise_leave_the_warnings_of_the_process_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others._library()
    instantiate = apprise.Apprise.instantiate
    first = threading.Event()
    second, first_is_through = threading.Event(), threading.Event()

    def overlapping(*words: Any, **options: Any) -> Any:
        if not first.is_set():
            first.set()
            second.wait(0.5)
        else:
            second.set()
            first_is_through.wait(5)
        return instantiate(*words, **options)

    def load() -> None:
        others._library()
        first_is_through.set()

    monkeypatch.setattr(apprise.Apprise, "instantiate", overlapping)
    others._loaded.cache_clear()
    before = list(warnings.filters)
    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
        assert first.wait(5)
    for thread in threads:
        thread.join(10)
    assert list(warnings.filters) == before
