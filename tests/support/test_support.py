"""The helpers that other tests lean on do what they say."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import NARROW, axe, open_page
from tests.support.places import free_loopback_port
from tests.support.postgres import Cluster, binaries

ROOT = Path(__file__).parents[2]
POLICY = "default-src 'self'; style-src 'self'"
DOCUMENT = "<!doctype html><html lang=en><title>Page</title><main><h1>Page</h1>{}</main></html>"
CONTENT = {"/broken": "<img src=/none.png>", "/styled": "<p style='color: red'>Not allowed.</p>"}


class Site(BaseHTTPRequestHandler):
    """Answers with a clean page, or one that breaks a rule, under a strict policy."""

    def do_GET(self) -> None:
        """Answer."""
        body = DOCUMENT.format(CONTENT.get(self.path, "<p>All is well.</p>")).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def site() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def rows(url: str, query: str, *, before: str = "SELECT 1") -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(before.encode())
        return connection.execute(query.encode()).fetchall()


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_a_database_of_its_own(empty_postgres_url: str, postgres_url: str, turn: int) -> None:
    assert rows(empty_postgres_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    for url in (empty_postgres_url, postgres_url):
        assert rows(url, "SELECT * FROM here", before="CREATE TABLE here ()") == []
    assert rows(postgres_url, "SELECT count(*) FROM horarium_meta") == [(1,)]


def test_a_template_is_prepared_once_and_cloned(postgres_cluster: Cluster) -> None:
    calls: list[str] = []

    def prepare(url: str) -> None:
        calls.append(url)
        rows(url, "SELECT 1", before="CREATE TABLE prepared ()")

    names = [postgres_cluster.create(template=postgres_cluster.template("cloned", prepare)) for _ in range(2)]
    for name in names:
        assert rows(postgres_cluster.url(name), "SELECT count(*) FROM prepared") == [(0,)]
        postgres_cluster.drop(name)
    assert len(calls) == 1


def test_the_cluster_listens_on_loopback_only_and_wants_a_password(postgres_url: str) -> None:
    assert rows(postgres_url, "SHOW listen_addresses") == [("127.0.0.1",)]
    with pytest.raises(psycopg.OperationalError, match="password"):
        rows(postgres_url.replace("postgres:", "postgres:not-"), "SELECT 1")


@pytest.mark.usefixtures("_needs_postgres")
def test_the_cluster_ends_with_the_process_that_started_it() -> None:
    program = (
        "import os, sys; from tests.support.postgres import *; c = Cluster(binaries()).__enter__();"
        "print(c._folder, c._keeper.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    assert binaries()
    child = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    folder, keeper = child.stdout.split()
    wait_for_end(int(keeper))
    assert not Path(folder).exists()


@pytest.mark.usefixtures("_needs_postgres")
def test_the_cluster_tries_again_when_its_port_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = binaries()
    assert programs
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        ports = iter([occupied.getsockname()[1], free_loopback_port()])
        monkeypatch.setattr("tests.support.postgres.free_loopback_port", lambda: next(ports))
        with Cluster(programs) as cluster:
            assert rows(cluster.url("postgres"), "SELECT 1") == [(1,)]


def wait_for_end(process: int) -> None:
    """Block until a process that is not our child is gone."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    with os.fdopen(descriptor) as handle:
        assert select.select([handle], [], [], 30)[0], "still running after 30 s"


def test_axe_passes_a_clean_page_under_a_strict_policy(page: Page, site: str) -> None:
    page.goto(site)
    assert axe(page) == []


def test_axe_names_the_rule_and_the_element_of_a_broken_page(page: Page, site: str) -> None:
    page.goto(f"{site}/broken")
    (violation,) = axe(page)
    assert violation.startswith("image-alt: ")
    assert violation.endswith("img")


def test_a_page_can_be_narrow_and_dark(browser: Browser, site: str) -> None:
    with open_page(browser, size=NARROW, scheme="dark") as page:
        page.goto(site)
        assert page.viewport_size == NARROW
        assert page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches") is True


def test_a_breach_of_the_policy_fails_the_test(browser: Browser, site: str) -> None:
    with pytest.raises(AssertionError, match="Content Security Policy"), open_page(browser) as page:
        page.goto(f"{site}/styled")
