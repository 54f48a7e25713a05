"""Keep and compare random secrets without keeping them: needs nothing beyond the standard library."""

from __future__ import annotations

import hashlib
import hmac


def same(one: str, other: str) -> bool:
    """Compare two secrets without telling by the time where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def fingerprint(secret: str) -> str:
    """Return the hash under which a random secret is kept and looked up."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
