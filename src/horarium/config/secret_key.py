"""Make a secret key, and tell why one is too weak."""

from __future__ import annotations

import math
import secrets
from collections import Counter
from itertools import pairwise
from typing import Final

NEEDED_BITS: Final = 256
HOW_TO_MAKE: Final = 'make one with `horarium init` or `python3 -c "import secrets; print(secrets.token_hex(32))"`'

_PLACEHOLDERS: Final = (
    "change",
    "secret",
    "placeholder",
    "example",
    "replace",
    "insert",
    "password",
    "horarium",
    "sample",
)
_HEX: Final = frozenset("0123456789abcdef")


def new_secret_key() -> str:
    """Return a fresh key: 32 random bytes as 64 hexadecimal digits."""
    return secrets.token_hex(32)


def weakness(key: str) -> str | None:
    """Return why `key` is refused, as the end of a sentence about it, or None for a good one; never shows the key."""
    bare = key.strip()
    if not bare:
        return "is not set"
    lowered = bare.lower()
    if any(word in lowered for word in _PLACEHOLDERS):
        return "is a placeholder"
    if any(not sign.isprintable() or sign.isspace() for sign in bare):
        return "contains blanks or control characters, which a random key does not"
    if len(bare) < 32:
        return f"has only {len(bare)} characters"
    if _is_pattern(bare) or _strength_bits(bare) < NEEDED_BITS or _spread_bits(bare) < NEEDED_BITS * 0.7:
        return "is too easy to guess: it needs 32 random bytes, which are 64 hexadecimal digits"
    return None


def _strength_bits(key: str) -> float:
    """Return how many bits a random key of this length and kind of signs has."""
    signs = set(key.rstrip("="))
    length = len(key.rstrip("="))
    if signs <= _HEX or signs <= {sign.upper() for sign in _HEX}:
        return length * math.log2(10 if all(sign.isdigit() for sign in signs) else 16)
    if any(sign.islower() for sign in signs) and any(sign.isupper() for sign in signs):
        # Base64 in either alphabet; a short key may by chance show no digit.
        return length * 6.0
    return length * math.log2(36)


def _spread_bits(key: str) -> float:
    """Return the bits that the frequencies of its signs allow; a random key of any length needed stays above 70 %."""
    total = len(key)
    return -sum(count * math.log2(count / total) for count in Counter(key).values())


def _is_pattern(key: str) -> bool:
    """Tell whether the key repeats a shorter text or counts upwards or downwards for most of its length."""
    if (key + key).find(key, 1) < len(key):
        return True
    steps = [ord(after) - ord(before) for before, after in pairwise(key)]
    return sum(abs(step) <= 1 for step in steps) > len(steps) / 2
