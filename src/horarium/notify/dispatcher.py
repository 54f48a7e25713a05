"""Make messages out of what is to be told, and have them handed over: each channel by a worker of its own."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from horarium.clock import Clock
from horarium.errors import StoreError
from horarium.notify.carrier import Carrier
from horarium.notify.courier import HELD_FOR, KEPT_FOR, LOOK_EVERY_SECONDS, TRIED_FOR
from horarium.notify.gathering import (
    GATHER,
    MOST_PER_DAY,
    MOST_PER_HOUR,
    Wishes,
    body_of,
    opens_at,
    summary_of,
    thread_of,
    topics_of,
    urgent_of,
)
from horarium.notify.mailing import NO_MAIL
from horarium.notify.muting import free, sift
from horarium.notify.people import may_get_mail, wants
from horarium.notify.rules import URGENT
from horarium.preferences.catalogue import ON_TELLING
from horarium.preferences.reading import Reading, values
from horarium.records.notices import Message
from horarium.records.telling import Channel, Delivery, Note, Purpose, Target
from horarium.standby import Standby
from horarium.store.books.addressees import AddresseeBook
from horarium.store.books.channels import ChannelBook, RuleBook
from horarium.store.books.deliveries import DeliveryBook, LyingBook, TargetBook
from horarium.store.books.notices import NoteBook, TellingBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.watching import MarkBook, SnoozeBook
from horarium.store.port import Store, Transaction

log = logging.getLogger("horarium.notify")

POOL: Final = 8
"""How many channels are sent to at once; those that failed lately never take more than half of it."""
AT_ONCE: Final = 5
MOST_NOTES: Final = 5000
_DISPATCH: Final = "dispatch"
_REST: Final = timedelta(seconds=10)
_LOOK_AGAIN: Final = timedelta(minutes=1)
_LONGEST_REST: Final = timedelta(minutes=5)
_TIDY_EVERY: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Where messages come from: the address of the pages, the team, and the zone of the installation."""

    base_url: str = "http://localhost:5000"
    team: str = ""
    zone: str = "UTC"


@dataclass(slots=True)
class _Sick:
    """A channel that failed: how often in a row, and until when it is left alone."""

    times: int
    until: datetime


class Dispatcher(Standby):
    """The one who makes messages and has them sent.

    A message that is being handed over at a stop goes again after the next start unless it gets there in time.
    """

    thread_name = "horarium-dispatcher"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        carrier: Carrier,
        *,
        house: House | None = None,
        gather: timedelta = GATHER,
    ) -> None:
        """Work on `store`; `carrier` hands over. The first thing of a message waits `gather` for company."""
        super().__init__()
        self._gather = gather
        self._store = store
        self._clock = clock
        self._carrier = carrier
        self._house = house or House()
        self._lock = threading.Lock()
        self._busy: dict[int, threading.Thread] = {}
        self._sick: dict[int, _Sick] = {}
        self._has_left_mail = False
        self._tidied = clock.now() - _TIDY_EVERY

    def stop(self) -> None:
        """Stop; harmless when repeated."""
        self.begin_stop()
        for thread in [*self._busy.values()]:
            thread.join(self.stop_seconds)
        super().stop()

    def make(self) -> int:
        """Make the messages whose time has come; return how many."""
        now = self._clock.now()
        free(self._store, now)
        with self._store.reading() as tx:
            ripe = self._ripe(tx, now)
        return sum(self._make_for(target, now) for target in ripe)

    def send(self) -> int:
        """Hand over what is due, in this thread, channel after channel; return how many messages were tried."""
        now = self._clock.now()
        with self._store.reading() as tx:
            due = DeliveryBook(tx).due_channels(now)
        return sum(self._send_to(channel_id) for channel_id in due if self._is_well(channel_id, now))

    def tidy(self) -> None:
        """Forget what was told long ago, and what belonged to people who are gone."""
        self._tidied = now = self._clock.now()
        with self._store.transaction() as tx:
            DeliveryBook(tx).forget_before(now - KEPT_FOR)
            TellingBook(tx).forget_before(now - KEPT_FOR)
            SnoozeBook(tx).forget_before(now - _DAY)
            owners = {each.owner_id for each in ChannelBook(tx).every()} | {
                each.owner_id for each in RuleBook(tx).every()
            }
            owners.discard(0)
            for user_id in AddresseeBook(tx).gone(owners):
                RuleBook(tx).remove_of(user_id)
                for channel in ChannelBook(tx).every(owner_ids=[user_id]):
                    NoteBook(tx).drop(targets=[Target(channel_id=channel.id)])
                    ChannelBook(tx).remove(channel.id)

    def _run(self) -> None:
        while not self._is_stopping:
            made = 0
            try:
                if self._clock.now() - self._tidied >= _TIDY_EVERY:
                    self.tidy()
                made = self.make()
                self._start_workers()
            except StoreError as error:
                log.warning("Messages wait: %s", error, extra={"word": "notice.waiting"})
            except Exception:
                log.exception(
                    "Messages wait: something went wrong that should not have", extra={"word": "notice.fault"}
                )
            if not made and not self._is_stopping:
                self._clock.wait(self._alarm, LOOK_EVERY_SECONDS)

    def _start_workers(self) -> None:
        """Give each channel with something due a worker, the well ones first."""
        now = self._clock.now()
        with self._store.reading() as tx:
            due = DeliveryBook(tx).due_channels(now)
        with self._lock:
            free = [each for each in due if each not in self._busy and self._is_well(each, now)]
            for channel_id in sorted(free, key=self._sick.__contains__):
                sick = sum(each in self._sick for each in self._busy)
                if len(self._busy) >= POOL or (channel_id in self._sick and sick >= POOL // 2):
                    break
                name = f"horarium-channel-{channel_id}"
                thread = threading.Thread(target=self._work, args=(channel_id,), name=name, daemon=True)
                self._busy[channel_id] = thread
                thread.start()

    def _work(self, channel_id: int) -> None:
        try:
            while not self._is_stopping and self._is_well(channel_id, self._clock.now()):
                if not self._send_to(channel_id):
                    break
        except StoreError as error:
            log.warning("Messages wait: %s", error, extra={"word": "notice.waiting"})
        except Exception:
            log.exception("Messages wait: something went wrong that should not have", extra={"word": "notice.fault"})
        finally:
            with self._lock:
                self._busy.pop(channel_id, None)
            self._alarm.ring()

    def _is_well(self, channel_id: int, now: datetime) -> bool:
        sick = self._sick.get(channel_id)
        return sick is None or sick.until <= now

    def _send_to(self, channel_id: int) -> int:
        """Hand a few messages over to one channel; return how many were tried."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            channel = ChannelBook(tx).get(channel_id) if channel_id else None
            if not (channel_id and channel is None) and not self._carrier.outlets.has_way(channel):
                self._leave(tx, channel_id, now)
                return 0
            taken = DeliveryBook(tx).take(channel_id, now, hold_until=now + HELD_FOR, most=AT_ONCE)
            if channel is not None and not channel.is_sending:
                # Tests have been sent by whoever pressed the button: what is here waits until somebody resumes it.
                self._put_off(tx, taken, now + timedelta(minutes=1), "the channel is paused or disabled")
                return 0
        tried = 0
        for place, delivery in enumerate(taken):
            attempt = self._carrier.carry(delivery)
            tried += 1
            if attempt.is_taken:
                self._sick.pop(channel_id, None)
                continue
            self._fall_sick(channel_id)
            if place + 1 < len(taken):
                with self._store.transaction() as tx:
                    self._put_off(tx, taken[place + 1 :], self._clock.now(), "the message before it did not go out")
            break
        return tried

    def _leave(self, tx: Transaction, channel_id: int, now: datetime) -> None:
        """Let mail lie that nothing here can send, and give up what has lain there for its time.

        It is not tried, so that it goes at once by the first process that has a mail server.
        """
        given_up = LyingBook(tx).leave(channel_id, now, why=NO_MAIL)
        self._sick[channel_id] = _Sick(0, now + _LOOK_AGAIN)
        if not self._has_left_mail:
            self._has_left_mail = True
            log.warning("Messages by mail wait: %s", NO_MAIL, extra={"word": "notice.no_mail"})
        if given_up:
            log.info("%d messages are given up: %s", given_up, NO_MAIL, extra={"word": "notice.no_mail"})

    def _put_off(self, tx: Transaction, deliveries: Sequence[Delivery], until: datetime, why: str) -> None:
        for each in deliveries:
            DeliveryBook(tx).put_off(each, again_at=until, why=why)

    def _fall_sick(self, channel_id: int) -> None:
        """Leave a channel alone for a moment, longer each time: its other messages would fare no better."""
        times = (self._sick[channel_id].times if channel_id in self._sick else 0) + 1
        rest = min(_LONGEST_REST, _REST * (1 << min(times - 1, 8)))
        self._sick[channel_id] = _Sick(times, self._clock.now() + rest)

    def _ripe(self, tx: Transaction, now: datetime) -> list[Target]:
        """Return the targets for which a message is to be made."""
        since = TellingBook(tx).due_targets(now)
        if not since:
            return []
        under_way = TargetBook(tx).waiting(list(since))
        wishes = _Desires(tx, self._house, [each for each in since if each not in under_way])
        return [
            target
            for target, first in since.items()
            if target not in under_way and self._is_ripe(tx, target, first, wishes.of(target), now)
        ]

    def _is_ripe(self, tx: Transaction, target: Target, since: datetime, wishes: Wishes | None, now: datetime) -> bool:
        if wishes is None:
            return False
        made = TargetBook(tx).made(target, now - _DAY)
        if opens_at(wishes, since, made, is_urgent=False, gather=self._gather) <= now:
            return True
        waits = TellingBook(tx).first_due(target, URGENT)
        return (
            waits is not None
            and waits <= now
            and opens_at(wishes, waits, made, is_urgent=True, gather=self._gather) <= now
        )

    def _make_for(self, target: Target, now: datetime) -> int:
        """Make the message for one target; return 0 where somebody else was faster or nobody is to be told."""
        with self._store.transaction() as tx:
            # Whoever makes messages is alone: else two would go to one target at once.
            MarkBook(tx).hold(_DISPATCH)
            if TargetBook(tx).waiting([target]):
                return 0
            desires = _Desires(tx, self._house, [target])
            wishes = desires.of(target)
            if wishes is None:
                return 0
            notes = TellingBook(tx).due_of(target, now, most=MOST_NOTES)
            kept = [note for note in notes if desires.wants(target, note)]
            TellingBook(tx).forget([note.id for note in notes if note not in kept])
            first = min((note.not_before or now for note in kept), default=now)
            made = TargetBook(tx).made(target, now - _DAY)
            if opens_at(wishes, first, made, is_urgent=False, gather=self._gather) > now:
                kept = urgent_of(kept)
            kept = sift(tx, kept, now)
            if not kept:
                return 0
            delivery = self._delivery(target, kept, wishes, PeopleBook(tx).team(), now)
            TellingBook(tx).attach([note.id for note in kept], DeliveryBook(tx).add(delivery), now)
            return 1

    def _delivery(self, target: Target, notes: Sequence[Note], wishes: Wishes, team: str, now: datetime) -> Delivery:
        topics = topics_of(notes, wishes.zone)
        is_digest = wishes.digest != "at_once"
        message = Message(
            id=secrets.token_hex(16),
            created_at=now,
            topics=topics,
            base_url=self._house.base_url,
            team=self._house.team or team,
            is_digest=is_digest,
            thread=thread_of(topics),
            zone=wishes.zone,
        )
        return Delivery(
            message_id=message.id,
            target=target,
            purpose=Purpose.DIGEST if is_digest else Purpose.NOTICES,
            summary=summary_of(topics),
            topics=len(topics),
            body=body_of(message),
            created_at=now,
            not_before=now,
            try_until=now + TRIED_FOR,
        )


class _Desires:
    """When and of what some targets want to be told, as one transaction sees it."""

    def __init__(self, tx: Transaction, house: House, targets: Sequence[Target]) -> None:
        self._house = house
        self._channels: Mapping[int, Channel] = ChannelBook(tx).by_ids([each.channel_id for each in targets])
        owners = {each.owner_id for each in self._channels.values()}
        people = AddresseeBook(tx).open_accounts(({each.user_id for each in targets} | owners) - {0})
        self._open = people.keys() | {0}
        self._people = {number: user for number, user in people.items() if may_get_mail(user)}
        reading = Reading(tx).of_all(list(self._people.values()), [each.key for each in ON_TELLING])
        self._settings = {number: values(each) for number, each in reading.items()}

    def of(self, target: Target) -> Wishes | None:
        """Return when a target wants to be told, None while it is not to be told at all."""
        if target.user_id:
            user = self._people.get(target.user_id)
            return None if user is None else Wishes.of(user.time_zone, self._settings[user.id])
        channel = self._channels.get(target.channel_id)
        if channel is None or not channel.is_sending or channel.owner_id not in self._open:
            return None
        return Wishes(
            zone=self._house.zone,
            most_per_hour=channel.most_per_hour or MOST_PER_HOUR,
            most_per_day=channel.most_per_day or MOST_PER_DAY,
        )

    def wants(self, target: Target, note: Note) -> bool:
        """Tell whether a target still wants to be told of something."""
        return not target.user_id or wants(self._settings[target.user_id], note.kind)
