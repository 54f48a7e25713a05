"""The main job on real input: the crontabs that Debian packages ship are understood line by line and become tasks."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from horarium.adoption.crontab import (
    Action,
    Circumstances,
    Survey,
    Weight,
    move,
    parse_crontab,
    recognise,
    survey,
)
from horarium.clock import SystemClock
from horarium.records.actors import Actor
from horarium.records.tasks import CommandSpec, Task
from horarium.scheduling.tasks import TaskDesk
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.triggers import CronTrigger
from tests.support.debian import NEEDED, Shipped

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACCOUNTS = {"root": "/root", "www-data": "/var/www", "munin": "/var/lib/munin", "list": "/var/list"}


class Machine:
    """A machine that root works on and that has some of the accounts."""

    present = "root"

    def home_of(self, name: str) -> str | None:
        return ACCOUNTS.get(name)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give an empty store."""
    opened = open_store(tmp_path / "horarium.db")
    yield opened
    opened.close()


def active_lines(text: str) -> int:
    """Count, in another way than the parser does, the lines that cron would run or leave to a start of the machine."""
    return len(re.findall(r"^[ \t]*(?:@\w+|[\d*][^\s=]*(?:[ \t]+\S+){4})[ \t]+\S", text, re.MULTILINE))


def surveyed(file: Shipped, existing: list[Task]) -> Survey:
    """Return what importing a file would do."""
    around = Circumstances(timezone="Europe/Berlin", now=NOW, accounts=Machine())
    return survey(parse_crontab(file.text, has_users=True), file.path, existing, around)


def tasks_in(store: Store) -> list[Task]:
    """Return all tasks."""
    with store.reading() as tx:
        return TaskBook(tx).page(TaskFilter(), limit=500)


def test_at_least_ten_packages_ship_a_crontab(shipped: list[Shipped]) -> None:
    assert len({file.package for file in shipped}) >= NEEDED, [file.package for file in shipped]


def test_every_line_of_every_package_is_understood_and_accounted_for(shipped: list[Shipped]) -> None:
    for file in shipped:
        crontab = parse_crontab(file.text, has_users=True)
        left_out = [each for each in crontab.findings if each.weight is Weight.LEFT_OUT]
        assert not [each for each in crontab.findings if each.weight is Weight.BAD], file
        assert len(crontab.entries) + len(left_out) == active_lines(file.text), file
        for entry in crontab.entries:
            assert f"{entry.user}" in file.text
            assert entry.raw_command in file.text
            assert "\\%" not in entry.command


def test_the_account_column_is_recognised_without_the_path(shipped: list[Shipped]) -> None:
    accounts = {entry.user for file in shipped for entry in parse_crontab(file.text, has_users=True).entries}
    for file in shipped:
        layout = recognise(file.text, is_account=accounts.__contains__)
        assert layout.has_users == bool(active_lines(file.text)), file


def test_each_line_has_words_a_short_name_and_next_times_that_its_schedule_gives(shipped: list[Shipped]) -> None:
    for file in shipped:
        for planned in surveyed(file, []).planned:
            assert planned.words.strip() != planned.entry.schedule.text
            assert "*" not in planned.words.partition("(")[0]
            assert 0 < len(planned.name) <= 70
            trigger = CronTrigger(planned.entry.schedule, "Europe/Berlin")
            assert planned.next_times[0] == trigger.next_after(NOW)
            assert len(planned.next_times) == 3


def test_all_files_become_tasks_and_a_second_import_changes_nothing(shipped: list[Shipped], store: Store) -> None:
    desk = TaskDesk(store, SystemClock())
    for file in shipped:
        found = surveyed(file, tasks_in(store))
        assert {planned.action for planned in found.planned} <= {Action.ADD}
        move(found, desk, actor=Actor.of_code("the test"))
    made = tasks_in(store)
    assert len(made) == sum(len(parse_crontab(file.text, has_users=True).entries) for file in shipped)
    assert all(task.next_at is not None for task in made)
    for file in shipped:
        again = surveyed(file, tasks_in(store))
        assert {planned.action for planned in again.planned} <= {Action.KEEP}
        assert again.gone == ()
        move(again, desk, actor=Actor.of_code("the test"))
    assert tasks_in(store) == made


def test_commands_reach_the_shell_as_cron_would_hand_them_over(shipped: list[Shipped]) -> None:
    by_package = {file.package: file for file in shipped}
    if "mdadm" in by_package:
        (planned,) = surveyed(by_package["mdadm"], []).planned
        assert isinstance(planned.definition.spec, CommandSpec)
        assert planned.definition.spec.shell
        assert "$(date +%d)" in planned.definition.spec.argv[0]
    if "sysstat" in by_package:
        planned = surveyed(by_package["sysstat"], []).planned[0]
        assert isinstance(planned.definition.spec, CommandSpec)
        assert "/usr/lib/sysstat" in planned.definition.spec.env["PATH"]
    # A shell reads each command without running it: nothing was lost at quotes or percent signs.
    for file in shipped:
        for entry in parse_crontab(file.text, has_users=True).entries:
            subprocess.run([entry.shell, "-n", "-c", entry.command], check=True)
