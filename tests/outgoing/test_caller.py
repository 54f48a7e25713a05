"""Calls that go out: judged before a byte is sent, encrypted with the certificate checked, ended in time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest

from horarium.outgoing.addresses import Policy
from horarium.outgoing.caller import Caller, Unreached
from horarium.outgoing.web import MOST_OCTETS, ask, checked_address, checked_header
from tests.support.loopback import talker, web_server
from tests.support.mail import certificate
from tests.support.people import made_up
from tests.support.places import free_loopback_port

HERE = Policy.of(["127.0.0.0/8", "localhost"])
SPELLINGS = ("127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "0")


@pytest.mark.parametrize("host", SPELLINGS)
def test_r79_no_spelling_of_an_inner_address_gets_a_byte(host: str) -> None:
    with talker(b"hello") as (port, heard), Caller(Policy()) as caller:
        with pytest.raises(Unreached):
            ask(caller, "GET", f"https://{host}:{port}/", headers={"Authorization": made_up()})
        with pytest.raises(Unreached):
            caller.connect(host.strip("[]"), port)
    assert heard == []


def test_r79_a_name_is_looked_up_once_and_each_of_its_addresses_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answers(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        addresses = ["8.8.8.8", "127.0.0.1"] if len(asked) == 1 else ["127.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with Caller(Policy()) as caller:
        for _ in range(2):
            with pytest.raises(Unreached, match="HORARIUM_OUTGOING_ALLOW"):
                caller.connect("rebinding.example", 443)
    assert asked == ["rebinding.example"]


def test_r53_a_credential_for_some_hosts_goes_to_no_other() -> None:
    with web_server() as server:
        for hosts, is_fine in ((("localhost",), True), (("*.example.org", "example.com"), False)):
            with Caller(HERE, hosts=hosts) as caller:
                if is_fine:
                    assert ask(caller, "GET", server.address, headers={}).status == 200
                    continue
                with pytest.raises(Unreached, match="hosts that the credential is for"):
                    ask(caller, "GET", server.address, headers={})
    assert len(server.asked) == 1


def test_r77_a_certificate_that_nobody_vouches_for_ends_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certificate(tmp_path)
    secret = made_up()
    with web_server(made.server) as server:
        with Caller(HERE) as caller, pytest.raises(Unreached, match="certificate is not to be trusted"):
            ask(caller, "GET", server.address, headers={"Authorization": secret})
        assert server.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
        with Caller(HERE) as caller:
            assert ask(caller, "GET", f"{server.address}/a?b=c", headers={"Authorization": secret}).status == 200
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.headers["authorization"]) == ("GET", "/a?b=c", secret)
    assert asked.headers["host"] == f"localhost:{server.port}"


def test_without_encryption_only_a_named_place_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Policy, "permits", lambda *_: True)
    with web_server() as server:
        with Caller(Policy()) as caller, pytest.raises(Unreached, match="without encryption"):
            ask(caller, "GET", server.address, headers={})
        assert server.asked == []


def test_r79_a_redirect_is_not_followed() -> None:
    with web_server() as server:
        server.answer = lambda _: (302, {"Location": "/there"}, "")
        with Caller(HERE) as caller:
            assert ask(caller, "GET", server.address, headers={}).status == 302
    assert [each.path for each in server.asked] == ["/"]


def test_r81_an_answer_is_read_only_so_far() -> None:
    with web_server() as server:
        server.answer = lambda _: (200, {}, "x" * 3_000_000)
        with Caller(HERE) as caller:
            assert len(ask(caller, "GET", server.address, headers={}).body) == MOST_OCTETS


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((b"HTTP/1.1 200 OK\r\n", *[b"x"] * 200), id="drips-headers"),
        pytest.param((b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", *[b"x"] * 200), id="drips-body"),
        pytest.param((b"",), id="says-nothing"),
    ],
)
def test_r81_whoever_drips_or_is_silent_is_left_in_time(pieces: tuple[bytes, ...]) -> None:
    began = time.monotonic()
    # What came until then may do as an answer.
    with (
        talker(*pieces, waits=0.1) as (port, _),
        Caller(HERE, seconds=0.5) as caller,
        contextlib.suppress(Unreached),
    ):
        ask(caller, "GET", f"http://localhost:{port}/", headers={})
    assert time.monotonic() - began < 5


def test_what_does_not_answer_as_it_should_is_told_in_a_sentence() -> None:
    with talker(b"220 mail ready\r\n") as (port, _), Caller(HERE, seconds=3) as caller:
        with pytest.raises(Unreached, match="does not speak HTTP"):
            ask(caller, "GET", f"http://localhost:{port}/", headers={})
        with pytest.raises(Unreached, match="no encrypted connection"):
            ask(caller, "GET", f"https://localhost:{port}/", headers={})
    with Caller(HERE) as caller, pytest.raises(Unreached, match="the connection failed: Connection refused"):
        caller.connect("127.0.0.1", free_loopback_port())
    with Caller(HERE) as caller, pytest.raises(Unreached, match="no host of this name"):
        caller.connect("nowhere.invalid", 443)


@pytest.mark.parametrize(
    "address",
    [
        *("ftp://x", "file:///etc/passwd", "gopher://x", "//x", "x", "", "https://", "https://u:p@x/", "https://u@x/"),
        *("https://x\r\nHost: y/", "https://x/ y", "https://x:99999/", "https://x/\x00", f"https://x/{'y' * 2000}"),
        *("https://[::1", "https://é.example/"),
    ],
)
def test_r80_an_address_that_is_none_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(Unreached) as caught:
        checked_address(address)
    assert len(address) < 9 or address not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Proxy-Authorization", "a b", "", "X\r\nY", "é"]
)
def test_r80_a_header_that_is_ours_or_none_is_refused(name: str) -> None:
    with pytest.raises(Unreached):
        checked_header(name)


def test_r80_a_secret_with_a_line_break_makes_no_second_header() -> None:
    with web_server() as server, Caller(HERE) as caller, pytest.raises(Unreached, match="no header can carry"):
        ask(caller, "GET", server.address, headers={"X-Key": "a\r\nHost: evil.example"})
    assert server.asked == []


def test_what_is_connected_after_the_time_is_over_is_not_held_open(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    end = Caller._end

    def end_and_say(caller: Caller) -> None:
        end(caller)
        ended.set()

    monkeypatch.setattr(Caller, "_end", end_and_say)
    with talker(b"a", b"b", waits=0.1) as (port, _), Caller(HERE, seconds=0.05) as caller:
        assert ended.wait(10)
        with pytest.raises(Unreached, match=r"longer than 0\.05 s"):
            caller.connect("127.0.0.1", port)
