"""The first day in a real browser: set up by the console's link, look around, run a task, watch it, sign out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.house import House, house_in
from tests.support.browser import axe, axe_wide_and_narrow
from tests.support.people import made_up

pytestmark = pytest.mark.browser
SLOW = "import time\nfor n in range(100): print('step', n, flush=True); time.sleep(0.2)"
FAST = "print('all is done')"
BROKEN = "import sys; print('about to fail', file=sys.stderr); sys.exit(3)"
PASSWORD = made_up()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("first-day")
    with house_in(folder, HORARIUM_TASK_USER="", HORARIUM_ALLOW_ROOT_TASKS="on") as made:
        yield made


@pytest.fixture(scope="module")
def link(house: House) -> str:
    """Start the server; return the set-up link that it prints."""
    running = house.start()
    line = running.await_line("/setup?code=")
    return re.search(r"http\S+", line)[0]  # type: ignore[index]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a house of its own that has an administrator, tasks and some runs, whichever tests come before."""
    folder: Path = tmp_path_factory.mktemp("furnished")
    with house_in(folder, HORARIUM_TASK_USER="", HORARIUM_ALLOW_ROOT_TASKS="on") as made:
        address = ("--email", "ines@tidewater.example")
        made.do("user", "create-admin", "ines", *address, "--password-stdin", stdin=PASSWORD)
        add_tasks(made)
        made.start()
        yield made


def add_tasks(house: House) -> None:
    for name, program in (("slow", SLOW), ("fast", FAST), ("broken", BROKEN)):
        house.do("task", "add", name, "--cron", "0 3 1 1 *", "--tag", "demo", "--", "python3", "-c", program)


def sign_in(page: Page, house: House) -> None:
    page.goto(f"{house.address}/login")
    page.get_by_label("E-mail").fill("ines@tidewater.example")
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_from_the_consoles_link_to_signing_out(page: Page, house: House, link: str) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.goto(link)
    assert axe(page) == []
    page.get_by_label("Team name").fill("Tidewater")
    page.get_by_label("Your name").fill("Inês Carvalho")
    page.get_by_label("E-mail").fill("ines@tidewater")
    page.locator("input[name=password]").fill("short")
    page.get_by_role("button", name="Create administrator").click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(2)
    expect(page.get_by_label("Your name")).to_have_value("Inês Carvalho")
    page.get_by_label("E-mail").fill("ines@tidewater.example")
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Create administrator").click()
    expect(page.get_by_text("Welcome, Inês Carvalho")).to_be_visible()
    expect(page.get_by_text("No tasks yet")).to_be_visible()
    expect(page.locator(".live")).to_have_attribute("data-state", "live")

    add_tasks(house)
    page.get_by_role("link", name="Tasks").first.click()
    page.get_by_role("link", name="slow").first.click()
    page.get_by_role("button", name=re.compile("Run now")).first.click()
    page.locator("dialog[open]").get_by_role("button", name="Run now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run ")
    expect(page.locator(".lines")).to_contain_text("step 1")
    expect(page.locator(".lines")).to_contain_text("step 8")
    page.get_by_role("button", name=re.compile("Stop…")).click()
    page.locator("dialog[open]").get_by_role("button", name="Stop run").click()
    expect(page.locator("h1 .badge")).to_contain_text("Cancelled", timeout=20_000)

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name=re.compile("Sign in"))).to_be_visible()
    assert len(hosts) == 1, hosts


# Each day every page is looked at with sample data (tests/web/test_looks.py).
@pytest.mark.long
def test_axe_finds_nothing_on_the_pages_with_data(page: Page, furnished: House) -> None:
    house = furnished
    for task in ("fast", "broken"):
        number = house.trigger(task)
        house.await_run(number, lambda run: run["state"] in {"succeeded", "failed"})
    house.do("task", "pause", "fast")
    page.goto(f"{house.address}/login")
    found = {"/login": axe_wide_and_narrow(page)}
    sign_in(page, house)
    page.goto(f"{house.address}/runs")
    numbers = [row.get_attribute("id") for row in page.locator("[data-row]").all()]
    runs = [f"/runs/{(number or '').removeprefix('run-')}" for number in numbers[:3]]
    for path in ("/", "/tasks", "/tasks/1", "/tasks/3", "/runs", *runs, "/runs?view=manual", "/nowhere", "/?day=x"):
        page.goto(house.address + path)
        found[path] = axe_wide_and_narrow(page)
    house.do("task", "resume", "fast")
    assert {path: broken for path, broken in found.items() if broken} == {}


def test_axe_finds_nothing_on_the_empty_pages(page: Page, tmp_path: Path) -> None:
    with house_in(tmp_path) as empty:
        address = empty.start().await_line("/setup?code=")
        page.goto(re.search(r"http\S+", address)[0])  # type: ignore[index]
        found = {"/setup": axe_wide_and_narrow(page)}
        page.get_by_label("Your name").fill("Inês")
        page.get_by_label("E-mail").fill("ines@tidewater.example")
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="Create administrator").click()
        expect(page.get_by_text("No tasks yet")).to_be_visible()
        for path in ("/", "/tasks", "/runs"):
            page.goto(empty.address + path)
            found[path] = axe_wide_and_narrow(page)
        assert {path: broken for path, broken in found.items() if broken} == {}
