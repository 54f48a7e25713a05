"""Take letters out of the outbox and send them, in a thread of its own: at least once, and for a day at most."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from horarium.accounts.letters import Answer, Draft, LetterKind
from horarium.clock import Clock
from horarium.errors import StoreError
from horarium.notify.drawing import FINISHED, Drawing, Drawn, Stamp
from horarium.notify.mailer import Line, Mailer, MailFailed
from horarium.standby import Standby
from horarium.store.books.mail import Letter, OutboxBook, SentBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store

log = logging.getLogger("horarium.notify")

TRIED_FOR: Final = timedelta(days=1)
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
KEPT_FOR: Final = timedelta(days=30)
AT_ONCE: Final = 5
HELD_FOR: Final = timedelta(minutes=5)
"""How long nobody else takes a letter that is being sent; after a crash it waits that long."""
LOOK_EVERY_SECONDS: Final = 2.0
_TIDY_EVERY: Final = timedelta(hours=1)


def pause_after(tries: int) -> timedelta:
    """Return how long to wait after a try that `tries` came before: twice as long each time, at most an hour."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(tries, 12)))


class Courier(Standby):
    """The one who carries the letters of a store to the mail server.

    A stop breaks off the connection that is in use; its letter is tried again after the next start.
    """

    thread_name = "horarium-courier"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        mailer: Mailer,
        drawing: Drawing,
        answers: Mapping[LetterKind, Answer],
        team: str = "",
        only: str = "",
    ) -> None:
        """Send over `mailer` what `drawing` makes of letters; for kinds with a link, `answers` say what they say.

        They come from `team`, or the team that was named at set-up. With `only`, letters of one kind are sent and the
        others left to somebody else.
        """
        super().__init__()
        self._only = only
        self._store = store
        self._clock = clock
        self._mailer = mailer
        self._drawing = drawing
        self._answers = answers
        self._team = self._team_name = team
        self._tidied = clock.now() - _TIDY_EVERY

    def begin_stop(self) -> None:
        """Ask for the stop without waiting for it."""
        super().begin_stop()
        self._mailer.hang_up()

    def carry(self) -> int:
        """Send the letters whose time has come, a few at once; return how many were taken in hand."""
        now = self._clock.now()
        with self._store.reading() as tx:
            first = OutboxBook(tx).first_waiting(self._only)
            self._team = self._team_name or PeopleBook(tx).team()
        if first is None or first > now:
            return 0
        with self._store.transaction() as tx:
            letters = OutboxBook(tx).take(now, hold_until=now + HELD_FOR, most=AT_ONCE, kind=self._only)
        ready = [(letter, drawn) for letter in letters if (drawn := self._made(letter)) is not None]
        if ready:
            self._send_all(ready)
        return len(letters)

    def tidy(self) -> None:
        """Forget letters that were sent or given up long ago."""
        self._tidied = self._clock.now()
        with self._store.transaction() as tx:
            SentBook(tx).forget_before(self._tidied - KEPT_FOR)

    def _run(self) -> None:
        while not self._is_stopping:
            taken = 0
            try:
                if self._clock.now() - self._tidied >= _TIDY_EVERY:
                    self.tidy()
                taken = self.carry()
            except StoreError as error:
                log.warning("Letters wait: %s", error, extra={"word": "mail.waiting"})
            except Exception:
                log.exception("Letters wait: something went wrong that should not have", extra={"word": "mail.fault"})
            if not taken and not self._is_stopping:
                self._clock.wait(self._alarm, LOOK_EVERY_SECONDS)

    def _made(self, letter: Letter) -> Drawn | None:
        """Return a letter ready to go; one that cannot be made keeps the others from nothing."""
        try:
            return self._drawn(letter)
        except StoreError as error:
            self._fail(letter, MailFailed(str(error), is_for_all=False))
        except Exception:
            log.exception("Letter %d cannot be made", letter.id, extra={"word": "mail.fault"})
            self._fail(letter, MailFailed("it cannot be made; the server's log says why", is_for_all=False))
        return None

    def _drawn(self, letter: Letter) -> Drawn | None:
        """Return a letter ready to go, None for one that is not to be sent any more."""
        if self._clock.now() - letter.created_at >= TRIED_FOR:
            self._give_up(letter, letter.last_error or "nobody sent it for a day")
            return None
        stamp = Stamp(message_id=letter.message_id, at=letter.created_at)
        if letter.kind == FINISHED:
            return self._attempted(letter, lambda: self._drawing.finished(letter.body, to=letter.address, stamp=stamp))
        try:
            kind = LetterKind(letter.kind)
        except ValueError:
            self._give_up(letter, f"this release knows no letters of the kind {letter.kind!r}")
            return None
        answer = self._answers.get(kind)
        draft = Draft(kind=kind, to=letter.address, values=letter.body) if answer is None else answer(letter)
        if draft is None:
            with self._store.transaction() as tx:
                SentBook(tx).remove(letter.id)
            return None
        return self._attempted(
            letter, lambda: self._drawing.draw(draft.kind, draft.values, to=draft.to, stamp=stamp, team=self._team)
        )

    def _attempted(self, letter: Letter, draw: Callable[[], Drawn]) -> Drawn | None:
        """Return what is drawn of a letter, None where it cannot be."""
        try:
            return draw()
        except MailFailed as error:
            self._fail(letter, error)
            return None

    def _send_all(self, ready: list[tuple[Letter, Drawn]]) -> None:
        waiting = list(ready)
        try:
            with self._mailer.line() as line:
                while waiting and not self._is_stopping:
                    self._send(line, *waiting[0])
                    waiting.pop(0)
        except MailFailed as error:
            for letter, _ in waiting:
                self._fail(letter, error)
            return
        for letter, _ in waiting:
            self._put_back(letter)

    def _send(self, line: Line, letter: Letter, drawn: Drawn) -> None:
        """Send one letter. Raises `MailFailed` where the others cannot be sent either."""
        try:
            line.send(drawn.message, to=drawn.to, sender=drawn.sender)
        except MailFailed as error:
            if error.is_for_all:
                raise
            self._fail(letter, error)
            return
        self._write(lambda book: book.note_sent(letter.id, self._clock.now()))
        log.info("Letter %d went out: %s", letter.id, letter.kind, extra={"word": "mail.sent"})

    def _fail(self, letter: Letter, error: MailFailed) -> None:
        if self._is_stopping and error.is_for_all:
            self._put_back(letter)
            return
        again_at = self._clock.now() + pause_after(letter.tries)
        if error.is_final or again_at >= letter.created_at + TRIED_FOR:
            self._give_up(letter, str(error))
            return
        self._write(lambda book: book.note_failed(letter.id, str(error), again_at=again_at))
        words = "Letter %d did not go out (try %d): %s"
        log.warning(words, letter.id, letter.tries + 1, error, extra={"word": "mail.failed"})

    def _put_back(self, letter: Letter) -> None:
        """Let a letter be sent by whoever comes next: the server was stopped before its turn, or in the middle."""
        self._write(lambda book: book.note_failed(letter.id, "the server was stopped", again_at=self._clock.now()))

    def _give_up(self, letter: Letter, reason: str) -> None:
        self._write(lambda book: book.give_up(letter.id, reason, self._clock.now()))
        log.warning("Letter %d was given up: %s", letter.id, reason, extra={"word": "mail.given_up"})

    def _write(self, change: Callable[[OutboxBook], None]) -> None:
        with self._store.transaction() as tx:
            change(OutboxBook(tx))
