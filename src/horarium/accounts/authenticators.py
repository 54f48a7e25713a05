"""Check what passkeys answer: the one module that needs the optional package `webauthn`, loaded when it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException


@dataclass(frozen=True, slots=True)
class Made:
    """A passkey that was just made: its handle and public key in base64 for addresses, and its count."""

    handle: str
    public_key: str
    sign_count: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer must be to: the challenge, the host and origin of the page; `verified` asks for PIN or finger."""

    challenge: bytes
    host: str
    origin: str
    verified: bool = False


def made_by(answer: dict[str, Any], expected: Expected) -> Made | None:
    """Return the passkey that an answer to `navigator.credentials.create` tells of, None if it does not hold."""
    try:
        found = verify_registration_response(
            credential=answer,
            expected_challenge=expected.challenge,
            expected_rp_id=expected.host,
            expected_origin=expected.origin,
            require_user_verification=expected.verified,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        # The others come from answers that are no answers: the package does not name every malformed one.
        return None
    return Made(
        bytes_to_base64url(found.credential_id), bytes_to_base64url(found.credential_public_key), found.sign_count
    )


def count_of(answer: dict[str, Any], expected: Expected, *, public_key: str, sign_count: int) -> int | None:
    """Return the new count of the passkey that answered `navigator.credentials.get`, None if it does not hold."""
    try:
        found = verify_authentication_response(
            credential=answer,
            expected_challenge=expected.challenge,
            expected_rp_id=expected.host,
            expected_origin=expected.origin,
            credential_public_key=base64url_to_bytes(public_key),
            credential_current_sign_count=sign_count,
            require_user_verification=expected.verified,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        return None
    return int(found.new_sign_count)
