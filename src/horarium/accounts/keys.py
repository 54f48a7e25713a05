"""Make one key for each use out of SECRET_KEY, which is never used itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from horarium.accounts.fingerprints import same
from horarium.keys import derive

__all__ = ["derive", "is_signed", "seal", "sign", "unseal"]

_NONCE_OCTETS: Final = 12


def sign(key: bytes, *parts: str) -> str:
    """Return a signature over `parts`, whose borders count."""
    digest = hmac.new(key, _joined(parts), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_signed(key: bytes, signature: str, *parts: str) -> bool:
    """Tell in constant time whether `signature` is the one over `parts`."""
    return same(sign(key, *parts), signature)


def seal(key: bytes, plain: bytes, *bound: str) -> str:
    """Return `plain` encrypted as text that only `unseal` with the same `key` and the same `bound` opens."""
    nonce = secrets.token_bytes(_NONCE_OCTETS)
    return base64.urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, plain, _joined(bound))).decode()


def unseal(key: bytes, sealed: str, *bound: str) -> bytes | None:
    """Return what was sealed, None if it was changed, or sealed with another key or for something else."""
    try:
        octets = base64.urlsafe_b64decode(sealed)
        return AESGCM(key).decrypt(octets[:_NONCE_OCTETS], octets[_NONCE_OCTETS:], _joined(bound))
    except (InvalidTag, ValueError):
        # ValueError: not base64, or too short to hold a nonce and a tag.
        return None


def _joined(parts: tuple[str, ...]) -> bytes:
    return "\0".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")
