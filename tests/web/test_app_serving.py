"""Serving over HTTP: where nobody may listen, slow and ambiguous requests, a stop by a signal."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from httpx2 import Client

from horarium.errors import ConfigError
from horarium.web import serving
from horarium.web.serving import listen
from tests.support.pages import Site, open_site, served
from tests.support.people import SetClock

ROOT = Path(__file__).parents[2]
GONE = (ConnectionResetError, BrokenPipeError)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock()) as opened:
        yield opened


def test_a_port_in_use_is_one_clear_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} on 127.0.0.1 is in use by another program"):
            listen("127.0.0.1", port)


def test_a_host_that_is_not_ours_is_one_clear_sentence() -> None:
    for host in ("192.0.2.77", "no such host.invalid"):
        with pytest.raises(ConfigError, match="HORARIUM_HOST"):
            listen(host, 0)


def talk(address: str, request: bytes) -> bytes:
    """Send octets as they are; return the answer until the server closes.

    Closed while some of them lie unread, a connection is reset, and what was answered may be lost.
    """
    host, _, port = address.removeprefix("http://").rpartition(":")
    found = b""
    with socket.create_connection((host, int(port)), timeout=30) as connection, suppress(*GONE):
        connection.sendall(request)
        while chunk := connection.recv(65536):
            found += chunk
            if b"\r\n\r\n" in found and b"connection: close" not in found.lower():
                break
    return found


AMBIGUOUS = {
    "length and chunks": b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "two hosts": b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\n\r\n",
    "no host": b"GET /health/live HTTP/1.1\r\n\r\n",
    "another host in the target": b"GET http://evil.test/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a head without end": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 70_000,
    "no request at all": b"\x16\x03\x01\x02\x00\x01\x00",
}


@pytest.mark.parametrize("request_octets", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_r93_what_can_be_read_two_ways_is_not_read(site: Site, request_octets: bytes) -> None:
    with served(site) as address:
        answer = talk(address, request_octets)
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 501")) or not answer
        with Client(base_url=address) as client:
            assert client.get("/health/live").status_code == 200


def test_r93_a_head_that_drips_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert serving.HEAD_SECONDS == 10
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.2)
    with served(site) as address:
        host, _, port = address.removeprefix("http://").rpartition(":")
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: loc"):
            with socket.create_connection((host, int(port)), timeout=30) as connection:
                connection.sendall(sent)
                try:
                    assert connection.recv(100) == b""
                except ConnectionResetError:
                    continue
        with Client(base_url=address) as client:
            assert [client.get("/health/live").status_code for _ in range(3)] == [200] * 3


def test_r9_the_answer_does_not_say_which_server_it_is(site: Site) -> None:
    with served(site) as address, Client(base_url=address) as client:
        for path in ("/health/live", "/nowhere"):
            assert "server" not in client.get(path).headers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_serving_and_not_the_program(tmp_path: Path, number: int) -> None:
    program = textwrap.dedent("""
        import sys
        from pathlib import Path
        from horarium.web.serving import Server, listen
        from tests.support.pages import open_site
        from tests.support.people import SetClock
        with open_site(Path(sys.argv[1]), SetClock()) as site:
            Server(site.app, on_started=lambda: print("up", flush=True)).run(sockets=[listen("127.0.0.1", 0)])
        print("down", flush=True)
    """)
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "up\n"
        os.kill(child.pid, number)
        assert child.stdout.read() == "down\n"
    assert child.returncode == 0
