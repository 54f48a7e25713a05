"""What rules mute, as both databases keep it: through the schema before it and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect, text

from horarium.records.notices import NoticeKind
from horarium.records.telling import Cause, Note, On, Recipient, Rule, Target, To
from horarium.store.books.channels import RuleBook
from horarium.store.books.muted import MutedBook
from horarium.store.books.notices import NoteBook, TellingBook
from horarium.store.migrations import runner
from horarium.store.port import Store
from horarium.store.schema import prepare

NOW = datetime(2026, 5, 14, 12, tzinfo=UTC)
VPN = Cause(On.TASK, 3)


def note(subject: str, **rest: object) -> Note:
    """Return something that waits for one channel."""
    plain = {"rule_id": 1, "target": Target(channel_id=7), "kind": NoticeKind.FAILED, "name": subject}
    times = {"first_at": NOW, "last_at": NOW, "created_at": NOW, "not_before": NOW}
    return Note(subject=subject, **{**plain, **times, **rest})  # type: ignore[arg-type]


def test_a_cause_is_read_back_as_it_was_written_and_nothing_else_is_one() -> None:
    for cause in (VPN, Cause(On.CHECK, (1 << 63) - 1)):
        assert Cause.read(cause.text) == cause
    for wrong in ("task", "task:", "task:0", "task:-1", "task:x", "task:٣", "run:3", f"task:{1 << 63}"):
        with pytest.raises(ValueError, match=wrong.partition(":")[0]):
            Cause.read(wrong)


def test_what_is_muted_is_not_due_until_it_is_free(empty_store: Store) -> None:
    prepare(empty_store, upgrade=False)
    later = NOW + timedelta(hours=1)
    with empty_store.transaction() as tx:
        NoteBook(tx).add(note("task:1", muted_while=VPN))
        assert TellingBook(tx).due_targets(later) == {}
        (muted,) = MutedBook(tx).open()
        assert (muted.muted_while, muted.is_muted) == (VPN, True)
        assert MutedBook(tx).free(muted, later)
        assert not MutedBook(tx).free(muted, later)
        assert TellingBook(tx).due_targets(later) == {Target(channel_id=7): later}
        MutedBook(tx).mute(muted.id, VPN)
        MutedBook(tx).close([muted.id], later)
        assert (TellingBook(tx).due_targets(later), MutedBook(tx).open()) == ({}, [])
        assert [each.closed_at for each in MutedBook(tx).page()] == [later]
        assert MutedBook(tx).page(targets=[Target(channel_id=8)]) == []


def test_what_is_muted_is_read_in_parts_by_its_number(store: Store) -> None:
    with store.transaction() as tx:
        for number in range(5):
            NoteBook(tx).add(note(f"task:{number}", muted_while=VPN))
        book, found, after = MutedBook(tx), [], 0
        while part := book.open(after=after, most=2):
            assert len(part) <= 2
            found += [each.subject for each in part]
            after = part[-1].id
    assert found == [f"task:{number}" for number in range(5)]


def test_the_schema_before_tells_what_waits_and_not_what_is_over(empty_store: Store) -> None:
    prepare(empty_store, upgrade=False)
    rule = Rule(kinds=frozenset({NoticeKind.FAILED}), recipients=(Recipient(To.ADMINS),), mute_while=(VPN,))
    with empty_store.transaction() as tx:
        assert RuleBook(tx).add(rule, now=NOW).mute_while == (VPN,)
        NoteBook(tx).add(note("task:1", muted_while=VPN))
        NoteBook(tx).add(note("task:2", muted_while=VPN, closed_at=NOW))
        NoteBook(tx).add(note("task:4", closed_at=NOW))
    runner.downgrade(empty_store, "0007")
    with empty_store.reading() as tx:
        kept = tx.execute(text("SELECT subject FROM notices ORDER BY id")).scalars().all()
        assert kept == ["task:1", "task:4"]
    runner.upgrade_to_newest(empty_store)
    with empty_store.reading() as tx:
        assert [each.mute_while for each in RuleBook(tx).every()] == [()]
        assert set(TellingBook(tx).due_targets(NOW)) == {Target(channel_id=7)}


def test_what_the_older_way_kept_back_may_be_told_after_0009_and_what_is_over_is_not(empty_store: Store) -> None:
    prepare(empty_store, upgrade=False)
    with empty_store.transaction() as tx:
        for number, rest in enumerate(({}, {"closed_at": NOW}, {}), 1):
            NoteBook(tx).add(note(f"task:{number}", **{"not_before": None, **rest}))
    assert "0009" in runner.downgrade(empty_store, "0008")
    with empty_store.transaction() as tx:
        tx.execute(text("INSERT INTO notice_upstreams (task_id, upstream_id) VALUES (1, 3), (2, 3)"))
        tx.execute(text("UPDATE notices SET muted_by = 3 WHERE subject != 'task:3'"))
    runner.upgrade_to_newest(empty_store)
    with empty_store.reading() as tx:
        due = TellingBook(tx).due_of(Target(channel_id=7), NOW, most=10)
        assert [each.subject for each in due] == ["task:1"]
        tables = inspect(tx.connection).get_table_names()
    assert "notice_upstreams" not in tables
