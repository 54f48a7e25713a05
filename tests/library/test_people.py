"""Accounts, guards, limits and notes for programs, without the web."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import horarium
from horarium.accounts.passwords import Hasher
from horarium.accounts.people import People
from horarium.accounts.rates import LIMITS, OTHER, allow
from horarium.errors import Conflict, Denied, InvalidValue, SignInFirst, TooManyTries, WeakPassword
from horarium.library import users as module
from horarium.library.acting import acting_as, current_user, require_admin, require_auth, require_self_or_admin
from horarium.library.notes import check_rate_limit, get_audit_log, log_audit
from horarium.library.users import UserManager
from horarium.records.people import Role, User
from horarium.records.reach import Place
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.scheduling.tasks import TaskDesk
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.support.people import TESTER, SetClock, made_up


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Give a store on either database."""
    where = tmp_path / "h.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(where)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def manager(store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> UserManager:
    cheap = Hasher(memory_kib=64, rounds=1)
    monkeypatch.setattr(module, "People", lambda store, clock: People(store, clock, hasher=cheap))
    return UserManager(store, actor="the shop", clock=clock)


@pytest.fixture
def ines(manager: UserManager) -> User:
    return person(manager, "ines", is_admin=True)


def person(manager: UserManager, name: str, password: str = "", *, is_admin: bool = False) -> User:
    number = manager.create_user(name, f"{name}@tidewater.example", password or made_up(), is_admin)
    found = manager.get_user_by_id(number)
    assert found
    return found


def test_an_account_is_made_found_and_listed(manager: UserManager, ines: User) -> None:
    otto = person(manager, "otto")
    assert (ines.role, otto.role) == (Role.ADMIN, Role.USER)
    assert manager.get_user_by_username(" OTTO ") == otto
    assert manager.get_user_by_username("otto@tidewater.example") is None
    assert manager.get_user_by_id(99) is None
    assert manager.list_users() == [ines, otto]
    assert manager.list_users(admin_only=True) == [ines]
    manager.update_user(otto.id, is_active=False)
    assert manager.list_users(active_only=True) == [ines]
    with pytest.raises(ValueError, match="taken"):
        person(manager, "Otto")
    with pytest.raises(WeakPassword):
        manager.create_user("mira", "mira@tidewater.example", "horarium2026")


def test_a_password_is_checked_and_guesses_are_counted(manager: UserManager) -> None:
    password = made_up()
    otto = person(manager, "otto", password)
    assert manager.authenticate_user("otto", password) == otto
    assert manager.authenticate_user("OTTO@tidewater.example", password, ip_address="10.0.0.1") == otto
    assert [manager.authenticate_user("otto", made_up()) for _ in range(10)] == [None] * 10
    with pytest.raises(TooManyTries):
        manager.authenticate_user("otto", password)
    assert manager.authenticate_user("nobody", password) is None
    told = get_audit_log(store=manager.store)
    assert [row["result"] for row in told if row["action"] == "person.refused"] == ["refused"] * 11
    assert password not in str(told)


def test_an_account_is_changed_field_by_field(manager: UserManager, ines: User) -> None:
    otto = person(manager, "otto", made_up())
    session = manager.create_session(otto.id, "10.0.0.7", "shop")
    new = made_up()
    assert manager.update_user(
        otto.id, email="new@tidewater.example", display_name="Otto Weber", time_zone="Asia/Tokyo", password=new
    )
    changed = manager.authenticate_user("new@tidewater.example", new)
    assert changed
    assert (changed.words, changed.time_zone, changed.email_confirmed_at) == ("Otto Weber", "Asia/Tokyo", None)
    assert manager.validate_session(session) is None
    assert manager.update_user(otto.id, role="editor")
    assert manager.update_user(otto.id, is_admin=True)
    found = manager.get_user_by_id(otto.id)
    assert found
    assert found.is_admin
    assert not manager.update_user(otto.id)
    assert not manager.update_user(99, display_name="Nobody")
    refused: list[dict[str, Any]] = [{"is_root": True}, {"role": "king"}, {"email": ines.email}, {"email": "ines"}]
    for wrong in refused:
        with pytest.raises(InvalidValue):
            manager.update_user(otto.id, **wrong)
    with pytest.raises(WeakPassword):
        manager.update_user(otto.id, password="short")


def test_r55_the_last_administrator_stays_for_programs_too(manager: UserManager, ines: User) -> None:
    changes: list[dict[str, Any]] = [{"is_admin": False}, {"is_active": False}]
    for change in changes:
        with pytest.raises(Conflict, match="last administrator"):
            manager.update_user(ines.id, **change)
    with pytest.raises(Conflict, match="last administrator"):
        manager.delete_user(ines.id)


def test_r56_a_program_says_what_becomes_of_tasks(manager: UserManager, ines: User, clock: SetClock) -> None:
    otto = person(manager, "otto")
    desk = TaskDesk(manager.store, clock)
    task = desk.define(TaskDefinition("t", PythonSpec("shop.jobs:t"), None)).task
    desk.give(task.id, Place(owner_id=otto.id), by=TESTER)
    with pytest.raises(InvalidValue, match="takes them over"):
        manager.delete_user(otto.id)
    with pytest.raises(InvalidValue, match="tasks"):
        manager.delete_user(otto.id, tasks="burn")
    manager.update_user(otto.id, is_active=False)
    assert desk.find("t").is_paused
    manager.update_user(otto.id, is_active=True)
    assert not desk.find("t").is_paused
    assert manager.delete_user(otto.id, tasks="person", heir=ines.id)
    assert not manager.delete_user(otto.id)
    assert desk.find("t").place == Place(owner_id=ines.id)


def test_a_session_begins_is_known_and_ends(manager: UserManager, clock: SetClock) -> None:
    otto = person(manager, "otto")
    token = manager.create_session(otto.id, "10.0.0.7", "shop")
    found = manager.validate_session(token)
    assert found
    assert found.id == otto.id
    assert manager.validate_session(made_up()) is None
    assert manager.delete_session(token)
    assert not manager.delete_session(token)
    late = manager.create_session(otto.id)
    clock.move(timedelta(hours=13))
    assert manager.validate_session(late) is None
    manager.update_user(otto.id, is_active=False)
    with pytest.raises(Conflict):
        manager.create_session(otto.id)


@require_auth
def greet(name: str = "you") -> str:
    """Greet."""
    return f"{current_user().name} greets {name}"


@require_admin
def administer() -> str:
    """Administer."""
    return "done"


@require_self_or_admin
def profile(kind: str, user_id: int = 0) -> str:
    """Show."""
    return f"{kind} of {user_id}"


@require_admin
async def administer_later() -> str:
    """Administer in a coroutine."""
    await asyncio.sleep(0)
    return current_user().name


def test_functions_are_guarded_by_who_acts(manager: UserManager, ines: User) -> None:
    otto = person(manager, "otto")
    for call in (greet, administer, lambda: profile("page", otto.id)):
        with pytest.raises(SignInFirst):
            call()
    with acting_as(otto):
        assert greet(name="all") == "otto greets all"
        assert profile("page", otto.id) == profile(user_id=otto.id, kind="page") == f"page of {otto.id}"
        for refused in (administer, lambda: profile("page", ines.id), lambda: profile("page")):
            with pytest.raises(Denied):
                refused()
        with acting_as(ines):
            assert administer() == "done"
            assert profile("page", otto.id)
        assert current_user() == otto
        with acting_as(None), pytest.raises(SignInFirst):
            greet()
    assert greet.__name__ == "greet"
    with pytest.raises(TypeError, match="user_id"):
        require_self_or_admin(administer)


def test_r29_a_closed_account_acts_no_more(manager: UserManager, ines: User) -> None:
    otto = person(manager, "otto", is_admin=True)
    manager.update_user(otto.id, is_active=False)
    closed = manager.get_user_by_id(otto.id)
    with acting_as(closed), pytest.raises(SignInFirst):
        administer()
    del ines


def test_threads_and_coroutines_act_for_themselves(manager: UserManager, ines: User) -> None:
    otto = person(manager, "otto")

    async def both() -> list[Any]:
        async def act(user: User) -> str:
            with acting_as(user):
                return await administer_later()

        return list(await asyncio.gather(act(ines), act(otto), return_exceptions=True))

    first, second = asyncio.run(both())
    assert first == "ines"
    assert isinstance(second, Denied)
    with acting_as(ines), ThreadPoolExecutor(1) as pool, pytest.raises(SignInFirst):
        pool.submit(greet).result()


def test_a_rate_is_counted_in_the_store_also_side_by_side(store: Store, clock: SetClock) -> None:
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _n: allow(store, clock, 1, "login"), range(20)))
    assert sorted(told) == [False] * 15 + [True] * 5
    assert allow(store, clock, 2, "login")
    assert allow(store, clock, 1, "export")
    clock.move(LIMITS["login"].within + timedelta(seconds=1))
    assert allow(store, clock, 1, "login")
    assert [allow(store, clock, 3, "export") for _ in range(OTHER.tries + 1)] == [True] * OTHER.tries + [False]
    assert all(check_rate_limit(4, "api_call", store=store) for _ in range(3))


def test_r107_a_program_notes_what_it_does_and_reads_it(manager: UserManager) -> None:
    otto = person(manager, "otto")
    store = manager.store
    log_audit(otto.id, "sync", True, "account", 7, ip_address="10.0.0.7", details={"items": 3}, store=store)
    log_audit(None, "login", success=False, user_agent="shop", store=store)
    first, second, *_ = get_audit_log(store=store)
    assert (first["details"], first["result"], first["actor_id"]) == (
        {"what": "login", "agent": "shop"},
        "failed",
        None,
    )
    assert (second["actor"], second["source"], second["address"]) == ("otto", "code", "10.0.0.7")
    assert (second["kind"], second["object_id"], second["after"]) == ("account", 7, {"items": 3})
    assert [row["details"]["what"] for row in get_audit_log(otto.id, 5, store=store)] == ["sync"]
    with pytest.raises(InvalidValue):
        log_audit(otto.id, " ", store=store)
    with pytest.raises(InvalidValue):
        get_audit_log(limit=0, store=store)


def test_a_store_is_found_by_path_by_the_environment_or_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with UserManager(tmp_path / "named.db") as named:
        assert named.list_users() == []
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/environment.db")
    log_audit(None, "sync")
    assert len(get_audit_log()) == 1
    assert check_rate_limit(1, "sync")
    monkeypatch.delenv("DATABASE_URL")
    with UserManager():
        assert (tmp_path / "horarium.db").is_file()


def test_the_names_are_given_out() -> None:
    assert horarium.UserManager is UserManager
    assert horarium.require_admin is require_admin
    assert not horarium.validate_password("short")
    assert horarium.validate_password(made_up())
