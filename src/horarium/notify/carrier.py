"""Hand one message over to where its target's values lead, and write down what came of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from horarium.clock import Clock, to_micros
from horarium.errors import CredentialDenied, CredentialUnreadable, HorariumError, InvalidValue, VaultSealed
from horarium.logs.live import LIVE
from horarium.logs.masking import Masker
from horarium.notify.channels.base import ChannelKind, DeliveryFailed, Sender
from horarium.notify.courier import pause_after
from horarium.notify.gathering import message_of
from horarium.notify.lines import one_line
from horarium.notify.mailing import EMAIL, NO_MAIL, proven_addresses, refuse_foreign_addresses
from horarium.notify.people import may_get_mail
from horarium.notify.unsubscribing import Unsubscriber
from horarium.notify.values import Opened, open_values
from horarium.outgoing.addresses import Policy
from horarium.outgoing.caller import Caller, Unreached
from horarium.records.notices import Message
from horarium.records.telling import Channel, Delivery, Target, Try
from horarium.states import EventKind
from horarium.store.books.addressees import AddresseeBook
from horarium.store.books.channels import ChannelBook
from horarium.store.books.deliveries import DeliveryBook
from horarium.store.books.events import EventBook
from horarium.store.books.grants import UseBook
from horarium.store.port import Store, Transaction
from horarium.vault.vault import Vault

log = logging.getLogger("horarium.notify")

SECONDS: Final = 20.0
"""How long handing one message over may take."""
FAILURES_UNTIL_DISABLED: Final = 3
_SHORTEST: Final = timedelta(seconds=1)
_LONGEST: Final = timedelta(hours=6)
_FAULT: Final = "something went wrong that should not have; the server's log says what"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """The ways out of here: the kinds of channels, the mail to people (None: there is none), and where one may go."""

    kinds: Mapping[str, ChannelKind] = field(default_factory=dict)
    post: Sender | None = None
    policy: Policy = field(default_factory=Policy)
    seconds: float = SECONDS

    def has_way(self, channel: Channel | None) -> bool:
        """Tell whether a message can leave for a channel (None: mail to people): mail takes a mail server."""
        return self.post is not None or not (channel is None or channel.kind == EMAIL)


@dataclass(frozen=True, slots=True)
class _Ready:
    """Everything that handing over takes, read and opened in one transaction."""

    send: Sender
    opened: Opened
    unsubscribe: str = ""


class Carrier:
    """Hands messages over, one at a time. Threads share it."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        outlets: Outlets,
        *,
        vault: Vault | None = None,
        unsubscriber: Unsubscriber | None = None,
    ) -> None:
        """Send by way of `outlets`; secret values come out of `vault`."""
        self._store = store
        self._clock = clock
        self.outlets = outlets
        self._vault = vault
        self._unsubscriber = unsubscriber

    def carry(self, delivery: Delivery, *, once: bool = False) -> Try:
        """Hand a message over and write down what came of it; with `once` it is given up at once where that fails."""
        begun = self._clock.monotonic()
        error: DeliveryFailed | None = None
        try:
            answer = self._handed(delivery)
        except DeliveryFailed as failed:
            error, answer = failed, str(failed)
        seconds = round(max(self._clock.monotonic() - begun, 0.0), 3)
        attempt = Try(self._clock.now(), seconds, error is None, one_line(answer, 500))
        with self._store.transaction() as tx:
            if error is None:
                DeliveryBook(tx).note_sent(delivery, attempt)
                self._note_channel(tx, delivery.target, attempt, is_final=False)
            else:
                self._note_failed(tx, delivery, attempt, error, once=once)
        self._say(delivery, attempt)
        return attempt

    def _handed(self, delivery: Delivery) -> str:
        """Return what the other side answered, masked. Raises `DeliveryFailed`, masked as well."""
        ready = self._ready(delivery)
        message = message_of(delivery.message_id, delivery.created_at, delivery.body, unsubscribe=ready.unsubscribe)
        masker = Masker()
        masker.add("a channel", ready.opened.secrets)
        # Whatever is logged meanwhile, by whichever part, goes through here.
        LIVE.add(masker)
        try:
            return masker.text(self._sent(ready, message))
        except DeliveryFailed as error:
            words = masker.text(str(error))
            raise DeliveryFailed(words, is_final=error.is_final, wait_seconds=error.wait_seconds) from None
        finally:
            LIVE.discard(masker)
            self._close(ready.opened)

    def _sent(self, ready: _Ready, message: Message) -> str:
        try:
            with Caller(self.outlets.policy, seconds=self.outlets.seconds) as caller:
                return ready.send(message, ready.opened.values, caller)
        except Unreached as error:
            raise DeliveryFailed(str(error)) from None
        except DeliveryFailed:
            raise
        except HorariumError as error:
            raise DeliveryFailed(str(error)) from None
        except Exception:
            log.exception("Message %s cannot be handed over", message.id, extra={"word": "notice.fault"})
            raise DeliveryFailed(_FAULT) from None

    def _ready(self, delivery: Delivery) -> _Ready:
        """Return what it takes to hand a message over. Raises `DeliveryFailed`."""
        with self._store.transaction() as tx:
            if delivery.target.user_id:
                return self._ready_for_person(tx, delivery)
            channel = ChannelBook(tx).get(delivery.target.channel_id)
            if channel is None:
                raise DeliveryFailed("the channel is gone", is_final=True)
            kind = self.outlets.kinds.get(channel.kind)
            if kind is None:
                raise DeliveryFailed(f"this release knows no channels of the kind {channel.kind!r}", is_final=True)
            return _Ready(kind.send, self._opened(tx, channel))

    def _opened(self, tx: Transaction, channel: Channel) -> Opened:
        """Return what a channel sends with, for an owner who may still use it. Raises `DeliveryFailed`."""
        try:
            opened = open_values(self._vault, tx, channel)
            if channel.owner_id:
                owner = AddresseeBook(tx).open_accounts([channel.owner_id]).get(channel.owner_id)
                if owner is None:
                    raise DeliveryFailed("the account of the channel's owner is closed", is_final=True)
                own = proven_addresses(owner)
                refuse_foreign_addresses(channel.kind, opened.values, own, is_admin=owner.is_admin)
        except InvalidValue as error:
            raise DeliveryFailed(f"its addresses are not the owner's: {error.allowed}", is_final=True) from None
        except (CredentialDenied, CredentialUnreadable) as error:
            raise DeliveryFailed(str(error), is_final=True) from None
        except VaultSealed as error:
            raise DeliveryFailed(str(error)) from None
        return opened

    def _ready_for_person(self, tx: Transaction, delivery: Delivery) -> _Ready:
        user_id = delivery.target.user_id
        user = AddresseeBook(tx).open_accounts([user_id]).get(user_id)
        if user is None or not may_get_mail(user):
            raise DeliveryFailed("the person has no open account with an address that is proven", is_final=True)
        if self.outlets.post is None:
            raise DeliveryFailed(NO_MAIL)
        kinds = {topic.kind for topic in message_of("", delivery.created_at, delivery.body).topics}
        link = "" if self._unsubscriber is None else self._unsubscriber.link(user.id, kinds)
        return _Ready(self.outlets.post, Opened({"to": user.email}), link)

    def _close(self, opened: Opened) -> None:
        if opened.use_id is not None:
            with self._store.transaction() as tx:
                UseBook(tx).end(opened.use_id, self._clock.now())

    def _note_failed(
        self, tx: Transaction, delivery: Delivery, attempt: Try, error: DeliveryFailed, *, once: bool
    ) -> None:
        pause = pause_after(delivery.tries)
        if error.wait_seconds is not None:
            pause = max(_SHORTEST, min(timedelta(seconds=error.wait_seconds), _LONGEST))
        again_at = attempt.at + pause
        if once or error.is_final or again_at >= delivery.try_until:
            DeliveryBook(tx).give_up(delivery, attempt)
            log.warning("Message %s is given up", delivery.message_id, extra={"word": "notice.given_up"})
        else:
            DeliveryBook(tx).note_failed(delivery, attempt, again_at=again_at)
        self._note_channel(tx, delivery.target, attempt, is_final=error.is_final and not once)

    def _note_channel(self, tx: Transaction, target: Target, attempt: Try, *, is_final: bool) -> None:
        if not target.channel_id:
            return
        book = ChannelBook(tx)
        if attempt.is_taken:
            book.note_sent(target.channel_id, attempt.answer, attempt.at)
            return
        failures = book.note_failed(target.channel_id, attempt.answer, attempt.at, is_final=is_final)
        channel = book.get(target.channel_id)
        if is_final and failures >= FAILURES_UNTIL_DISABLED and channel is not None and channel.disabled_at is None:
            disable(tx, channel, attempt.answer, attempt.at)

    def _say(self, delivery: Delivery, attempt: Try) -> None:
        if attempt.is_taken:
            log.info("Message %s went out: %s", delivery.message_id, delivery.purpose, extra={"word": "notice.sent"})
            return
        # An outage of a day is a hundred tries of each message: the first one and the end are news.
        level = logging.INFO if delivery.tries else logging.WARNING
        words = "Message %s did not go out (try %d): %s"
        log.log(level, words, delivery.message_id, delivery.tries + 1, attempt.answer, extra={"word": "notice.failed"})


def disable(tx: Transaction, channel: Channel, reason: str, at: datetime) -> None:
    """Send nothing to a channel any more until somebody repairs it; its owner is told by the event of it."""
    micros = to_micros(at)
    ChannelBook(tx).change(channel.id, disabled_at=micros, disabled_reason=reason)
    body = {
        "channel": channel.id,
        "name": channel.name,
        "owner_id": channel.owner_id,
        "words": f"It refused {FAILURES_UNTIL_DISABLED} messages for good and gets no more: {reason}",
        "mark": f"{micros}",
    }
    EventBook(tx).append(EventKind.CHANNEL_DISABLED, at=micros, body=body)
