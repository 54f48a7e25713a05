"""Keep passkeys: make them, and know people by them. What a page asks a browser goes out sealed and comes back once.

Nothing is kept between question and answer. A question holds for ten minutes and for the browser, or the person, that
it was made for; an answer counts only if its passkey was not used since the question, so none counts twice.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from horarium.accounts.factor_letters import Change, write_to_owner
from horarium.accounts.fingerprints import same
from horarium.accounts.keys import seal, unseal
from horarium.accounts.mentions import about
from horarium.accounts.names import checked_name
from horarium.accounts.people import found_in
from horarium.accounts.second_factor import codes_if_none, renew_epoch, settle_removal
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.clock import Clock, from_micros, to_micros
from horarium.errors import DuplicateKey, InvalidValue, SignInRefused
from horarium.records.actors import Actor
from horarium.records.people import User
from horarium.store.books.passkeys import Passkey, PasskeyBook
from horarium.store.port import Store

LABEL: Final = "passkeys"
"""What the key for questions is derived under."""
ASK_LASTS: Final = timedelta(minutes=10)
NAME_LIMIT: Final = 100
MOST: Final = 20
"""How many passkeys a person may have."""
_CHECKS: Final = "horarium.accounts.authenticators"
_MOST_ANSWER: Final = 20_000
_MOST_HANDLE: Final = 1400
_TRANSPORTS: Final = frozenset({"ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"})
_ALGORITHMS: Final = (-7, -8, -257)
"""ECDSA with SHA-256, EdDSA, RSA with SHA-256, by their COSE numbers: one of them every device can do."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks: the host that a passkey belongs to, the origin of the page, and the name that browsers show."""

    host: str
    origin: str
    title: str

    @property
    def is_possible(self) -> bool:
        """Tell whether passkeys work here: the package for them is there, and the host has a name."""
        return has_checks() and not _is_address(self.host)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a browser: the options as JSON, and the same sealed, which the form gives back with the answer."""

    options: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the browser's answer as JSON, the sealed question, who asked, and whom it was bound to."""

    text: str
    sealed: str
    party: Party
    bound: str


class Passkeys:
    """The passkeys of one store."""

    def __init__(self, store: Store, clock: Clock, *, key: bytes) -> None:
        """Work on `store`; questions are sealed with `key`."""
        self._store = store
        self._clock = clock
        self._key = key
        self._trail = Trail(store, clock)

    def ask_for_new(self, user: User, party: Party) -> Ask:
        """Return the question for a new passkey of somebody signed in, bound to their number."""
        challenge = secrets.token_bytes(32)
        with self._store.reading() as tx:
            known = PasskeyBook(tx).of_user(user.id)
        options = {
            "rp": {"id": party.host, "name": party.title},
            "user": {"id": _user_handle(user.id), "name": user.email or user.name, "displayName": user.words},
            "challenge": _text(challenge),
            "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in _ALGORITHMS],
            "timeout": int(ASK_LASTS.total_seconds() * 1000),
            "excludeCredentials": _descriptors(known),
            "authenticatorSelection": {"residentKey": "preferred", "userVerification": "preferred"},
            "attestation": "none",
        }
        return Ask(json.dumps(options), self._seal(challenge, "new", str(user.id)))

    def add(self, user: User, name: str, answer: Answer, *, actor: Actor) -> tuple[str, ...]:
        """Keep a new passkey under a name. Raises `InvalidValue` for the `name`, or for the `passkey` itself.

        Returns new recovery codes if the person had none; they are not kept and cannot be had again.
        """
        tidy = checked_name(name, limit=NAME_LIMIT)
        plain, now = _read(answer.text), self._clock.now()
        asked = self._opened(answer.sealed, "new", str(user.id))
        made = None if asked is None else _checks().made_by(plain, _expected(asked[0], answer.party))
        if made is None:
            raise InvalidValue("passkey", "(not shown)", "the device did not answer as it should; try once more")
        passkey = Passkey(0, user.id, made.handle, made.public_key, made.sign_count, tidy, _transports(plain), now)
        try:
            with self._store.transaction() as tx:
                renew_epoch(tx, user.id)
                if len(PasskeyBook(tx).of_user(user.id)) >= MOST:
                    raise InvalidValue("passkey", tidy, f"{MOST} are enough; remove one first")
                PasskeyBook(tx).add(passkey)
                codes = codes_if_none(tx, user.id, now)
                write_to_owner(tx, user, Change.PASSKEY_ADDED, actor=actor, at=now, passkey=tidy)
                self._trail.note(tx, actor, Action.FACTOR_ADDED, about(user), factor="passkey", name=tidy)
        except DuplicateKey:
            raise InvalidValue("passkey", tidy, "this device is known already") from None
        return codes

    def rename(self, user: User, passkey_id: int, name: str, *, actor: Actor) -> bool:
        """Call one of a person's passkeys something else; return False if it is not theirs or is gone.

        Raises `InvalidValue` for the `name`.
        """
        tidy = checked_name(name, limit=NAME_LIMIT)
        with self._store.transaction() as tx:
            names = {each.id: each.name for each in PasskeyBook(tx).of_user(user.id)}
            if not PasskeyBook(tx).rename(user.id, passkey_id, tidy):
                return False
            if names[passkey_id] != tidy:
                before, after = {"name": names[passkey_id]}, {"name": tidy}
                self._trail.note(tx, actor, Action.PASSKEY_RENAMED, about(user), before=before, after=after)
        return True

    def remove(self, user: User, passkey_id: int, *, actor: Actor) -> bool:
        """Remove one of a person's passkeys; return False if it is not theirs or is gone."""
        with self._store.transaction() as tx:
            found_in(tx, user.id, lock=True)
            names = {each.id: each.name for each in PasskeyBook(tx).of_user(user.id)}
            if not PasskeyBook(tx).remove(user.id, passkey_id):
                return False
            settle_removal(tx, user.id)
            name = names.get(passkey_id, "")
            write_to_owner(tx, user, Change.PASSKEY_REMOVED, actor=actor, at=self._clock.now(), passkey=name)
            self._trail.note(tx, actor, Action.FACTOR_REMOVED, about(user), factor="passkey", name=name)
        return True

    def ask(self, party: Party, bound: str, *, user: User | None = None) -> Ask:
        """Return the question for a passkey: any of `user`, or, without one, whichever the browser has.

        `bound` is what the answer must come with: the mark of the browser, or of the person.
        """
        challenge = secrets.token_bytes(32)
        known: list[Passkey] = []
        if user is not None:
            with self._store.reading() as tx:
                known = PasskeyBook(tx).of_user(user.id)
        options = {
            "rpId": party.host,
            "challenge": _text(challenge),
            "timeout": int(ASK_LASTS.total_seconds() * 1000),
            "allowCredentials": _descriptors(known),
            "userVerification": "required" if user is None else "preferred",
        }
        return Ask(json.dumps(options), self._seal(challenge, "use", bound))

    def take(self, answer: Answer, *, user: User | None = None) -> User:
        """Return whose passkey answered; only one of `user` counts where that is given. Raises `SignInRefused`.

        Without `user` the device must have checked PIN, finger or face: it then stands for password and second step.
        """
        asked = self._opened(answer.sealed, "use", answer.bound)
        plain = _read(answer.text)
        with self._store.reading() as tx:
            found = PasskeyBook(tx).by_handle(_handle(plain))
        if asked is None or found is None:
            raise SignInRefused("that passkey is not known here, or the question was too old")
        passkey, owner = found
        if not owner.is_enabled or (user is not None and owner.id != user.id) or not _is_of(plain, owner.id):
            raise SignInRefused("that passkey is not known here")
        challenge, asked_at = asked
        expected = _expected(challenge, answer.party, verified=user is None)
        count = _checks().count_of(plain, expected, public_key=passkey.public_key, sign_count=passkey.sign_count)
        if count is None or not self._used(passkey, count, asked_at):
            raise SignInRefused("that passkey did not answer as it should")
        return owner

    def _used(self, passkey: Passkey, count: int, asked_at: datetime) -> bool:
        with self._store.transaction() as tx:
            return PasskeyBook(tx).use(passkey, sign_count=count, asked_at=asked_at, at=self._clock.now())

    def _seal(self, challenge: bytes, purpose: str, bound: str) -> str:
        note = {"challenge": _text(challenge), "at": to_micros(self._clock.now())}
        return seal(self._key, json.dumps(note).encode(), purpose, bound)

    def _opened(self, sealed: str, purpose: str, bound: str) -> tuple[bytes, datetime] | None:
        found = unseal(self._key, sealed, purpose, bound) if bound else None
        if found is None:
            return None
        note = json.loads(found)
        asked_at = from_micros(note["at"])
        return (_octets(note["challenge"]), asked_at) if self._clock.now() - asked_at <= ASK_LASTS else None


@cache
def has_checks() -> bool:
    """Tell whether the package that checks passkeys is installed."""
    return find_spec("webauthn") is not None


def _checks() -> Any:
    # Loaded when the first passkey is used: it is dear, optional, and most processes never need it.
    return import_module(_CHECKS)


def _expected(challenge: bytes, party: Party, *, verified: bool = False) -> Any:
    return _checks().Expected(challenge, party.host, party.origin, verified=verified)


def _read(answer: str) -> dict[str, Any]:
    try:
        found = json.loads(answer) if len(answer) <= _MOST_ANSWER else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _handle(answer: dict[str, Any]) -> str:
    """Return the handle in an answer, empty for what can be none: not every text can be looked up in every store."""
    found = str(answer.get("id", ""))
    return found if len(found) <= _MOST_HANDLE and found.isascii() and found.isprintable() else ""


def _transports(answer: dict[str, Any]) -> tuple[str, ...]:
    response = answer.get("response")
    named = response.get("transports") if isinstance(response, dict) else None
    return tuple(sorted(_TRANSPORTS & {str(each) for each in named})) if isinstance(named, list) else ()


def _descriptors(known: list[Passkey]) -> list[dict[str, Any]]:
    return [{"type": "public-key", "id": each.handle, "transports": list(each.transports)} for each in known]


def _is_of(answer: dict[str, Any], user_id: int) -> bool:
    """Tell whether the person that the device names, if it names one, is this one."""
    response = answer.get("response")
    named = response.get("userHandle") if isinstance(response, dict) else None
    return not named or same(str(named).rstrip("="), _user_handle(user_id))


def _user_handle(user_id: int) -> str:
    return _text(f"user {user_id}".encode())


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
