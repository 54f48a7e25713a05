"""Take a picture of every page as it really is, wide and narrow, light and dark: `script/screens [folder]`.

A server is started in a folder of its own with a few tasks, some of which fail, wait or are paused.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.journeys.house import House, house_in
from tests.support.browser import SCHEMES, SIZES, open_browser, open_page
from tests.support.people import made_up

FOLDER = Path("screens")
EMAIL = "ines@tidewater.example"
PASSWORD = made_up()
LISTS = {"overview": "/", "tasks": "/tasks", "runs": "/runs", "credentials": "/credentials"}
KEPT = {
    "credential-new": "/credentials/new",
    "credential": "/credentials/1",
    "credential-values": "/credentials/1/values",
}
SETTINGS = {"settings-sign-in": "/settings/sign-in", "settings-sessions": "/settings/sessions"}
WORK = {
    "fetch-rates": ("*/15 * * * *", "billing", "print('12 rates fetched')"),
    "nightly-backup": ("30 2 * * *", "ops", "print('backup done')"),
    "reconcile": ("0 6 * * 1-5", "billing", "import sys; print('2 bookings without a match'); sys.exit(1)"),
    "weekly-report": ("0 7 * * 1", "reports", "print('report sent')"),
    "import-orders": ("*/5 * * * *", "ops", "import time\nfor n in range(600): print('order', n); time.sleep(0.2)"),
}


def main() -> None:
    """Take the pictures; the argument is the folder they go to."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    host = {"HORARIUM_TASK_USER": "", "HORARIUM_ALLOW_ROOT_TASKS": "on"}
    with (
        tempfile.TemporaryDirectory(prefix="horarium-screens-") as place,
        open_browser() as browser,
        house_in(Path(place), **host) as house,
    ):
        link = re.findall(r"http\S+", house.start().await_line("/setup?code="))[0]
        take(browser, house, folder, {"setup": link.removeprefix(house.address)})
        set_up(browser, link)
        take(browser, house, folder, {"login": "/login"})
        take(browser, house, folder, {f"{name}-empty": path for name, path in LISTS.items()}, signed_in=True)
        take(
            browser,
            house,
            folder,
            {**LISTS, **SETTINGS, **work(house), **KEPT, "not-found": "/nowhere"},
            signed_in=True,
        )


def set_up(browser: Browser, link: str) -> None:
    """Make the administrator."""
    with open_page(browser) as page:
        page.goto(link)
        for label, value in (("Team name", "Tidewater Logistics"), ("Your name", "Inês Carvalho"), ("E-mail", EMAIL)):
            page.get_by_label(label).fill(value)
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="Create administrator").click()
        page.get_by_text("Welcome").wait_for()


def work(house: House) -> dict[str, str]:
    """Add tasks and let them run; return the pages about them."""
    for name, (cron, tag, program) in WORK.items():
        house.do("task", "add", name, "--cron", cron, "--tag", tag, "--", "python3", "-u", "-c", program)
    for name in ("fetch-rates", "nightly-backup", "reconcile", "weekly-report", "reconcile", "fetch-rates"):
        house.await_run(house.trigger(name), lambda run: run["state"] in {"succeeded", "failed"})
    fields = ("--set", "host=db.tidewater.example", "--set", "username=reconcile", "--stdin", "password")
    house.do("vault", "add", "warehouse-db", "--kind", "database", *fields, stdin=made_up())
    house.do("vault", "grant", "warehouse-db", "--task", "reconcile")
    house.do("task", "pause", "weekly-report")
    failed, live = house.trigger("reconcile"), house.trigger("import-orders")
    house.await_run(failed, lambda run: run["state"] == "failed")
    house.await_run(live, lambda run: run["state"] == "running")
    return {"task": "/tasks/3", "task-paused": "/tasks/4", "run-failed": f"/runs/{failed}", "run-live": f"/runs/{live}"}


def take(browser: Browser, house: House, folder: Path, pages: dict[str, str], *, signed_in: bool = False) -> None:
    """Take a picture of each page in each size and scheme."""
    for scheme in SCHEMES:
        for size, viewport in SIZES.items():
            with open_page(browser, size=viewport, scheme=scheme) as page:
                if signed_in:
                    sign_in(page, house)
                for name, path in pages.items():
                    page.goto(house.address + path)
                    page.wait_for_load_state("load")
                    page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=True)


def sign_in(page: Page, house: House) -> None:
    """Sign the administrator in."""
    page.goto(f"{house.address}/login")
    page.get_by_label("E-mail").fill(EMAIL)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Sign in").wait_for(state="hidden")


if __name__ == "__main__":
    main()
