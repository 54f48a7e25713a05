"""Look at what was told: messages and their answers, what waits; send again, hold back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock
from horarium.errors import Conflict, Denied, InvalidValue, NotFound
from horarium.notify.courier import TRIED_FOR
from horarium.notify.muting import MutedNote, cause_names, muted_words
from horarium.records.credentials import Asker
from horarium.records.telling import Delivery, Note, Snooze, Target
from horarium.store.books.channels import ChannelBook
from horarium.store.books.deliveries import DeliveryBook, DeliveryFilter
from horarium.store.books.muted import MutedBook
from horarium.store.books.notices import NoteBook
from horarium.store.books.tasks import TaskBook
from horarium.store.books.watching import SnoozeBook
from horarium.store.port import Store, Transaction

LONGEST_SNOOZE: Final = timedelta(days=366)
REASON_LIMIT: Final = 200
_STATES: Final = ("", "sent", "given_up", "waiting")


class LogDesk:
    """Messages and what is held back, for whoever asks: people see what went to them and their channels."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Work on `store`."""
        self._store = store
        self._clock = clock
        self._trail = Trail(store, clock)

    def page(
        self,
        *,
        asker: Asker,
        channel_id: int | None = None,
        task_id: int | None = None,
        state: str = "",
        before: int | None = None,
        limit: int = 50,
    ) -> list[Delivery]:
        """Return messages newest first: of a channel, about a task, in a state (`sent`, `given_up`, `waiting`).

        `before` asks for those of lower numbers.
        """
        wanted = replace(self._filter(channel_id, state), task_id=task_id)
        with self._store.reading() as tx:
            return DeliveryBook(tx).page(self._narrowed(tx, wanted, asker), before=before, limit=limit)

    def count(
        self, *, asker: Asker, channel_id: int | None = None, state: str = "", since: datetime | None = None
    ) -> int:
        """Return how many messages there are of a channel, in a state, made since an instant."""
        wanted = self._filter(channel_id, state)
        with self._store.reading() as tx:
            return DeliveryBook(tx).count(self._narrowed(tx, wanted, asker), since=since)

    def show(self, delivery_id: int, *, asker: Asker) -> tuple[Delivery, list[Note]]:
        """Return a message with its tries, and the rows that it tells. Raises `NotFound`."""
        with self._store.reading() as tx:
            return self._seen(tx, delivery_id, asker), NoteBook(tx).of_delivery(delivery_id)

    def waiting(self, *, asker: Asker, limit: int = 200) -> list[Note]:
        """Return what is to be told and has not been, the newest first."""
        with self._store.reading() as tx:
            targets = None if asker.sees_all else self._targets(tx, asker)
            return NoteBook(tx).waiting(targets=targets, most=limit, with_muted=False)

    def muted(self, *, asker: Asker, before: int | None = None, limit: int = 50) -> list[MutedNote]:
        """Return what a rule mutes, and what it muted until it was over, the newest first."""
        with self._store.reading() as tx:
            targets = None if asker.sees_all else self._targets(tx, asker)
            notes = MutedBook(tx).page(targets=targets, before=before, most=limit)
            names = cause_names(tx, {each.muted_while for each in notes if each.muted_while}, asker=asker)
            return [MutedNote(each, muted_words(each, names)) for each in notes]

    def resend(self, delivery_id: int, *, asker: Asker) -> Delivery:
        """Have a message tried for another day, with the same id. Raises `NotFound`, `Conflict` if it was taken."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            found = self._seen(tx, delivery_id, asker)
            if not DeliveryBook(tx).again(delivery_id, now, until=now + TRIED_FOR):
                raise Conflict("it arrived: it is not sent again")
            about = About("message", found.id, found.summary)
            self._trail.note(tx, asker.actor, Action.NOTICE_RESENT, about)
            return self._seen(tx, delivery_id, asker)

    def snoozes(self, *, asker: Asker) -> list[Snooze]:
        """Return what is held back now: for everybody, and for who asks."""
        ids = None if asker.sees_all else [0, asker.user_id]
        with self._store.reading() as tx:
            return SnoozeBook(tx).living(self._clock.now(), user_ids=ids)

    def snooze(self, wanted: Snooze, *, asker: Asker) -> Snooze:
        """Hold something back until an instant: for oneself, or as an administrator for everybody.

        What happens meanwhile is told together afterwards. Raises `InvalidValue`, `Denied`, `NotFound` for the task.
        """
        now = self._clock.now()
        if wanted.user_id != asker.user_id and not asker.sees_all:
            raise Denied("people hold back what they are told themselves; for everybody administrators do")
        if wanted.until.tzinfo is None or not now < wanted.until <= now + LONGEST_SNOOZE:
            raise InvalidValue("until", wanted.until.isoformat(), "use a time with its zone, at most a year ahead")
        if len(wanted.reason) > REASON_LIMIT:
            raise InvalidValue("reason", wanted.reason, f"use at most {REASON_LIMIT} characters")
        if not (wanted.task_id or wanted.rule_id or wanted.channel_id or wanted.user_id):
            raise InvalidValue("task", 0, "say what is held back: a task, a rule or a channel")
        with self._store.transaction() as tx:
            self._check_task(tx, wanted.task_id, asker)
            made = replace(wanted, created_at=now, created_by=asker.actor.words)
            made = replace(made, id=SnoozeBook(tx).add(made))
            for note in NoteBook(tx).waiting(most=10_000):
                if made.covers(note) and note.not_before is not None:
                    NoteBook(tx).rewrite(replace(note, not_before=max(note.not_before, made.until)))
            until = made.until.isoformat()
            self._trail.note(tx, asker.actor, Action.NOTICE_SNOOZED, self._about(tx, made), until=until)
        return made

    def wake(self, snooze_id: int, *, asker: Asker) -> None:
        """Hold something back no longer: what waited is told now. Raises `NotFound`."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            found = SnoozeBook(tx).get(snooze_id)
            if found is None or not (asker.sees_all or found.user_id == asker.user_id):
                raise NotFound(f"nothing is held back under the number {snooze_id}")
            SnoozeBook(tx).end(snooze_id)
            for note in NoteBook(tx).waiting(most=10_000):
                if found.covers(note) and note.not_before == found.until:
                    NoteBook(tx).rewrite(replace(note, not_before=now))
            self._trail.note(tx, asker.actor, Action.NOTICE_WOKEN, self._about(tx, found))

    def _filter(self, channel_id: int | None, state: str) -> DeliveryFilter:
        if state not in _STATES:
            raise InvalidValue("state", state, "use sent, given_up or waiting")
        return DeliveryFilter(channel_id=channel_id, state=state)

    def _narrowed(self, tx: Transaction, wanted: DeliveryFilter, asker: Asker) -> DeliveryFilter:
        return wanted if asker.sees_all else replace(wanted, targets=tuple(self._targets(tx, asker)))

    def _targets(self, tx: Transaction, asker: Asker) -> list[Target]:
        own = ChannelBook(tx).every(owner_ids=[asker.user_id])
        return [Target(user_id=asker.user_id), *(Target(channel_id=each.id) for each in own)]

    def _seen(self, tx: Transaction, delivery_id: int, asker: Asker) -> Delivery:
        found = DeliveryBook(tx).get(delivery_id)
        if found is None or not (asker.sees_all or found.target in self._targets(tx, asker)):
            raise NotFound(f"there is no message {delivery_id}")
        return found

    def _check_task(self, tx: Transaction, task_id: int, asker: Asker) -> None:
        task = TaskBook(tx).get(task_id) if task_id else None
        if task_id and (task is None or task.removed_at is not None or not asker.reach.covers(task.place)):
            raise NotFound(f"there is no task {task_id}")

    def _about(self, tx: Transaction, snooze: Snooze) -> About:
        task = TaskBook(tx).get(snooze.task_id) if snooze.task_id else None
        return About("task", snooze.task_id, task.name) if task is not None else About("notices", snooze.id)
