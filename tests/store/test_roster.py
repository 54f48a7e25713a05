"""The list of people: searched, paged by name, with what hangs on each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import insert

from horarium.clock import from_micros
from horarium.records.people import Role, Session, User
from horarium.records.reach import Place
from horarium.store.books.people import PeopleBook
from horarium.store.books.roster import Presence, RosterBook, RosterFilter
from horarium.store.books.signins import SessionBook
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.port import Store
from horarium.store.tables.people import passkeys, totp_factors
from tests.store.work import NOW, definition

START = from_micros(NOW)


def add(store: Store, name: str, role: Role = Role.USER) -> User:
    with store.transaction() as tx:
        user = User(0, name, f"{name}@tidewater.example", name.title(), role, "UTC", START)
        return PeopleBook(tx).add(user, name_key=name, email_key=user.email, password_hash="")


def test_people_are_paged_by_name_after_somebody(store: Store) -> None:
    people = [add(store, name) for name in ("carla", "ada", "bert", "dora")]
    with store.reading() as tx:
        book = RosterBook(tx)
        names = [user.name for user in book.page(RosterFilter(), limit=2)]
        rest = book.page(RosterFilter(), after=people[2].id, limit=9)
        # Who has gone meanwhile says nothing about where the list went on.
        again = book.page(RosterFilter(), after=9999, limit=1)
    assert (names, [user.name for user in rest], [user.name for user in again]) == (
        ["ada", "bert"],
        ["carla", "dora"],
        ["ada"],
    )


def test_people_are_found_by_words_role_and_state(store: Store) -> None:
    add(store, "ada", Role.ADMIN)
    bert, carla = add(store, "bert"), add(store, "carla", Role.VIEWER)
    with store.transaction() as tx:
        PeopleBook(tx).disable(bert.id, START)
    with store.reading() as tx:
        book = RosterBook(tx)
        assert book.page(RosterFilter(text="CAR tidewater")) == [carla]
        assert book.page(RosterFilter(text="_ar")) == []
        assert book.page(RosterFilter(roles=(Role.VIEWER, Role.EDITOR))) == [carla]
        assert book.page(RosterFilter(closed=True)) == [replace(bert, disabled_at=START)]
        assert (book.count(RosterFilter()), book.count(RosterFilter(closed=True))) == (2, 1)
        assert book.by_role() == {Role.ADMIN: 1, Role.VIEWER: 1}
        assert book.by_role(closed=True) == {Role.USER: 1}


def test_what_hangs_on_people_is_counted_for_each(store: Store) -> None:
    ada, bert = add(store, "ada"), add(store, "bert")
    seen = START + timedelta(hours=3)
    with store.transaction() as tx:
        for key, at in (("a", START), ("b", seen)):
            SessionBook(tx).add(Session(key, ada.id, START, at, "127.0.0.1", "a browser"))
        kept = (
            TaskBook(tx).add(definition("kept"), now=NOW, next_at=None, place=Place(owner_id=ada.id, project_id=3)).id
        )
        gone = TaskBook(tx).add(definition("gone"), now=NOW, next_at=None, place=Place(owner_id=ada.id)).id
        TaskBook(tx).remove(gone, now=NOW)
        factor = {"key_id": "k", "sealed": "s", "created_at": NOW}
        tx.execute(insert(totp_factors).values(user_id=ada.id, confirmed_at=NOW, **factor))
        tx.execute(insert(totp_factors).values(user_id=bert.id, **factor))
        passkey = {"public_key": "p", "sign_count": 0, "name": "key", "transports": "[]", "created_at": NOW}
        for handle in ("one", "two"):
            tx.execute(insert(passkeys).values(user_id=bert.id, handle=handle, **passkey))
    with store.reading() as tx:
        found = RosterBook(tx).presence([ada.id, bert.id])
        tasks = [task.id for task in TaskBook(tx).page(TaskFilter(owner_id=ada.id))]
        of_project = TaskBook(tx).count(TaskFilter(project_id=3))
    assert found == {
        ada.id: Presence(sessions=2, seen_at=seen, tasks=1, has_app=True),
        bert.id: Presence(has_passkey=True),
    }
    assert (tasks, of_project) == ([kept], 1)
