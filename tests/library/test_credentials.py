"""A scheduler with a keyring: tasks use secrets, and its store never holds one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from horarium import TaskScheduler
from horarium.logs.masking import mark_of
from horarium.records.tasks import CommandSpec, TaskDefinition
from horarium.states import Isolation
from tests.execution.sample_secrets import ask, babble, stumble, tell
from tests.library.programs import ended, once
from tests.support.encodings import canary, left_of
from tests.support.keyring import HandKeyring

CARELESS = 'set -x; printf "%s\\n" "$SMTP_PASSWORD"; printf "%s" "$SMTP_PASSWORD" | base64 >&2; exit 3'


def test_a_scheduler_without_a_keyring_says_so(running: TaskScheduler) -> None:
    entry = once(running, ask, args=["smtp"], credentials=["smtp"])
    assert "there is no vault here" in entry["result"]


@pytest.mark.parametrize("isolation", list(Isolation))
def test_r71_r73_the_store_never_holds_what_its_tasks_show(
    make: Callable[..., TaskScheduler], tmp_path: Path, isolation: Isolation
) -> None:
    secret = canary()
    keyring = HandKeyring(smtp={"password": secret})
    scheduler = make(keyring=keyring)
    scheduler.start()
    entries = [
        once(scheduler, function, name=function.__name__, credentials=["smtp"], isolation=isolation, retries=0)
        for function in (tell, stumble, babble)
    ]
    scheduler.add_tasks([TaskDefinition("command", CommandSpec((CARELESS,), True), None, credentials=("smtp",))])
    entries.append(ended(scheduler, scheduler.trigger_task_now("command")))
    texts = [scheduler.get_run_output(entry["id"]) for entry in entries]
    assert [entry["status"] for entry in entries] == ["succeeded", "failed", "failed", "failed"]
    assert all(mark_of("smtp") in text for text in (*texts[:2], texts[3], repr(entries)))
    scheduler.close()
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"slowly [masked: smtp]" in file for file in files)
    assert left_of(secret, [*texts, repr(entries), *files]) == []
    assert keyring.closed == [(entry["id"], 1) for entry in entries]


@pytest.mark.postgres
def test_r71_nor_does_a_postgres_store(make: Callable[..., TaskScheduler], postgres_url: str) -> None:
    secret = canary()
    scheduler = make(postgres_url, keyring=HandKeyring(smtp={"password": secret}))
    scheduler.start()
    entries = [once(scheduler, each, name=each.__name__, credentials=["smtp"]) for each in (tell, stumble)]
    texts = [scheduler.get_run_output(entry["id"]) for entry in entries]
    assert f"slowly {mark_of('smtp')}" in texts[0]
    assert left_of(secret, [*texts, repr(entries)]) == []
