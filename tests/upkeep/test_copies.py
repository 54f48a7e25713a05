"""Copies of backups in other places: there whole, tried again, and never a failure in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from horarium.errors import ConfigError
from horarium.states import EventKind
from horarium.store.backup import Keep, list_backups
from horarium.store.backup.shelf import Kind
from horarium.store.books.events import EventBook
from horarium.store.books.grants import UseBook
from horarium.store.port import Store
from horarium.upkeep.backups import back_up
from horarium.upkeep.elsewhere import Target, check_target
from horarium.upkeep.rules import BackupRules
from horarium.vault.credentials import NewCredential
from tests.support.people import SetClock, made_up
from tests.support.vault import HOST, House, new_secret
from tests.upkeep.places import Bucket, bucket_server, sftp_server


@pytest.fixture
def rules(tmp_path: Path) -> BackupRules:
    """Give rules with a folder and a key of the test."""
    return BackupRules(tmp_path / "b", Keep(2), secrets=(new_secret(),))


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with bucket_server() as opened:
        yield opened


def saved(store: Store, clock: SetClock, rules: BackupRules, kind: str, **fields: str) -> int:
    """Put the credential `safe` of the installation into the vault; return its number."""
    house = House(store, clock, rules.secrets[0])
    made = house.credentials.add(NewCredential(name="safe", kind=kind, fields=fields), asker=HOST)
    return made.credential.id


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_copies_go_to_a_folder_and_leave_it_with_what_they_are_of(
    sqlite: Store, clock: SetClock, rules: BackupRules, tmp_path: Path
) -> None:
    rules = replace(rules, copy=Target(str(tmp_path / "nas")))
    told = []
    for _ in range(3):
        told.append(back_up(sqlite, rules, clock, origin="task"))
        clock.move(timedelta(days=1))
    assert [each["copied"] for each in told] == [1, 1, 1]
    kept = list_backups(rules.folder)
    assert len(kept) == 2
    assert names(tmp_path / "nas") == {each.name for each in kept} | {each.note.name for each in kept}
    assert all(each.results[Kind.COPY].passed for each in kept)
    assert (tmp_path / "nas" / kept[0].name).read_bytes() == kept[0].path.read_bytes()


def test_a_place_that_does_not_take_it_is_told_of_and_tried_again(
    sqlite: Store, clock: SetClock, rules: BackupRules, tmp_path: Path
) -> None:
    (tmp_path / "nas").touch()
    rules = replace(rules, copy=Target(str(tmp_path / "nas" / "x")))
    told = back_up(sqlite, rules, clock, origin="task")
    assert (told["copied"], "did not get there" in told["copy_error"]) == (0, True)
    (backup,) = list_backups(rules.folder)
    assert backup.is_sound
    assert not backup.results[Kind.COPY].passed
    with sqlite.reading() as tx:
        kinds = [each.kind for each in EventBook(tx).after(0) if each.kind.startswith("backup.")]
    assert kinds == [EventKind.BACKUP_MADE, EventKind.BACKUP_FAILED]
    (tmp_path / "nas").unlink()
    clock.move(timedelta(days=1))
    assert back_up(sqlite, rules, clock, origin="task")["copied"] == 2
    assert all(each.results[Kind.COPY].passed for each in list_backups(rules.folder))


def test_copies_go_into_a_bucket_with_a_credential_and_a_row_of_its_use(
    sqlite: Store, clock: SetClock, rules: BackupRules, bucket: Bucket
) -> None:
    access, secret = made_up(), made_up()
    number = saved(sqlite, clock, rules, "s3", bucket="other", access_key_id=access, secret_access_key=secret)
    rules = replace(rules, copy=Target(bucket.address), copy_credential="safe")
    bucket.failing = 1
    told = back_up(sqlite, rules, clock, origin="task")
    assert (told["copied"], told["copy_error"]) == (1, "")
    (backup,) = list_backups(rules.folder)
    # Where it goes is what the host says, whatever the credential was made for.
    assert bucket.objects[f"/safe/nightly/{backup.name}"] == backup.path.read_bytes()
    assert bucket.signed_by == {access}
    with sqlite.reading() as tx:
        uses = UseBook(tx).of_credential(number)
    assert [(each.purpose, each.closed_at is not None) for each in uses] == [("backup", True)] * 2
    for _ in range(2):
        clock.move(timedelta(days=1))
        assert back_up(sqlite, rules, clock, origin="task")["copy_error"] == ""
    assert len(bucket.objects) == 4


def test_copies_go_to_a_machine_that_shows_its_key_and_to_no_other(
    sqlite: Store, clock: SetClock, rules: BackupRules, tmp_path: Path
) -> None:
    password = made_up()
    saved(sqlite, clock, rules, "login", username="keeper", password=password)
    (tmp_path / "far" / "safe").mkdir(parents=True)
    with sftp_server(tmp_path / "far", "keeper", password) as machine:
        address = f"sftp://127.0.0.1:{machine.port}/safe"
        good = replace(rules, copy=Target(address, machine.host_key), copy_credential="safe")
        assert back_up(sqlite, good, clock, origin="task")["copied"] == 1
        (backup,) = list_backups(rules.folder)
        assert names(tmp_path / "far" / "safe") == {backup.name, backup.note.name}
        assert (tmp_path / "far" / "safe" / backup.name).read_bytes() == backup.path.read_bytes()
        clock.move(timedelta(days=1))
        other = replace(good, copy=Target(address, "SHA256:" + "A" * 43))
        told = back_up(sqlite, other, clock, origin="task")
        assert "is not HORARIUM_BACKUP_COPY_HOST_KEY" in told["copy_error"]
        assert password not in str(told)
        assert len(names(tmp_path / "far" / "safe")) == 2


def test_a_credential_that_is_not_there_is_named(
    sqlite: Store, clock: SetClock, rules: BackupRules, bucket: Bucket
) -> None:
    rules = replace(rules, copy=Target(bucket.address), copy_credential="nobody")
    assert "no credential 'nobody'" in back_up(sqlite, rules, clock, origin="task")["copy_error"]
    assert bucket.asked == 0


@pytest.mark.parametrize(
    ("address", "host_key"),
    [
        ("ftp://host/x", ""),
        ("s3+http://example.org/bucket", ""),
        ("sftp://host/x", ""),
        ("sftp://user:word@host/x", "SHA256:x"),
        ("s3://", ""),
    ],
)
def test_r115_an_address_that_cannot_be_meant_is_refused(address: str, host_key: str) -> None:
    with pytest.raises(ConfigError, match="HORARIUM_BACKUP_COPY"):
        check_target(Target(address, host_key))
