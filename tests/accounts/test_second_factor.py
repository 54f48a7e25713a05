"""Authenticator apps and recovery codes: each code counts once, nothing of them can be read out of the store."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from horarium.accounts.codes import new_recovery_codes, plain, recovery_hash, step_of
from horarium.accounts.passkeys import Answer, Passkeys
from horarium.accounts.people import People
from horarium.accounts.second_factor import reseal, reset
from horarium.accounts.sessions import Sessions
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.errors import Conflict, InvalidValue, NotFound, SignInRefused
from horarium.records.actors import Actor
from horarium.records.audit import AuditFilter
from horarium.records.people import User
from horarium.store.port import Store
from horarium.store.tables.everything import metadata
from tests.support.factors import KEY, PARTY, Device, code_at, give_app, second_factor
from tests.support.people import LAPTOP, TESTER, SetClock, add_person, cheap_hasher

OTHER_KEY = b"o" * 32


def person(store: Store, clock: SetClock, name: str = "ines") -> User:
    return add_person(People(store, clock, hasher=cheap_hasher()), name, password="a made-up sentence of a test")


def rows_of(store: Store, name: str) -> list[Any]:
    with store.reading() as tx:
        return [tuple(row) for row in tx.execute(select(metadata.tables[name]))]


def epoch_of(store: Store, user: User) -> int:
    return People(store, hasher=cheap_hasher()).get(user.id).epoch


def actions(store: Store, clock: SetClock) -> list[str]:
    return [row.action for row in Trail(store, clock).page(AuditFilter(actions=("factor.",)))]


def test_r23_a_code_counts_once_however_it_is_typed(both: Store, clock: SetClock) -> None:
    factors, user = second_factor(both, clock), person(both, clock)
    secret, _ = give_app(factors, user, clock)
    clock.move(timedelta(minutes=1))
    code = code_at(secret, clock)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    assert factors.take(user, f" {code[:3]} {code[3:]}\t", actor=TESTER) == "totp"
    for again in (code, f"{code[:3]} {code[3:]}", f"{code[:3]}-{code[3:]}", wide, f"\u2003{code}"):
        with pytest.raises(SignInRefused):
            factors.take(user, again, actor=TESTER)
    clock.move(timedelta(seconds=30))
    with pytest.raises(SignInRefused):
        factors.take(user, code, actor=TESTER)


def test_r23_of_twenty_that_send_the_same_code_at_once_one_gets_in(both: Store, clock: SetClock) -> None:
    factors, user = second_factor(both, clock), person(both, clock)
    secret, codes = give_app(factors, user, clock)
    clock.move(timedelta(minutes=1))

    def send(code: str) -> bool:
        try:
            second_factor(both, clock).take(user, code, actor=TESTER)
        except SignInRefused:
            return False
        return True

    for code in (code_at(secret, clock), codes[0]):
        with ThreadPoolExecutor(20) as pool:
            assert list(pool.map(send, [code] * 20)).count(True) == 1


def test_the_code_that_set_the_app_up_does_not_sign_in_as_well(store: Store, clock: SetClock) -> None:
    factors, user = second_factor(store, clock), person(store, clock)
    secret, _ = give_app(factors, user, clock)
    with pytest.raises(SignInRefused):
        factors.take(user, code_at(secret, clock), actor=TESTER)


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phone_may_be_half_a_minute_off(clock: SetClock, steps: int, counts: bool) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    assert (step_of(secret, code_at(secret, clock, steps), clock.now()) is not None) is counts


def test_after_a_later_code_an_earlier_one_is_refused(store: Store, clock: SetClock) -> None:
    factors, user = second_factor(store, clock), person(store, clock)
    secret, _ = give_app(factors, user, clock)
    clock.move(timedelta(minutes=5))
    assert factors.take(user, code_at(secret, clock, 1), actor=TESTER) == "totp"
    for steps in (-1, 0):
        with pytest.raises(SignInRefused):
            factors.take(user, code_at(secret, clock, steps), actor=TESTER)


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "12345a", "\uff11\uff12\uff13", "0" * 10_000, "\0\0\0\0\0\0", "٠١٢٣٤٥"]
)
def test_what_is_no_code_is_refused(store: Store, clock: SetClock, typed: str) -> None:
    factors, user = second_factor(store, clock), person(store, clock)
    give_app(factors, user, clock)
    with pytest.raises(SignInRefused):
        factors.take(user, typed, actor=TESTER)


def test_r23_recovery_codes_are_kept_as_hashes_and_count_once(both: Store, clock: SetClock) -> None:
    factors, user = second_factor(both, clock), person(both, clock)
    _, codes = give_app(factors, user, clock)
    assert len(set(codes)) == 10
    stored = str(rows_of(both, "recovery_codes"))
    assert not [code for code in codes if code in stored or plain(code) in stored]
    assert factors.take(user, f"  {codes[3].lower().replace('-', ' ')} ", actor=TESTER) == "code"
    for again in (codes[3], codes[3].replace("-", ""), codes[3].lower()):
        with pytest.raises(SignInRefused):
            factors.take(user, again, actor=TESTER)
    found = factors.of(user.id)
    assert (found.codes_left, found.codes_made) == (9, 10)
    assert actions(both, clock) == [Action.FACTOR_RECOVERED, Action.FACTOR_ADDED]


def test_a_recovery_code_belongs_to_one_person(store: Store, clock: SetClock) -> None:
    factors, ines, otto = second_factor(store, clock), person(store, clock), person(store, clock, "otto")
    _, codes = give_app(factors, ines, clock)
    give_app(factors, otto, clock)
    with pytest.raises(SignInRefused):
        factors.take(otto, codes[0], actor=TESTER)
    assert recovery_hash(1, codes[0]) != recovery_hash(2, codes[0])


def test_new_recovery_codes_end_the_old_ones(store: Store, clock: SetClock) -> None:
    factors, user = second_factor(store, clock), person(store, clock)
    with pytest.raises(Conflict):
        factors.make_codes(user, actor=TESTER)
    _, old = give_app(factors, user, clock)
    new = factors.make_codes(user, actor=TESTER)
    assert not set(old) & set(new)
    with pytest.raises(SignInRefused):
        factors.take(user, old[0], actor=TESTER)
    assert factors.take(user, new[0], actor=TESTER) == "code"


def test_recovery_codes_cannot_be_guessed_at() -> None:
    seen = [code for _ in range(50) for code in new_recovery_codes()]
    assert len(set(seen)) == 500
    assert {len(plain(code)) for code in seen} == {16}
    assert len({letter for code in seen for letter in plain(code)}) == 32


def test_r66_the_secret_of_an_app_is_not_in_the_store_and_opens_for_its_person_only(
    both: Store, clock: SetClock
) -> None:
    factors, ines, otto = second_factor(both, clock), person(both, clock), person(both, clock, "otto")
    secret, _ = give_app(factors, ines, clock)
    give_app(factors, otto, clock)
    table = metadata.tables["totp_factors"]
    sealed = {row[0]: row[2] for row in rows_of(both, "totp_factors")}
    assert secret not in str(sealed)
    with both.transaction() as tx:
        tx.execute(update(table).where(table.c.user_id == otto.id).values(sealed=sealed[ines.id]))
    clock.move(timedelta(minutes=1))
    with pytest.raises(SignInRefused):
        factors.take(otto, code_at(secret, clock), actor=TESTER)


def test_an_app_counts_once_a_code_of_it_was_shown(store: Store, clock: SetClock) -> None:
    factors, user = second_factor(store, clock), person(store, clock)
    offer = factors.offer_app(user)
    assert offer.address.startswith("otpauth://totp/Horarium:ines?secret=")
    with pytest.raises(InvalidValue, match="6 digits"):
        factors.add_app(user, offer, "000000", actor=TESTER)
    assert not factors.of(user.id).has_any
    again = factors.offered(user, offer.sealed)
    assert again.secret == offer.secret
    factors.add_app(user, again, code_at(offer.secret, clock), actor=TESTER)
    assert factors.of(user.id).app_since == clock.now()


def test_an_offer_holds_for_its_person_and_half_an_hour(store: Store, clock: SetClock) -> None:
    factors, ines, otto = second_factor(store, clock), person(store, clock), person(store, clock, "otto")
    offer = factors.offer_app(ines)
    for sealed in ("", "x", offer.sealed[:-4] + "AAAA"):
        with pytest.raises(InvalidValue, match="run out"):
            factors.offered(ines, sealed)
    with pytest.raises(InvalidValue, match="run out"):
        factors.offered(otto, offer.sealed)
    clock.move(timedelta(minutes=31))
    with pytest.raises(InvalidValue, match="run out"):
        factors.offered(ines, offer.sealed)


def test_the_last_second_step_takes_the_recovery_codes_along(store: Store, clock: SetClock) -> None:
    factors, user = second_factor(store, clock), person(store, clock)
    before = epoch_of(store, user)
    give_app(factors, user, clock)
    assert epoch_of(store, user) == before + 1
    assert factors.remove_app(user, actor=TESTER)
    assert epoch_of(store, user) == before + 2
    assert rows_of(store, "recovery_codes") == []
    assert not factors.remove_app(user, actor=TESTER)
    assert epoch_of(store, user) == before + 2
    assert actions(store, clock) == [Action.FACTOR_REMOVED, Action.FACTOR_ADDED]


def test_r21_a_reset_takes_all_away_and_sets_nothing(both: Store, clock: SetClock) -> None:
    factors, user = second_factor(both, clock), person(both, clock)
    give_app(factors, user, clock)
    Sessions(both, clock).start(user, LAPTOP, actor=TESTER)
    assert reset(both, clock, user.id, actor=TESTER)
    found = factors.of(user.id)
    assert (found.has_any, found.codes_made, Sessions(both, clock).of_user(user.id)) == (False, 0, [])
    entry = Trail(both, clock).page(AuditFilter(actions=(Action.FACTOR_REMOVED,)))[0]
    assert (entry.actor, entry.object_name, entry.details["factor"]) == ("the test", "ines", "all")
    assert not reset(both, clock, user.id, actor=TESTER)
    with pytest.raises(NotFound):
        reset(both, clock, 4711, actor=TESTER)


def test_with_another_key_an_app_does_not_count_and_recovery_codes_do(store: Store, clock: SetClock) -> None:
    user = person(store, clock)
    secret, codes = give_app(second_factor(store, clock), user, clock)
    clock.move(timedelta(minutes=1))
    changed = second_factor(store, clock, OTHER_KEY)
    with pytest.raises(SignInRefused):
        changed.take(user, code_at(secret, clock), actor=TESTER)
    assert changed.take(user, codes[0], actor=TESTER) == "code"


def test_secrets_move_to_a_new_key_in_small_steps_and_keep_counting(both: Store, clock: SetClock) -> None:
    before = second_factor(both, clock)
    users = [person(both, clock, f"person-{number}") for number in range(130)]
    secrets = [give_app(before, user, clock)[0] for user in users]
    stray = person(both, clock, "stray")
    give_app(second_factor(both, clock, b"?" * 32), stray, clock)
    moved = []
    for _ in range(4):
        with both.transaction() as tx:
            moved.append(reseal(tx, KEY, OTHER_KEY))
    assert moved == [100, 30, 0, 0]
    clock.move(timedelta(minutes=1))
    after = second_factor(both, clock, OTHER_KEY)
    for user, secret in zip(users, secrets, strict=True):
        assert after.take(user, code_at(secret, clock), actor=TESTER) == "totp"


def letters_about(store: Store) -> list[dict[str, Any]]:
    with store.reading() as tx:
        rows = list(tx.execute(select(metadata.tables["outbox"]).order_by(metadata.tables["outbox"].c.id)))
    return [{"to": row.address, "kind": row.kind, **json.loads(row.body)} for row in rows]


def test_r18_the_owner_is_told_by_mail_of_each_change_of_their_second_step(both: Store, clock: SetClock) -> None:
    people = People(both, clock, hasher=cheap_hasher())
    ines = add_person(people, "ines", email="ines@tidewater.example")
    factors, passkeys = second_factor(both, clock), Passkeys(both, clock, key=KEY)
    mine = Actor(name="ines", user_id=ines.id, address="10.20.4.7")
    offer = factors.offer_app(ines)
    factors.add_app(ines, offer, code_at(offer.secret, clock), actor=mine)
    asked = passkeys.ask_for_new(ines, PARTY)
    passkeys.add(ines, "Phone", Answer(Device().create(asked.options), asked.sealed, PARTY, ""), actor=mine)
    factors.make_codes(ines, actor=mine)
    (kept,) = factors.of(ines.id).passkeys
    assert not passkeys.remove(ines, kept.id + 1, actor=mine)
    passkeys.remove(ines, kept.id, actor=mine)
    factors.remove_app(ines, actor=mine)
    assert not factors.remove_app(ines, actor=mine)
    give_app(factors, ines, clock)
    reset(both, clock, ines.id, actor=TESTER)
    told = letters_about(both)
    assert [each["what"] for each in told] == [
        *("app_added", "passkey_added", "codes_made", "passkey_removed", "app_removed", "app_added", "taken_away")
    ]
    assert {(each["to"], each["kind"]) for each in told} == {("ines@tidewater.example", "second_step_changed")}
    assert [each.get("passkey") for each in told if "passkey" in each["what"]] == ["Phone", "Phone"]
    assert [each.get("from") for each in told[:5]] == ["10.20.4.7"] * 5
    assert [each.get("by") for each in told[:5]] == [None] * 5
    assert told[-1]["by"] == TESTER.words
    assert offer.secret not in repr(told)


def test_r18_who_has_no_address_gets_no_letter_and_what_is_undone_writes_none(store: Store, clock: SetClock) -> None:
    factors, user = second_factor(store, clock), person(store, clock)
    give_app(factors, user, clock)
    assert letters_about(store) == []
    people = People(store, clock, hasher=cheap_hasher())
    otto = add_person(people, "otto", email="otto@tidewater.example")
    with pytest.raises(InvalidValue):
        factors.add_app(otto, factors.offer_app(otto), "000", actor=TESTER)
    with pytest.raises(Conflict):
        factors.make_codes(otto, actor=TESTER)
    assert letters_about(store) == []
