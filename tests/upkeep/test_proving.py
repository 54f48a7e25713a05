"""Drills, canaries, packing and sealing of backups; and what stays of them."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from horarium.errors import InvalidValue, StoreForeign, VaultSealed
from horarium.states import EventKind
from horarium.store.backup import Backup, Keep, list_backups, make_backup, verify_backup
from horarium.store.backup.shelf import Kind, find_backup
from horarium.store.books.events import EventBook
from horarium.store.port import Store
from horarium.upkeep import backup_database
from horarium.upkeep.backups import back_up
from horarium.upkeep.proving import drill, verify
from horarium.upkeep.restoring import Ask, restore_backup
from horarium.upkeep.rules import BackupRules
from tests.support.people import TESTER, SetClock, made_up
from tests.support.vault import House, new_secret


@pytest.fixture
def secret() -> bytes:
    """Give a SECRET_KEY of this test."""
    return new_secret()


@pytest.fixture
def rules(tmp_path: Path, secret: bytes) -> BackupRules:
    """Give rules with a folder and a key of the test."""
    return BackupRules(tmp_path / "b", Keep(14), secrets=(secret,))


def with_secrets(store: Store, clock: SetClock, secret: bytes, count: int) -> str:
    """Put credentials into the vault; return a value that all of them hold."""
    house, canary = House(store, clock, secret), made_up()
    for number in range(count):
        house.save(f"key {number}", canary)
    return canary


def test_rp21_a_drill_restores_aside_compares_and_opens_ten_secrets(
    store: Store, clock: SetClock, rules: BackupRules, secret: bytes
) -> None:
    with_secrets(store, clock, secret, 12)
    back_up(store, rules, clock, origin="hand")
    (backup,) = list_backups(rules.folder)
    assert backup.vault == "open"
    proof = drill(store, rules, clock, backup)
    assert (proof.look.passed, proof.secrets, proof.tried) == (True, 10, 10)
    kept = find_backup(rules.folder, backup.name)
    assert kept.results[Kind.DRILL] == proof.look
    assert kept.drilled_seconds is not None
    # Nothing of the drill stays, and the store is as it was.
    assert {each.name for each in rules.folder.iterdir()} == {".lock", backup.name, backup.note.name}
    assert list(store.check()) == []
    assert verify(store, rules, clock, kept).look.passed


def test_rp21_a_missing_key_is_found_out_before_anybody_needs_it(
    store: Store, clock: SetClock, rules: BackupRules, secret: bytes
) -> None:
    with_secrets(store, clock, secret, 2)
    other = replace(rules, secrets=(new_secret(),))
    assert back_up(store, other, clock, origin="task")["vault"] == "sealed"
    (backup,) = list_backups(rules.folder)
    proof = drill(store, other, clock, backup)
    assert not proof.look.passed
    assert "2 of 2 secrets do not open" in proof.look.words
    with pytest.raises(VaultSealed, match="another SECRET_KEY"):
        restore_backup(store, other, clock, Ask(backup, TESTER))
    with pytest.raises(VaultSealed, match="SECRET_KEY is not set"):
        restore_backup(store, replace(rules, secrets=()), clock, Ask(backup, TESTER))
    restore_backup(store, other, clock, Ask(backup, TESTER, sealed_too=True))
    assert back_up(store, replace(rules, secrets=()), clock, origin="task")["vault"] == "not tried"


def test_r111_no_secret_stands_in_a_backup_and_an_encrypted_one_says_nothing(
    store: Store, clock: SetClock, rules: BackupRules, secret: bytes
) -> None:
    canary = with_secrets(store, clock, secret, 1)
    plain = make_backup(store, rules.folder / "plain", clock=clock)
    sealed_rules = replace(rules, encrypt=True, own_key=new_secret())
    back_up(store, sealed_rules, clock, origin="hand")
    (sealed,) = list_backups(rules.folder)
    assert sealed.sealed
    for each in (plain, sealed):
        content = each.path.read_bytes() + each.note.read_bytes()
        assert secret not in content
        assert canary.encode() not in content
    assert b"SQLite format" not in sealed.path.read_bytes()
    assert b"user_credentials" not in sealed.path.read_bytes()
    assert verify_backup(sealed.path, seal=sealed_rules.seal) == sealed
    with pytest.raises(StoreForeign, match="another key"):
        verify_backup(sealed.path, seal=rules.seal)
    restore_backup(store, sealed_rules, clock, Ask(sealed, TESTER))
    assert drill(store, sealed_rules, clock, sealed).look.passed


@pytest.mark.parametrize("where", [0, 20, 60, -1, "cut", "more"])
def test_r111_a_sealed_file_that_was_touched_does_not_open(
    sqlite: Store, clock: SetClock, rules: BackupRules, where: int | str
) -> None:
    sealed_rules = replace(rules, encrypt=True)
    back_up(sqlite, sealed_rules, clock, origin="hand")
    (backup,) = list_backups(rules.folder)
    content = bytearray(backup.path.read_bytes())
    if isinstance(where, int):
        content[where] ^= 1
    touched = bytes(content[:-30] if where == "cut" else content + b"x" if where == "more" else content)
    backup.path.write_bytes(touched)
    # Even with a note that was made to fit.
    fitting = replace(backup, size=len(touched), sha256=_sum(touched))
    backup.note.write_text(_note(fitting))
    with pytest.raises(StoreForeign):
        verify_backup(backup.path, seal=sealed_rules.seal)


def test_events_tell_of_backups_that_were_made_and_that_failed(
    store: Store, clock: SetClock, rules: BackupRules
) -> None:
    back_up(store, rules, clock, origin="task")
    (rules.folder.parent / "file").touch()
    with pytest.raises(Exception, match="backup folder"):
        back_up(store, replace(rules, folder=rules.folder.parent / "file" / "x"), clock, origin="task")
    with store.reading() as tx:
        told = [each for each in EventBook(tx).after(0) if each.kind.startswith("backup.")]
    assert [each.kind for each in told] == [EventKind.BACKUP_MADE, EventKind.BACKUP_FAILED]
    assert told[0].body["file"] == list_backups(rules.folder)[0].name
    assert "backup folder" in told[1].body["error"]


def test_r115_the_host_says_where_backups_go_and_how_they_are_kept(
    sqlite: Store, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HORARIUM_BACKUP_FOLDER", str(tmp_path / "there"))
    monkeypatch.setenv("HORARIUM_BACKUP_KEEP", "1")
    monkeypatch.setenv("HORARIUM_BACKUP_KEEP_WEEKS", "0")
    monkeypatch.setenv("HORARIUM_BACKUP_KEEP_MONTHS", "0")
    monkeypatch.setenv("HORARIUM_BACKUP_COMPRESS", "off")
    monkeypatch.setenv("HORARIUM_BACKUP_ENCRYPT", "on")
    monkeypatch.setenv("HORARIUM_BACKUP_KEY", secrets.token_hex(32))
    for _ in range(2):
        backup_database(store=sqlite, clock=clock)
        clock.move(timedelta(days=1))
    (backup,) = list_backups(tmp_path / "there")
    assert backup.name.endswith(".db.sealed")


def _made(folder: Path, at: datetime) -> Backup:
    name = folder / f"horarium-{at:%Y%m%d-%H%M%S}.db"
    return Backup(name, at, "sqlite", "0001", "0", 1, "0" * 64, {})


def test_r110_the_newest_some_a_week_and_some_a_month_stay(tmp_path: Path) -> None:
    start = datetime(2026, 1, 1, 3, tzinfo=UTC)
    backups = [_made(tmp_path, start + timedelta(days=day)) for day in range(200)]
    stay = Keep(newest=3, weeks=4, months=5).chosen(backups)
    days = [(each.made_at - start).days for each in stay]
    assert days[:3] == [199, 198, 197]
    # 19 July 2026 is a Sunday: the newest of each week is its Sunday, of each month its last day.
    assert days == sorted({199, 198, 197, 192, 185, 178, 180, 150, 119, 89}, reverse=True)
    assert Keep(newest=1).chosen(backups) == backups[-1:]
    for wrong in (0, -1, True, 10**9):
        with pytest.raises(InvalidValue):
            Keep(newest=wrong)


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _note(backup: Backup) -> str:
    return json.dumps(backup.to_json())
