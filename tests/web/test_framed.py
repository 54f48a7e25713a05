"""Another site that shows ours in a frame shows nothing of it, whoever looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser

from tests.support.pages import Site, open_site, served
from tests.support.people import SetClock

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("_needs_browser")]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock()) as opened:
        opened.person("ines")
        opened.task("Nightly")
        yield opened


class Frames(BaseHTTPRequestHandler):
    """Answer every path with a page that frames the address in it, on another origin than ours."""

    def do_GET(self) -> None:
        body = f'<!doctype html><title>Elsewhere</title><iframe src="{self.path[1:]}"></iframe>'.encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def elsewhere() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Frames)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_r36_no_page_of_ours_is_shown_in_a_frame_of_another_site(browser: Browser, site: Site, elsewhere: str) -> None:
    with served(site) as address, closing(browser.new_context()) as context:
        page = context.new_page()
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.goto(f"{address}/login")
        page.fill("input[name=email]", "ines")
        page.fill("input[name=password]", site.passwords["ines"])
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{address}/")
        for path in ("/tasks", "/settings/sign-in", "/login", "/nowhere", "/health/live", "/tasks/1"):
            page.goto(f"{elsewhere}/{address}{path}", wait_until="load")
            (frame,) = page.main_frame.child_frames
            # A browser puts a page of its own in the place of one that may not be framed.
            assert address not in frame.url
            assert "Horarium" not in frame.content()
        # The policy refuses it; and so does its older brother, for browsers that do not know the policy.
        assert sum("frame-ancestors" in each for each in told) == 6, told
