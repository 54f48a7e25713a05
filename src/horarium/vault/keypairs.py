"""Read private keys for SSH, make new ones, and tell the public half of each, which is no secret."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x448, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from horarium.errors import InvalidValue

KIND: Final = "ssh_key"
PRIVATE: Final = "private_key"
PUBLIC: Final = "public_key"
PASSPHRASE: Final = "passphrase"  # noqa: S105 - the name of a field
_SSH_KEY: Final = "-----BEGIN OPENSSH PRIVATE KEY-----"

PrivateKey = (
    rsa.RSAPrivateKey
    | dsa.DSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | x25519.X25519PrivateKey
    | x448.X448PrivateKey
)


class UnreadableKey(ValueError):
    """What was given as a private key is none, or none that can be read. The message says no part of it."""


def read_key(text: str, passphrase: str | None) -> PrivateKey:
    """Return a private key as its file reads. Raises `UnreadableKey`."""
    load = load_ssh_private_key if text.lstrip().startswith(_SSH_KEY) else load_pem_private_key
    secret = passphrase.encode() if passphrase else None
    octets = text.strip().replace("\r\n", "\n").encode() + b"\n"
    try:
        return load(octets, secret)  # type: ignore[return-value]
    except TypeError:
        words = "it is protected with a passphrase" if secret is None else "it has no passphrase, and one is given"
        raise UnreadableKey(f"the private key cannot be read: {words}") from None
    except UnsupportedAlgorithm:
        raise UnreadableKey("the private key is of a sort that is not known here") from None
    except ValueError:
        words = "is it whole?" if secret is None else "is it whole, and is that its passphrase?"
        raise UnreadableKey(f"the private key cannot be read: {words}") from None


def public_half(key: PrivateKey) -> str:
    """Return the public half of a private key, as a line of `authorized_keys`. Raises `UnreadableKey`."""
    try:
        return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    except (ValueError, UnsupportedAlgorithm):
        raise UnreadableKey("it is a private key, but none for SSH") from None


def with_new_key(kind: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the values with a private key that was made this moment: Ed25519, under the passphrase if one is given.

    Raises `InvalidValue` for another kind, and where a private key is given already.
    """
    if kind != KIND:
        raise InvalidValue("kind", kind, f"a key is made for credentials of kind {KIND}")
    if fields.get(PRIVATE):
        raise InvalidValue(PRIVATE, "(not shown)", "leave it out where a new one is to be made")
    passphrase = fields.get(PASSPHRASE)
    way: KeySerializationEncryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    made = ed25519.Ed25519PrivateKey.generate()
    private = made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, way).decode("ascii")
    return {**fields, PRIVATE: private, PUBLIC: public_half(made)}


def completed(kind: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a credential with what follows from them: of a private key its public half.

    Whatever stood in its place for another key is not kept. What is no key, or protected, stays as it was given: a
    protected one says itself how long it takes to be opened.
    """
    found = dict(fields)
    private = found.get(PRIVATE)
    if kind == KIND and isinstance(private, str) and private and not found.get(PASSPHRASE):
        with contextlib.suppress(UnreadableKey, UnicodeEncodeError):
            found[PUBLIC] = public_half(read_key(private, None))
    return found
