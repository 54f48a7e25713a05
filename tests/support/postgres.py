"""A PostgreSQL of the tests' own: a cluster in a temporary folder, on loopback, as an unprivileged user.

Each test process starts at most one cluster, when the first test asks for it, and gives every test a fresh database.
The cluster ends with the process that started it, however that one ends.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Self

import psycopg
import pytest

from tests.support.places import free_loopback_port
from tests.support.stores import prepare
from tests.support.summary import needs

# The shell waits on its standard input, which closes when the test process is gone, even by kill -9; then it stops the
# server and clears up, unless it was told to keep the folder for another try.
KEEPER = (
    'folder=$1; shift; "$@" & server=$!; read -r word; kill -INT $server; wait $server; '
    '[ "$word" = keep ] || rm -rf "$folder"'
)
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "shared_buffers=32MB")
START_ATTEMPTS = 5


@cache
def binaries() -> Path | None:
    """Return the folder with the newest server's programs, or None where no server is installed."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return max(folders, key=_major_version, default=None)


def _major_version(folder: Path) -> int:
    found = re.search(r"\d+", folder.parent.name)
    return int(found.group()) if found else 0


class Cluster:
    """One running PostgreSQL server; use it as a context manager."""

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        self._programs = programs
        self._durable = durable
        self._password = secrets.token_urlsafe(16)
        self._folder = Path(tempfile.mkdtemp(prefix="horarium-pg-"))
        self._templates: set[str] = set()
        self._port = 0
        self._keeper: subprocess.Popen[str] | None = None
        self._drain: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Make the cluster and wait until it takes connections."""
        self._initialise()
        for _ in range(START_ATTEMPTS):
            if self._started():
                return self
        message = f"PostgreSQL did not start {START_ATTEMPTS} times"
        raise RuntimeError(message)

    def __exit__(self, *_: object) -> None:
        """Stop the server and remove its folder."""
        self._end_keeper()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """Return the address of a database as SQLAlchemy reads it."""
        return f"postgresql+psycopg://postgres:{self._password}@127.0.0.1:{self._port}/{database}"

    def create(self, *, template: str = "template1") -> str:
        """Make a fresh database and return its name."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, database: str) -> None:
        """Remove a database, ending the connections that are still open to it."""
        self.run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def template(self, name: str, prepare: Callable[[str], None]) -> str:
        """Make the template `name` once by calling `prepare` with its URL; return its name for `create`."""
        if name not in self._templates:
            self.run(f'CREATE DATABASE "{name}"')
            prepare(self.url(name))
            self._templates.add(name)
        return name

    def run(self, statement: str) -> None:
        """Run one statement as the cluster's owner."""
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _conninfo(self) -> str:
        return f"host=127.0.0.1 port={self._port} user=postgres password={self._password} dbname=postgres"

    def _initialise(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self._password)
        password_file.chmod(0o600)
        owner = _owner()
        if owner:
            for path in (self._folder, password_file):
                os.chown(path, *owner)
        options = ("--no-sync", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--username=postgres")
        command = [f"{self._programs}/initdb", *options, f"--pwfile={password_file}", "-D", f"{self._folder}/cluster"]
        made = _as_owner(command, stdout=subprocess.PIPE)
        output, _ = made.communicate()
        if made.returncode:
            message = f"initdb failed:\n{output}"
            raise RuntimeError(message)

    def _started(self) -> bool:
        """Start on a free port; False if the server ended at once, as when somebody took the port in between."""
        self._port = free_loopback_port()
        settings = (*SETTINGS, *(() if self._durable else QUICK), f"port={self._port}")
        server = [f"{self._programs}/postgres", "-D", f"{self._folder}/cluster"]
        server += [part for setting in settings for part in ("-c", setting)]
        self._keeper = _as_owner(
            ["/bin/sh", "-c", KEEPER, "sh", str(self._folder), *server], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        ready = self._wait_until_ready(self._keeper)
        if not ready:
            self._end_keeper(keep="keep\n")
        return ready

    def _wait_until_ready(self, keeper: subprocess.Popen[str]) -> bool:
        """Read the server's log up to the line that says it takes connections."""
        assert keeper.stdout
        for line in keeper.stdout:
            if "ready to accept connections" in line:
                # The pipe must not fill up, or the server would stand still.
                self._drain = threading.Thread(target=keeper.stdout.read, daemon=True)
                self._drain.start()
                return True
            if "database system is shut down" in line or "FATAL" in line:
                return False
        return False

    def _end_keeper(self, *, keep: str = "") -> None:
        keeper, self._keeper = self._keeper, None
        if keeper and keeper.stdin:
            keeper.stdin.write(keep)
            keeper.stdin.close()
            keeper.wait(timeout=30)
            if self._drain:
                self._drain.join()
            if keeper.stdout:
                keeper.stdout.close()


def _owner() -> tuple[int, int] | None:
    """Return who owns the cluster if that cannot be us: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: (entry.pw_uid, entry.pw_gid) for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _as_owner(
    command: Sequence[str], *, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """Start a program as the cluster's owner, out of reach of the terminal's Ctrl-C."""
    uid, gid = _owner() or (None, None)
    return subprocess.Popen(
        command,
        cwd="/",
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        user=uid,
        group=gid,
        extra_groups=None if uid is None else [],
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"},
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--postgres-durable`."""
    parser.addoption("--postgres-durable", action="store_true", help="run PostgreSQL with fsync, as in production")


@pytest.fixture(scope="session")
def postgres_cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """Give this test process's own PostgreSQL server."""
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL server programs: install them (on Debian: apt-get install postgresql)")
    with Cluster(programs, durable=pytestconfig.getoption("--postgres-durable")) as cluster:
        yield cluster


@pytest.fixture
def _needs_postgres(request: pytest.FixtureRequest) -> None:
    """Count the test before the cluster may skip it."""
    needs(request, "postgres")


@pytest.fixture
def empty_postgres_url(_needs_postgres: None, postgres_cluster: Cluster) -> Iterator[str]:
    """Give the URL of a fresh, empty database; it is removed after the test."""
    yield from _database(postgres_cluster)


@pytest.fixture
def postgres_url(_needs_postgres: None, postgres_cluster: Cluster) -> Iterator[str]:
    """Give the URL of a fresh database with the schema, cloned from one that was made once; it is removed after."""
    yield from _database(postgres_cluster, template=postgres_cluster.template("horarium", prepare))


def _database(cluster: Cluster, **given: str) -> Iterator[str]:
    database = cluster.create(**given)
    yield cluster.url(database)
    cluster.drop(database)
