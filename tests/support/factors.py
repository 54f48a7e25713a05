"""What a test of the second step needs: the parts put together, a phone with an app, and a device with passkeys."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import pyotp
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from horarium.accounts.passkeys import Party, Passkeys
from horarium.accounts.second_factor import SecondFactor
from horarium.accounts.second_step import Rule, SecondStep
from horarium.accounts.throttle import Limit, Throttle
from horarium.clock import Clock
from horarium.records.people import User
from horarium.store.port import Store
from tests.support.people import TESTER

KEY = b"k" * 32
PARTY = Party("localhost", "http://localhost", "Tidewater")
_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


def second_factor(store: Store, clock: Clock, key: bytes = KEY) -> SecondFactor:
    """Return the apps and recovery codes of a store."""
    return SecondFactor(store, clock, key=key, issuer="Horarium")


def second_step(
    store: Store,
    clock: Clock,
    *,
    throttle: Throttle | None = None,
    limit: Limit | None = None,
    rule: Rule | None = None,
) -> SecondStep:
    """Return the second step of a store."""
    limited = Throttle(store, clock) if limit is None else Throttle(store, clock, per_account=limit)
    return SecondStep(
        store,
        clock,
        factor=second_factor(store, clock),
        passkeys=Passkeys(store, clock, key=KEY),
        throttle=throttle or limited,
        secret=KEY,
        rule=rule,
    )


def code_at(secret: str, clock: Clock, steps: int = 0) -> str:
    """Return what an app shows now, or `steps` half minutes from now."""
    return pyotp.TOTP(secret.replace(" ", "")).generate_otp(int(clock.now().timestamp()) // 30 + steps)


def give_app(factors: SecondFactor, user: User, clock: Clock) -> tuple[str, tuple[str, ...]]:
    """Set up an app for somebody; return its secret and their recovery codes. The code of this half minute is used."""
    offer = factors.offer_app(user)
    return offer.secret, factors.add_app(user, offer, code_at(offer.secret, clock), actor=TESTER)


@dataclass
class Device:
    """A device that makes passkeys and answers by them; each answer is made with what is set here at that moment."""

    origin: str = PARTY.origin
    verifies: bool = True
    count: int = 0
    handle: bytes = field(default_factory=lambda: secrets.token_bytes(24))
    user: str | None = None
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def create(self, options: str) -> str:
        """Answer the question for a new passkey."""
        asked = json.loads(options)
        self.user = asked["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        made = bytes(16) + struct.pack(">H", len(self.handle)) + self.handle + cbor(cose)
        data = self._data(asked["rp"]["id"], _ATTESTED) + made
        attestation = cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        response = {"attestationObject": text(attestation), "transports": ["internal", "made-up"]}
        return self._answer({"clientDataJSON": text(client), **response})

    def get(self, options: str) -> str:
        """Answer the question for a passkey."""
        asked = json.loads(options)
        data = self._data(asked["rpId"], 0)
        client = self._client("webauthn.get", asked["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ECDSA(SHA256()))
        response = {"authenticatorData": text(data), "signature": text(signature), "userHandle": self.user}
        return self._answer({"clientDataJSON": text(client), **response})

    def _data(self, host: str, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        return hashlib.sha256(host.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        handle = text(self.handle)
        return json.dumps({"id": handle, "rawId": handle, "type": "public-key", "response": response})


def cbor(value: Any) -> bytes:
    """Return numbers, octets, texts and maps of them as CBOR, the way devices write."""
    match value:
        case int():
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            return _head(3, len(value.encode())) + value.encode()
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(each) for key, each in value.items())


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    return bytes([kind << 5 | 24, number]) if number < 256 else bytes([kind << 5 | 25]) + struct.pack(">H", number)


def text(octets: bytes) -> str:
    """Return base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
