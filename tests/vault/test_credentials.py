"""Credentials are saved, described, replaced, handed on, removed and restored; nothing gives a secret back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from horarium.accounts.people import People
from horarium.audit.trail import Trail
from horarium.errors import Conflict, CredentialUnreadable, Denied, InvalidValue, NotFound, StoreError
from horarium.records.people import Role
from horarium.records.reach import Place
from horarium.store.port import Store
from horarium.store.tables.everything import metadata
from horarium.vault.credentials import Changes, Credentials, NewCredential
from horarium.vault.kinds import KINDS
from tests.support.people import SetClock, add_admin, add_person, made_up
from tests.support.vault import HOST, House, as_user

DAY = timedelta(days=1)


def database(name: str = "warehouse", **more: str) -> NewCredential:
    fields = {"host": "db.example.org", "username": "report", "password": made_up(), **more}
    return NewCredential(name=name, kind="database", fields=fields, note="ask the warehouse team")


def test_a_saved_credential_says_what_is_set_and_not_what_it_is(house: House) -> None:
    wanted = database()
    saved = house.credentials.add(wanted, asker=HOST)
    shown = house.credentials.show(saved.credential.id, asker=HOST)
    assert shown.credential.open_fields == {"host": "db.example.org", "username": "report"}
    assert (shown.secret_fields, shown.credential.version) == (("password",), 1)
    assert len(shown.fingerprint) == 12
    (listed,) = house.credentials.list(asker=HOST)
    assert (listed.credential, listed.fingerprint) == (shown.credential, shown.fingerprint)
    for told in (saved, shown, listed, wanted):
        assert wanted.fields["password"] not in repr(told)


def test_r72_no_method_for_people_gives_a_secret_back(house: House) -> None:
    canary = made_up()
    found = house.save("shop", canary)
    acts = {
        "show": lambda: house.credentials.show(found.id, asker=HOST),
        "list": lambda: house.credentials.list(asker=HOST),
        "find": lambda: house.credentials.find("shop", asker=HOST),
        "change": lambda: house.credentials.change(found.id, Changes(note="n"), asker=HOST),
        "replace": lambda: house.credentials.replace(found.id, {"token": canary}, asker=HOST),
        "give": lambda: house.credentials.give(found.id, 0, asker=HOST),
        "remove": lambda: house.credentials.remove(found.id, asker=HOST),
        "restore": lambda: house.credentials.restore(found.id, asker=HOST),
        "stop": lambda: house.credentials.stop(found.id, asker=HOST),
        "sweep": house.credentials.sweep,
    }
    # A method that is added must be looked at here, too.
    assert {name for name in vars(Credentials) if not name.startswith("_")} == {"add", *acts}
    for act in acts.values():
        assert canary not in repr(act())


def test_r71_r72_a_secret_stands_nowhere_in_the_database(house: House, store: Store) -> None:
    canary = made_up()
    found = house.save("shop", canary)
    house.credentials.replace(found.id, {"token": canary + "2"}, asker=HOST)
    task = house.task("report", "shop")
    house.opened(task, "shop")
    with store.reading() as tx:
        names = ["user_credentials", "credential_versions", "credential_values", "credential_uses", "audit_log",
                 "vault_keys", "events", "scheduled_tasks"]  # fmt: skip
        for name in names:
            rows = [str(tuple(row)) for row in tx.execute(select(metadata.tables[name]))]
            assert not [row for row in rows if canary in row]
            assert rows or name == "events"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_saved_with_what_it_needs_and_refuses_what_it_does_not_know(house: House, kind: str) -> None:
    needed = {each.name: made_up() for each in KINDS[kind].fields if each.required} or {"any.name": made_up()}
    saved = house.credentials.add(NewCredential(name=kind, kind=kind, fields=needed), asker=HOST)
    assert saved.warnings == ()
    shown = house.credentials.show(saved.credential.id, asker=HOST)
    assert sorted([*shown.credential.open_fields, *shown.secret_fields]) == sorted(needed)
    with pytest.raises(InvalidValue) as refused:
        house.credentials.add(NewCredential(name="x", kind=kind, fields={**needed, "9": canary()}), asker=HOST)
    assert refused.value.field == "field"
    for name in [each.name for each in KINDS[kind].fields if each.required]:
        with pytest.raises(InvalidValue) as missing:
            house.credentials.add(NewCredential(name="x", kind=kind, fields={**needed, name: ""}), asker=HOST)
        assert missing.value.field == name


def canary() -> str:
    return made_up()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"kind": "magic"}, "kind"),
        ({"hosts": ("a b",)}, "hosts"),
        ({"rotate_days": 0}, "rotate_days"),
        ({"note": "x" * 1001}, "note"),
        ({"fields": {}}, "fields"),
        ({"fields": {"a": "x" * 65_537}}, "a"),
        ({"fields": {"a": "\ud800abc"}}, "a"),
        ({"fields": {f"f{n}": "x" for n in range(51)}}, "fields"),
    ],
)
def test_a_value_that_cannot_be_kept_is_refused_by_its_field(
    house: House, change: dict[str, object], field: str
) -> None:
    values = {"name": "shop", "kind": "custom", "fields": {"a": made_up()}, **change}
    with pytest.raises(InvalidValue) as refused:
        house.credentials.add(NewCredential(**values), asker=HOST)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert house.credentials.list(asker=HOST) == []


def test_a_password_in_an_open_address_is_refused_and_not_repeated(house: House) -> None:
    canary = made_up()
    fields = {"token": made_up(), "url": f"https://ana:{canary}@shop.example"}
    with pytest.raises(InvalidValue) as refused:
        house.credentials.add(NewCredential(name="shop", kind="token", fields=fields), asker=HOST)
    assert canary not in str(refused.value)


def test_r73_a_secret_too_short_to_be_masked_is_warned_about_when_it_is_saved(house: House) -> None:
    fields = {"pin": "1234567", "token": "12345678"}
    saved = house.credentials.add(NewCredential(name="door", kind="custom", fields=fields), asker=HOST)
    assert saved.short == ("pin",)
    assert "pin" in saved.warnings[0]
    assert "1234567" not in saved.warnings[0]


def test_one_owner_has_one_credential_of_a_name_and_others_may_have_theirs(house: House, people: People) -> None:
    ana = add_person(people, "ana")
    house.save("Shop API", made_up())
    with pytest.raises(InvalidValue, match="of this name"):
        house.save("shop  api", made_up())
    hers = house.save("shop api", made_up(), asker=as_user(ana), owner_id=ana.id)
    assert house.credentials.find("SHOP API", asker=as_user(ana)).id == hers.id
    with pytest.raises(NotFound):
        house.save("other", made_up(), owner_id=99)


def test_replacing_makes_a_version_and_erases_the_one_before_in_time(house: House, clock: SetClock) -> None:
    found = house.save("shop", "the first value", open_values={"url": "https://one.example"})
    before = house.credentials.show(found.id, asker=HOST)
    clock.move(DAY)
    saved = house.credentials.replace(found.id, {"token": "the second value"}, asker=HOST)
    after = house.credentials.show(found.id, asker=HOST)
    assert (saved.credential.version, after.credential.rotated_at) == (2, clock.now())
    assert after.fingerprint != before.fingerprint
    assert after.credential.open_fields == {}
    assert [each.version for each in after.versions] == [2, 1]
    assert after.versions[1].kept_until == clock.now() + DAY
    task = house.task("report", "shop")
    assert house.opened(task, "shop") == {"token": "the second value"}
    clock.move(2 * DAY)
    house.credentials.sweep()
    with house.store.reading() as tx:
        rows = list(tx.execute(text("SELECT version FROM credential_values")))
    assert [row[0] for row in rows] == [2]
    again = house.credentials.replace(found.id, {"token": "the first value"}, asker=HOST)
    assert house.credentials.show(again.credential.id, asker=HOST).fingerprint == before.fingerprint
    with pytest.raises(InvalidValue, match="30 days"):
        house.credentials.replace(found.id, {"token": "x" * 9}, asker=HOST, keep=31 * DAY)


def test_what_is_said_about_a_credential_changes_and_its_values_stay(house: House, clock: SetClock) -> None:
    found = house.save("shop", "value of old")
    later = clock.now() + 90 * DAY
    changes = Changes(name="store", note="new", hosts=("Shop.Example",), expires_at=later, rotate_days=90)
    after = house.credentials.change(found.id, changes, asker=HOST)
    assert (after.name, after.note, after.hosts, after.version) == ("store", "new", ("shop.example",), 1)
    assert (after.expires_at, after.rotate_days) == (later, 90)
    assert not after.is_due(clock.now())
    assert after.is_due(later)
    kept = house.credentials.change(found.id, Changes(note="newer"), asker=HOST)
    assert (kept.expires_at, kept.rotate_days) == (later, 90)
    bare = house.credentials.change(found.id, Changes(expires_at=None, rotate_days=None), asker=HOST)
    assert (bare.expires_at, bare.rotate_days) == (None, None)
    assert house.opened(house.task("report", "store"), "store") == {"token": "value of old"}
    house.save("taken", made_up())
    with pytest.raises(InvalidValue, match="of this name"):
        house.credentials.change(found.id, Changes(name="TAKEN"), asker=HOST)
    with pytest.raises(InvalidValue, match="lies ahead"):
        house.credentials.change(found.id, Changes(expires_at=clock.now()), asker=HOST)


def test_r66_a_new_owner_gets_it_sealed_anew_and_a_row_that_was_given_by_hand_does_not_open(
    house: House, people: People
) -> None:
    ana, otto = add_person(people, "ana"), add_person(people, "otto")
    found = house.save("shop", "value of ana", asker=as_user(ana), owner_id=ana.id)
    house.credentials.replace(found.id, {"token": "newer value"}, asker=as_user(ana))
    given = house.credentials.give(found.id, otto.id, asker=as_user(ana))
    assert given.owner_id == otto.id
    with pytest.raises(NotFound):
        house.credentials.show(found.id, asker=as_user(ana))
    task = house.task("report", "shop", place=_of(otto.id))
    assert house.opened(task, "shop") == {"token": "newer value"}
    with house.store.transaction() as tx:
        tx.execute(text("UPDATE user_credentials SET owner_id = :o"), {"o": ana.id})
    hers = house.task("other", "shop", place=_of(ana.id))
    with pytest.raises(CredentialUnreadable):
        house.opened(hers, "shop", run_id=2)


def _of(owner_id: int) -> Place:
    return Place(owner_id=owner_id)


def test_a_removed_credential_can_be_restored_for_30_days(house: House, clock: SetClock) -> None:
    found = house.save("shop", "a value kept")
    task = house.task("report", "shop")
    house.credentials.remove(found.id, asker=HOST)
    assert house.credentials.list(asker=HOST) == []
    assert [each.credential.id for each in house.credentials.list(asker=HOST, removed=True)] == [found.id]
    with pytest.raises(Denied, match="none was granted"):
        house.opened(task, "shop")
    with pytest.raises(NotFound):
        house.credentials.replace(found.id, {"token": made_up()}, asker=HOST)
    clock.move(29 * DAY)
    house.credentials.restore(found.id, asker=HOST)
    assert house.opened(task, "shop") == {"token": "a value kept"}
    with pytest.raises(Conflict, match="neither"):
        house.credentials.restore(found.id, asker=HOST)
    house.credentials.remove(found.id, asker=HOST)
    other = house.save("shop", made_up())
    with pytest.raises(Conflict, match="by now"):
        house.credentials.restore(found.id, asker=HOST)
    house.credentials.remove(other.id, asker=HOST)
    clock.move(31 * DAY)
    with pytest.raises(Conflict, match="30 days"):
        house.credentials.restore(found.id, asker=HOST)
    house.credentials.sweep()
    with pytest.raises(NotFound):
        house.credentials.show(found.id, asker=HOST)
    with house.store.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM credential_values")).scalar_one() == 0


def test_r46_a_credential_of_others_answers_like_one_that_is_not_there(house: House, people: People) -> None:
    ana, otto = add_person(people, "ana"), add_person(people, "otto", Role.EDITOR)
    hers = house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id)
    him, gone = as_user(otto), hers.id + 1000
    acts: list[Callable[[int], object]] = [
        lambda number: house.credentials.show(number, asker=him),
        lambda number: house.credentials.replace(number, {"token": made_up()}, asker=him),
        lambda number: house.credentials.change(number, Changes(note="mine"), asker=him),
        lambda number: house.credentials.give(number, otto.id, asker=him),
        lambda number: house.credentials.remove(number, asker=him),
        lambda number: house.credentials.restore(number, asker=him),
    ]
    for act in acts:
        said = []
        for number in (hers.id, gone):
            with pytest.raises(NotFound) as answer:
                act(number)
            said.append((type(answer.value), str(answer.value).replace(str(number), "N")))
        assert said[0] == said[1]
    assert house.credentials.list(asker=him) == []
    assert house.credentials.show(hers.id, asker=as_user(ana)).credential == hers


def test_administrators_manage_the_installation_s_and_only_see_those_of_others(house: House, people: People) -> None:
    root, ana = add_admin(people, "root"), add_person(people, "ana")
    admin = as_user(root)
    hers = house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id)
    ours = house.save("mail", made_up(), asker=admin)
    assert [each.credential.id for each in house.credentials.list(asker=admin)] == [ours.id, hers.id]
    house.credentials.replace(ours.id, {"token": made_up()}, asker=admin)
    for act in (
        lambda: house.credentials.replace(hers.id, {"token": made_up()}, asker=admin),
        lambda: house.credentials.remove(hers.id, asker=admin),
        lambda: house.credentials.give(hers.id, root.id, asker=admin),
        lambda: house.save("other", made_up(), asker=as_user(ana)),
        lambda: house.save("other", made_up(), asker=admin, owner_id=ana.id),
    ):
        with pytest.raises(Denied):
            act()


def test_r107_each_act_is_told_with_what_changed_and_without_the_secret(
    house: House, people: People, trail: Trail
) -> None:
    ana, canary = add_person(people, "ana"), made_up()
    found = house.save("shop", canary, asker=as_user(ana), owner_id=ana.id)
    house.credentials.replace(found.id, {"token": canary}, asker=as_user(ana))
    house.credentials.change(found.id, Changes(note="n"), asker=as_user(ana))
    house.credentials.change(found.id, Changes(note="n"), asker=as_user(ana))
    house.credentials.remove(found.id, asker=as_user(ana))
    house.credentials.restore(found.id, asker=as_user(ana))
    house.credentials.give(found.id, 0, asker=as_user(ana))
    rows = [row for row in trail.page() if row.kind in {"credential", "key"}]
    assert [row.action for row in rows] == [
        "credential.given",
        "credential.restored",
        "credential.removed",
        "credential.changed",
        "credential.replaced",
        "credential.added",
        "vault.key_added",
    ]
    assert {row.actor_id for row in rows} == {ana.id}
    assert rows[4].before["version"] == 1
    assert rows[5].after["secret_fields"] == ["token"]
    assert canary not in str(rows)


def test_r109_without_its_row_in_the_audit_log_nothing_is_saved(house: House) -> None:
    with house.store.transaction() as tx:
        tx.execute(text("DELETE FROM audit_head"))
    with pytest.raises(StoreError):
        house.save("shop", made_up())
    assert house.credentials.list(asker=HOST) == []
