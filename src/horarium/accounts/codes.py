"""Make and read the codes of the second step: those that an app shows for half a minute, and those on paper."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import datetime
from typing import Final

import pyotp

from horarium.accounts.fingerprints import fingerprint, same

DIGITS: Final = 6
SECONDS: Final = 30
DRIFT: Final = 1
"""How many steps the clock of a phone may be ahead or behind."""
RECOVERY_CODES: Final = 10
_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GROUPS: Final = 4
_GROUP: Final = 4
_MOST_TYPED: Final = 100


def new_secret() -> str:
    """Return a new secret for an app: 160 random bits in base32."""
    return pyotp.random_base32()


def address_of(secret: str, *, account: str, issuer: str) -> str:
    """Return what the QR code says: the secret, and what the app is to call it."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=SECONDS).provisioning_uri(name=account, issuer_name=issuer)


def step_of(secret: str, typed: str, now: datetime) -> int | None:
    """Return the time step whose code was typed, None if it is none of those that count at `now`."""
    code = plain(typed)
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    made = pyotp.TOTP(secret, digits=DIGITS, interval=SECONDS)
    present = int(now.timestamp()) // SECONDS
    steps = range(present - DRIFT, present + DRIFT + 1)
    # All of them are looked at, whichever fits: the time taken says nothing.
    fitting = [step for step in steps if same(made.generate_otp(step), code)]
    return max(fitting, default=None)


def new_recovery_codes() -> tuple[str, ...]:
    """Return new recovery codes of 80 random bits each, as they are written down: `ABCD-EFGH-JKLM-NPQR`."""
    return tuple("-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES))


def recovery_hash(user_id: int, typed: str) -> str:
    """Return the hash under which a person's recovery code is kept, however it was typed."""
    return fingerprint(f"recovery\0{user_id}\0{plain(typed)}")


def plain(typed: str) -> str:
    """Return a code without the blanks and dashes that people put into it, in capitals and plain digits."""
    usual = unicodedata.normalize("NFKC", typed[:_MOST_TYPED])
    return "".join(letter for letter in usual if letter.isalnum()).upper()


def _group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP))
