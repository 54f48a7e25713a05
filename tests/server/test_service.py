"""The service without its doors: how it is assembled, and what it warns about."""

from __future__ import annotations

import ctypes
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from horarium.clock import SystemClock
from horarium.config import Config
from horarium.errors import ConfigError, StoreForeign
from horarium.records.runs import Run
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.server import doctor, service
from horarium.server.health import Health
from horarium.server.service import Service, assemble, warnings_for
from horarium.states import Isolation, RunState
from horarium.store.books.history import HistoryBook
from horarium.upkeep.defaults import default_definitions
from tests.support.people import TESTER

KEY = secrets.token_hex(32)


def config_in(folder: Path, **settings: Any) -> Config:
    """Return settings for a server in `folder`."""
    return replace(Config(secret_key=KEY, data=folder / "data"), **settings)


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "is_root", lambda: True)


@pytest.fixture
def as_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "is_root", lambda: False)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({}, "refused"),
        ({"allow_root_tasks": True}, "they run as root"),
        ({"task_user": "tasks"}, "commands run as tasks"),
    ],
)
def test_r7_as_root_it_says_what_becomes_of_commands(as_root: None, settings: dict[str, object], part: str) -> None:
    (sentence,) = warnings_for(config_in(Path(), **settings))
    assert sentence.startswith("The server runs as root")
    assert part in sentence


@pytest.mark.parametrize(
    ("settings", "is_warned"),
    [
        ({}, False),
        ({"host": "0.0.0.0"}, True),  # noqa: S104 - what the warning is about
        ({"host": "192.0.2.7", "base_url": "https://h.example"}, True),
        ({"host": "192.0.2.7", "base_url": "https://h.example", "trusted_proxies": ("192.0.2.1/32",)}, False),
        ({"host": "192.0.2.7", "base_url": "http://h.example", "trusted_proxies": ("192.0.2.1/32",)}, True),
    ],
)
def test_r5_plain_http_beyond_this_machine_is_warned_about(
    as_somebody: None, settings: dict[str, object], is_warned: bool
) -> None:
    assert any("plain HTTP" in each for each in warnings_for(config_in(Path(), **settings))) is is_warned


def test_a_settings_file_that_others_may_read_is_warned_about(as_somebody: None, tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    (tmp_path / ".env").chmod(0o644)
    assert "chmod 600" in warnings_for(config_in(tmp_path, env_file=tmp_path / ".env"))[0]
    (tmp_path / ".env").chmod(0o600)
    assert warnings_for(config_in(tmp_path, env_file=tmp_path / ".env")) == []


def test_a_service_starts_stops_and_stops_again(tmp_path: Path) -> None:
    assembled = assemble(config_in(tmp_path))
    assembled.start()
    assert assembled.scheduler.is_running
    assembled.begin_stop()
    assembled.begin_stop()
    assembled.finish_stop()
    assert not assembled.scheduler.is_running


def test_the_link_for_the_first_account_carries_a_fresh_code(tmp_path: Path) -> None:
    assembled = assemble(config_in(tmp_path, base_url="https://h.example/team"))
    first, second = assembled.setup_link(), assembled.setup_link()
    assert first is not None
    assert first.startswith("https://h.example/team/setup?code=")
    assert first != second
    assembled.finish_stop()


def test_r10_neither_the_service_nor_its_settings_show_the_key(tmp_path: Path) -> None:
    assembled = assemble(config_in(tmp_path))
    assert KEY not in repr(assembled)
    assembled.finish_stop()


def test_nothing_is_made_when_the_settings_do_not_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SECRET_KEY"):
        assemble(config_in(tmp_path, secret_key="changeme"))
    with pytest.raises(ConfigError, match="HORARIUM_DATA"):
        assemble(config_in(tmp_path, data=Path("/proc/no/such/folder")))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        assemble(config_in(tmp_path, database_url="mysql://x/y"))
    (tmp_path / "text").write_text("a text and no database" * 20, encoding="utf-8")
    with pytest.raises(StoreForeign):
        assemble(config_in(tmp_path, database_url=str(tmp_path / "text")))


def test_r8_the_memory_of_the_server_can_be_hidden_on_linux() -> None:
    look = """
import os, sys
from horarium.server.hardening import hide_from_other_processes
assert hide_from_other_processes() is (sys.platform == "linux")
print(os.stat("/proc/self/environ").st_uid)
"""
    subprocess.run([sys.executable, "-c", look], check=True, capture_output=True)


MANY_HASHES = """
import re, threading
from pathlib import Path
from horarium.accounts.passwords import Hasher
from horarium.server.hardening import give_large_memory_back

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

assert give_large_memory_back()
hasher, stay = Hasher(), threading.Barrier(17)
before = resident()

def check():
    hasher.verify("a password of nobody", None)
    stay.wait(60)

threads = [threading.Thread(target=check) for _ in range(16)]
for each in threads:
    each.start()
stay.wait(60)
print(resident() - before)
for each in threads:
    each.join()
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="it is the GNU allocator that would keep it")
def test_r17_what_a_password_takes_to_check_is_given_back_by_every_thread() -> None:
    done = subprocess.run([sys.executable, "-c", MANY_HASHES], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 76


@pytest.mark.parametrize(
    ("free", "health"), [(10**6, Health.BAD), (10**8, Health.WARN), (9 * 10**9, Health.WARN), (5 * 10**10, Health.OK)]
)
def test_doctor_watches_the_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, health: Health
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**11, free=free))
    found = {each.name: each.health for each in doctor.examine(config_in(tmp_path), SystemClock())}
    assert found["disk"] is health


@pytest.mark.parametrize("isolation", list(Isolation))
def test_r52_a_row_of_the_database_that_names_anything_else_fails_and_imports_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolation: Isolation
) -> None:
    for name in ("allowed_jobs", "other_jobs"):
        text = f"open({str(tmp_path / name)!r}, 'w').close()\nimport os\ndef run(*given): return 'it ran'\n"
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    mark = tmp_path / "mark"
    running = assemble(config_in(tmp_path, task_modules=("allowed_jobs",), allow_root_tasks=True))
    rows = {
        "good": PythonSpec("allowed_jobs:run", isolation=isolation),
        "other": PythonSpec("other_jobs:run", isolation=isolation),
        "shell": PythonSpec("os:system", (f"touch {mark}",), isolation=isolation),
        "through": PythonSpec("allowed_jobs:os.system", (f"touch {mark}",), isolation=isolation),
        "eval": PythonSpec("builtins:exec", (f"open({str(mark)!r}, 'w')",), isolation=isolation),
    }
    runs = {}
    for name, spec in rows.items():
        running.desk.define(TaskDefinition(name, spec, None))
        runs[name] = running.desk.trigger(name, by=TESTER)
    running.start()
    ended = {name: await_end(running, number) for name, number in runs.items()}
    tasks = {name: running.desk.find(name) for name in rows}
    running.begin_stop()
    running.finish_stop()
    assert ended["good"].state is RunState.SUCCEEDED, ended["good"]
    for name in rows.keys() - {"good"}:
        assert ended[name].state is RunState.FAILED
        assert "is not registered on this host" in str(ended[name].failure)
        assert "HORARIUM_TASK_MODULES names allowed_jobs" in str(ended[name].failure)
        parked = tasks[name].parking
        assert parked
    assert (tmp_path / "allowed_jobs").exists()
    assert not (tmp_path / "other_jobs").exists()
    assert not mark.exists()


def test_a_server_as_it_is_runs_each_of_its_maintenance_tasks(tmp_path: Path) -> None:
    running = assemble(config_in(tmp_path))
    running.start()
    names = [each.name for each in default_definitions()]
    runs = {name: running.desk.trigger(name, by=TESTER) for name in names}
    ended = {name: await_end(running, number) for name, number in runs.items()}
    running.begin_stop()
    running.finish_stop()
    assert {name: (run.state, run.failure) for name, run in ended.items()} == dict.fromkeys(
        names, (RunState.SUCCEEDED, None)
    )


def await_end(running: Service, run_id: int) -> Run:
    give_up_at = time.monotonic() + 30
    while True:
        with running.store.reading() as tx:
            run = HistoryBook(tx).get(run_id)
        assert run
        if not run.is_open:
            return run
        assert time.monotonic() < give_up_at, run
        time.sleep(0.02)


def test_the_doctor_names_a_task_whose_function_is_not_allowed(tmp_path: Path) -> None:
    config = config_in(tmp_path, task_modules=("shop", "reports.jobs:weekly"))
    made = assemble(config)
    for name, target in (
        ("a", "shop.stock:poll"),
        ("b", "reports.jobs:weekly"),
        ("c", "horarium.upkeep:backup_database"),
    ):
        made.desk.define(TaskDefinition(name, PythonSpec(target), None))
    made.finish_stop()

    def said() -> tuple[Health, str]:
        (check,) = [each for each in doctor.examine(config, SystemClock()) if each.name == "targets"]
        return check.health, check.sentence

    assert said() == (Health.OK, "HORARIUM_TASK_MODULES names shop, reports.jobs:weekly")
    made = assemble(config)
    made.desk.define(TaskDefinition("d", PythonSpec("reports.jobs:daily"), None))
    made.finish_stop()
    assert said()[0] is Health.WARN
    assert "1 task names a function of somewhere else, 'd' first" in said()[1]
