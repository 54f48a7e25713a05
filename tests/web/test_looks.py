"""Each page in a real browser: nothing for axe to find, wide and narrow, light and dark, under the strict policy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import pytest
from playwright.sync_api import Browser

from tests.support.browser import axe_wide_and_narrow, open_page
from tests.web import samples
from tests.web.serving import Theatre, served

PAGES = {**samples.rich(), **samples.empty()}
PARTS = 6
"""So many tests share the pages, so that none takes minutes."""
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    theatre = Theatre()
    theatre.pages = {name: lambda page=page: page for name, page in PAGES.items()}  # type: ignore[misc]
    with served(theatre) as base:
        yield base


@pytest.mark.usefixtures("_needs_browser")
@pytest.mark.timeout(400)
@pytest.mark.parametrize("all_looks", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("part", range(PARTS))
def test_axe_finds_nothing_and_nothing_breaks_the_policy(
    browser: Browser, address: str, part: int, *, all_looks: bool
) -> None:
    found: dict[str, list[str]] = {}
    with open_page(browser) as page:
        page.on("console", lambda message: found.setdefault("console", []).append(message.text))
        for name in list(PAGES if all_looks else samples.rich())[part::PARTS]:
            page.goto(f"{address}/page/{name}")
            page.locator("main").wait_for()
            found[name] = axe_wide_and_narrow(page, all_looks=all_looks)
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.usefixtures("_needs_browser")
def test_r41_a_page_asks_its_own_host_only(browser: Browser, address: str) -> None:
    asked: set[str] = set()
    with open_page(browser) as page:
        page.on("request", lambda request: asked.add(request.url.split("/")[2]))
        for name in ("overview", "run-live", "login"):
            page.goto(f"{address}/page/{name}", wait_until="load")
    assert asked == {address.split("/")[2]}


@pytest.mark.usefixtures("_needs_browser")
@pytest.mark.parametrize("part", range(PARTS))
def test_r42_hostile_text_runs_nothing(browser: Browser, part: int) -> None:
    assert _opened(browser, list(samples.rich())[part::PARTS], turns=1) == []


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("_needs_browser")
@pytest.mark.parametrize("part", range(PARTS))
def test_r42_each_hostile_text_runs_nothing_wherever_it_stands(browser: Browser, part: int) -> None:
    assert _opened(browser, list(samples.rich())[part::PARTS], turns=len(samples.PAYLOADS)) == []


def _opened(browser: Browser, names: list[str], *, turns: int) -> list[str]:
    """Show pages full of hostile texts, each text in another place at each turn; return what scripts then say."""
    theatre = Theatre()
    for name in names:
        for turn in range(turns):
            texts = cycle((*samples.PAYLOADS[turn:], *samples.PAYLOADS[:turn]))
            page_of = samples.poisoned(PAGES[name], texts)
            theatre.pages[f"{name}-{turn}"] = lambda page_of=page_of: page_of  # type: ignore[misc]
    opened: list[str] = []
    with served(theatre) as base, open_page(browser) as page:
        page.on("dialog", lambda dialog: opened.append(dialog.message))
        for number in theatre.pages:
            page.goto(f"{base}/page/{number}", wait_until="load")
            assert page.locator("img, [onerror], [onload], [onfocus], [onmouseover]").count() == 0, number
            page.keyboard.press("Tab")
    return opened
