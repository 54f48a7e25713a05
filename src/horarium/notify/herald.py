"""Read what happened and write who is to be told: each event once, whoever else reads and whenever the power fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from horarium.clock import Clock
from horarium.errors import StoreError
from horarium.notify.happenings import NEWS, Known, Streaks, happenings_of, runs_in, tasks_in
from horarium.notify.muting import Mutes
from horarium.notify.people import Circle
from horarium.notify.rules import SILENT_ENDS, Happening, fits
from horarium.notify.standard import HERALD, WATCH, Gates, found
from horarium.notify.watch import delays
from horarium.notify.writing import Stance, Writer
from horarium.records.notices import NoticeKind
from horarium.records.runs import Event
from horarium.records.telling import Frequency, Rule, Scope
from horarium.standby import Standby
from horarium.states import FAILURE_STATES
from horarium.store.books.channels import RuleBook
from horarium.store.books.events import EventBook, NewsBook
from horarium.store.books.history import HistoryBook
from horarium.store.books.notices import NoteBook
from horarium.store.books.tasks import TaskBook
from horarium.store.books.watching import MarkBook, SnoozeBook, StreakBook
from horarium.store.port import Store, Transaction

log = logging.getLogger("horarium.notify")

LOOK_EVERY_SECONDS: Final = 2.0
WATCH_EVERY: Final = timedelta(seconds=30)
MOST_EVENTS: Final = 300
"""How many events one transaction works in: few enough that nobody waits for it."""
_KEEP_MARK_EVERY: Final = 20_000
_BAD: Final = frozenset(state.value for state in FAILURE_STATES)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be written, worked out on a snapshot; it stands only if the mark is still where it was."""

    mark: int
    edge: int
    happenings: list[Happening]
    streaks: Streaks
    stance: Stance


class Herald(Standby):
    """The one who turns events into rows for those who are to be told."""

    thread_name = "horarium-herald"

    def __init__(self, store: Store, clock: Clock, *, gates: Gates | None = None) -> None:
        """Work on `store`; `gates` say which standard rules the settings shut."""
        super().__init__()
        self._store = store
        self._clock = clock
        self._gates = gates or Gates()
        self._mark = self._seen = -1
        self._has_begun = False
        self._watched = clock.now() - WATCH_EVERY
        self._known: frozenset[tuple[str, ...]] = frozenset()

    def look(self) -> int:
        """Work the next events in; return how many happenings they were, 0 when there is nothing more to read."""
        self._begin()
        plan = self._read()
        if plan is None:
            return 0
        now = self._clock.now()
        with self._store.transaction() as tx:
            if not MarkBook(tx).move(HERALD, old=plan.mark, new=plan.edge):
                return 0
            StreakBook(tx).write(plan.streaks.now.values(), plan.streaks.over)
            writer = Writer(tx, plan.stance, plan.happenings, now)
            for happening in plan.happenings:
                writer.tell(happening)
            writer.finish()
        self._mark = self._seen = plan.edge
        return max(len(plan.happenings), 1)

    def watch(self) -> int:
        """Look for what is late, stuck, too long or never started; return how much of it is new."""
        self._begin()
        self._watched = now = self._clock.now()
        with self._store.reading() as tx:
            old = MarkBook(tx).get(WATCH) or 0
            rules = self._rules(tx)
            happenings = delays(tx, rules, now)
            marks = {each.subject + each.kind: _mark_of(each, rules) for each in happenings}
            fresh = [each for each in happenings if marks[each.subject + each.kind] not in self._known]
            stance = self._stance(tx, rules, fresh) if fresh else None
        if stance is not None:
            with self._store.transaction() as tx:
                if not MarkBook(tx).move(WATCH, old=old, new=max(old + 1, self._clock.micros())):
                    return 0
                writer = Writer(tx, stance, fresh, now)
                for happening in fresh:
                    writer.tell(happening)
                writer.finish()
        self._known = frozenset(marks.values())
        return len(fresh)

    def _begin(self) -> None:
        if not self._has_begun:
            found(self._store, self._clock)
            self._has_begun = True

    def _run(self) -> None:
        while not self._is_stopping:
            done = 0
            try:
                done = self.look()
                if self._clock.now() - self._watched >= WATCH_EVERY:
                    self.watch()
            except StoreError as error:
                log.warning("Notices wait: %s", error, extra={"word": "notice.waiting"})
            except Exception:
                log.exception("Notices wait: something went wrong that should not have", extra={"word": "notice.fault"})
            if not done and not self._is_stopping:
                self._clock.wait(self._alarm, LOOK_EVERY_SECONDS)

    def _read(self) -> _Plan | None:
        """Return what the next events come to, None where there is nothing to write."""
        with self._store.reading() as tx:
            mark, upto = MarkBook(tx).get(HERALD) or 0, EventBook(tx).settled_id()
            cursor = self._seen if mark == self._mark else mark
            if upto <= cursor:
                return None
            rules = self._rules(tx)
            events, edge, wants_success = self._news(tx, rules, cursor, upto)
            if not events and edge - mark < _KEEP_MARK_EVERY:
                self._mark, self._seen = mark, edge
                return None
            tasks = TaskBook(tx).by_ids(sorted(tasks_in(events)))
            streaks = Streaks(StreakBook(tx).of(tasks))
            failing = StreakBook(tx).all_ids()
            runs = HistoryBook(tx).by_ids(runs_in(events, of_success=None if wants_success else failing))
            happenings = happenings_of(events, Known(tasks, runs, wants_success), streaks)
            return _Plan(mark, edge, happenings, streaks, self._stance(tx, rules, happenings))

    def _rules(self, tx: Transaction) -> list[Rule]:
        return self._gates.effective(RuleBook(tx).every())

    def _news(self, tx: Transaction, rules: list[Rule], cursor: int, upto: int) -> tuple[list[Event], int, bool]:
        """Return the events to tell of in their order, how far they reach, and whether each success counts."""
        news = NewsBook(tx).between(cursor, upto, NEWS, most=MOST_EVENTS)
        edge = news[-1].id if len(news) == MOST_EVENTS else upto
        about_success = [rule for rule in rules if NoticeKind.SUCCEEDED in rule.kinds]
        watched: set[int] | None = None
        if all(rule.scope is Scope.TASK for rule in about_success):
            lasting = [rule.id for rule in rules if rule.frequency is not Frequency.AT_MOST]
            watched = StreakBook(tx).all_ids() | {rule.scope_id for rule in about_success}
            watched |= NoteBook(tx).open_tasks(SILENT_ENDS | {NoticeKind.NEVER_STARTED}, lasting)
            watched |= {each.task_id for each in news if each.task_id and each.body.get("state") in _BAD}
        wins = NewsBook(tx).successes(cursor, edge, watched, most=MOST_EVENTS)
        if len(wins) == MOST_EVENTS:
            edge = wins[-1].id
            news = [each for each in news if each.id <= edge]
        return sorted([*news, *wins], key=_by_id), edge, bool(about_success)

    def _stance(self, tx: Transaction, rules: list[Rule], happenings: list[Happening]) -> Stance:
        circle = Circle.read(tx, rules, happenings)
        now = self._clock.now()
        return Stance(rules, circle, SnoozeBook(tx).living(now), Mutes.read(tx, rules, now))


def _mark_of(happening: Happening, rules: list[Rule]) -> tuple[str, ...]:
    """Return what tells whether something is new: it, and the rules that are about it by now."""
    about = (str(rule.id) for rule in rules if fits(rule, happening))
    return (happening.kind, happening.subject, happening.mark, *about)


def _by_id(event: Event) -> int:
    return event.id
