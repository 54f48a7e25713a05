"""Change a password: the proof, what ends with the old one, and word of it to the owner."""

from __future__ import annotations

from horarium.accounts.mentions import about
from horarium.accounts.people import People, found_in, hash_for
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.clock import Clock, to_micros
from horarium.errors import SignInRefused
from horarium.records.actors import Actor
from horarium.records.people import User
from horarium.store.books.mail import OutboxBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.signins import SessionBook
from horarium.store.books.tokens import TokenBook
from horarium.store.port import Store, Transaction

CHANGED_LETTER = "password_changed"


class PasswordChange:
    """Changing the passwords of one store."""

    def __init__(self, store: Store, clock: Clock, people: People) -> None:
        """Work on `store`; new passwords are judged and hashed by `people`."""
        self._store = store
        self._clock = clock
        self._people = people
        self._trail = Trail(store, clock)

    def change(
        self,
        user_id: int,
        current: str,
        new: str,
        *,
        actor: Actor,
        keep_session: str | None = None,
        keep_tokens: bool = False,
    ) -> None:
        """Change a password after the current one was proven.

        All sessions but `keep_session` (a key) end, and so do the API tokens unless they are kept. Raises
        `SignInRefused` if `current` is wrong, `WeakPassword`, `NotFound`, `TooBusy`.
        """
        self.prove(user_id, current)
        user = self._people.get(user_id)
        with self._store.reading() as tx:
            stored = PeopleBook(tx).password_hash(user_id)
        hashed = hash_for(self._people.hasher, new, user)
        with self._store.transaction() as tx:
            if not PeopleBook(tx).replace_hash(user_id, old=stored or "", new=hashed):
                raise SignInRefused("the password was changed by somebody else a moment ago")
            self.settle(
                tx, user, Action.PASSWORD_CHANGED, actor=actor, keep_session=keep_session, keep_tokens=keep_tokens
            )

    def prove(self, user_id: int, current: str) -> None:
        """Check somebody's current password. Raises `SignInRefused`, `TooBusy`."""
        with self._store.reading() as tx:
            stored = PeopleBook(tx).password_hash(user_id)
        right, _ = self._people.hasher.verify(current, stored or None)
        if not right:
            raise SignInRefused("the current password is not right")

    def settle(
        self,
        tx: Transaction,
        user: User,
        action: Action,
        *,
        actor: Actor,
        keep_session: str | None = None,
        keep_tokens: bool = False,
    ) -> None:
        """End what hung on the old password and write to the owner, once the new one stands in `tx`."""
        now = self._clock.now()
        current = found_in(tx, user.id, lock=True)
        PeopleBook(tx).change(user.id, password_changed_at=to_micros(now), epoch=current.epoch + 1)
        SessionBook(tx).remove_of(user.id, keep=keep_session)
        ended = 0 if keep_tokens else TokenBook(tx).revoke_all(user.id, now)
        if user.email:
            body = {"name": user.words, "from": actor.address, "tokens": ended}
            OutboxBook(tx).add(CHANGED_LETTER, user.email, body, at=now, user_id=user.id)
        self._trail.note(tx, actor, action, about(user), tokens_ended=ended)
