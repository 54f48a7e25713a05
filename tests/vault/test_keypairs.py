"""Keys for SSH are made in the vault: the public half is told, the private one to tasks alone."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from horarium.audit.trail import Trail
from horarium.errors import InvalidValue
from horarium.vault.credentials import NewCredential
from horarium.vault.keypairs import UnreadableKey, completed, public_half, read_key, with_new_key
from horarium.vault.moving import holds
from tests.support.people import made_up
from tests.support.vault import HOST, House


def pem(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("passphrase", ["", "with one"])
def test_a_new_key_is_ed25519_and_its_halves_belong_together(passphrase: str) -> None:
    secret = passphrase and made_up()
    made = with_new_key("ssh_key", {"username": "deploy", "passphrase": secret})
    key = read_key(made["private_key"], secret)
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    assert made["public_key"] == public_half(key)
    assert made["public_key"].startswith("ssh-ed25519 ")
    if secret:
        with pytest.raises(UnreadableKey, match="protected"):
            read_key(made["private_key"], None)
    again = with_new_key("ssh_key", {"username": "deploy"})
    assert again["private_key"] != made["private_key"]


def test_r72_the_private_half_stands_nowhere_and_tasks_get_it(house: House, trail: Trail) -> None:
    fields = with_new_key("ssh_key", {"username": "deploy"})
    wanted = NewCredential(name="deploy", kind="ssh_key", fields=fields)
    found = house.credentials.add(wanted, asker=HOST).credential
    assert found.open_fields == {"username": "deploy", "public_key": fields["public_key"]}
    given = house.opened(house.task("report", "deploy"), "deploy")
    assert public_half(read_key(given["private_key"], None)) == fields["public_key"]
    told = [repr(wanted), repr(found), *map(str, trail.page())]
    middle = fields["private_key"].splitlines()[2]
    assert not [each for each in told if middle in each]


def test_the_public_half_of_a_key_that_somebody_brings_is_read_off_it(house: House) -> None:
    first, second = ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)
    wanted = NewCredential(name="deploy", kind="ssh_key", fields={"username": "x", "private_key": pem(first)})
    found = house.credentials.add(wanted, asker=HOST).credential
    assert found.open_fields["public_key"] == public_half(first)
    # What stands there of the key before is not taken for the half of the new one.
    fields = {**found.open_fields, "private_key": pem(second)}
    after = house.credentials.replace(found.id, fields, asker=HOST).credential
    assert after.open_fields["public_key"] == public_half(second)
    assert after.open_fields["public_key"].startswith("ssh-rsa ")
    assert holds(house.vault, found.id, {"username": "x", "private_key": pem(second)})


def test_what_is_no_key_or_protected_stays_as_it_was_given() -> None:
    protected = with_new_key("ssh_key", {"passphrase": made_up()})
    mine = {**protected, "public_key": "ssh-ed25519 of mine"}
    assert completed("ssh_key", mine) == mine
    assert completed("ssh_key", {"private_key": "no key"}) == {"private_key": "no key"}
    assert completed("custom", {"private_key": pem(ed25519.Ed25519PrivateKey.generate())}).keys() == {"private_key"}


def test_a_key_is_made_for_its_kind_alone_and_never_over_another() -> None:
    with pytest.raises(InvalidValue, match="kind ssh_key"):
        with_new_key("token", {})
    hidden = made_up()
    with pytest.raises(InvalidValue, match="leave it out") as caught:
        with_new_key("ssh_key", {"private_key": hidden})
    assert hidden not in str(caught.value)
