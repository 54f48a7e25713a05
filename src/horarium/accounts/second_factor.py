"""Keep what people prove themselves by beside a password: an authenticator app, and recovery codes for when it is lost.

Passkeys are a second step as well; they live in `accounts.passkeys` and share the recovery codes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from horarium.accounts.codes import address_of, new_recovery_codes, new_secret, plain, recovery_hash, step_of
from horarium.accounts.factor_letters import Change, write_to_owner
from horarium.accounts.keys import seal, sign, unseal
from horarium.accounts.mentions import about
from horarium.accounts.people import found_in
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.clock import Clock, to_micros
from horarium.errors import Conflict, InvalidValue, SignInRefused
from horarium.records.actors import Actor
from horarium.records.people import User
from horarium.store.books.factors import AppFactor, FactorBook, RecoveryBook
from horarium.store.books.passkeys import Passkey, PasskeyBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.signins import SessionBook
from horarium.store.port import Store, Transaction

log = logging.getLogger("horarium.accounts")

LABEL: Final = "second factor"
"""What the key for the secrets of apps is derived under."""
OFFER_LASTS: Final = timedelta(minutes=30)
APP: Final = "totp"
RECOVERY: Final = "code"
_WRONG_CODE: Final = "type the 6 digits that the app shows now"
_OFFER_OVER: Final = "it has run out: begin again with a new key"
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has: since when an app, which passkeys, and how many recovery codes of how many."""

    app_since: datetime | None
    passkeys: tuple[Passkey, ...]
    codes_left: int
    codes_made: int

    @property
    def has_any(self) -> bool:
        """Tell whether signing in takes a second step."""
        return self.app_since is not None or bool(self.passkeys)


@dataclass(frozen=True, slots=True)
class AppOffer:
    """A new secret for an app, which counts once a code of it was shown: `address` is what the QR code says.

    `sealed` goes along with the form, so that nothing is kept until then.
    """

    secret: str
    address: str
    sealed: str


class SecondFactor:
    """The authenticator apps and recovery codes of one store."""

    def __init__(self, store: Store, clock: Clock, *, key: bytes, issuer: str) -> None:
        """Work on `store`; secrets are sealed with `key`, and apps call them by the name of the `issuer`."""
        self._store = store
        self._clock = clock
        self._key = key
        self._issuer = issuer
        self._trail = Trail(store, clock)

    def of(self, user_id: int) -> Factors:
        """Return what a person has."""
        with self._store.reading() as tx:
            app = FactorBook(tx).app(user_id)
            left, made = RecoveryBook(tx).counts(user_id)
            passkeys = tuple(PasskeyBook(tx).of_user(user_id))
        return Factors(app.created_at if app else None, passkeys, left, made)

    def kinds(self, user_ids: Collection[int]) -> dict[int, frozenset[str]]:
        """Return what people have as a second step, `app` and `passkey`; whoever has none is left out."""
        with self._store.reading() as tx:
            return FactorBook(tx).kinds(user_ids)

    def offer_app(self, user: User) -> AppOffer:
        """Return a new secret for a person's app; it means nothing before `add_app`."""
        secret = new_secret()
        note = {"secret": secret, "until": to_micros(self._clock.now() + OFFER_LASTS)}
        return self._offer(user, secret, seal(self._key, json.dumps(note).encode(), *_offered(user)))

    def offered(self, user: User, sealed: str) -> AppOffer:
        """Return an offer once more. Raises `InvalidValue` if it has run out or is somebody else's."""
        opened = unseal(self._key, sealed, *_offered(user))
        note: dict[str, Any] = json.loads(opened) if opened is not None else {"until": 0}
        if note["until"] < to_micros(self._clock.now()):
            raise InvalidValue("key", "(not shown)", _OFFER_OVER)
        return self._offer(user, note["secret"], sealed)

    def add_app(self, user: User, offer: AppOffer, code: str, *, actor: Actor) -> tuple[str, ...]:
        """Take an app into use, in place of an earlier one, if `code` is what it shows now. Raises `InvalidValue`.

        Returns new recovery codes if the person had none; they are not kept and cannot be had again.
        """
        now = self._clock.now()
        step = step_of(offer.secret, code, now)
        if step is None:
            raise InvalidValue("code", "(not shown)", _WRONG_CODE)
        app = AppFactor(user.id, key_id_of(self._key), self._sealed(user.id, offer.secret), now, step)
        with self._store.transaction() as tx:
            renew_epoch(tx, user.id)
            FactorBook(tx).put_app(app)
            codes = codes_if_none(tx, user.id, now)
            write_to_owner(tx, user, Change.APP_ADDED, actor=actor, at=now)
            self._trail.note(tx, actor, Action.FACTOR_ADDED, about(user), factor="app")
        return codes

    def remove_app(self, user: User, *, actor: Actor) -> bool:
        """Take a person's app out of use; return False if there was none."""
        with self._store.transaction() as tx:
            found_in(tx, user.id, lock=True)
            if not FactorBook(tx).remove_app(user.id):
                return False
            settle_removal(tx, user.id)
            write_to_owner(tx, user, Change.APP_REMOVED, actor=actor, at=self._clock.now())
            self._trail.note(tx, actor, Action.FACTOR_REMOVED, about(user), factor="app")
        return True

    def make_codes(self, user: User, *, actor: Actor) -> tuple[str, ...]:
        """Return new recovery codes; those before them are void. Raises `Conflict` without any second step."""
        with self._store.transaction() as tx:
            found_in(tx, user.id, lock=True)
            if not FactorBook(tx).kinds([user.id]):
                raise Conflict("recovery codes come with two-step sign-in: set that up first")
            codes = _write_codes(tx, user.id, self._clock.now())
            write_to_owner(tx, user, Change.CODES_MADE, actor=actor, at=self._clock.now())
            self._trail.note(tx, actor, Action.RECOVERY_CODES_MADE, about(user), codes=len(codes))
        return codes

    def take(self, user: User, typed: str, *, actor: Actor) -> str:
        """Take a code of the app or a recovery code, each once; return by which of them, `totp` or `code`.

        Raises `SignInRefused`. Guessing is limited elsewhere: doors call `accounts.second_step`.
        """
        code = plain(typed)
        now = self._clock.now()
        with self._store.transaction() as tx:
            app = FactorBook(tx).app(user.id)
            secret = None if app is None else self._opened(app)
            step = None if secret is None else step_of(secret, code, now)
            if step is not None and FactorBook(tx).use_step(user.id, step):
                return APP
            if step is None and RecoveryBook(tx).use(user.id, recovery_hash(user.id, code), now):
                left, _ = RecoveryBook(tx).counts(user.id)
                self._trail.note(tx, actor, Action.FACTOR_RECOVERED, about(user), left=left)
                return RECOVERY
        raise SignInRefused("that code is not right, or was used before")

    def _offer(self, user: User, secret: str, sealed: str) -> AppOffer:
        return AppOffer(secret, address_of(secret, account=user.email or user.name, issuer=self._issuer), sealed)

    def _sealed(self, user_id: int, secret: str) -> str:
        return seal(self._key, secret.encode(), *_kept(user_id))

    def _opened(self, app: AppFactor) -> str | None:
        found = unseal(self._key, app.sealed, *_kept(app.user_id))
        if found is None:
            # Recovery codes still count: the person must not be locked out by a key that was changed behind our back.
            log.error("The authenticator app of user %d cannot be read with the present SECRET_KEY", app.user_id)
            return None
        return found.decode()


def reset(store: Store, clock: Clock, user_id: int, *, actor: Actor) -> bool:
    """Take a person's whole second step away, so that they can set up another; return False if there was none.

    Their sessions end. Raises `NotFound`. Nobody sees or sets a secret of somebody else by this.
    """
    with store.transaction() as tx:
        user = found_in(tx, user_id, lock=True)
        app, passkeys = FactorBook(tx).remove_app(user_id), PasskeyBook(tx).remove_all(user_id)
        if not app and not passkeys:
            return False
        settle_removal(tx, user_id)
        SessionBook(tx).remove_of(user_id)
        write_to_owner(tx, user, Change.TAKEN_AWAY, actor=actor, at=clock.now())
        Trail(store, clock).note(
            tx, actor, Action.FACTOR_REMOVED, about(user), factor="all", app=app, passkeys=passkeys
        )
    return True


def reseal(tx: Transaction, old_key: bytes, new_key: bytes) -> int:
    """Seal the secrets of some apps with `new_key` that `old_key` opens; return how many, 0 once none is left.

    Both keys are derived under `LABEL`. A secret that neither opens stays as it is. To be called in transaction after
    transaction: each moves few rows, and one that was interrupted is simply repeated.
    """
    book, after, moved = FactorBook(tx), -1, 0
    while moved < _AT_ONCE:
        page = book.apps_not_under(key_id_of(new_key), after=after, most=_AT_ONCE - moved)
        if not page:
            break
        after = page[-1].user_id
        for app in page:
            secret = unseal(old_key, app.sealed, *_kept(app.user_id))
            if secret is not None:
                sealed = seal(new_key, secret, *_kept(app.user_id))
                moved += book.replace_seal(app, key_id=key_id_of(new_key), sealed=sealed)
    return moved


def key_id_of(key: bytes) -> str:
    """Return the name under which rows say which key they were sealed with; it gives nothing of the key away."""
    return sign(key, "key id")[:16]


def renew_epoch(tx: Transaction, user_id: int) -> User:
    """Make the marks and links void that a person had before their proofs change; return the person.

    Raises `NotFound`. Others who change the same person's proofs wait until `tx` ends.
    """
    user = found_in(tx, user_id, lock=True)
    PeopleBook(tx).change(user_id, epoch=user.epoch + 1)
    return user


def codes_if_none(tx: Transaction, user_id: int, at: datetime) -> tuple[str, ...]:
    """Return new recovery codes for somebody who has none left; nothing for somebody who has some."""
    left, _ = RecoveryBook(tx).counts(user_id)
    return () if left else _write_codes(tx, user_id, at)


def settle_removal(tx: Transaction, user_id: int) -> None:
    """Void the marks of known browsers once a proof was removed, and the recovery codes if it was the last."""
    renew_epoch(tx, user_id)
    if not FactorBook(tx).kinds([user_id]):
        RecoveryBook(tx).remove(user_id)


def _write_codes(tx: Transaction, user_id: int, at: datetime) -> tuple[str, ...]:
    codes = new_recovery_codes()
    RecoveryBook(tx).replace(user_id, [recovery_hash(user_id, code) for code in codes], at)
    return codes


def _kept(user_id: int) -> tuple[str, ...]:
    return ("authenticator app", str(user_id))


def _offered(user: User) -> tuple[str, ...]:
    return ("new authenticator app", str(user.id))
