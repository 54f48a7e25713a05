"""Seal and open: AES-256-GCM with keys from SECRET_KEY, each text bound to the place it stands in.

`docs/reference/vault-format.md` says the same so exactly that another program can open a value.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from horarium.keys import derive

FORMAT: Final = "horarium vault 1"
CHECK_TEXT: Final = b"horarium vault"
_NONCE_OCTETS: Final = 12
_KEY_OCTETS: Final = 32
_KEY_ID_DIGITS: Final = 16
_FINGERPRINT_DIGITS: Final = 12


class Unopened(Exception):
    """Report a sealed text that this key does not open in this place; never leaves this room."""


@dataclass(frozen=True, slots=True)
class Binding:
    """The place of a version, which everything in it is bound to: its credential, that one's owner, its number."""

    credential_id: int
    owner_id: int
    version: int

    @property
    def parts(self) -> tuple[str, str, str]:
        """Return the place as it stands in what is authenticated."""
        return str(self.credential_id), str(self.owner_id), str(self.version)


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The key that data keys are wrapped with, known by its number; made of one SECRET_KEY."""

    id: str
    _wrapping: bytes = field(repr=False)
    _marking: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> Self:
        """Return the master key that belongs to a SECRET_KEY."""
        wrapping = derive(secret, "vault")
        number = hmac.new(wrapping, f"{FORMAT} key id".encode(), hashlib.sha256).hexdigest()[:_KEY_ID_DIGITS]
        return cls(number, wrapping, derive(secret, "vault fingerprint"))

    def check_value(self) -> str:
        """Return a text that only this key opens, by which it is known before anything is written with it."""
        return _seal(self._wrapping, CHECK_TEXT, "check", self.id)

    def opens_check(self, check_value: str) -> bool:
        """Tell whether a check value was made with this key."""
        try:
            return _open(self._wrapping, check_value, "check", self.id) == CHECK_TEXT
        except Unopened:
            return False

    def wrap(self, data_key: bytes, binding: Binding) -> str:
        """Return a data key as it is kept."""
        return _seal(self._wrapping, data_key, "key", self.id, *binding.parts)

    def unwrap(self, wrapped: str, binding: Binding) -> bytes:
        """Return the data key of a version. Raises `Unopened`."""
        return _open(self._wrapping, wrapped, "key", self.id, *binding.parts)

    def fingerprint(self, credential_id: int, values: Mapping[str, str]) -> str:
        """Return a short mark by which two versions are told apart; it says nothing about the values."""
        digest = hmac.new(self._marking, f"{FORMAT}\nfingerprint\n{credential_id}\n".encode(), hashlib.sha256)
        for name in sorted(values):
            octets = values[name].encode()
            digest.update(f"{name}\n{len(octets)}\n".encode() + octets)
        return digest.hexdigest()[:_FINGERPRINT_DIGITS]


def new_data_key() -> bytes:
    """Return a fresh key for one version."""
    return secrets.token_bytes(_KEY_OCTETS)


def seal_fields(data_key: bytes, values: Mapping[str, str], binding: Binding) -> dict[str, str]:
    """Return each value sealed, with a nonce of its own, bound to its name."""
    return {name: _seal(data_key, text.encode(), "value", *binding.parts, name) for name, text in values.items()}


def open_fields(data_key: bytes, sealed: Mapping[str, str], binding: Binding) -> dict[str, str]:
    """Return the values again. Raises `Unopened` if any of them was changed, moved or sealed elsewhere."""
    return {name: _open(data_key, text, "value", *binding.parts, name).decode() for name, text in sealed.items()}


def _seal(key: bytes, plain: bytes, *place: str) -> str:
    nonce = secrets.token_bytes(_NONCE_OCTETS)
    return base64.urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, plain, _bound(place))).decode()


def _open(key: bytes, sealed: str, *place: str) -> bytes:
    try:
        octets = base64.b64decode(sealed.encode(), altchars=b"-_", validate=True)
        return AESGCM(key).decrypt(octets[:_NONCE_OCTETS], octets[_NONCE_OCTETS:], _bound(place))
    except (InvalidTag, binascii.Error, ValueError, UnicodeError):
        raise Unopened from None


def _bound(place: tuple[str, ...]) -> bytes:
    # Unmistakable: numbers and marks hold no line break, and the name of a field, which might, stands last.
    return "\n".join((FORMAT, *place)).encode()
