"""The main job on real input: what Debian packages leave to cron moves in, runs, and is accounted for."""

from __future__ import annotations

import json
import os
import pwd
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from horarium.cli.main import run
from horarium.clock import to_micros
from horarium.records.runs import Run
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.testing import ManualClock
from tests.journeys.house import House, await_that
from tests.journeys.service import Moved, moved_service
from tests.support.debian import NEEDED, Shipped

ZONE = "Asia/Kolkata"
# Half an hour off the full ones, and never set forward or back.
LOCAL = timezone(timedelta(hours=5, minutes=30))
# No daily job of any package is due in it: what runs is small.
BEGIN = datetime(2026, 9, 14, 10, 0, tzinfo=LOCAL)
END = BEGIN + timedelta(hours=1)
LINES = 8
OURS = f"""
# Counts aloud
10 * * * * ACCOUNT for n in $(seq {LINES}); do echo "step $n of {LINES}"; sleep 1; done; echo "counted by $(id -un)"
# Every minute, and slower than a minute of the moved clock
* 10 * * * ACCOUNT echo going; sleep 2
# Says its name at percent signs
*/20 * * * * ACCOUNT echo 'at 100\\%'
"""
COUNTING, SLOW, PERCENT = 3, 5, 7
NICKNAMES = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}
NAMES = {name: str(at) for at, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}


@dataclass(frozen=True)
class Imported:
    """A line of a file as the import tells of it."""

    file: str
    line: int
    name: str
    words: str
    next_times: list[str]


def unprivileged_name() -> str:
    """Return an account that may do nothing to the machine."""
    return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def tamed(text: str, account: str) -> str:
    """Return a crontab whose lines name `account` instead of theirs: as root they would touch the machine."""
    line = re.compile(r"^([ \t]*(?:@\w+|[\d*][^\s=]*(?:[ \t]+\S+){4})[ \t]+)(\S+)(?=[ \t]+\S)", re.MULTILINE)
    return line.sub(rf"\g<1>{account}", text)


@pytest.fixture
def folder(tmp_path: Path, shipped: list[Shipped], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with an installation and the crontabs of the packages in `cron.d`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HORARIUM_TIMEZONE", ZONE)
    monkeypatch.setenv("HORARIUM_SHUTDOWN_GRACE", "0")
    assert run(["init"]) == 0
    account = unprivileged_name()
    (tmp_path / "cron.d").mkdir()
    (tmp_path / "cron.d" / "ours").write_text(OURS.replace("ACCOUNT", account), encoding="utf-8")
    for file in shipped:
        where = tmp_path / "cron.d" / f"{file.package}-{Path(file.path).name}"
        where.write_text(tamed(file.text, account), encoding="utf-8")
    return tmp_path


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGIN - timedelta(seconds=30))


@pytest.fixture
def imported(folder: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]) -> list[Imported]:
    """Import every file by the command, as a person does; give what it told."""
    told: list[Imported] = []
    for path in sorted((folder / "cron.d").iterdir()):
        capsys.readouterr()
        assert run(["import", "crontab", str(path), "--system", "--json"], clock=clock) == 0
        told += [
            Imported(path.name, task["line"], task["name"], task["words"], task["next_times"])
            for task in json.loads(capsys.readouterr().out)["tasks"]
        ]
    return told


@pytest.fixture
def moved(imported: list[Imported], clock: ManualClock) -> Iterator[Moved]:
    with moved_service(clock) as service:
        yield service


def test_the_crontabs_of_ten_packages_move_in_run_and_are_accounted_for(
    folder: Path, shipped: list[Shipped], imported: list[Imported], moved: Moved, page: Page
) -> None:
    assert len({file.package for file in shipped}) >= NEEDED
    expected = {(path.name, line): count for path in (folder / "cron.d").iterdir() for line, count in reckoned(path)}
    assert set(expected) == {(each.file, each.line) for each in imported}
    moved.sign_in(page)
    see_all_on_the_page(page, moved, imported)

    moved.move_to(BEGIN + timedelta(minutes=10), busy=2)
    watch_it_count(page, moved, ours(imported, COUNTING))
    moved.move_to(END - timedelta(seconds=40), busy=1)
    await_that(lambda: open_runs(moved), lambda count: count == 0)

    counts = Counter({each.name: expected[each.file, each.line] for each in imported})
    assert accounted(moved) == {name: count for name, count in counts.items() if count}
    assert sum(counts.values()) > 100
    see_the_ends_on_the_pages(page, moved, imported)


def test_a_dry_run_of_a_real_process_tells_the_same_of_a_file_as_it_is_shipped(
    house: House, shipped: list[Shipped]
) -> None:
    for file in shipped[:2]:
        told = house.do("import", "crontab", "-", "--system", "--dry-run", "--json", stdin=file.text).json
        lines = [number for number, _ in reckoned_lines(file.text)]
        assert [task["line"] for task in told["tasks"]] == lines
        assert all(len(task["next_times"]) == 3 for task in told["tasks"])
        assert not told["changed"]
    assert house.do("task", "list", "--json").json == []


def see_all_on_the_page(page: Page, moved: Moved, imported: list[Imported]) -> None:
    """Find each task in the list, with its words and its next time."""
    page.goto(f"{moved.address}/tasks")
    expect(page.locator("[data-row]")).to_have_count(len(imported))
    rows = {row.locator("a.t").inner_text(): row for row in page.locator("[data-row]").all()}
    for each in imported:
        row = rows[each.name]
        assert row.locator(".sch > span").first.inner_text() == each.words.removesuffix(f" ({ZONE})"), each
        shown = row.locator(".nxt time").first.get_attribute("datetime") or ""
        assert datetime.fromisoformat(shown) == datetime.fromisoformat(each.next_times[0]), each


def ours(imported: list[Imported], line: int) -> Imported:
    """Return what became of a line of our own file."""
    return next(each for each in imported if (each.file, each.line) == ("ours", line))


def watch_it_count(page: Page, moved: Moved, counting: Imported) -> None:
    """See the output of a run grow on its page while it runs."""
    moved.clock.advance(timedelta(seconds=1))
    page.goto(f"{moved.address}/tasks?q=seq")
    page.get_by_role("link", name=counting.name, exact=True).click()
    page.locator("main a[href*='/runs/']").first.click()
    lines = page.locator("[data-lines] tr .tx")
    expect(lines.first).to_have_text(f"step 1 of {LINES}")
    # A start is written down a moment after it: that moment has to pass on the moved clock.
    moved.clock.advance(timedelta(seconds=1))
    badge = page.locator("#head h1")
    before = lines.count()
    expect(badge).to_contain_text("Running")
    assert before < LINES
    expect(lines.nth(before)).to_have_text(f"step {before + 1} of {LINES}")
    expect(badge).to_contain_text("Running")
    expect(lines.nth(LINES)).to_have_text(f"counted by {unprivileged_name()}", timeout=20_000)
    expect(page.locator(".log-f")).to_contain_text(f"{LINES + 1} lines")
    expect(badge).to_contain_text("Succeeded")


def see_the_ends_on_the_pages(page: Page, moved: Moved, imported: list[Imported]) -> None:
    """Find output, outcomes and the reason of what did not run."""
    slow = ours(imported, SLOW)
    page.goto(f"{moved.address}/tasks")
    page.get_by_role("link", name=slow.name, exact=True).first.click()
    expect(page.locator("main")).to_contain_text(re.compile("still going|previous run|overlap", re.IGNORECASE))
    runs = [each for each in all_runs(moved) if each.task_name == ours(imported, PERCENT).name]
    assert len(runs) == 3
    page.goto(f"{moved.address}/runs/{runs[0].id}")
    expect(page.locator("[data-lines] tr .tx")).to_have_text(["at 100%"])


def all_runs(moved: Moved) -> list[Run]:
    with moved.service.store.reading() as tx:
        return HistoryBook(tx).page(RunFilter(), limit=5000)


def open_runs(moved: Moved) -> int:
    return sum(each.is_open for each in all_runs(moved))


def accounted(moved: Moved) -> dict[str, int]:
    """Return how many occurrences of the hour the ledger has for each task: runs that exist, and skipped ones."""
    found = {}
    planned = Counter(each.task_id for each in all_runs(moved) if each.planned_at and BEGIN <= each.planned_at < END)
    with moved.service.store.reading() as tx:
        for task in TaskBook(tx).page(TaskFilter(), limit=500):
            totals = LedgerBook(tx).totals(task.id, to_micros(BEGIN), to_micros(END))
            assert totals.get("runs", 0) == planned[task.id]
            if totals:
                found[task.name] = sum(totals.values())
    return found


def reckoned(path: Path) -> Iterator[tuple[int, int]]:
    """Yield each line of a crontab with how often it falls due in the hour, counted minute by minute."""
    minutes = [BEGIN + timedelta(minutes=passed) for passed in range(60)]
    for number, fields in reckoned_lines(path.read_text(encoding="utf-8")):
        yield number, sum(falls_on(fields, minute) for minute in minutes)


def reckoned_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the five time fields of each line that cron would run."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith(("#", "@reboot")) or re.match(r"\s*\w+\s*=", line):
            continue
        yield number, NICKNAMES[words[0]].split() if words[0] in NICKNAMES else words[:5]


def falls_on(fields: list[str], at: datetime) -> bool:
    """Tell whether the five fields name a minute; of the two fields of days one is enough if both are restricted."""
    minute, hour, day, month, weekday = fields
    on_day, on_weekday = among(day, at.day, 1, 31), among(weekday, at.isoweekday() % 7, 0, 7)
    both_restricted = not day.startswith("*") and not weekday.startswith("*")
    is_day = on_day or on_weekday if both_restricted else on_day and on_weekday
    return among(minute, at.minute, 0, 59) and among(hour, at.hour, 0, 23) and among(month, at.month, 1, 12) and is_day


def among(field: str, value: int, lowest: int, highest: int) -> bool:
    """Tell whether a value is in a list of numbers, ranges and steps; Sunday is 0 and 7."""
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        first, dash, last = (NAMES.get(word, word) for word in span.partition("-"))
        low = lowest if first == "*" else int(first)
        high = highest if first == "*" or (step and not dash) else int(last or first)
        numbers = {number % 7 if highest == 7 else number for number in range(low, high + 1, int(step or 1))}
        if value in numbers:
            return True
    return False
