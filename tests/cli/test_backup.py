"""`backup`: make, prove, restore, release, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from horarium.cli.exits import ExitCode
from horarium.errors import StoreUnavailable
from horarium.scheduling.heartbeat import Heartbeat
from horarium.store.books.audit import AuditBook
from horarium.store.opening import open_store
from tests.cli.conftest import Answer, Program, StillClock


def add(horarium: Program, name: str) -> None:
    """Add a task."""
    assert horarium("task", "add", name, "--cron", "0 6 * * *", "--", "/bin/true").code == 0


def names(horarium: Program) -> set[str]:
    """Return the names of all tasks."""
    return {each["name"] for each in horarium("task", "list", "--json").json}


def made(horarium: Program) -> str:
    """Make a backup and return its name."""
    return str(horarium("backup", "make", "--json").json["file"])


def test_r112_a_backup_is_made_shown_proved_and_restored(horarium: Program, home: Path) -> None:
    assert "No backups" in horarium("backup", "list").out
    add(horarium, "one")
    name = made(horarium)
    assert name.endswith(".db.gz")
    assert name in horarium("backup", "list").out
    assert horarium("backup", "verify", "newest").out.startswith(f"{name}: passed")
    drilled = horarium("backup", "drill", "--json").json[0]
    assert (drilled["passed"], drilled["file"]) == (True, name)
    shown = horarium("backup", "show", name).out
    assert "drill" in shown
    assert "SHA-256" in shown
    add(horarium, "two")
    tried = horarium("backup", "restore", name, "--dry-run")
    assert (tried.code, names(horarium)) == (0, {"one", "two"})
    done = horarium("backup", "restore", name, "--json").json
    assert (done["restored"], done["held"], names(horarium)) == (name, True, {"one"})
    assert (home / "data" / "backups" / done["safety_copy"]).is_file()
    log = {each["action"] for each in horarium("audit", "list", "--json").json}
    assert "backup.restored" in log
    assert horarium("db", "check").code == 0


def test_r107_what_came_of_each_is_told_with_who_asked(horarium: Program) -> None:
    add(horarium, "one")
    name = made(horarium)
    horarium("backup", "verify", "--all")
    horarium("backup", "drill")
    horarium("backup", "restore", name, "--dry-run")
    entries = [each for each in horarium("audit", "list", "--json").json if each["action"].startswith("backup.")]
    assert [each["action"] for each in reversed(entries)] == [
        *("backup.made", "backup.verified", "backup.drilled", "backup.drilled")
    ]
    assert {(each["source"], each["result"]) for each in entries} == {("cli", "done")}
    assert all(name in json.dumps(each) for each in entries)


def test_r109_what_cannot_be_told_is_done_and_said_beside_the_answer(
    horarium: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailable("the audit log cannot be written")

    monkeypatch.setattr(AuditBook, "append", refuse)
    for words in (("make",), ("verify", "newest"), ("drill", "newest"), ("make", "--json")):
        done = horarium("backup", *words)
        assert (done.code, "The audit log could not be told of it" in done.err) == (0, True), words


def test_r112_schedules_are_released_by_a_choice(horarium: Program, clock: StillClock) -> None:
    add(horarium, "one")
    made(horarium)
    assert horarium("backup", "release", "--json").json["held"] is False
    assert horarium("backup", "release", "--leave-out").code == ExitCode.REFUSED
    assert horarium("backup", "restore", "newest", "--yes").out.count("held") == 1
    assert "All schedules are held" in horarium("backup", "release").out
    clock.instant = clock.instant.replace(day=5)
    assert horarium("backup", "release", "--leave-out", "--json").json == {"make_up": False, "tasks": 1, "runs": 0}
    assert "No schedules" in horarium("backup", "release").out
    assert horarium("audit", "list", "--json").json[0]["action"] == "backup.schedules_released"


def test_r112_a_store_in_use_is_not_restored(horarium: Program, home: Path, clock: StillClock) -> None:
    add(horarium, "one")
    name = made(horarium)
    store = open_store(home / "data" / "horarium.db", clock=clock)
    node = Heartbeat(store, clock, workers=1, on_lost=lambda: None, on_rescued=lambda: None)
    node.join()
    refused = horarium("backup", "restore", name, "--yes")
    assert (refused.code, "in use by process" in refused.err) == (ExitCode.REFUSED, True)
    node.leave()
    store.close()
    assert horarium("backup", "restore", name, "--yes").code == 0


def test_r88_a_backup_is_meant_by_its_name_alone(horarium: Program, home: Path) -> None:
    name = made(horarium)
    folder = home / "data" / "backups"
    (folder / "horarium-20260101-000000.db").symlink_to(home / ".env")
    note = json.loads((folder / f"{name}.json").read_text())
    (folder / "horarium-20260101-000000.db.json").write_text(json.dumps(note))
    for odd in ("../.env", f"../backups/{name}", str(folder / name), "horarium-20260101-000000.db", "x\0y", "", ".."):
        for command in ("show", "verify", "drill"):
            assert horarium("backup", command, odd).code == ExitCode.NOT_FOUND, odd
        assert horarium("backup", "restore", odd, "--yes").code == ExitCode.NOT_FOUND


def test_rp21_a_damaged_backup_is_told_and_ends_with_one(horarium: Program, home: Path) -> None:
    name = made(horarium)
    path = home / "data" / "backups" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    told: Answer = horarium("backup", "verify", name)
    assert (told.code, "damaged" in told.out) == (ExitCode.FAILED, True)
    assert "damaged" in horarium("backup", "list").out
    assert horarium("backup", "restore", name, "--yes").code == ExitCode.UNFIT_STORE
    assert horarium("backup", "show", "newest").code == ExitCode.NOT_FOUND


def test_r110_old_backups_go_by_the_rules_of_the_host(horarium: Program, clock: StillClock, home: Path) -> None:
    with (home / ".env").open("a") as file:
        file.write("\nHORARIUM_BACKUP_KEEP=2\nHORARIUM_BACKUP_KEEP_WEEKS=0\nHORARIUM_BACKUP_KEEP_MONTHS=0\n")
    files = []
    for day in (3, 4, 5):
        clock.instant = clock.instant.replace(day=day)
        files.append(made(horarium))
    assert [each["file"] for each in horarium("backup", "list", "--json").json["backups"]] == files[:0:-1]
    dry = horarium("backup", "make", "--dry-run", "--json").json
    assert (dry["dry_run"], dry["pruned"]) == (True, 1)
    assert "Nothing to remove" in horarium("backup", "prune").out
    (home / ".env").write_text((home / ".env").read_text().replace("KEEP=2", "KEEP=1"))
    assert horarium("backup", "prune", "--dry-run", "--json").json["removed"] == [files[1]]
    assert horarium("backup", "prune").out == f"Removed {files[1]}.\n"


def test_r111_an_encrypted_backup_opens_with_its_key_alone(horarium: Program, home: Path) -> None:
    add(horarium, "one")
    settings = (home / ".env").read_text()
    (home / ".env").write_text(f"{settings}\nHORARIUM_BACKUP_ENCRYPT=on\n")
    name = made(horarium)
    assert name.endswith(".db.gz.sealed")
    assert "encrypted" in horarium("backup", "list").out
    assert horarium("backup", "drill").code == 0
    # Whoever has the file alone, or another installation's key, opens nothing.
    (home / ".env").write_text("")
    refused = horarium("backup", "verify", name)
    assert (refused.code, "no key is set here" in refused.out) == (ExitCode.FAILED, True)
    (home / ".env").unlink()
    assert horarium("init").code == 0
    refused = horarium("backup", "restore", name, "--yes")
    assert (refused.code, "encrypted with another key" in refused.err) == (ExitCode.UNFIT_STORE, True)
    (home / ".env").write_text(settings)
    assert horarium("backup", "restore", name, "--yes").code == 0
