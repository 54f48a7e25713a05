"""Watch the scheduler from outside: look at the store, note a silence once, tell administrators, call the monitor."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Final

from horarium.clock import Clock, from_micros
from horarium.config import Config
from horarium.errors import StoreUnavailable
from horarium.outgoing.addresses import Policy
from horarium.outgoing.caller import Caller, Unreached
from horarium.outgoing.web import ask
from horarium.scheduling.silence import Judge, Trouble, View
from horarium.server import telling
from horarium.states import EventKind, SilenceCause
from horarium.store.lookout import Lookout, Noted, Seen

log = logging.getLogger("horarium.watch")

LOOK_SECONDS: Final = 5.0
TELL_AGAIN_SECONDS: Final = 30.0
"""How long after a message that did not go out it is tried again."""
HELD_MICROS: Final = 60_000_000
RECENT_MICROS: Final = 6 * 3_600_000_000
"""How old a silence may be that nobody was told of: older ones are history."""
_SECOND: Final = 1_000_000


@dataclass(slots=True)
class Watcher:
    """Looks at one store again and again. It needs nothing of the process that it watches."""

    config: Config
    clock: Clock
    lookout: Lookout
    trouble: Trouble | None = None
    seen: Seen | None = None
    _judge: Judge = field(init=False)
    _unwritten: Trouble | None = None
    _told_alone: bool = False
    _again_at: float = 0.0
    _pinged: float | None = None
    _ping_said: str = ""

    def __post_init__(self) -> None:
        """Take the measure of silence from the settings."""
        self._judge = Judge(self.config.silence_after_seconds)

    @classmethod
    def of(cls, config: Config, clock: Clock) -> Watcher:
        """Return the watcher of the store that the settings name."""
        return cls(config, clock, Lookout(config.database, clock.monotonic))

    def look(self) -> Trouble | None:
        """Look once and do what follows from it; return what is wrong, None when all is well. Never raises."""
        now, steady = self.clock.micros(), self.clock.monotonic()
        try:
            self.seen = self.lookout.look()
            self.trouble = self._judge.judge(_view(now, self.seen), steady)
        except StoreUnavailable as error:
            log.info("The store cannot be looked at: %s", error)
            self.trouble = self._judge.unread(now, steady)
        try:
            self._note(now)
            self._tell(now, steady)
        except StoreUnavailable as error:
            log.warning("A silence cannot be noted: %s", error, extra={"word": "watch.unwritten"})
            self._tell_alone(now, steady)
        except Exception:
            log.exception("The watcher stumbled and goes on", extra={"word": "watch.fault"})
        self._ping(steady)
        return self.trouble

    def _note(self, now: int) -> None:
        """Write that a silence began, or that it is over. Raises `StoreUnavailable`."""
        trouble = self.trouble or self._unwritten
        if trouble is not None:
            self._unwritten = trouble
            detail = telling.REASONS[trouble.cause]
            body = json.dumps({"cause": trouble.cause.value, "since": from_micros(trouble.began_at).isoformat()})
            event = (EventKind.SCHEDULER_SILENT.value, body)
            if self.lookout.begin(trouble.cause.value, detail, began_at=trouble.began_at, now=now, event=event):
                log.error("The scheduler is silent: %s", detail, extra={"word": "scheduler.silent"})
            self._unwritten = None
        event = (EventKind.SCHEDULER_BACK.value, "{}")
        if self.trouble is None and self._is_back() and self.lookout.end(now=now, event=event):
            log.info("The scheduler works again", extra={"word": "scheduler.back"})

    @property
    def is_alive(self) -> bool:
        """Tell whether the last look found a scheduler that gives signs of life."""
        return self.seen is not None and _view(0, self.seen).is_living(self.config.silence_after_seconds)

    def _is_back(self) -> bool:
        """Tell whether a silence that is still open is over. What a scheduler says of itself, it takes back itself."""
        if self.seen is None or not self.is_alive:
            return False
        latest = self.lookout.latest()
        if latest is None or latest.ended_at is not None:
            return False
        began_anew = self.seen.started_at is not None and self.seen.started_at > latest.noticed_at
        return latest.cause != SilenceCause.STUCK or began_anew

    def _tell(self, now: int, steady: float) -> None:
        """Tell administrators of a silence, or of its end, where nobody else has it in hand."""
        latest = self.lookout.latest()
        if latest is None or steady < self._again_at or not _is_untold(latest, now):
            return
        back = latest.told_at is not None
        if self._told_alone and not back:
            # They know already: it was told while the store took no writes.
            self.lookout.told(latest.id, now=now, back=False)
            self._told_alone = False
            return
        if not self.lookout.take(latest.id, now=now, until=now + HELD_MICROS):
            return
        if self._send(latest.cause, latest.began_at, now, back=back):
            self.lookout.told(latest.id, now=self.clock.micros(), back=back)
        else:
            self._again_at = steady + max(TELL_AGAIN_SECONDS, HELD_MICROS / _SECOND)

    def _tell_alone(self, now: int, steady: float) -> None:
        """Tell of a silence that cannot be written down: whoever holds the store may be what stands still."""
        if self.trouble is None or self._told_alone or steady < self._again_at:
            return
        self._told_alone = self._send(self.trouble.cause.value, self.trouble.began_at, now, back=False)
        self._again_at = steady + TELL_AGAIN_SECONDS

    def _send(self, cause: str, began_at: int, now: int, *, back: bool) -> bool:
        """Send one message to each administrator; tell whether there is nothing left to try."""
        admins, team = ((), "") if self.seen is None else (self.seen.admins, self.seen.team)
        if not admins or not self.config.sends_mail:
            log.warning("Nobody can be told by mail", extra={"word": "watch.nobody"})
            return True
        began, at = from_micros(began_at), from_micros(now)
        failed = telling.send(
            self.config,
            [
                (to, telling.letter(self.config, to=to, cause=cause, began_at=began, now=at, team=team, back=back))
                for to in admins
            ],
        )
        for sentence in failed:
            log.warning("A message about the scheduler did not go out: %s", sentence, extra={"word": "watch.mail"})
        return len(failed) < len(admins)

    def _ping(self, steady: float) -> None:
        """Call the outside monitor when it is time, or when something has changed."""
        url = self.config.ping_url
        if url is None:
            return
        word = "" if self.trouble is None else "/fail"
        is_time = self._pinged is None or steady - self._pinged >= self.config.ping_every_seconds
        if not is_time and word == self._ping_said:
            return
        self._pinged, self._ping_said = steady, word
        try:
            with Caller(Policy.of(self.config.outgoing_allow)) as caller:
                answer = ask(caller, "GET", url + word, headers={})
            if answer.status >= 400:
                log.warning("The outside monitor answered %d", answer.status, extra={"word": "watch.ping"})
        except Unreached as error:
            log.warning("The outside monitor could not be called: %s", error, extra={"word": "watch.ping"})


def _view(now: int, seen: Seen) -> View:
    return View(
        now=now,
        lease_now=seen.lease_now,
        leases=seen.leases,
        last_seen=seen.last_seen,
        started_at=seen.started_at,
        oldest_due=seen.oldest_due,
        is_held=seen.is_held,
    )


def _is_untold(latest: Noted, now: int) -> bool:
    if latest.told_back_at is not None:
        return False
    if latest.told_at is not None:
        return latest.ended_at is not None
    # One that was over before anybody could be told is told of neither way.
    return latest.ended_at is None and now - latest.noticed_at < RECENT_MICROS
