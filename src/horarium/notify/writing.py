"""Write what is to be told: one row for each target, rule and subject, counted on while it waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from horarium.notify.muting import Mutes, was_told
from horarium.notify.people import Circle
from horarium.notify.rules import SILENT_ENDS, Happening, counted, deciding, note_of, told_at
from horarium.records.notices import NoticeKind
from horarium.records.telling import Frequency, Note, Rule, Snooze, Target
from horarium.store.books.notices import NoteBook
from horarium.store.port import Transaction

_Key = tuple[int, Target, NoticeKind, str]


@dataclass(frozen=True, slots=True)
class Stance:
    """What decides about what happened: rules in force, people, what is held back, and what mutes."""

    rules: Sequence[Rule]
    circle: Circle
    snoozes: Sequence[Snooze]
    mutes: Mutes = field(default_factory=Mutes)


class Writer:
    """Works one batch of happenings into the rows, in memory; `finish` writes them."""

    def __init__(self, tx: Transaction, stance: Stance, happenings: Iterable[Happening], now: datetime) -> None:
        """Read what is open on the subjects of the happenings."""
        self._tx = tx
        self._book = NoteBook(tx)
        self._stance = stance
        self._now = now
        self._by_id = {rule.id: rule for rule in stance.rules}
        self._open: dict[_Key, Note] = {}
        self._fresh: dict[_Key, Note] = {}
        self._dirty: dict[int, Note] = {}
        self._closed: set[int] = set()
        for note in self._book.open_on({each.subject for each in happenings}, tuple(NoticeKind)):
            self._open[_key(note)] = note

    def tell(self, happening: Happening) -> None:
        """Write for whom something is to be told, and what is over with it."""
        if happening.ends:
            self._end(happening)
        told: set[Target] = set()
        for rule in self._deciding(happening):
            for target in self._stance.circle.targets(rule, happening):
                if target not in told:
                    told.add(target)
                    self._note(rule, target, happening)

    def finish(self) -> int:
        """Write what came of it; return how many rows are new or other ones."""
        if self._closed:
            self._book.close(self._closed, self._now)
        for note in self._dirty.values():
            self._book.rewrite(note)
        for note in self._fresh.values():
            self._book.add(note)
        return len(self._closed) + len(self._dirty) + len(self._fresh)

    def _deciding(self, happening: Happening) -> list[Rule]:
        """Return the rules that decide: of the installation's, and of those of each person for themselves."""
        found: list[Rule] = []
        for owner_id in dict.fromkeys(rule.owner_id for rule in self._stance.rules):
            found += deciding((rule for rule in self._stance.rules if rule.owner_id == owner_id), happening)
        return found

    def _note(self, rule: Rule, target: Target, happening: Happening, *, at_once: bool = False) -> None:
        key = (rule.id, target, happening.kind, happening.subject)
        before = self._open.get(key)
        if before is not None and happening.mark and before.mark == happening.mark:
            return
        if before is not None and before.delivery_id is None:
            self._put(key, self._stance.mutes.muted(counted(before, happening)))
            return
        not_before = happening.at if at_once else told_at(rule, happening.kind, before, happening.at)
        note = note_of(rule, target, happening, not_before=not_before)
        if before is not None:
            self._closed.add(before.id)
        self._put(key, self._stance.mutes.muted(self._held_back(note)))

    def _held_back(self, note: Note) -> Note:
        until = [each.until for each in self._stance.snoozes if each.covers(note) and each.until > self._now]
        if not until or note.not_before is None:
            return note
        return replace(note, not_before=max(note.not_before, *until))

    def _end(self, happening: Happening) -> None:
        """Close what is over, and tell it to those whom the trouble was told."""
        for key, note in list(self._open.items()):
            if note.subject != happening.subject or note.kind not in happening.ends:
                continue
            rule = self._by_id.get(note.rule_id)
            is_now = happening.since is None or note.last_at >= happening.since
            is_muted = self._is_muted(key, note)
            if rule is not None and is_now and self._is_told(rule, note, happening):
                self._note(rule, note.target, happening, at_once=True)
                if not is_muted:
                    self._release(key, note, happening.at)
            if is_muted or rule is None or rule.frequency is not Frequency.AT_MOST:
                self._close(key)

    def _is_muted(self, key: _Key, note: Note) -> bool:
        """Tell whether something was never told since it was muted, or would be now; it stays so for good."""
        if note.delivery_id is not None:
            return False
        after = self._stance.mutes.muted(note) if note.muted_while is None else replace(note, freed_at=None)
        if after.is_muted:
            self._put(key, after)
        return after.is_muted

    def _is_told(self, rule: Rule, note: Note, happening: Happening) -> bool:
        if NoticeKind.RECOVERED not in rule.kinds or note.kind in SILENT_ENDS:
            return False
        if self._open[_key(note)].is_muted and not was_told(self._tx, note, happening.since):
            return False
        return note.target.channel_id > 0 or self._stance.circle.wants_it(note.target.user_id, happening)

    def _release(self, key: _Key, note: Note, at: datetime) -> None:
        """Let what was counted meanwhile go with the word that it is over."""
        if note.delivery_id is None and (note.not_before is None or note.not_before > at):
            self._put(key, self._held_back(replace(note, not_before=at)))

    def _close(self, key: _Key) -> None:
        note = self._open.pop(key)
        closed = replace(note, closed_at=self._now)
        if note.id:
            self._dirty.pop(note.id, None)
            if note.delivery_id is None:
                self._dirty[note.id] = closed
            else:
                self._closed.add(note.id)
        else:
            self._fresh.pop(key, None)
            self._keep_closed(closed)

    def _keep_closed(self, note: Note) -> None:
        """Keep the row of something that began and ended in one batch, under a key that nothing new meets."""
        self._fresh[(*_key(note)[:3], f"{note.subject}\0{len(self._fresh)}")] = note

    def _put(self, key: _Key, note: Note) -> None:
        self._open[key] = note
        if note.id:
            self._dirty[note.id] = note
        else:
            self._fresh[key] = note


def _key(note: Note) -> _Key:
    return (note.rule_id, note.target, note.kind, note.subject)
