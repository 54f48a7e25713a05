"""The books of the vault, on each database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from horarium.errors import DuplicateKey
from horarium.records.actors import Actor
from horarium.records.credentials import Asker, Credential, Grant, KeyMark, Subject, Use, Version
from horarium.records.reach import Reach
from horarium.store.books.credentials import CredentialBook, VersionBook
from horarium.store.books.grants import GrantBook, KeyBook, UseBook
from horarium.store.port import Store

NOW = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOST = Asker.of_host(Actor.of_code("the test"))


def credential(name: str, owner_id: int = 0) -> Credential:
    return Credential(
        id=0,
        owner_id=owner_id,
        name=name,
        kind="token",
        note="",
        version=1,
        open_fields={"url": "https://shop.example"},
        hosts=("shop.example",),
        created_at=NOW,
        created_by="the test",
        updated_at=NOW,
        rotated_at=NOW,
    )


def version(credential_id: int, number: int = 1, key_id: str = "k1") -> Version:
    return Version(
        credential_id=credential_id,
        version=number,
        key_id=key_id,
        wrapped_key="wrapped",
        fingerprint="0123",
        created_at=NOW,
        created_by="the test",
    )


def grant(credential_id: int, subject: Subject, number: int, **more: object) -> Grant:
    made = Grant(
        id=0, credential_id=credential_id, subject=subject, subject_id=number, granted_by="the test", granted_at=NOW
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_credential_is_kept_as_it_was_written(store: Store) -> None:
    with store.transaction() as tx:
        book = CredentialBook(tx)
        made = book.add(credential("shop"), name_key="shop")
        assert made == replace(credential("shop"), id=made.id)
        assert book.get(made.id) == book.by_key(0, "shop") == made
        assert book.by_key(1, "shop") is None
        book.touch(made.id, NOW + DAY)
        assert (book.get(made.id) or made).last_used_at == NOW + DAY
        assert not book.change(made.id + 1, note="x")
    with pytest.raises(DuplicateKey), store.transaction() as tx:
        CredentialBook(tx).add(credential("Shop"), name_key="shop")


def test_what_was_removed_leaves_its_name_free_and_is_erased_later(store: Store) -> None:
    with store.transaction() as tx:
        book = CredentialBook(tx)
        made = book.add(credential("shop"), name_key="shop")
        VersionBook(tx).add(version(made.id), {"token": "sealed"})
        book.change(made.id, deleted_at=1_000_000)
        assert book.by_key(0, "shop") is None
        other = book.add(credential("shop"), name_key="shop")
        assert [each.id for each in book.seen(HOST, NOW)] == [other.id]
        assert [each.id for each in book.seen(HOST, NOW, removed=True)] == [made.id]
        assert book.erase_removed(datetime(1970, 1, 1, tzinfo=UTC)) == 0
        assert book.erase_removed(NOW) == 1
        assert VersionBook(tx).sealed(made.id, 1) == {}
        assert book.get(made.id) is None


def test_r47_somebody_sees_their_own_and_what_was_granted_to_them_or_their_projects(store: Store) -> None:
    with store.transaction() as tx:
        book, grants = CredentialBook(tx), GrantBook(tx)
        names = ["own", "given", "of project", "ended", "over", "foreign"]
        own, given, of_project, ended, over, _ = (
            book.add(credential(name, 7 if name == "own" else 8), name_key=name) for name in names
        )
        grants.add(grant(given.id, Subject.PERSON, 7))
        grants.add(grant(of_project.id, Subject.PROJECT, 5))
        grants.revoke(grants.add(grant(ended.id, Subject.PERSON, 7)).id, NOW)
        grants.add(grant(over.id, Subject.PERSON, 7, expires_at=NOW))
        me = Asker(actor=Actor(user_id=7), reach=Reach(user_id=7, projects=(5,)))
        assert [each.id for each in book.seen(me, NOW)] == [given.id, of_project.id, own.id]
        alone = replace(me, reach=Reach(user_id=7))
        assert [each.id for each in book.seen(alone, NOW)] == [given.id, own.id]
        assert len(book.seen(replace(me, manages=True), NOW)) == 6
        nobody = Asker(actor=Actor())
        assert book.seen(nobody, NOW) == []


def test_versions_are_sealed_rewrapped_and_walked_through_in_order(store: Store) -> None:
    with store.transaction() as tx:
        credentials, book = CredentialBook(tx), VersionBook(tx)
        ids = [credentials.add(credential(f"c{n}"), name_key=f"c{n}").id for n in range(3)]
        for number in ids:
            book.add(version(number), {"b": "2", "a": "1"})
        book.add(version(ids[0], 2, "k2"), {"a": "3"})
        credentials.change(ids[0], version=2)
        assert book.counts() == {"k1": 3, "k2": 1}
        assert book.sealed(ids[0], 1) == {"a": "1", "b": "2"}
        assert book.fields_of(ids) == {ids[0]: ("a",), ids[1]: ("a", "b"), ids[2]: ("a", "b")}
        assert book.current(ids)[ids[0]].version == 2
        assert [each.version for each in book.of_credential(ids[0])] == [2, 1]
        page = book.batch(after=(0, 0), most=2, not_under="k2", lock=True)
        assert [(each.id, found.version) for each, found in page] == [(ids[0], 1), (ids[1], 1)]
        assert page[0][1] == version(ids[0])
        rest = book.batch(after=(ids[0], 1), most=9)
        assert [(each.id, found.version) for each, found in rest] == [(ids[0], 2), (ids[1], 1), (ids[2], 1)]
        moved = replace(version(ids[1]), key_id="k2", wrapped_key="anew", fingerprint="4567")
        assert not book.rewrap(moved, old_key_id="k0")
        assert book.rewrap(moved, old_key_id="k1")
        assert book.get(ids[1], 1) == moved
        book.reseal(replace(moved, key_id="k3"), {"a": "sealed anew"})
        assert book.sealed(ids[1], 1) == {"a": "sealed anew"}
        book.keep_until(ids[0], 1, replaced_at=NOW, kept_until=NOW + DAY)
        assert book.erase_replaced(NOW) == 0
        assert book.erase_replaced(NOW + DAY) == 2
        assert book.counts() == {"k1": 1, "k2": 1, "k3": 1}
        assert (book.get(ids[0], 1) or moved).kept_until == NOW + DAY


def test_grants_are_found_by_name_for_whom_they_are_the_oldest_first(store: Store) -> None:
    with store.transaction() as tx:
        book, grants = CredentialBook(tx), GrantBook(tx)
        first, second = (book.add(credential("shop", owner), name_key="shop") for owner in (1, 2))
        late = grants.add(grant(second.id, Subject.TASK, 3, target_mark="m", may_replace=True))
        early = grants.add(grant(first.id, Subject.PERSON, 7))
        subjects = [(Subject.TASK, 3), (Subject.PERSON, 7), (Subject.PROJECT, 1)]
        found = book.granted("shop", NOW, subjects)
        assert [(number, each.id) for number, each in found] == [(late.id, second.id), (early.id, first.id)]
        assert book.granted("shop", NOW, [(Subject.TASK, 7)]) == book.granted("shop", NOW, []) == []
        assert book.granted("mail", NOW, subjects) == []
        assert grants.of_subject(Subject.TASK, 3, NOW) == [late]
        assert grants.get(late.id) == late
        assert grants.counts([first.id, second.id], NOW) == {first.id: 1, second.id: 1}
        assert grants.revoke(early.id, NOW)
        assert not grants.revoke(early.id, NOW)
        assert grants.of_credential(first.id, NOW) == []


def test_uses_begin_and_end(store: Store) -> None:
    use = Use(id=0, credential_id=4, version=2, purpose="run", actor="task a", opened_at=NOW, run_id=5, attempt=1)
    with store.transaction() as tx:
        book = UseBook(tx)
        book.open(use)
        book.open(replace(use, version=3, attempt=2))
        assert book.version_of(4, 5) == 2
        assert book.version_of(4, 6) is None
        assert book.close(5, 1, NOW + DAY) == 1
        assert book.close(5, 1, NOW) == 0
        assert [each.closed_at for each in book.of_run(5)] == [NOW + DAY, None]
        assert [each.attempt for each in book.of_credential(4)] == [2, 1]
        assert book.close_left_over(NOW) == 1


def test_keys_are_known_by_their_marks_retired_and_taken_into_use_again(store: Store) -> None:
    mark = KeyMark("k1", "check", NOW)
    with store.transaction() as tx:
        book = KeyBook(tx)
        book.put(mark)
        assert book.all() == {"k1": mark}
        assert book.retire("k1", NOW)
        assert not book.retire("k1", NOW)
        assert book.all()["k1"].retired_at == NOW
        book.put(mark)
        assert book.all() == {"k1": mark}
