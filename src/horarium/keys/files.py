"""Seal whole files: AES-256-GCM in chunks, so that a file of any size is sealed and opened as a stream.

A sealed file is a head and chunks. The head: eight octets that name the format, the number of the key as sixteen
hexadecimal digits, sixteen octets of salt. The key of the file comes from that salt, so no two files share one. Each
chunk is bound to the head and to its place; the last one is marked, so that nothing can be left out or moved.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from horarium.keys import derive

MAGIC: Final = b"HORABK1\n"
CHUNK: Final = 1024 * 1024
TAG: Final = 16
_ID_DIGITS: Final = 16
_SALT_OCTETS: Final = 16
HEAD: Final = len(MAGIC) + _ID_DIGITS + _SALT_OCTETS


class NotSealed(ValueError):
    """Report a file that is no sealed one."""


class OtherKey(ValueError):
    """Report a file that is sealed with a key of another number."""

    def __init__(self, key_id: str) -> None:
        """Keep the number of the key that the file was sealed with."""
        self.key_id = key_id
        super().__init__(key_id)


class NotWhole(ValueError):
    """Report a sealed file that was changed or cut off."""


@dataclass(frozen=True, slots=True)
class FileKey:
    """A key for sealing files, known by its number."""

    id: str
    _octets: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> Self:
        """Return the key that belongs to a secret: SECRET_KEY, or one of its own."""
        octets = derive(secret, "backup file")
        number = hmac.new(octets, b"horarium backup key id", hashlib.sha256).hexdigest()[:_ID_DIGITS]
        return cls(number, octets)

    def seal(self, plain: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the sealed file that holds `plain`, piece by piece."""
        salt = secrets.token_bytes(_SALT_OCTETS)
        head = MAGIC + self.id.encode() + salt
        cipher = self._cipher(salt)
        yield head
        for place, (chunk, is_last) in enumerate(_chunks(plain)):
            yield cipher.encrypt(_nonce(place, is_last=is_last), chunk, head)

    def open(self, file: IO[bytes]) -> Iterator[bytes]:
        """Yield what a sealed file holds; each piece is proved before it is given out, the last one proves the whole.

        Raises `NotSealed`, `OtherKey`, `NotWhole`.
        """
        head = file.read(HEAD)
        if key_id_of(head) != self.id:
            raise OtherKey(key_id_of(head))
        cipher = self._cipher(head[-_SALT_OCTETS:])
        place, sealed = 0, file.read(CHUNK + TAG)
        while True:
            after = file.read(CHUNK + TAG)
            try:
                yield cipher.decrypt(_nonce(place, is_last=not after), sealed, head)
            except (InvalidTag, ValueError) as error:
                raise NotWhole("the sealed file was changed or cut off") from error
            if not after:
                return
            place, sealed = place + 1, after

    def _cipher(self, salt: bytes) -> AESGCM:
        made = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"horarium backup file 1").derive(self._octets)
        return AESGCM(made)


def key_id_of(head: bytes) -> str:
    """Return the number of the key that a file with this head was sealed with. Raises `NotSealed`."""
    if len(head) < HEAD or not head.startswith(MAGIC):
        raise NotSealed("this is no sealed file")
    return head[len(MAGIC) : len(MAGIC) + _ID_DIGITS].decode("ascii", "replace")


def _chunks(plain: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield chunks of one size, the last one of what is left, with whether it is the last."""
    held = bytearray()
    for piece in plain:
        held += piece
        # One more octet than a chunk: only then it is certain that the chunk is not the last.
        while len(held) > CHUNK:
            yield bytes(held[:CHUNK]), False
            del held[:CHUNK]
    yield bytes(held), True


def _nonce(place: int, *, is_last: bool) -> bytes:
    return place.to_bytes(11, "big") + bytes([is_last])
