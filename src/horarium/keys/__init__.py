"""Make one key for each use out of SECRET_KEY, which is never used itself."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SALT: Final = b"horarium keys v1"


def derive(secret: bytes, label: str) -> bytes:
    """Return 32 bytes that belong to `label` alone: HKDF-SHA-256 over SECRET_KEY."""
    return HKDF(algorithm=SHA256(), length=32, salt=_SALT, info=label.encode()).derive(secret)
