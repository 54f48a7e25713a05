"""A secret in each kind of credential, used by tasks that show it in every way: afterwards it is nowhere."""

from __future__ import annotations

import gzip
import os
import re
import secrets
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest

from horarium import CredentialManager
from horarium.clock import SystemClock
from horarium.logs.masking import mark_of
from horarium.records.runs import Run
from horarium.records.tasks import CommandSpec, PythonSpec, TaskDefinition
from horarium.scheduling.tasks import TaskDesk
from horarium.states import Isolation, RunState
from horarium.store.books.history import HistoryBook
from horarium.store.books.output import OutputBook
from horarium.store.opening import open_store
from horarium.upkeep.defaults import default_definitions
from horarium.vault.kinds import KINDS
from horarium.web.access import API_ROWS, ROWS
from tests.journeys.house import House, await_that, house_in
from tests.journeys.visitor import Visitor
from tests.support.encodings import Traces, canary, shown
from tests.support.mail import Certificate, Mailbox, certificate, mail_server
from tests.support.people import TESTER, made_up
from tests.support.places import free_loopback_port
from tests.support.postgres import binaries

ROOT = Path(__file__).parents[2]
OPEN_VALUES = {
    "host": "db.tidewater.example",
    "username": "night",
    "token_url": "https://id.tidewater.example/token",
    "client_id": "horarium",
    "bucket": "backups",
    "access_key_id": "AKIA",
}
SHOW = (
    'printf "%s\n" "$V"; printf %s "$V" | base64 -w0 >&2; echo; printf %s "$V" | od -An -tx1 | tr -d " \n"; '
    'printf "%s" "$V" | tr "\n" " "; echo "$V" >&2; '
)
WAYS = {"isolated": Isolation.PROCESS, "in a thread": Isolation.THREAD}
LEAKS = "tests.journeys.leaks"


class Vault:
    """A house with a credential of each kind, a mail server beside it, and tasks that show everything."""

    def __init__(self, house: House, port: int, known: Certificate) -> None:
        self.house = house
        self.port = port
        self.known = known
        self.password = made_up()
        self.of: dict[str, dict[str, str]] = {name: _fields_of(name) for name in KINDS}
        house.do(
            *("user", "create-admin", "ines", "--email", "ines@tidewater.example", "--password-stdin"),
            stdin=self.password,
        )
        key = re.search(r"^SECRET_KEY=(.+)$", (house.folder / ".env").read_text(), re.MULTILINE)
        assert key
        with CredentialManager(self.where, secret_key=key[1]) as manager:
            for name, fields in self.of.items():
                manager.save_credentials(0, name, "", {**_open_values_of(name), **fields}, kind=name)

    @property
    def where(self) -> str:
        """Return what the store is opened with."""
        return self.house.environ.get("DATABASE_URL") or str(self.house.database)

    @property
    def secrets(self) -> list[str]:
        """Return every secret value."""
        return [value for fields in self.of.values() for value in fields.values()]

    @contextmanager
    def desk(self) -> Iterator[TaskDesk]:
        """Give a desk; the store is closed again before anything looks at its files."""
        store = open_store(self.where)
        try:
            yield TaskDesk(store, SystemClock())
        finally:
            store.close()

    def run_all(self, tasks: list[TaskDefinition]) -> dict[str, Run]:
        """Add tasks, run them all, wait; return their runs by name."""
        with self.desk() as desk:
            for task in tasks:
                desk.define(task)
            numbers = {task.name: desk.trigger(task.name, by=TESTER) for task in tasks}
            return {
                name: await_that(partial(_run, desk, number), _has_ended, within=90) for name, number in numbers.items()
            }

    def careless(self, *acts: str) -> list[TaskDefinition]:
        """Return tasks that show each credential in each way: functions in each place, and a command."""
        found = []
        for kind, fields in self.of.items():
            given: dict[str, object] = {"name": kind, "fields": list(fields)}
            for act in acts:
                for way, isolation in WAYS.items():
                    below = {"below": isolation is Isolation.PROCESS} if act == "tell" else {}
                    spec = PythonSpec(f"{LEAKS}:{act}", (), given | below, isolation)
                    found.append(TaskDefinition(f"{act} {kind} {way}", spec, None, credentials=(kind,)))
            shows = "".join(SHOW.replace("$V", f"${kind}_{field}".upper()) for field in fields)
            end = "echo held; sleep 60" if acts == ("hold",) else "exit 3"
            line = CommandSpec((f"set -x; env; {shows} {end}",), shell=True)  # noqa: S604 - careless
            found.append(TaskDefinition(f"command {kind}", line, None, credentials=(kind,)))
        return found


def _fields_of(kind: str) -> dict[str, str]:
    """Return a canary for each secret field of a kind, of several lines where that is usual."""
    if kind == "custom":
        return {"first": canary(), "second": f"{canary()}\n{canary()}"}
    fields = [field for field in KINDS[kind].fields if field.secret]
    values = {field.name: "\n".join(canary() for _ in range(3 if field.lines else 1)) for field in fields}
    return {name: f"https://hooks.example/{value}" if name == "url" else value for name, value in values.items()}


def _open_values_of(kind: str) -> dict[str, str]:
    names = [field.name for field in KINDS[kind].fields if field.required and not field.secret]
    return {name: OPEN_VALUES[name] for name in names}


def _run(desk: TaskDesk, number: int) -> Run:
    with desk._store.reading() as tx:
        run = HistoryBook(tx).get(number)
    assert run
    return run


def _has_ended(run: Run) -> bool:
    return not run.is_open


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vault]:
    known, port = certificate(tmp_path), free_loopback_port()
    settings = {
        # What tasks import is of this checkout, which an unprivileged account need not be able to read.
        "PYTHONPATH": str(ROOT),
        "HORARIUM_TASK_USER": "",
        "HORARIUM_ALLOW_ROOT_TASKS": "on",
        "HORARIUM_TASK_MODULES": LEAKS,
        "HORARIUM_LOG_LEVEL": "debug",
        "SMTP_HOST": "localhost",
        "SMTP_PORT": str(port),
        "HORARIUM_SMTP_CA": str(known.file),
        "SMTP_USER": "horarium@tidewater.example",
        "SMTP_PASSWORD": secrets.token_urlsafe(20),
    }
    if request.param == "postgres":
        settings["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    folder = tmp_path / "house"
    folder.mkdir()
    with house_in(folder, **settings) as house:
        yield Vault(house, port, known)


def files_of(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Return every file below folders."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path.relative_to(folder)), path.read_bytes()


def pages_of(vault: Vault, run_ids: list[int]) -> Iterator[tuple[str, str]]:
    """Return what every route of the pages and of the API shows an administrator, exports too."""
    house = vault.house
    visitor = Visitor(house.address)
    visitor.sign_in("ines", vault.password)
    token = house.do("token", "create", "ines", "--name", "look", "--scope", "admin").out.strip().splitlines()[-1]
    for row in (*ROWS, *API_ROWS):
        if row.method != "GET" or row.route in {"events", "run_log_stream"} or "{token" in row.path:
            continue
        for number in run_ids if "{run_id" in row.path else [1]:
            path = re.sub(r"\{\w+:int\}", str(number), row.path)
            if row in API_ROWS:
                yield path, _asked(f"{house.address}{path}", token)
            else:
                yield path, visitor.get(path)[1]
    for form in ("csv", "json"):
        status, text, _ = visitor.post("/audit/export", format=form)
        assert status == 200
        yield f"the log as {form}", text


def _asked(address: str, token: str) -> str:
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            text: str = answer.read().decode()
            return text
    except urllib.error.HTTPError as error:
        with error:
            # Nobody has made a heartbeat or a rule here; any other refusal would hide what is to be looked through.
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return error.read().decode()


def told_by_commands(vault: Vault, run_ids: list[int]) -> Iterator[tuple[str, str]]:
    """Return what commands print."""
    house = vault.house
    for words in (
        *(("vault", "show", "webhook", "--json"), ("audit", "list", "--json")),
        *(("run", "show", str(run_ids[0]), "--json"), ("run", "follow", str(run_ids[0]))),
    ):
        answer = house.call(*words)
        assert answer.code in {0, 1}, answer
        yield " ".join(words), answer.out + answer.err


def dumped(house: House) -> Iterator[tuple[str, bytes]]:
    """Return a PostgreSQL database as its own program writes it down, and our backups of it as they read."""
    url = house.environ.get("DATABASE_URL", "").replace("+psycopg", "")
    programs = binaries()
    if not url or not programs:
        return
    done = subprocess.run([programs / "pg_dump", url], capture_output=True, check=True)
    yield "pg_dump", done.stdout
    for path in (house.folder / "data").rglob("*.dump"):
        read = subprocess.run([programs / "pg_restore", "-f", "-", path], capture_output=True, check=True)
        assert b"task_output" in read.stdout
        yield f"the backup {path.name}", read.stdout


@pytest.mark.timeout(300)
def test_r71_r72_r73_a_canary_in_each_kind_of_credential_is_nowhere(vault: Vault) -> None:
    house = vault.house
    taker = Mailbox().sign_in
    with mail_server(vault.port, tls_context=vault.known.server, authenticator=taker, auth_required=True) as box:
        server = house.start()
        runs = vault.run_all(vault.careless("tell", "stumble"))
        visitor = Visitor(house.address)
        visitor._take_token("/forgot")
        visitor.post("/forgot", login="ines")
        (backup,) = [task for task in default_definitions() if task.name == "backup_database"]
        assert vault.run_all([backup])[backup.name].state is RunState.SUCCEEDED
        # One to set a password anew, and at least one about the runs that failed.
        box.wait_for(2)
        # Pages show what the store holds, which is searched whole: all of one kind, and of others what is isolated.
        ids = [run.id for name, run in runs.items() if name.endswith("isolated") or name.split()[1] == "ssh_key"]
        seen = [*pages_of(vault, ids), *told_by_commands(vault, ids)]
        kept = list(files_of(house.folder))
        server.stop()
        letters = list(box.letters)
    for name, run in runs.items():
        expected = RunState.SUCCEEDED if name.startswith("tell") else RunState.FAILED
        assert run.state is expected, (name, run)
        assert name.startswith("command") or mark_of(name.split()[1]) in repr(run), name
    texts: list[tuple[str, str | bytes]] = [*seen, *kept, *files_of(house.folder), *dumped(house)]
    texts += [("the server's log", server.log), ("what it printed", "\n".join(server.printed))]
    assert any("stumble" in letter.text for letter in letters)
    for letter in letters:
        texts += [("a letter", letter.message.as_bytes()), ("its text", letter.text), ("its page", letter.html)]
    # What is looked through does hold what the tasks have left: their marks.
    for kind in vault.of:
        assert any(mark_of(kind) in str(text) for _, text in seen)
        assert any(mark_of(kind).encode() in text for _, text in [*kept, *dumped(house)])
    assert Traces(vault.secrets).left_in(texts) == []
    # The settings hold these two, and nothing else does.
    others = [(place, text) for place, text in texts if not place.endswith(".env")]
    assert Traces([house.environ["SMTP_PASSWORD"], vault.password]).left_in(others) == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "vault", ["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.long])], indirect=True
)
def test_r71_r74_nothing_is_left_of_a_secret_where_the_server_was_killed_while_it_was_used(vault: Vault) -> None:
    house, scrap = vault.house, Path(tempfile.gettempdir())
    before = set(scrap.glob("horarium-*"))
    server = house.start()
    tasks = [task for task in vault.careless("hold") if task.credentials == ("ssh_key",)]
    with vault.desk() as desk:
        for task in tasks:
            desk.define(task)
        numbers = [desk.trigger(task.name, by=TESTER) for task in tasks]
        for number in numbers:
            await_that(partial(_printed, desk, number), lambda text: "held" in text)
    server.kill()
    left = [path for path in scrap.glob("horarium-*") if path not in before and path.stat().st_uid == os.geteuid()]
    texts: list[tuple[str, str | bytes]] = [*files_of(house.folder, *filter(Path.is_dir, left)), *dumped(house)]
    texts += [("the server's log", server.log)]
    assert any(mark_of("ssh_key").encode() in text for _, text in texts if isinstance(text, bytes))
    assert Traces(vault.secrets).left_in(texts) == []
    again = house.start()
    with vault.desk() as desk:
        for number in numbers:
            await_that(partial(_run, desk, number), lambda run: run.state is not RunState.RUNNING or run.attempt > 1)
    again.kill()
    assert Traces(vault.secrets).left_in([*files_of(house.folder), *dumped(house)]) == []
    assert Traces(vault.secrets).left_in([("its log", again.log)]) == []


def _printed(desk: TaskDesk, number: int) -> str:
    with desk._store.reading() as tx:
        return "\n".join(line.text for line in OutputBook(tx).lines(number, 1))


def test_the_search_sees_a_secret_in_each_way_of_writing_it_and_in_what_is_compressed(tmp_path: Path) -> None:
    secret = canary()
    traces = Traces([secret])
    for name, form in shown(secret).items():
        (tmp_path / "file").write_bytes(b"head \xff" + gzip.compress(f"... {form} ...".encode()) + b" tail")
        assert traces.left_in([("text", f"a{form}z")]), name
        assert traces.left_in(files_of(tmp_path)), name
    assert traces.left_in([("text", canary()), ("other", secret[:15])]) == []
