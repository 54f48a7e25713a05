"""A PostgreSQL of a test's own, that may be ended, damaged and started again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.faults.witness import rest
from tests.support import postgres
from tests.support.postgres import Cluster, binaries

PORT_SECONDS = 45.0


class Restartable:
    """A PostgreSQL of this test's own that can go away and come back under the same address."""

    def __init__(self, cluster: Cluster, patch: pytest.MonkeyPatch) -> None:
        self._cluster = cluster
        self._patch = patch
        self.url = cluster.url(cluster.create())

    def go_away(self) -> None:
        """End the server; connections break."""
        self._cluster._end_keeper(keep="keep\n")

    def come_back(self) -> None:
        """Start it again on the same port."""
        port = self._cluster._port
        self._patch.setattr(postgres, "free_loopback_port", lambda: port)
        until = time.monotonic() + PORT_SECONDS
        while not self._cluster._started():
            # Somebody else was given the port meanwhile; whoever asks for a free one does not keep it long.
            assert time.monotonic() < until
            rest(0.5)


@pytest.fixture
def own_server(_needs_postgres: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restartable]:
    """Give a server that may be restarted: the one that all tests share may not."""
    programs = binaries()
    assert programs is not None
    with Cluster(programs) as cluster:
        yield Restartable(cluster, monkeypatch)
