"""Move everything that is sealed from one SECRET_KEY to the next: while all goes on, and from any point again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from horarium.audit.actions import Action
from horarium.audit.trail import About
from horarium.errors import CredentialUnreadable
from horarium.records.actors import Actor
from horarium.records.credentials import Credential, Version
from horarium.store.books.credentials import VersionBook
from horarium.store.books.grants import KeyBook
from horarium.store.port import Transaction
from horarium.vault.cipher import MasterKey
from horarium.vault.vault import Standing, Vault

AT_ONCE = 50

Step = Callable[[], None]


class Resealer(Protocol):
    """Another keeper of sealed things, which moves them along."""

    @property
    def name(self) -> str:
        """Return what it keeps, in words, for the report."""
        ...

    def reseal(self, *, old: bytes | None, new: bytes, go_on: Step) -> tuple[int, int]:
        """Move what is sealed by way of the SECRET_KEY `old` to `new`, calling `go_on` between small transactions.

        Return how many were moved and how many do not open. May be killed and repeated at any time.
        """
        ...


@dataclass(slots=True)
class Rotated:
    """What a rotation did: how many versions it moved, how many it found moved already, and which do not open."""

    key_id: str
    moved: int = 0
    as_before: int = 0
    unreadable: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    others: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Tell whether the key before is needed no longer."""
        return not self.unreadable and not any(bad for _, bad in self.others.values())


class Rotation:
    """The move of one vault to its present SECRET_KEY."""

    def __init__(
        self, vault: Vault, *, new: bytes, old: bytes | None = None, resealers: Sequence[Resealer] = ()
    ) -> None:
        """Move what `vault` keeps, and what `resealers` keep beside it, from the SECRET_KEY `old` to `new`."""
        self._vault = vault
        self._store = vault.store
        self._new = new
        self._old = old
        self._resealers = resealers

    def run(self, *, actor: Actor, go_on: Step = lambda: None) -> Rotated:
        """Wrap each data key anew, a few in a transaction, each proved by opening every value with it.

        Between two transactions, and in each after every version, `go_on` is called. Wherever this ends, everything
        opens with the two keys, and a further call goes on from there. Raises `VaultSealed` when the keys given are
        not those that are in use.
        """
        with self._store.transaction() as tx:
            key = self._vault.key_to_seal(tx, actor)
        done = Rotated(key.id)
        # Whoever still works with the key before may save something behind us: once around for nothing, at the end.
        while self._go_round(key, done, go_on):
            done.unreadable.clear()
        for resealer in self._resealers:
            done.others[resealer.name] = resealer.reseal(old=self._old, new=self._new, go_on=go_on)
        self._finish(done, actor)
        return done

    def _go_round(self, key: MasterKey, done: Rotated, go_on: Step) -> bool:
        """Move whatever is not sealed with `key` yet; tell whether there was any to move."""
        before, after = done.moved, (0, 0)
        while True:
            with self._store.transaction() as tx:
                standing = self._vault.require_open(tx)
                page = VersionBook(tx).batch(after=after, most=AT_ONCE, not_under=key.id, lock=True)
                for each in page:
                    self._move(tx, standing, each, key=key, done=done)
                    go_on()
            if not page:
                return done.moved > before
            after = (page[-1][1].credential_id, page[-1][1].version)
            go_on()

    def _move(
        self,
        tx: Transaction,
        standing: Standing,
        sealed: tuple[Credential, Version],
        *,
        key: MasterKey,
        done: Rotated,
    ) -> None:
        credential, version = sealed
        book = VersionBook(tx)
        values = book.sealed(credential.id, version.version)
        try:
            moved = self._vault.rewrapped(standing, credential, version, values, key)
        except CredentialUnreadable:
            done.unreadable.append(f"#{credential.id} {credential.name} version {version.version}")
            return
        if book.rewrap(moved, old_key_id=version.key_id):
            done.moved += 1

    def _finish(self, done: Rotated, actor: Actor) -> None:
        now = self._vault.clock.now()
        with self._store.transaction() as tx:
            counts = VersionBook(tx).counts()
            done.as_before = max(0, counts.get(done.key_id, 0) - done.moved)
            if done.is_complete:
                for mark in KeyBook(tx).all().values():
                    is_idle = mark.id != done.key_id and mark.id not in counts and mark.retired_at is None
                    if is_idle and KeyBook(tx).retire(mark.id, now):
                        done.retired.append(mark.id)
            self._vault.trail.note(
                tx,
                actor,
                Action.VAULT_ROTATED,
                About("key", None, done.key_id),
                moved=done.moved,
                as_before=done.as_before,
                unreadable=len(done.unreadable),
                retired=done.retired,
                others={name: list(pair) for name, pair in done.others.items()},
            )
