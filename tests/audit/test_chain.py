"""The chain shows what was done to the log behind its back, and names the first bad entry."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from horarium.audit.actions import Action
from horarium.audit.chain import verify
from horarium.audit.trail import About, Trail
from horarium.store.port import Store
from tests.support.people import TESTER

COPY_OF_4 = (
    "INSERT INTO audit_log SELECT 5, at, 'x', actor_id, source, address, request, action, result, kind,"
    " object_id, object_name, before, after, details, previous, hash FROM audit_log WHERE id = 4"
)


@pytest.fixture
def written(trail: Trail) -> Trail:
    for number in range(1, 8):
        trail.note_alone(TESTER, Action.NOTED, About("task", number, f"task {number}"), after={"n": number})
    return trail


def meddle(store: Store, *statements: str) -> None:
    with store.transaction() as tx:
        for statement in statements:
            tx.execute(text(statement))


def test_r108_a_log_that_nobody_touched_is_sound(store: Store, written: Trail) -> None:
    assert written.page(limit=1)[0].id == 7
    assert verify(store).is_sound
    assert verify(store).entries == 7


@pytest.mark.parametrize(
    ("statements", "bad_id", "fault"),
    [
        (["UPDATE audit_log SET actor = 'somebody' WHERE id = 4"], 4, "changed"),
        (["UPDATE audit_log SET at = at + 1 WHERE id = 1"], 1, "changed"),
        (["UPDATE audit_log SET details = NULL, after = NULL WHERE id = 7"], 7, "changed"),
        (["DELETE FROM audit_log WHERE id = 3"], 4, "entry 3 is missing"),
        (["DELETE FROM audit_log WHERE id = 1"], 2, "entry 1 is missing"),
        (["DELETE FROM audit_log WHERE id > 5"], 6, "newest entries are missing"),
        (["DELETE FROM audit_log"], 1, "newest entries are missing"),
        (
            [
                "UPDATE audit_log SET id = 99 WHERE id = 3",
                "UPDATE audit_log SET id = 3 WHERE id = 4",
                "UPDATE audit_log SET id = 4 WHERE id = 99",
            ],
            3,
            "does not follow",
        ),
        (
            [
                "DELETE FROM audit_log WHERE id = 5",
                COPY_OF_4,
            ],
            5,
            "does not follow",
        ),
        (["UPDATE audit_head SET last_hash = 'f' || substr(last_hash, 2)"], 7, "not the entry that was written last"),
    ],
)
def test_r108_what_was_done_to_it_is_found_at_the_first_bad_entry(
    store: Store, written: Trail, statements: list[str], bad_id: int, fault: str
) -> None:
    assert len(written.page()) == 7
    meddle(store, *statements)
    found = verify(store)
    assert not found.is_sound
    assert found.bad_id == bad_id
    assert fault in found.fault


def test_an_empty_log_is_sound(store: Store) -> None:
    assert verify(store).is_sound
