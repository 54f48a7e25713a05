"""Which store a program opens, and what it says when that one is not fit."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from horarium import HorariumError, TaskScheduler
from horarium.errors import StoreForeign, StoreNewer, StoreUnavailable
from tests.library.programs import Workshop, ended, wait_until

PROGRAM = """
from horarium import TaskScheduler
with TaskScheduler() as scheduler:
    scheduler.add_task("job", "os:getpid")
"""


def test_without_a_word_it_is_a_file_in_the_working_folder(workshop: Workshop) -> None:
    workshop.write("program.py", PROGRAM)
    workshop.run("program.py")
    looked = workshop.scheduler("horarium.db")
    assert [each["name"] for each in looked.get_all_tasks()] == ["job"]
    looked.close()


@pytest.mark.parametrize("address", ["elsewhere.db", "sqlite:///elsewhere.db", "sqlite:///{folder}/elsewhere.db"])
def test_the_environment_names_another(workshop: Workshop, address: str) -> None:
    workshop.write("program.py", PROGRAM)
    workshop.run("program.py", DATABASE_URL=address.format(folder=workshop.folder))
    assert (workshop.folder / "elsewhere.db").exists()
    assert not (workshop.folder / "horarium.db").exists()


@pytest.mark.postgres
def test_the_environment_names_a_postgres_database(workshop: Workshop, postgres_url: str) -> None:
    workshop.write("program.py", PROGRAM)
    workshop.run("program.py", DATABASE_URL=postgres_url)
    looked = TaskScheduler(postgres_url)
    assert [each["name"] for each in looked.get_all_tasks()] == ["job"]
    looked.close()


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def _text(path: Path) -> None:
    path.write_text("this is no database, " * 100)


def _damaged(path: Path) -> None:
    TaskScheduler(path).close()
    whole = path.read_bytes()
    path.write_bytes(b"\0" * 40 + whole[40:200])


def _newer(path: Path) -> None:
    TaskScheduler(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("prepare", "kind"),
    [
        (_foreign, StoreForeign),
        (_text, StoreForeign),
        (_damaged, StoreForeign),
        (_newer, StoreNewer),
        (_folder, StoreForeign),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_store_that_is_not_fit_is_one_clear_error_and_left_alone(
    tmp_path: Path, prepare: Callable[[Path], None], kind: type[HorariumError]
) -> None:
    path = tmp_path / "jobs.db"
    prepare(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(kind) as refused:
        TaskScheduler(path)
    assert "\n" not in str(refused.value)
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.parametrize("store", ["no/such/folder/jobs.db", "mysql://user:hidden@host/x", "://"])
def test_an_address_that_leads_nowhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((HorariumError, StoreUnavailable)) as refused:
        TaskScheduler(store)
    assert "hidden" not in str(refused.value)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - nothing was made


def test_a_postgres_that_is_not_there_is_one_error_without_the_password(free_port: int) -> None:
    with pytest.raises(StoreUnavailable) as refused:
        TaskScheduler(f"postgresql://someone:hidden@127.0.0.1:{free_port}/x")
    assert "hidden" not in str(refused.value)


def test_a_store_in_memory_works_from_many_threads() -> None:
    with TaskScheduler(":memory:") as scheduler:
        for number in range(10):
            scheduler.add_task(f"job {number}", lambda n=number: n)
        runs = [scheduler.trigger_task_now(f"job {number}") for number in range(10)]
        assert [ended(scheduler, run)["result"] for run in runs] == list(range(10))


def test_schedulers_on_different_stores_do_not_see_each_other(make: Callable[..., TaskScheduler]) -> None:
    one, two = make("one.db"), make("two.db")
    one.start()
    two.start()
    one.add_task("job", lambda: "one")
    two.add_task("job", lambda: "two")
    assert ended(one, one.trigger_task_now("job"))["result"] == "one"
    one.stop()
    assert ended(two, two.trigger_task_now("job"))["result"] == "two"


def test_schedulers_on_one_store_share_its_tasks_and_run_each_instant_once(
    make: Callable[..., TaskScheduler],
) -> None:
    schedulers = [make() for _ in range(3)]
    for number, scheduler in enumerate(schedulers):
        scheduler.add_interval_task("shared", "os:getpid", 1)
        scheduler.add_task(f"own {number}", lambda n=number: n)
        scheduler.start()
    runs = [schedulers[0].trigger_task_now(f"own {number}") for number in range(3)]
    assert [ended(schedulers[0], run)["result"] for run in runs] == [0, 1, 2]
    shared = wait_until(
        lambda: schedulers[0].get_task_history("shared")[2:] and schedulers[0].get_task_history("shared")
    )
    planned = [each["planned_at"] for each in shared]
    assert len(planned) == len(set(planned))
    one_second = {(later - sooner).total_seconds() for later, sooner in pairwise(planned)}
    assert one_second == {1.0}
