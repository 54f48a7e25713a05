"""The server as a process: what it needs, what it refuses, how it stops, and what it leaves when it is killed."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from horarium.cli.exits import ExitCode
from horarium.cli.main import PRIVATE_UMASK
from tests.journeys.house import Answer, House, Running, await_that, processes_with, status_of, umask_of
from tests.support.people import made_up

SAMPLE = "your-secret-key-change-me-in-production"
WEAK = ["", "changeme", "secret", SAMPLE, "0123456789abcdef0123456789abcde", "a" * 64, "ab" * 32]


def refusal(house: House, **settings: str) -> Answer:
    """Start a server that must refuse at once, in one sentence, without opening its port."""
    # Five seconds are promised; a machine that runs all these tests at once gets more.
    answer = house.call("serve", within=20.0, **settings)
    assert answer.out == ""
    assert answer.err.startswith("horarium: "), answer
    assert answer.err.count("\n") == 1, answer
    assert status_of(house.address) == 0
    return answer


@pytest.mark.parametrize("key", WEAK)
def test_r1_it_refuses_to_start_without_a_strong_key_and_says_how_to_make_one(house: House, key: str) -> None:
    (house.folder / ".env").write_text(f"SECRET_KEY={key}\n", encoding="utf-8")
    answer = refusal(house)
    assert answer.code == ExitCode.CONFIG
    assert "SECRET_KEY" in answer.err
    assert "horarium init" in answer.err
    assert not key or key not in answer.err.replace("secrets.token_hex", "").replace("import secrets", "")


def test_r1_it_refuses_to_start_where_nothing_was_set_up(tmp_path: Path) -> None:
    house = House(tmp_path)
    answer = refusal(house)
    assert answer.code == ExitCode.CONFIG
    assert "SECRET_KEY is not set" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_one_sentence_and_whoever_has_it_keeps_it(house: House) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", house.port))
        other.listen()
        answer = house.call("serve", within=20.0)
    assert answer.code == ExitCode.CONFIG
    assert answer.err.count("\n") == 1
    assert str(house.port) in answer.err
    assert "in use" in answer.err


def test_a_data_folder_that_may_not_be_written_is_one_sentence(ordinary: House) -> None:
    data = ordinary.folder / "data"
    ordinary.do("task", "add", "kept", "--by-hand", "--", "true")
    for mode in (0o500, 0o000):
        data.chmod(mode)
        if os.geteuid() == 0:
            # What belongs to somebody else cannot be set right by us either.
            os.chown(data, 0, 0)
        answer = refusal(ordinary)
        assert answer.code in {ExitCode.CONFIG, ExitCode.STORE}
        assert "data" in answer.err
    if os.geteuid() == 0:
        assert ordinary.owner is not None
        os.chown(data, *ordinary.owner)
    data.chmod(0o700)
    for name, mode in (("horarium.db", 0o000), ("horarium.db", 0o400)):
        (data / name).chmod(mode)
        answer = refusal(ordinary)
        assert answer.code == ExitCode.STORE
        assert name in answer.err
        (data / name).chmod(0o600)
    assert [task["name"] for task in ordinary.do("task", "list", "--json").json] == ["kept"]


def test_a_data_folder_that_cannot_be_made_is_one_sentence(ordinary: House) -> None:
    (ordinary.folder / "file").write_text("no folder", encoding="utf-8")
    answer = refusal(ordinary, HORARIUM_DATA=str(ordinary.folder / "file"))
    assert answer.code == ExitCode.CONFIG
    assert (ordinary.folder / "file").read_text(encoding="utf-8") == "no folder"
    assert refusal(ordinary, HORARIUM_DATA="/proc/horarium").code == ExitCode.CONFIG


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_r64_another_account_of_the_machine_gets_nothing_and_changes_nothing(ordinary: House) -> None:
    ordinary.do("task", "add", "kept", "--by-hand", "--", "true")
    assert ordinary.owner is not None
    uid, gid = ordinary.owner
    stranger = House(ordinary.folder, owner=(uid + 1, gid + 1), HORARIUM_DATA=str(ordinary.folder / "data"))
    for words in (
        *(("task", "list"), ("task", "add", "mine", "--", "true"), ("user", "create-admin", "eve", "--password-stdin")),
        *(("vault", "list"), ("audit", "list"), ("token", "create", "ines", "--name", "x"), ("serve",)),
    ):
        refused = stranger.call(*words, stdin=made_up())
        assert refused.code in {ExitCode.CONFIG, ExitCode.STORE}, (words, refused)
        assert (refused.out, refused.err.count("\n")) == ("", 1)
    assert [task["name"] for task in ordinary.do("task", "list", "--json").json] == ["kept"]
    # What its owner does by command is told with the account.
    entry = ordinary.do("audit", "list", "--json").json[0]
    assert entry["action"] == "task.added"
    assert entry["source"] == "cli"


def test_r5_the_default_start_listens_on_loopback_alone(house: House) -> None:
    server = house.start()
    assert listening_of(server.process.pid) == {"0100007F"}
    assert "plain HTTP" not in server.log
    told = house.call("doctor", HORARIUM_HOST="0.0.0.0").out  # noqa: S104 - what is warned about
    assert "Pages are served over plain HTTP on 0.0.0.0" in told


def listening_of(pid: int) -> set[str]:
    """Return the addresses that a process listens on, as the kernel writes them."""
    sockets = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()
    ]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def spoil_as_foreign(database: Path) -> None:
    database.unlink()
    with sqlite3.connect(database) as other:
        other.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT)")
        other.execute("INSERT INTO orders VALUES (1, 'tea')")
    other.close()


def spoil_as_newer(database: Path) -> None:
    with sqlite3.connect(database) as store:
        changed = store.execute("UPDATE alembic_version SET version_num = '9999'").rowcount
    store.close()
    assert changed == 1


def spoil_as_text(database: Path) -> None:
    database.write_text("This is a letter, not a database.\n" * 200, encoding="utf-8")


def spoil_the_head(database: Path) -> None:
    text = bytearray(database.read_bytes())
    text[:40] = secrets.token_bytes(40)
    database.write_bytes(text)


def spoil_the_middle(database: Path) -> None:
    text = bytearray(database.read_bytes())
    for page in range(1, len(text) // 4096):
        text[page * 4096 : page * 4096 + 64] = b"\xa5" * 64
    database.write_bytes(text)


@pytest.mark.parametrize(
    "spoil",
    [
        *(spoil_as_foreign, spoil_as_newer, spoil_the_middle),
        *(pytest.param(each, marks=pytest.mark.long) for each in (spoil_as_text, spoil_the_head)),
    ],
)
def test_rp16_an_unfit_database_is_one_sentence_and_stays_as_it_is(house: House, spoil: Callable[[Path], None]) -> None:
    house.do("task", "add", "kept", "--by-hand", "--", "true")
    spoil(house.database)
    before = house.database.read_bytes()
    answer = refusal(house)
    assert answer.code == ExitCode.UNFIT_STORE
    assert "horarium.db" in answer.err
    for words in (("task", "list"), ("db", "check"), ("db", "upgrade"), ("task", "add", "x", "--", "true")):
        beside = house.call(*words)
        assert beside.code in {ExitCode.UNFIT_STORE, ExitCode.FAILED}, (words, beside)
        assert "horarium.db" in beside.err + beside.out
    assert house.database.read_bytes() == before


def test_rp16_one_damaged_page_is_found_before_anything_is_written(house: House) -> None:
    house.do("task", "add", "kept", "--by-hand", "--", "true")
    with sqlite3.connect(house.database) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = store.execute("SELECT rootpage FROM sqlite_master WHERE name = 'task_output'").fetchone()
    store.close()
    text = bytearray(house.database.read_bytes())
    text[(page - 1) * 4096 : (page - 1) * 4096 + 64] = b"\xa5" * 64
    house.database.write_bytes(text)
    answer = refusal(house)
    assert answer.code == ExitCode.UNFIT_STORE
    assert "horarium.db is damaged: " in answer.err
    assert "restore a backup" in answer.err
    checked = house.call("db", "check")
    assert checked.code == ExitCode.FAILED
    assert checked.out.strip()
    assert house.database.read_bytes() == bytes(text)


@pytest.mark.parametrize(
    ("name", "nearest"), [("HORARIUM_PROT", "HORARIUM_PORT"), ("HORARIUM_WORKER", "HORARIUM_WORKERS")]
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(house: House, name: str, nearest: str) -> None:
    answer = refusal(house, **{name: "8"})
    assert answer.code == ExitCode.CONFIG
    assert f"{name} in the environment" in answer.err
    assert f"did you mean {nearest}?" in answer.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HORARIUM_PORT", "eighty"),
        ("HORARIUM_PORT", "70000"),
        ("HORARIUM_HOST", "not a host"),
        ("HORARIUM_TIMEZONE", "Europe/Atlantis"),
        ("HORARIUM_WORKERS", "0"),
        ("HORARIUM_SHUTDOWN_GRACE", "-1"),
        ("HORARIUM_TASK_USER", "no such account"),
        ("HORARIUM_LOG_FORMAT", "xml"),
        ("HORARIUM_BASE_URL", "ftp://x"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "postgresql://nobody:canary-3f@127.0.0.1:1/none"),
        ("SECRET_KEY_FILE", "/nowhere/key"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence_with_its_name(house: House, name: str, value: str) -> None:
    answer = refusal(house, **{name: value})
    unreachable = value.startswith("postgresql")
    assert answer.code == (ExitCode.STORE if unreachable else ExitCode.CONFIG), answer
    assert unreachable or name in answer.err
    assert "canary-3f" not in answer.err


def test_the_dashboard_module_is_the_same_server_with_the_same_refusals(house: House) -> None:
    server = house.start("", module="horarium.dashboard")
    link = server.await_line("/setup?code=").split()[-1]
    assert link.startswith(house.address)
    assert status_of(link) == 200
    house.do("task", "add", "hello", "--by-hand", "--shell", "echo hello")
    number = house.trigger("hello")
    assert house.call("run", "follow", str(number)).out == "hello\n"
    assert server.stop() == 0
    for settings, code in (
        ({"SECRET_KEY": "changeme"}, ExitCode.CONFIG),
        ({"HORARIUM_PROT": "1"}, ExitCode.CONFIG),
        ({"DATABASE_URL": "postgresql://x:y@127.0.0.1:1/none"}, ExitCode.STORE),
    ):
        refused = house.launch("", module="horarium.dashboard", **settings)
        assert refused.wait(10) == code
        assert len(refused.logged) == 1
        assert refused.printed == []
    spoil_as_foreign(house.database)
    refused = house.launch("", module="horarium.dashboard")
    assert refused.wait(10) == ExitCode.UNFIT_STORE
    assert len(refused.logged) == 1


def begun(house: House, script: str, *, task: str = "work", policy: tuple[str, ...] = ()) -> tuple[Running, int]:
    """Start the server and a run of `script`, which prints "begun"; return both once it has."""
    server = house.start()
    house.do("task", "add", task, "--by-hand", *policy, "--shell", script)
    number = house.trigger(task)
    house.await_run(number, lambda run: any(line["text"] == "begun" for line in run["output"]))
    return server, number


def test_rp10_sigterm_lets_a_run_end_within_the_grace_and_records_it(house: House) -> None:
    server, number = begun(house, "echo begun; sleep 1.5; echo ended")
    assert server.stop(within=15) == 0
    run = house.run(number)
    assert run["state"] == "succeeded"
    assert [line["text"] for line in run["output"]] == ["begun", "ended"]
    assert "Traceback" not in server.log
    assert house.do("doctor", "--json").json


def test_rp10_a_run_beyond_the_grace_is_ended_with_all_it_started_and_is_interrupted(
    house: House, common: Path
) -> None:
    mark = common / "left"
    house.environ["HORARIUM_SHUTDOWN_GRACE"] = "1"
    server, number = begun(
        house, f"sh -c 'trap \"\" TERM; sleep 61 & wait; : {mark}' & setsid sleep 62 & echo begun; wait"
    )
    assert server.stop(within=12) == 0
    run = house.run(number)
    assert run["state"] in {"interrupted", "queued"}
    assert [each["state"] for each in run["attempts"]] == ["interrupted"]
    assert processes_with(str(mark)) == []
    assert "Traceback" not in server.log


def test_rp3_rp5_rp9_after_kill_9_the_run_is_interrupted_its_processes_end_and_it_runs_again_once(
    house: House, common: Path
) -> None:
    mark, first = common / "mark", common / "first"
    script = (
        f"echo start-$HORARIUM_ATTEMPT >> {mark}; setsid sh -c 'trap \"\" TERM; sleep 611; : {mark}' & echo begun; "
        f"if [ $HORARIUM_ATTEMPT = 1 ]; then echo $! $$ > {first}; sleep 612; fi; "
        f"for pid in $(cat {first}); do kill -0 $pid && echo alive >> {mark}; done; "
        f"echo end-$HORARIUM_ATTEMPT >> {mark}"
    )
    server, number = begun(house, script)
    house.do("task", "add", "other", "--by-hand", "--", "true")
    later = house.trigger("other")
    server.kill()
    again = house.start()
    run = house.await_run(number, lambda run: run["state"] == "succeeded")
    assert [each["state"] for each in run["attempts"]] == ["interrupted", "succeeded"]
    assert "ended without a word" in run["attempts"][0]["cause"]
    assert mark.read_text(encoding="utf-8").split() == ["start-1", "start-2", "end-2"]
    house.await_run(later, lambda run: run["state"] == "succeeded")
    assert processes_with(str(mark)) == []
    assert "1 run" in again.log
    assert again.stop() == 0


def test_rp5_dead_work_is_found_before_anything_else_is_started(house: House) -> None:
    server, number = begun(house, "echo begun; sleep 613")
    server.kill()
    house.do("task", "add", "other", "--by-hand", "--", "true")
    later = house.trigger("other")
    house.start()
    done = house.await_run(later, lambda run: run["state"] == "succeeded")
    first = house.run(number)
    assert first["attempts"][0]["state"] == "interrupted"
    assert first["attempts"][0]["finished_at"] <= done["started_at"]


def test_rp4_what_was_acknowledged_before_kill_9_is_there_afterwards(house: House) -> None:
    server = house.start()
    house.do("task", "add", "a", "--cron", "0 6 * * *", "--", "true")
    house.do("task", "pause", "a", "--reason", "kept")
    number = house.trigger("a")
    server.kill()
    task = house.do("task", "show", "a", "--json").json
    assert task["condition"] == "paused"
    assert house.run(number)["id"] == number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_pages_are_up_ends_it_as_well(house: House, number: signal.Signals) -> None:
    server = house.launch("serve")
    # The first thing it does is to let nobody else read what it makes: from there on signals are its own business.
    await_that(lambda: umask_of(server.process.pid), lambda umask: umask == PRIVATE_UMASK)
    server.process.send_signal(number)
    assert server.wait(10) in {0, ExitCode.INTERRUPTED, -number}
    assert "Traceback" not in server.log
    assert house.start().stop() == 0
