"""Everything moves to another key, from any point, and opens at every moment."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from horarium.audit.trail import Trail
from horarium.errors import VaultSealed
from horarium.store.books.credentials import VersionBook
from horarium.store.books.grants import KeyBook
from horarium.store.opening import open_store
from horarium.vault import rotation
from horarium.vault.inspection import inspect
from horarium.vault.rotation import Rotated, Rotation
from tests.support.people import TESTER, SetClock, made_up
from tests.support.vault import HOST, House, new_secret

PROGRAM = Path(__file__).with_name("rotating.py")
MANY = 60


def rotate(house: House, new: bytes, old: bytes | None) -> Rotated:
    return Rotation(house.with_keys(new, old).vault, new=new, old=old).run(actor=TESTER)


def filled(house: House, count: int = MANY) -> dict[str, str]:
    """Save credentials; return their values by name."""
    values = {f"shop {number}": made_up() for number in range(count)}
    for name, value in values.items():
        house.save(name, value)
    return values


def opens_all(house: House, values: dict[str, str]) -> bool:
    task = house.task("reader", *list(values)[:50])
    return inspect(house.vault).is_sound and all(
        house.opened(task, name) == {"token": value} for name, value in list(values.items())[:3]
    )


def test_r68_everything_opens_with_the_new_key_alone_afterwards(house: House, secret: bytes, trail: Trail) -> None:
    values = filled(house)
    replaced = house.credentials.replace(1, {"token": values["shop 0"]}, asker=HOST).credential
    house.credentials.remove(2, asker=HOST)
    before = {each.credential.id: each.fingerprint for each in house.credentials.list(asker=HOST)}
    new = new_secret()
    done = rotate(house, new, secret)
    assert (done.moved, done.as_before, done.unreadable, done.is_complete) == (MANY + 1, 0, [], True)
    assert done.retired == [house.vault.current.id if house.vault.current else ""]
    moved = house.with_keys(new)
    assert moved.credentials.restore(2, asker=HOST).id == 2
    assert opens_all(moved, values)
    assert inspect(moved.vault).versions == MANY + 1
    with pytest.raises(VaultSealed):
        house.opened(house.task("late", "shop 5"), "shop 5")
    # The marks follow the key, so that the same values still have the same one.
    after = {each.credential.id: each.fingerprint for each in moved.credentials.list(asker=HOST)}
    assert after[replaced.id] != before[replaced.id]
    again = moved.credentials.replace(replaced.id, {"token": values["shop 0"]}, asker=HOST).credential
    assert moved.credentials.show(again.id, asker=HOST).fingerprint == after[replaced.id]
    (row,) = [row for row in trail.page() if row.action == "vault.rotated"]
    assert (row.details["moved"], row.details["unreadable"], row.object_name) == (MANY + 1, 0, done.key_id)


def test_r68_a_second_call_finds_nothing_to_do(house: House, secret: bytes) -> None:
    filled(house, 4)
    new = new_secret()
    rotate(house, new, secret)
    again = rotate(house, new, None)
    assert (again.moved, again.as_before, again.retired, again.is_complete) == (0, 4, [], True)


def test_r68_values_are_not_sealed_anew_only_their_key_is_wrapped(house: House, secret: bytes) -> None:
    filled(house, 4)

    def sealed() -> list[str]:
        with house.store.reading() as tx:
            return [row[0] for row in tx.execute(text("SELECT sealed FROM credential_values ORDER BY credential_id"))]

    before = sealed()
    rotate(house, new_secret(), secret)
    assert sealed() == before


def test_r68_servers_with_both_keys_read_and_write_while_it_goes_on(
    house: House, secret: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = filled(house, 12)
    new = new_secret()
    server, late = house.with_keys(new, secret), house.with_keys(secret)
    monkeypatch.setattr(rotation, "AT_ONCE", 4)
    steps = 0

    def meanwhile() -> None:
        nonlocal steps
        steps += 1
        # After four versions and their commit no transaction is open.
        if steps % 5:
            return
        assert inspect(server.vault).is_sound
        server.save(f"new {steps}", made_up())
        if steps == 10:
            # A server that knows only the key before saves something behind the place that is worked on.
            values["shop 0"] = made_up()
            late.credentials.replace(1, {"token": values["shop 0"]}, asker=HOST)

    done = Rotation(server.vault, new=new, old=secret).run(actor=TESTER, go_on=meanwhile)
    assert steps >= 15
    assert done.is_complete
    assert done.moved == 13
    assert inspect(house.with_keys(new).vault).is_sound
    assert opens_all(house.with_keys(new), values)


def test_what_does_not_open_is_named_and_left_and_the_key_before_is_kept(house: House, secret: bytes) -> None:
    filled(house, 4)
    with house.store.transaction() as tx:
        tx.execute(text("UPDATE credential_values SET sealed = 'AAAA' WHERE credential_id = 2"))
    new = new_secret()
    done = rotate(house, new, secret)
    assert (done.moved, done.unreadable, done.is_complete, done.retired) == (3, ["#2 shop 1 version 1"], False, [])
    assert len(inspect(house.with_keys(new, secret).vault).unopened) == 1
    with house.store.reading() as tx:
        assert [mark.retired_at for mark in KeyBook(tx).all().values()] == [None, None]
        assert sorted(VersionBook(tx).counts().values()) == [1, 3]


def test_without_the_key_before_nothing_moves(house: House) -> None:
    filled(house, 2)
    for old in (None, new_secret()):
        with pytest.raises(VaultSealed, match="SECRET_KEY"):
            rotate(house, new_secret(), old)


class _Shelf:
    """A keeper of two sealed things beside the vault, one of which does not open."""

    name = "second steps"

    def __init__(self) -> None:
        self.given: tuple[bytes | None, bytes] | None = None

    def reseal(self, *, old: bytes | None, new: bytes, go_on: object) -> tuple[int, int]:
        self.given = (old, new)
        return 1, 1


def test_other_keepers_are_moved_along_and_counted(house: House, secret: bytes) -> None:
    filled(house, 1)
    new, shelf = new_secret(), _Shelf()
    vault = house.with_keys(new, secret).vault
    done = Rotation(vault, new=new, old=secret, resealers=[shelf]).run(actor=TESTER)
    assert shelf.given == (secret, new)
    assert (done.others, done.is_complete, done.retired) == ({"second steps": (1, 1)}, False, [])


@pytest.mark.timeout(300)
def test_r68_killed_at_20_points_it_finishes_and_everything_opens_all_the_time(data_folder: Path) -> None:
    where, old, new = data_folder / "rotated.db", new_secret(), new_secret()
    store = open_store(where)
    house = House(store, SetClock(), old)
    values = filled(house, MANY)
    dice = random.Random(20)  # noqa: S311 - which step is no secret
    both = house.with_keys(new, old)
    kills = 0
    while kills < 20:
        # Few steps each time, so that many kills fit in before the end; the last one lets it finish.
        ran = subprocess.run(
            [sys.executable, str(PROGRAM), str(where), str(dice.randint(1, 6))],
            input=f"{new.decode()}\n{old.decode()}\n",
            text=True,
            check=False,
            timeout=60,
        )
        assert ran.returncode == -signal.SIGKILL
        kills += 1
        assert inspect(both.vault).is_sound
    with store.reading() as tx:
        assert len(VersionBook(tx).counts()) == 2, "it was over before the last kill"
    done = rotate(house, new, old)
    assert done.is_complete
    assert done.moved + done.as_before == MANY
    assert opens_all(house.with_keys(new), values)
    store.close()


def test_replaced_versions_that_are_still_kept_move_too(house: House, secret: bytes, clock: SetClock) -> None:
    found = house.save("shop", "the first value")
    task = house.task("report", "shop")
    house.opened(task, "shop", run_id=1)
    house.credentials.replace(found.id, {"token": "the second value"}, asker=HOST, keep=timedelta(days=1))
    new = new_secret()
    assert rotate(house, new, secret).moved == 2
    assert house.with_keys(new).opened(task, "shop", run_id=1, attempt=2) == {"token": "the first value"}
