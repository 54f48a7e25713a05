"""Places a test may use: a data folder, a port, the belongings of an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def free_loopback_port() -> int:
    """Return a loopback port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def free_port() -> int:
    """Give a loopback port that nothing listens on at the moment."""
    return free_loopback_port()


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """Give an empty data folder that only its owner may enter, as `horarium init` makes it."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


def ordinary_account() -> tuple[int, int]:
    """Return user and group of who should own what must not be root's: `nobody` for root, else ourselves."""
    if os.geteuid() != 0:
        return os.getuid(), os.getgid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


@contextmanager
def unprivileged() -> Iterator[tuple[Path, tuple[int, int]]]:
    """Give a folder that an ordinary user owns and can reach, and that user with its group."""
    owner = ordinary_account()
    folder = Path(tempfile.mkdtemp(prefix="horarium-"))
    try:
        os.chown(folder, *owner)
        yield folder, owner
    finally:
        shutil.rmtree(folder)
