"""What is sealed opens with its key in its place, and nowhere else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horarium.vault.cipher import Binding, MasterKey, Unopened, new_data_key, open_fields, seal_fields
from tests.support.people import made_up
from tests.support.vault import new_secret

HERE = Binding(7, 3, 1)
ELSEWHERE = [Binding(8, 3, 1), Binding(7, 4, 1), Binding(7, 3, 2)]


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=200), max_size=5))
def test_what_was_sealed_opens_again(values: dict[str, str]) -> None:
    values = {name: text for name, text in values.items() if _writable(name) and _writable(text)}
    key = new_data_key()
    assert open_fields(key, seal_fields(key, values, HERE), HERE) == values


def _writable(text: str) -> bool:
    return text == text.encode("utf-8", "ignore").decode()


def test_r66_each_of_10000_seals_of_one_secret_has_a_nonce_of_its_own() -> None:
    key, value = new_data_key(), made_up()
    nonces = {
        base64.urlsafe_b64decode(seal_fields(key, {"password": value}, HERE)["password"])[:12] for _ in range(10_000)
    }
    assert len(nonces) == 10_000


@pytest.mark.parametrize("place", ELSEWHERE)
def test_r66_a_sealed_value_opens_only_where_it_was_sealed(place: Binding) -> None:
    key = new_data_key()
    sealed = seal_fields(key, {"password": made_up()}, HERE)
    with pytest.raises(Unopened):
        open_fields(key, sealed, place)
    with pytest.raises(Unopened):
        open_fields(key, {"token": sealed["password"]}, HERE)
    with pytest.raises(Unopened):
        open_fields(new_data_key(), sealed, HERE)


@pytest.mark.parametrize("place", ELSEWHERE)
def test_r66_a_data_key_is_wrapped_for_one_version_of_one_owner(place: Binding) -> None:
    master, data_key = MasterKey.of(new_secret()), new_data_key()
    wrapped = master.wrap(data_key, HERE)
    assert master.unwrap(wrapped, HERE) == data_key
    with pytest.raises(Unopened):
        master.unwrap(wrapped, place)
    with pytest.raises(Unopened):
        MasterKey.of(new_secret()).unwrap(wrapped, HERE)


def test_r70_a_flip_in_any_of_its_bytes_is_noticed() -> None:
    key = new_data_key()
    octets = base64.urlsafe_b64decode(seal_fields(key, {"token": made_up()}, HERE)["token"])
    for position in range(len(octets)):
        changed = bytearray(octets)
        changed[position] ^= 1
        with pytest.raises(Unopened):
            open_fields(key, {"token": base64.urlsafe_b64encode(changed).decode()}, HERE)


@pytest.mark.parametrize("text", ["", "A", "not base64!", "AAAA", "é", base64.urlsafe_b64encode(b"x" * 12).decode()])
def test_what_is_no_sealed_text_is_not_opened(text: str) -> None:
    with pytest.raises(Unopened):
        open_fields(new_data_key(), {"token": text}, HERE)


def test_r67_secret_key_is_used_for_nothing_itself_and_each_key_knows_its_own_check_value() -> None:
    secret = new_secret()
    one, other = MasterKey.of(secret), MasterKey.of(new_secret())
    assert one.id == MasterKey.of(secret).id != other.id
    assert one.opens_check(one.check_value())
    assert not other.opens_check(one.check_value())
    assert not one.opens_check("")
    assert secret.decode() not in repr(one) + one.check_value()
    assert "_wrapping" not in repr(one)


def test_r62_a_fingerprint_tells_values_apart_and_says_nothing_about_them() -> None:
    one, other = MasterKey.of(new_secret()), MasterKey.of(new_secret())
    values = {"user": "ana", "password": made_up()}
    mark = one.fingerprint(7, values)
    assert mark == one.fingerprint(7, dict(reversed(values.items())))
    # The same values elsewhere, or under another key, have another mark: marks cannot be compared across.
    assert len({mark, one.fingerprint(8, values), other.fingerprint(7, values)}) == 3
    assert mark != one.fingerprint(7, {**values, "password": made_up()})
    assert one.fingerprint(7, {"a": "b\nc\n1\nd"}) != one.fingerprint(7, {"a": "b", "c": "d"})
