"""API tokens: shown once, kept as hashes, ended by time, hand, and with their owner; never worth more than they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from time import perf_counter_ns

import pytest
from sqlalchemy import select

from horarium.accounts.password_change import PasswordChange
from horarium.accounts.people import People
from horarium.accounts.roles import Permission, Scope, is_out_of_scope, least_scope, may
from horarium.accounts.tokens import MOST, Made, NewToken, Tokens
from horarium.audit.trail import Trail
from horarium.errors import Conflict, InvalidValue, NotFound, StoreBusy
from horarium.records.people import Role, User
from horarium.store.books.tokens import TokenBook
from horarium.store.port import Store
from horarium.store.tables.everything import metadata
from tests.support.people import TESTER, SetClock, add_admin, add_person, cheap_hasher, made_up

DAY = timedelta(days=1)


@pytest.fixture
def tokens(store: Store, clock: SetClock) -> Tokens:
    return Tokens(store, clock)


@pytest.fixture
def ines(users: People) -> User:
    return add_admin(users, "ines")


def make(tokens: Tokens, user: User, name: str = "deploy", *scopes: str, days: int | None = 90) -> Made:
    return tokens.make(user.id, NewToken(name=name, scopes=scopes or ("read",), days=days), actor=TESTER)


def test_r58_nothing_in_the_store_opens_anything(tokens: Tokens, ines: User, store: Store) -> None:
    made = make(tokens, ines)
    secret = made.text.rpartition("_")[2]
    with store.reading() as tx:
        for table in ("api_tokens", "audit_log", "events"):
            kept = [str(value) for row in tx.execute(select(metadata.tables[table])) for value in row]
            assert not [value for value in kept if secret in value], table
            assert all(tokens.find(value) is None for value in kept)
            assert all(tokens.find(f"hor_{made.token.id}_{value[:40]}") is None for value in kept)
    assert made.text not in repr(made)
    assert tokens.find(made.text)


def test_r58_a_token_is_recognised_long_and_ends_after_90_days(tokens: Tokens, ines: User, clock: SetClock) -> None:
    made = make(tokens, ines)
    assert re.fullmatch(r"hor_\d+_[A-Za-z0-9]{40}", made.text)
    assert made.text.endswith(made.token.hint)
    assert made.token.expires_at == clock.now() + 90 * DAY
    assert len({make(tokens, ines, str(number)).text.rpartition("_")[2] for number in range(20)}) == 20
    clock.move(90 * DAY - timedelta(seconds=1))
    assert tokens.find(made.text)
    clock.move(timedelta(seconds=1))
    assert tokens.find(made.text) is None


def test_r58_its_last_use_is_known_with_time_and_address(tokens: Tokens, ines: User, clock: SetClock) -> None:
    made = make(tokens, ines)
    (unused,) = tokens.of_user(ines.id)
    assert (unused.last_used_at, unused.last_address) == (None, "")
    first = clock.now()
    tokens.find(made.text, address="192.0.2.7")
    clock.move(timedelta(seconds=30))
    tokens.find(made.text, address="192.0.2.8")
    (used,) = tokens.of_user(ines.id)
    assert (used.last_used_at, used.last_address) == (first, "192.0.2.7")
    clock.move(timedelta(minutes=1))
    tokens.find(made.text, address="192.0.2.9")
    (again,) = tokens.of_user(ines.id)
    assert (again.last_used_at, again.last_address) == (clock.now(), "192.0.2.9")


def test_a_store_that_cannot_be_written_keeps_no_token_out(
    tokens: Tokens, ines: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(tokens, ines)

    def fail(*_: object) -> None:
        raise StoreBusy("locked")

    monkeypatch.setattr(TokenBook, "touch", fail)
    assert tokens.find(made.text)


def test_r29_a_revoked_token_opens_nothing_and_is_revoked_once(tokens: Tokens, ines: User, users: People) -> None:
    otto = add_person(users, "otto")
    made = make(tokens, ines)
    assert not tokens.revoke(otto.id, made.token.id, actor=TESTER)
    assert tokens.find(made.text)
    assert tokens.revoke(ines.id, made.token.id, actor=TESTER)
    assert tokens.find(made.text) is None
    assert not tokens.revoke(ines.id, made.token.id, actor=TESTER)
    assert tokens.of_user(ines.id) == []
    with pytest.raises(NotFound):
        tokens.revoke_any(made.token.id, actor=TESTER)


def test_r29_a_closed_account_has_no_tokens_and_gets_none_back(tokens: Tokens, ines: User, users: People) -> None:
    otto = add_person(users, "otto")
    made = make(tokens, otto)
    users.disable(otto.id, actor=TESTER)
    assert tokens.find(made.text) is None
    with pytest.raises(Conflict):
        make(tokens, otto, "another")
    users.enable(otto.id, actor=TESTER)
    assert tokens.find(made.text) is None
    assert tokens.find(make(tokens, ines).text)


@pytest.mark.parametrize("keep", [True, False])
def test_r18_a_new_password_ends_tokens_unless_they_are_kept(
    tokens: Tokens, users: People, store: Store, clock: SetClock, keep: bool
) -> None:
    password = made_up()
    otto = add_person(users, "otto", password=password)
    made = make(tokens, otto)
    change = PasswordChange(store, clock, users)
    change.change(otto.id, password, made_up(), actor=TESTER, keep_tokens=keep)
    assert (tokens.find(made.text) is not None) is keep


def test_r59_a_token_falls_with_its_owner(tokens: Tokens, ines: User, users: People) -> None:
    other = add_admin(users, "marek")
    made = make(tokens, other, "x", "admin")
    found = tokens.find(made.text)
    assert found
    assert may(found.identity, Permission.AUDIT_READ)
    users.change_role(other.id, Role.VIEWER, actor=TESTER)
    found = tokens.find(made.text)
    assert found
    assert not may(found.identity, Permission.AUDIT_READ)
    assert may(found.identity, Permission.TASKS_READ)
    assert not is_out_of_scope(found.identity, Permission.AUDIT_READ)


def test_r59_it_may_be_used_for_what_its_scopes_say(tokens: Tokens, ines: User) -> None:
    found = tokens.find(make(tokens, ines, "x", "read").text)
    assert found
    allowed = {permission for permission in Permission if may(found.identity, permission)}
    assert allowed == {
        *(Permission.TASKS_READ, Permission.RUNS_READ, Permission.PROFILE_READ),
        *(Permission.CHECKS_READ, Permission.NOTICES_READ),
    }
    assert is_out_of_scope(found.identity, Permission.TASKS_TRIGGER)
    assert least_scope(Permission.TASKS_TRIGGER) is Scope.TRIGGER
    assert least_scope(Permission.PROFILE) is Scope.ADMIN
    assert all(least_scope(permission) for permission in Permission)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (NewToken(name=" ", scopes=["read"]), "name"),
        (NewToken(name="x" * 101, scopes=["read"]), "name"),
        (NewToken(name="a\nb\x07", scopes=["read"]), "name"),
        (NewToken(name="taken", scopes=["read"]), "name"),
        (NewToken(name="x", scopes=[]), "scopes"),
        (NewToken(name="x", scopes=["read", "root"]), "scopes"),
        (NewToken(name="x", scopes=["read"], days=0), "days"),
        (NewToken(name="x", scopes=["read"], days=367), "days"),
        (NewToken(name="x", scopes=["read"], days=None), "days"),
    ],
)
def test_what_a_token_cannot_be_is_refused_by_field(tokens: Tokens, ines: User, wanted: NewToken, field: str) -> None:
    make(tokens, ines, "taken")
    with pytest.raises(InvalidValue) as refused:
        tokens.make(ines.id, wanted, actor=TESTER)
    assert refused.value.field == field
    assert len(tokens.of_user(ines.id)) == 1


def test_a_token_without_end_is_made_where_the_host_allows_it(store: Store, clock: SetClock, ines: User) -> None:
    allowing = Tokens(store, clock, endless_ok=True)
    made = make(allowing, ines, days=None)
    clock.move(5000 * DAY)
    assert allowing.find(made.text)


def test_a_person_has_so_many_tokens_and_no_more(tokens: Tokens, ines: User, clock: SetClock) -> None:
    for number in range(MOST):
        make(tokens, ines, str(number), days=1)
    with pytest.raises(Conflict):
        make(tokens, ines, "one more")
    clock.move(DAY)
    make(tokens, ines, "one more")


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "hor_", "hor__", "hor_1_", "hor_1_x", "hor_0_" + "a" * 40, "hor_01_" + "a" * 40, "HOR_1_" + "a" * 40),
        *("hor_1_" + "a" * 41, "hor_1_" + "ä" * 40, "hor_" + "9" * 30 + "_" + "a" * 40, "x" * 100_000, "\udc80"),
        "hor_999999999999999999_" + "a" * 40,
    ],
)
def test_what_is_no_token_opens_nothing(tokens: Tokens, ines: User, wrong: str) -> None:
    made = make(tokens, ines)
    assert tokens.find(wrong) is None
    assert tokens.find(f" {made.text}") is None
    assert tokens.find(f"{made.text}\n") is None
    assert tokens.find(made.text[:-1]) is None


def test_r107_what_is_done_to_tokens_is_in_the_audit_log(
    tokens: Tokens, ines: User, store: Store, clock: SetClock
) -> None:
    made = make(tokens, ines, "deploy", "trigger", "read")
    tokens.revoke(ines.id, made.token.id, actor=TESTER)
    revoked, entry = Trail(store, clock).page(limit=2)
    assert (entry.action, entry.kind, entry.object_id, entry.object_name) == (
        *("token.made", "token"),
        *(made.token.id, "deploy"),
    )
    assert entry.after["scopes"] == ["read", "trigger"]
    assert revoked.action == "token.revoked"


def test_r62_the_secret_is_compared_by_the_one_function(
    tokens: Tokens, ines: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[str, str]] = []

    def noted(one: str, other: str) -> bool:
        compared.append((one, other))
        return one == other

    made = make(tokens, ines)
    monkeypatch.setattr("horarium.accounts.tokens.same", noted)
    assert tokens.find(made.text)
    assert tokens.find(f"hor_{made.token.id + 1}_{'a' * 40}") is None
    assert len(compared) == 2
    assert not [each for pair in compared for each in pair if each in made.text]


def test_r62_the_time_of_a_refusal_tells_nothing_about_the_secret(tokens: Tokens, ines: User) -> None:
    made = make(tokens, ines)
    head, _, secret = made.text.rpartition("_")
    wrong: dict[str, str] = {
        "first": f"{head}_{other(secret[0])}{secret[1:]}",
        "last": f"{head}_{secret[:-1]}{other(secret[-1])}",
    }
    for each in wrong.values():
        timed(tokens.find, each, 50)
    taken: dict[str, list[int]] = {name: [] for name in wrong}
    # In turn, so that whatever else the machine does falls on both alike.
    for _ in range(1000):
        for name, each in wrong.items():
            taken[name] += timed(tokens.find, each, 1)
    first, last = median(taken["first"]), median(taken["last"])
    assert abs(first - last) < 0.1 * min(first, last)


def other(letter: str) -> str:
    return "b" if letter == "a" else "a"


def timed(find: Callable[[str], object], wrong: str, times: int) -> list[int]:
    """Return how long refusing a token takes, in nanoseconds."""
    taken = []
    for _ in range(times):
        start = perf_counter_ns()
        assert find(wrong) is None
        taken.append(perf_counter_ns() - start)
    return taken


def test_tokens_work_on_both_databases(both: Store, clock: SetClock) -> None:
    people = People(both, clock, hasher=cheap_hasher())
    ines = add_admin(people, "ines")
    tokens = Tokens(both, clock)
    made = make(tokens, ines, "deploy", "trigger")
    found = tokens.find(made.text, address="192.0.2.1")
    assert found
    assert (found.user, found.token.scopes) == (ines, ("trigger",))
    assert [token.last_address for token, _ in tokens.everybodys()] == ["192.0.2.1"]
    assert tokens.revoke_any(made.token.id, actor=TESTER).name == "deploy"
    assert tokens.find(made.text) is None
