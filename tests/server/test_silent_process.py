"""A real server that is frozen: the process beside it says so within a minute, by a way that needs nothing of it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil

from tests.server.test_serving import Server
from tests.support.mail import Mailbox, mail_server
from tests.support.people import made_up

NAME = "ines@tidewater.example"


def started(folder: Path, port: int, box: Mailbox, after: float) -> Server:
    mail = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(box.port), "HORARIUM_SMTP_SECURITY": "none"}
    server = Server(folder, port, HORARIUM_WATCHER="on", HORARIUM_SILENCE_AFTER=str(after), **mail)
    server.read_until("Horarium is at")
    return server


def add_administrator(server: Server) -> None:
    subprocess.run(
        [*(sys.executable, "-m", "horarium", "user", "create-admin", "ines"), "--password-stdin", "--email", NAME],
        cwd=server.folder,
        env=server.environ,
        input=made_up(),
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def companion(server: Server) -> psutil.Process:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for child in psutil.Process(server.process.pid).children():
            if "horarium.server.lookout" in child.cmdline():
                return child
        time.sleep(0.05)
    raise AssertionError("there is no watcher")


def events(server: Server) -> list[str]:
    with closing(sqlite3.connect(server.folder / "data" / "horarium.db")) as opened:
        rows = opened.execute("SELECT kind FROM events WHERE kind LIKE 'scheduler.%' ORDER BY id")
        return [row[0] for row in rows]


def await_events(server: Server, expected: list[str]) -> None:
    deadline = time.monotonic() + 30
    while events(server) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert events(server) == expected


def test_a_frozen_server_is_told_of_within_a_minute_and_told_back(data_folder: Path, free_port: int) -> None:
    with mail_server() as box:
        server = started(data_folder.parent, free_port, box, 10)
        watcher = companion(server)
        try:
            add_administrator(server)
            os.kill(server.process.pid, signal.SIGSTOP)
            frozen = time.monotonic()
            (letter,) = box.wait_for(1)
            assert time.monotonic() - frozen < 60
            assert "silent since" in letter.subject
            os.kill(server.process.pid, signal.SIGCONT)
            assert "works again" in box.wait_for(2)[1].subject
            await_events(server, ["scheduler.silent", "scheduler.back"])
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
            server.stop()
            server.end()
        watcher.wait(10)
        assert not watcher.is_running()
        assert len(box.letters) == 2


def test_the_watcher_holds_little_and_comes_back_when_it_is_killed(data_folder: Path, free_port: int) -> None:
    with mail_server() as box:
        server = started(data_folder.parent, free_port, box, 30)
        watcher = companion(server)
        try:
            assert watcher.memory_full_info().uss < 24 * 1024 * 1024
            watcher.kill()
            watcher.wait(10)
            watcher = companion(server)
        finally:
            code = server.stop()
            server.end()
        # Both the request to stop and the end of the stop say goodbye to it.
        assert (code, "went wrong" in server.log) == (0, False)
        watcher.wait(10)
        assert not watcher.is_running()
        assert not box.letters
