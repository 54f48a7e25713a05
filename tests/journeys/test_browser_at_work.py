"""An ordinary day in a real browser, wide and narrow: sign in, find, pause many, watch, stop, get lost, sign out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.journeys.house import House, house_in
from tests.support.browser import SIZES, open_page
from tests.support.people import made_up

pytestmark = pytest.mark.browser
PASSWORD = made_up()
CRONTAB = """\
# Hourly jobs
17 * * * * cd / && true --report /etc/cron.hourly
5-55/10 * * * * command -v debian-sa1 > /dev/null && debian-sa1 1 1
57 0 * * 0 if [ -x /usr/share/mdadm/checkarray ]; then /usr/share/mdadm/checkarray --cron --all --quiet; fi
30 2 29 2 * echo a leap day
"""
SLOW = "for n in $(seq 1 300); do echo step $n; sleep 0.4; done"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house_in(tmp_path_factory.mktemp("house")) as made:
        (made.folder / "jobs").write_text(CRONTAB, encoding="utf-8")
        made.do("import", "crontab", "jobs")
        made.do("task", "add", "slow", "--by-hand", "--tag", "demo", "--shell", SLOW)
        # Without an address: the name is what this person signs in with.
        made.do("user", "create-admin", "ines", "--password-stdin", stdin=PASSWORD)
        made.start()
        yield made


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> ViewportSize:
    return SIZES[request.param]


@pytest.fixture
def sized(browser: Browser, size: ViewportSize) -> Iterator[Page]:
    """Give an empty page, once wide and once narrow."""
    with open_page(browser, size=size) as opened:
        yield opened


def sign_in(page: Page, house: House, password: str = PASSWORD) -> None:
    page.goto(f"{house.address}/login")
    page.get_by_label("sign-in name").fill("ines")
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()


def fits(page: Page) -> bool:
    """Tell whether the page is as wide as its window: only tables and logs may scroll sideways."""
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return bool(wide <= window)


def test_a_wrong_password_is_told_kindly_and_the_right_one_lets_in(sized: Page, house: House) -> None:
    sized.goto(f"{house.address}/tasks?q=leap")
    expect(sized.get_by_role("heading", name=re.compile("Sign in"))).to_be_visible()
    sized.get_by_label("sign-in name").fill("ines")
    sized.locator("input[name=password]").fill(made_up())
    sized.get_by_role("button", name="Sign in").click()
    expect(sized.locator("#l-err")).to_contain_text("do not match")
    expect(sized.get_by_label("sign-in name")).to_have_value("ines")
    expect(sized.locator("input[name=password]")).to_have_value("")
    sized.locator("input[name=password]").fill(PASSWORD)
    sized.get_by_role("button", name="Sign in").click()
    # Where one wanted to go is where one gets.
    expect(sized.locator("[data-row]")).to_have_count(1)
    expect(sized.locator("[data-row]")).to_contain_text("leap")


def test_imported_tasks_are_found_paused_together_and_resumed(sized: Page, house: House) -> None:
    sign_in(sized, house)
    sized.goto(f"{house.address}/tasks")
    expect(sized.locator("[data-row]")).to_have_count(5)
    expect(sized.locator("main")).to_contain_text("Every hour at :17")
    sized.locator("input[name=q]").fill("checkarray")
    sized.locator("input[name=q]").press("Enter")
    expect(sized.locator("[data-row]")).to_have_count(1)
    sized.goto(f"{house.address}/tasks")
    for row in (1, 2):
        sized.locator("input[name=id]").nth(row).check()
    bulk = sized.get_by_role("region", name="Actions for selected tasks")
    expect(bulk).to_contain_text("2 selected")
    bulk.get_by_role("button", name="Pause").click()
    expect(sized.get_by_text("2 tasks paused")).to_be_visible()
    expect(sized.locator("[data-row].paused")).to_have_count(2)
    assert len([task for task in house.do("task", "list", "--json").json if task["condition"] == "paused"]) == 2
    sized.goto(f"{house.address}/tasks?view=paused")
    expect(sized.locator("[data-row]")).to_have_count(2)
    for row in (0, 1):
        sized.locator("input[name=id]").nth(row).check()
    bulk.get_by_role("button", name="Resume").click()
    expect(sized.get_by_text("2 tasks resumed")).to_be_visible()
    assert not [task for task in house.do("task", "list", "--json").json if task["condition"] == "paused"]


def test_a_run_started_here_is_watched_line_by_line_and_stopped(sized: Page, house: House) -> None:
    sign_in(sized, house)
    sized.goto(f"{house.address}/tasks?q=slow")
    sized.locator("[data-row] a.t").click()
    sized.get_by_role("button", name=re.compile("Run now")).first.click()
    sized.locator("dialog[open]").get_by_role("button", name="Run now").click()
    lines = sized.locator("[data-lines] tr .tx")
    expect(lines.nth(0)).to_have_text("step 1")
    seen = lines.count()
    expect(lines.nth(seen + 2)).to_have_text(f"step {seen + 3}")
    expect(sized.locator("h1 .badge")).to_contain_text("Running")
    assert fits(sized)
    sized.get_by_role("button", name=re.compile("Stop…")).click()
    sized.locator("dialog[open]").get_by_role("button", name="Stop run").click()
    expect(sized.locator("h1 .badge")).to_contain_text("Cancelled", timeout=20_000)
    stopped = lines.count()
    sized.reload()
    expect(lines).to_have_count(stopped)


def test_every_page_fits_its_window_and_a_lost_one_says_so(sized: Page, house: House) -> None:
    sign_in(sized, house)
    for path in ("/", "/tasks", "/tasks/1", "/tasks/5", "/runs", "/tasks?q=nothing", "/?day=2026-01-01"):
        assert sized.goto(house.address + path)
        assert fits(sized), path
    for path in ("/nowhere", "/tasks/999", "/runs/999"):
        answer = sized.goto(house.address + path)
        assert answer is not None
        assert answer.status == 404
        expect(sized.get_by_role("link", name="All tasks")).to_be_visible()
        assert fits(sized)
    # A form whose token is not ours, as another site would send it.
    sized.goto(f"{house.address}/tasks/1")
    sized.evaluate("document.querySelectorAll('input[name=csrf_token]').forEach(field => field.value = 'forged')")
    before = house.do("task", "show", "#1", "--json").json["condition"]
    with sized.expect_response(lambda answer: answer.request.method == "POST") as caught:
        sized.evaluate("document.querySelector('form[action$=\"/run\"]').submit()")
    assert caught.value.status == 403
    assert house.do("task", "show", "#1", "--json").json["condition"] == before


def test_r27_r38_after_signing_out_the_back_button_shows_nothing(sized: Page, house: House, size: ViewportSize) -> None:
    sign_in(sized, house)
    sized.goto(f"{house.address}/tasks/1")
    expect(sized.get_by_role("heading", level=1)).to_contain_text("Hourly jobs")
    if size["width"] < 600:
        sized.get_by_role("button", name=re.compile("menu|navigation", re.IGNORECASE)).click()
    sized.get_by_role("button", name="Sign out").click()
    expect(sized.get_by_text("You are signed out")).to_be_visible()
    sized.go_back()
    expect(sized.get_by_role("heading", name=re.compile("Sign in"))).to_be_visible()
    expect(sized.locator("body")).not_to_contain_text("Hourly jobs")
