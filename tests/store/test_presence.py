"""Telling the living from the dead on one machine, and that every connection to a file is set as it must be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from horarium.errors import StoreUnavailable
from horarium.store.failures import from_driver
from horarium.store.opening import open_store
from horarium.store.port import Store, Transaction

ANNOUNCE = """
import sys
from pathlib import Path
from horarium.store.opening import open_store

store = open_store(Path(sys.argv[1]))
store.announce_presence(7)
print("here", flush=True)
sys.stdin.read()
"""


@contextmanager
def node(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that is node 7 until its input ends."""
    command = [sys.executable, "-c", ANNOUNCE, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "here\n"
        yield process


def test_a_node_is_there_until_its_process_is_killed(path: Path, file_store: Store) -> None:
    with node(path) as process:
        assert not file_store.is_gone(7)
        process.kill()
        process.wait(20)
        assert file_store.is_gone(7)


def test_a_node_is_gone_when_its_process_ended_by_itself(path: Path, file_store: Store) -> None:
    with node(path):
        assert not file_store.is_gone(7)
    assert file_store.is_gone(7)


def test_a_stopped_process_still_counts_as_there(path: Path, file_store: Store) -> None:
    with node(path) as process:
        process.send_signal(19)
        assert not file_store.is_gone(7)
        process.kill()


def test_a_node_of_this_process_is_there_until_it_is_forgotten(path: Path, file_store: Store) -> None:
    file_store.announce_presence(1)
    with open_store(path).reading():
        assert not file_store.is_gone(1)
    file_store.forget_presence(1)
    file_store.forget_presence(1)
    assert file_store.is_gone(1)
    assert list(path.with_name("horarium.db-nodes").iterdir()) == []


def test_a_mark_that_cannot_be_made_is_told_in_one_sentence(path: Path, file_store: Store) -> None:
    with node(path), pytest.raises(StoreUnavailable, match="held by another process"):
        file_store.announce_presence(7)
    path.with_name("horarium.db-nodes").rename(path.with_name("moved"))
    path.with_name("horarium.db-nodes").touch()
    with pytest.raises(StoreUnavailable, match="no file can be made"):
        file_store.announce_presence(1)


def test_a_node_that_was_never_there_is_gone(file_store: Store) -> None:
    assert file_store.is_gone(99)


def test_in_memory_nobody_else_can_be_there_and_nothing_is_guessed(memory_store: Store) -> None:
    memory_store.announce_presence(1)
    assert not memory_store.is_gone(1)
    memory_store.forget_presence(1)
    assert memory_store.change_mark() is None


def _settings(tx: Transaction) -> dict[str, object]:
    names = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "journal_size_limit")
    return {name: tx.execute(text(f"PRAGMA {name}")).scalar_one() for name in names}


def test_rp4_every_connection_keeps_what_it_acknowledged(file_store: Store) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "journal_size_limit": 16 << 20,
    }
    with ExitStack() as several:
        connections = [several.enter_context(file_store.reading()) for _ in range(12)]
        connections.append(several.enter_context(file_store.transaction()))
        assert [_settings(tx) for tx in connections] == [wanted] * 13


@pytest.mark.parametrize("said", ["connection failed: FATAL:", "connection failed: FATAL:  no\nmore lines"])
def test_a_refused_connection_is_one_sentence_whatever_the_server_says(said: str) -> None:
    class OperationalError(Exception):
        """What the driver raises."""

    found = from_driver(OperationalError(said))
    assert isinstance(found, StoreUnavailable)
    assert str(found).startswith("the database refused the connection: ")
    assert "\n" not in str(found)
