"""A real browser for the tests: the system's Chromium, driven by Playwright, and axe to judge pages by."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, sync_playwright

from tests.support.summary import needs

Scheme = Literal["light", "dark"]

WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
SIZES = {"wide": WIDE, "narrow": NARROW}
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

# Quiet: a browser under test talks to nobody but the server under test.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
AXE_RUN = """
axe.run(document, {runOnly: RULES, resultTypes: ["violations"], preload: false})
   .then(found => found.violations.map(broken =>
        broken.id + ": " + broken.help + ": " + broken.nodes.map(node => node.target.join(" ")).join(", ")))
"""
ALL_RULES = '["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]'
COLOURS = '{type: "rule", values: ["color-contrast", "link-in-text-block"]}'
"""The rules that look at colours: what else there is to find is there in each scheme."""

WHOLE = {("wide", "light"), ("narrow", "dark")}
"""The looks that everything is looked for in; other rules than those of colours find the same in each scheme."""
STILL = """
() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important }");
    document.adoptedStyleSheets = [sheet];
}
"""
"""Nothing fades from one scheme to the other, so that no colour in between is looked at."""


def chromium() -> str | None:
    """Return the path of the system's Chromium, or None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the browser; skip the asking test where none is installed."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium: install it (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Browser, *, size: ViewportSize = WIDE, scheme: Scheme = "light") -> Iterator[Page]:
    """Open a page in a context of its own: no cookie, cache or storage is shared with another.

    Raises AssertionError at the end if a script on the page failed or broke the content security policy.
    """
    context = browser.new_context(
        viewport=size, color_scheme=scheme, reduced_motion="reduce", locale="en-GB", timezone_id="UTC"
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"script failed: {error}"))
    page.on("console", lambda message: problems.extend(_policy_breaches(message)))
    try:
        yield page
    finally:
        context.close()
    assert problems == []


def _policy_breaches(message: ConsoleMessage) -> list[str]:
    return [message.text] if "Content Security Policy" in message.text else []


@contextmanager
def _judge(page: Page) -> Iterator[Callable[[str], list[str]]]:
    # Over the debugging protocol, since a page under our content security policy refuses evaluated strings.
    session = page.context.new_cdp_session(page)
    _evaluate(session, AXE.read_text(encoding="utf-8"))
    yield lambda rules: _evaluate(session, AXE_RUN.replace("RULES", rules))
    session.detach()


def axe(page: Page) -> list[str]:
    """Return what axe finds wrong on the page, one line a rule: its id, what it asks, the elements that break it."""
    with _judge(page) as judged:
        return judged(ALL_RULES)


OVERLAPPING = """() => {
    const found = [];
    for (const row of document.querySelectorAll("tbody tr")) {
        const cells = [...row.children].map(cell => [cell, cell.getBoundingClientRect()]).filter(each => each[1].width);
        cells.forEach(([cell, a], place) => {
            for (const [other, b] of cells.slice(place + 1))
                if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
                    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)
                    found.push(`“${cell.innerText.trim()}” lies over “${other.innerText.trim()}”`);
        });
    }
    return found.slice(0, 3);
}"""
"""Names cells of one row of a table of which a part is in the same place."""


def axe_wide_and_narrow(page: Page, *, all_looks: bool = False) -> list[str]:
    """Return what axe finds wrong on the page, narrow and dark, wide and light, and whether it scrolls sideways.

    In all looks there is also what colours are wrong when it is narrow and light, wide and dark. The page stays open
    meanwhile, and is left wide and light.
    """
    found: list[str] = []
    page.evaluate(STILL)
    with _judge(page) as judged:
        for size, viewport in reversed(SIZES.items()):
            page.set_viewport_size(viewport)
            for scheme in SCHEMES:
                rules = ALL_RULES if (size, scheme) in WHOLE else COLOURS
                if rules == COLOURS and not all_looks:
                    continue
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                found += [f"{size}, {scheme}: {line}" for line in judged(rules)]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{size}: it scrolls sideways")
            found += [f"{size}: {pair}" for pair in page.evaluate(OVERLAPPING)]
    return found


def _evaluate(session: Any, expression: str) -> Any:
    asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
    answer = session.send("Runtime.evaluate", asked)
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")


@pytest.fixture
def _needs_browser(request: pytest.FixtureRequest) -> None:
    """Count the test before the browser may skip it."""
    needs(request, "browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give this module's browser.

    A module has its own since Playwright keeps an event loop running in the thread, in which tests of other modules
    could not run theirs.
    """
    with open_browser() as opened:
        yield opened


@pytest.fixture
def page(_needs_browser: None, browser: Browser) -> Iterator[Page]:
    """Give an empty page, 1440 by 900, light."""
    with open_page(browser) as opened:
        yield opened
