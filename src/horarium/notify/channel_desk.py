"""Keep channels: add, change, pause, test, remove, for whom they are. What is secret of them is never given back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from horarium.audit.actions import Action, Result
from horarium.audit.trail import About, Trail
from horarium.clock import Clock, to_micros
from horarium.errors import Conflict, Denied, DuplicateKey, InvalidValue, NotFound
from horarium.notify import safe
from horarium.notify.carrier import Carrier
from horarium.notify.channels.base import ChannelKind
from horarium.notify.dispatcher import House
from horarium.notify.gathering import body_of
from horarium.notify.mailing import proven_addresses, refuse_foreign_addresses
from horarium.records.credentials import Asker
from horarium.records.notices import Message, NoticeKind, Topic
from horarium.records.telling import Channel, Delivery, Purpose, Target, Try
from horarium.store.books.channels import ChannelBook
from horarium.store.books.codec import dump
from horarium.store.books.deliveries import DeliveryBook
from horarium.store.books.notices import NoteBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store, Transaction
from horarium.vault.checking import key_of
from horarium.vault.vault import Vault

NAME_LIMIT: Final = 100
MOST_CHANNELS: Final = 50
"""How many channels one person may have of their own."""
TEST_PAUSE: Final = timedelta(seconds=3)
_MOST_OF_LIMIT: Final = 1000
_HELD: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannel:
    """What a channel is to be made of. `owner_id` 0 is the installation; `values` hold open and secret ones."""

    name: str
    kind: str
    values: Mapping[str, str] = field(repr=False)
    owner_id: int = 0
    most_per_hour: int | None = None
    most_per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChanges:
    """What is to be other about a channel; None stays. Of `values` secret ones that are left out or empty stay, too.

    For the limits False stays, and None stands for the usual one.
    """

    name: str | None = None
    values: Mapping[str, str] | None = field(default=None, repr=False)
    most_per_hour: int | bool | None = False
    most_per_day: int | bool | None = False


class ChannelDesk:
    """The channels of one store, for whoever asks: people keep their own, administrators the installation's."""

    def __init__(
        self, store: Store, clock: Clock, carrier: Carrier, *, vault: Vault | None = None, house: House | None = None
    ) -> None:
        """Work on `store`; secret values go into `vault`, tests by way of `carrier`."""
        self._store = store
        self._clock = clock
        self._carrier = carrier
        self._vault = vault
        self._house = house or House()
        self._trail = Trail(store, clock)

    def kinds(self, *, asker: Asker) -> list[ChannelKind]:
        """Return the kinds that somebody may make channels of."""
        return [each for each in self._carrier.outlets.kinds.values() if asker.sees_all or not each.for_admins]

    def list(self, *, asker: Asker) -> list[Channel]:
        """Return the channels that are somebody's to use in rules, by name: their own, an administrator's all."""
        owners = None if asker.sees_all else [asker.user_id]
        with self._store.reading() as tx:
            return ChannelBook(tx).every(owner_ids=owners)

    def show(self, channel_id: int, *, asker: Asker) -> Channel:
        """Return a channel. Raises `NotFound`, also for what is not theirs to know of."""
        with self._store.reading() as tx:
            return seen_channel(tx, channel_id, asker)

    def add(self, wanted: NewChannel, *, asker: Asker) -> Channel:
        """Save a new channel. Raises `InvalidValue` by field, `Denied` for another owner's, `VaultSealed`."""
        if wanted.owner_id != asker.user_id and not asker.sees_all:
            raise Denied("a channel is made for oneself; the installation's are for administrators")
        kind = self._kind(wanted.kind, asker)
        kept = kind.checked(wanted.values)
        now = self._clock.now()
        draft = Channel(
            id=0,
            owner_id=wanted.owner_id,
            kind=kind.name,
            name=checked_name(wanted.name),
            open_values=_open(kind, kept),
            credential_id=None,
            created_at=now,
            created_by=asker.actor.words,
            updated_at=now,
            most_per_hour=checked_limit("most_per_hour", wanted.most_per_hour),
            most_per_day=checked_limit("most_per_day", wanted.most_per_day),
        )
        try:
            with self._store.transaction() as tx:
                self._check(tx, draft, kept)
                if draft.owner_id and len(ChannelBook(tx).every(owner_ids=[draft.owner_id])) >= MOST_CHANNELS:
                    raise Conflict(f"nobody has more than {MOST_CHANNELS} channels: remove one first")
                number = safe.keep(self._vault, tx, draft, _secret(kind, kept), asker=asker)
                made = ChannelBook(tx).add(replace(draft, credential_id=number), name_key=key_of(draft.name))
                self._trail.note(tx, asker.actor, Action.CHANNEL_ADDED, about(made), after=shown(made))
        except DuplicateKey:
            raise _taken(draft.name) from None
        return made

    def change(self, channel_id: int, changes: ChannelChanges, *, asker: Asker) -> Channel:
        """Change a channel; one that was disabled sends again. Raises `NotFound`, `InvalidValue`, `VaultSealed`."""
        try:
            with self._store.transaction() as tx:
                before = seen_channel(tx, channel_id, asker, lock=True)
                columns = self._columns(tx, before, changes, asker)
                ChannelBook(tx).change(before.id, updated_at=to_micros(self._clock.now()), **columns)
                after = seen_channel(tx, channel_id, asker)
                self._trail.note(
                    tx, asker.actor, Action.CHANNEL_CHANGED, about(after), before=shown(before), after=shown(after)
                )
        except DuplicateKey:
            raise _taken(changes.name or "") from None
        return after

    def pause(self, channel_id: int, *, asker: Asker) -> Channel:
        """Send nothing there until it is resumed; what is to be told waits. Raises `NotFound`, `Conflict`."""
        with self._store.transaction() as tx:
            found = seen_channel(tx, channel_id, asker, lock=True)
            if found.paused_at is not None:
                raise Conflict(f"channel {found.name!r} is paused already")
            ChannelBook(tx).change(found.id, paused_at=self._clock.micros(), paused_by=asker.actor.words)
            self._trail.note(tx, asker.actor, Action.CHANNEL_PAUSED, about(found))
            return seen_channel(tx, channel_id, asker)

    def resume(self, channel_id: int, *, asker: Asker) -> Channel:
        """Let a paused or disabled channel send again. Raises `NotFound`, `Conflict` where it does already."""
        with self._store.transaction() as tx:
            found = seen_channel(tx, channel_id, asker, lock=True)
            if found.is_sending:
                raise Conflict(f"channel {found.name!r} is neither paused nor disabled")
            ChannelBook(tx).change(found.id, **_SENDING)
            self._trail.note(tx, asker.actor, Action.CHANNEL_RESUMED, about(found))
            return seen_channel(tx, channel_id, asker)

    def remove(self, channel_id: int, *, asker: Asker) -> Channel:
        """Remove a channel, and what waits for it; its credential can be restored for 30 days. Raises `NotFound`."""
        with self._store.transaction() as tx:
            found = seen_channel(tx, channel_id, asker, lock=True)
            NoteBook(tx).drop(targets=[Target(channel_id=found.id)])
            safe.drop(tx, found, self._clock.micros())
            ChannelBook(tx).remove(found.id)
            self._trail.note(tx, asker.actor, Action.CHANNEL_REMOVED, about(found), before=shown(found))
        return found

    def test(self, channel_id: int, *, asker: Asker) -> Try:
        """Send a test there now; return what came of it. A channel that takes it and was disabled sends again.

        Raises `NotFound`, `Conflict` a moment after the last test.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            found = seen_channel(tx, channel_id, asker, lock=True)
            last = found.last_sent_at if found.last_failed_at is None else found.last_failed_at
            if last is not None and now - last < TEST_PAUSE:
                raise Conflict(f"channel {found.name!r} was sent something a moment ago: wait a few seconds")
            number = DeliveryBook(tx).add(self._test(tx, found, asker))
            made = DeliveryBook(tx).get(number)
        if made is None:
            raise NotFound("the test is gone")
        attempt = self._carrier.carry(made, once=True)
        with self._store.transaction() as tx:
            if attempt.is_taken and found.disabled_at is not None:
                ChannelBook(tx).change(found.id, disabled_at=None, disabled_reason=None, failures=0)
            result = Result.DONE if attempt.is_taken else Result.FAILED
            self._trail.note(tx, asker.actor, Action.CHANNEL_TESTED, about(found), result=result, answer=attempt.answer)
        return attempt

    def _test(self, tx: Transaction, channel: Channel, asker: Asker) -> Delivery:
        now = self._clock.now()
        by = f" {asker.actor.words} sent it." if asker.actor.words else ""
        topic = Topic(
            kind=NoticeKind.TEST,
            subject=channel.name,
            first_at=now,
            last_at=now,
            words=f"This is a test: messages arrive here.{by}",
            path="/notifications",
        )
        message = Message(
            id=secrets.token_hex(16),
            created_at=now,
            topics=(topic,),
            base_url=self._house.base_url,
            team=self._house.team or PeopleBook(tx).team(),
            zone=self._house.zone,
        )
        return Delivery(
            message_id=message.id,
            target=Target(channel_id=channel.id),
            purpose=Purpose.TEST,
            summary=f"Test of {channel.name}",
            topics=1,
            body=body_of(message),
            created_at=now,
            # Nobody else takes it meanwhile.
            not_before=now + _HELD,
            try_until=now + _HELD,
        )

    def _kind(self, name: str, asker: Asker) -> ChannelKind:
        kinds = {each.name: each for each in self.kinds(asker=asker)}
        if name not in kinds:
            raise InvalidValue("kind", name, f"use one of {', '.join(kinds)}" if kinds else "there are none here")
        return kinds[name]

    def _check(self, tx: Transaction, draft: Channel, kept: Mapping[str, str]) -> None:
        if draft.owner_id:
            user = PeopleBook(tx).by_id(draft.owner_id)
            if user is None:
                raise NotFound(f"there is no user {draft.owner_id}")
            refuse_foreign_addresses(draft.kind, kept, proven_addresses(user), is_admin=user.is_admin)

    def _columns(self, tx: Transaction, before: Channel, changes: ChannelChanges, asker: Asker) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        if changes.name is not None:
            name = checked_name(changes.name)
            columns |= {"name": name, "name_key": key_of(name)}
        for limit in ("most_per_hour", "most_per_day"):
            value = getattr(changes, limit)
            if value is not False:
                columns[limit] = checked_limit(limit, value)
        if changes.values is None:
            return columns
        kind = self._kind(before.kind, asker)
        hidden = {each.name for each in kind.fields if each.is_secret}
        fresh = {name: value for name, value in changes.values.items() if name not in hidden or value.strip()}
        is_whole = {each.name for each in kind.fields if each.is_secret and each.is_required} <= fresh.keys()
        old = {} if is_whole else safe.secrets_of(self._vault, tx, before, hidden)
        kept = kind.checked({**old, **fresh})
        self._check(tx, before, kept)
        secret = _secret(kind, kept)
        number = safe.keep(self._vault, tx, before, secret, asker=asker) if secret != old else before.credential_id
        return {**columns, **_REPAIRED, "open_values": dump(_open(kind, kept)), "credential_id": number}


_REPAIRED: Final[Mapping[str, Any]] = {"disabled_at": None, "disabled_reason": None, "failures": 0}
_SENDING: Final[Mapping[str, Any]] = {**_REPAIRED, "paused_at": None, "paused_by": None}


def seen_channel(tx: Transaction, channel_id: int, asker: Asker, *, lock: bool = False) -> Channel:
    """Return a channel that is somebody's to manage. Raises `NotFound`."""
    found = ChannelBook(tx).get(channel_id, lock=lock)
    if found is None or not (asker.sees_all or found.owner_id == asker.user_id):
        raise NotFound(f"there is no channel {channel_id}")
    return found


def checked_name(name: str) -> str:
    """Return the name of a channel. Raises `InvalidValue`."""
    tidy = " ".join(name.split())
    if not 1 <= len(tidy) <= NAME_LIMIT or not tidy.isprintable():
        raise InvalidValue("name", name, f"use one line of 1 to {NAME_LIMIT} characters")
    return tidy


def checked_limit(name: str, value: int | None) -> int | None:
    """Return how many messages may go at most. Raises `InvalidValue`."""
    if value is None or (not isinstance(value, bool) and 1 <= value <= _MOST_OF_LIMIT):
        return value
    raise InvalidValue(name, value, f"use a whole number from 1 to {_MOST_OF_LIMIT}, or nothing for the usual")


def about(channel: Channel) -> About:
    """Return a channel as an audit entry names it."""
    return About("channel", channel.id, channel.name)


def shown(channel: Channel) -> dict[str, Any]:
    """Return a channel as an audit entry shows it; nothing of it is secret."""
    return {
        "name": channel.name,
        "kind": channel.kind,
        "owner_id": channel.owner_id,
        "most_per_hour": channel.most_per_hour,
        "most_per_day": channel.most_per_day,
        "credential_id": channel.credential_id,
        **{f"value.{name}": value for name, value in channel.open_values.items()},
    }


def _open(kind: ChannelKind, kept: Mapping[str, str]) -> dict[str, str]:
    return {each.name: kept[each.name] for each in kind.fields if not each.is_secret and each.name in kept}


def _secret(kind: ChannelKind, kept: Mapping[str, str]) -> dict[str, str]:
    return {each.name: kept[each.name] for each in kind.fields if each.is_secret and each.name in kept}


def _taken(name: str) -> InvalidValue:
    return InvalidValue("name", name, "there is a channel of this name")
