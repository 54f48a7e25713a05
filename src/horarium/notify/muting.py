"""Mute what something else explains: while a task or check that a rule names is failing, its other troubles wait."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Self

from horarium.accounts.roles import Identity
from horarium.notify.rings import Failing, pairs_of, ringless
from horarium.records.checks import HeartbeatCheck
from horarium.records.credentials import Asker
from horarium.records.notices import NoticeKind
from horarium.records.reach import EVERYTHING, Reach
from horarium.records.tasks import Task
from horarium.records.telling import Cause, Note, On, Rule
from horarium.states import CheckState
from horarium.store.books.addressees import AddresseeBook
from horarium.store.books.channels import RuleBook
from horarium.store.books.checks import CheckFinder
from horarium.store.books.muted import MOST_OPEN, MutedBook
from horarium.store.books.notices import TellingBook
from horarium.store.books.projects import ProjectBook
from horarium.store.books.tasks import TaskBook
from horarium.store.books.watching import StreakBook
from horarium.store.port import Store, Transaction

MUTABLE: Final = frozenset(
    {
        NoticeKind.FAILED,
        NoticeKind.LATE,
        NoticeKind.STUCK,
        NoticeKind.TOO_LONG,
        NoticeKind.NEVER_STARTED,
        NoticeKind.PARKED,
        NoticeKind.HEARTBEAT_MISSED,
    }
)
"""The troubles that something else may explain."""
_BAD: Final = frozenset({CheckState.DOWN, CheckState.LATE})


@dataclass(frozen=True, slots=True)
class Mutes:
    """What mutes what at one moment: the rules that name causes, and for each those that are failing.

    Something that is failing itself, and is one of `failing`, is muted by what stands with it in `pairs` alone: they
    form no ring, so that of what explains each other one is told.
    """

    rules: Mapping[int, Rule] = field(default_factory=dict)
    causes: Mapping[int, tuple[Cause, ...]] = field(default_factory=dict)
    failing: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def read(cls, tx: Transaction, rules: Sequence[Rule], now: datetime) -> Self:
        """Read how what all rules name does now; what is gone or hidden from a rule's owner mutes nothing."""
        muting = {rule.id: rule for rule in rules if rule.mute_while}
        named = {each for rule in muting.values() for each in rule.mute_while}
        there = causes_in(tx, named, EVERYTHING) if named else {}
        bad = {cause: each for cause, each in there.items() if is_failing(each, now)}
        if not bad:
            return cls(muting)
        reaches = reaches_of(tx, {rule.owner_id for rule in muting.values()})
        causes: dict[int, tuple[Cause, ...]] = {}
        for rule in muting.values():
            seen = reaches[rule.owner_id]
            causes[rule.id] = tuple(each for each in rule.mute_while if each in bad and seen.covers(bad[each].place))
        pairs = ringless(pairs_of(rules, causes, _begun(tx, bad, now), reaches)) if len(bad) > 1 else frozenset()
        return cls(muting, causes, frozenset(each.text for each in bad), pairs)

    def cause(self, note: Note) -> Cause | None:
        """Return what mutes this now, None where it may be told; what a rule names is never muted by it."""
        rule = self.rules.get(note.rule_id)
        if rule is None or note.kind not in MUTABLE or note.subject in {each.text for each in rule.mute_while}:
            return None
        causes = self.causes.get(rule.id, ())
        if note.subject in self.failing:
            causes = tuple(each for each in causes if (note.subject, each.text) in self.pairs)
        return causes[0] if causes else None

    def muted(self, note: Note) -> Note:
        """Return something as it waits: muted, if something explains it and it would ever be told before its end."""
        if note.is_muted or note.not_before is None:
            return note
        cause = self.cause(note)
        return note if cause is None else replace(note, muted_while=cause, freed_at=None)


def _begun(tx: Transaction, bad: Mapping[Cause, Task | HeartbeatCheck], now: datetime) -> list[Failing]:
    """Return since when each of these is failing."""
    streaks = StreakBook(tx).of([each.id for each in bad if each.of is On.TASK])
    found = []
    for cause, each in bad.items():
        if isinstance(each, Task):
            # What the herald has not heard of yet has begun to fail only just.
            since = streaks[each.id].first_at if each.id in streaks else each.last_finished_at
        else:
            since = each.down_at or each.due_at
        found.append(Failing(cause, each, since or now))
    return found


def reaches_of(tx: Transaction, owner_ids: Collection[int]) -> dict[int, Reach]:
    """Return what the owners of rules see: for the installation everything, for a closed account nothing."""
    people = AddresseeBook(tx).open_accounts(set(owner_ids) - {0})
    projects = ProjectBook(tx).roles_of_all(list(people)) if people else {}
    found = {number: Identity(user, projects.get(number, {})).reach for number, user in people.items()}
    return {number: found.get(number, Reach()) if number else EVERYTHING for number in owner_ids}


def causes_in(tx: Transaction, causes: Collection[Cause], reach: Reach) -> dict[Cause, Task | HeartbeatCheck]:
    """Return those of some causes that are there and within somebody's reach."""
    tasks = TaskBook(tx).by_ids(sorted(each.id for each in causes if each.of is On.TASK))
    numbers = [each.id for each in causes if each.of is On.CHECK]
    checks = CheckFinder(tx).by_ids(numbers) if numbers else {}
    found: dict[Cause, Task | HeartbeatCheck] = {
        Cause(On.TASK, each.id): each for each in tasks.values() if each.removed_at is None
    }
    found |= {Cause(On.CHECK, each.id): each for each in checks.values()}
    return {cause: each for cause, each in found.items() if reach.covers(each.place)}


def is_failing(cause: Task | HeartbeatCheck, now: datetime) -> bool:
    """Tell whether a task's last finished run did not go well, or a check is down or late."""
    return cause.is_failing if isinstance(cause, Task) else cause.state_at(now) in _BAD


@dataclass(frozen=True, slots=True)
class MutedNote:
    """Something that is muted, or was until it was over, and why in words."""

    note: Note
    why: str


def cause_names(tx: Transaction, causes: Collection[Cause], *, asker: Asker) -> dict[Cause, str]:
    """Return the names of tasks and checks that are there, as far as who asks sees them."""
    return {cause: each.name for cause, each in causes_in(tx, causes, asker.reach).items()} if causes else {}


def muted_words(note: Note, names: Mapping[Cause, str]) -> str:
    """Return why something is muted, in words; what the reader may not see is not named."""
    name = names.get(note.muted_while) if note.muted_while else None
    name = name or "something that is gone or not yours to see"
    return f"muted: {name} is failing" if note.closed_at is None else f"muted: {name} was failing until this was over"


def was_told(tx: Transaction, note: Note, since: datetime | None = None) -> bool:
    """Tell whether who is muted was told of the same trouble before, by what they were told last."""
    last = MutedBook(tx).last_told(note)
    return last is not None and last[0] is note.kind and (since is None or last[1] >= since)


def sift(tx: Transaction, notes: Sequence[Note], now: datetime) -> list[Note]:
    """Mute what is explained of what is about to be told; return the rest."""
    rules, telling = RuleBook(tx).every(), {note.rule_id for note in notes}
    if not any(rule.mute_while for rule in rules if rule.id in telling):
        return list(notes)
    # The others, too, say what explains what.
    mutes = Mutes.read(tx, rules, now)
    if not mutes.failing:
        return list(notes)
    held = {note.id: after for note in notes if (after := mutes.muted(note)).is_muted}
    for note in held.values():
        if note.muted_while is not None:
            MutedBook(tx).mute(note.id, note.muted_while)
    over = [note for note in notes if note.kind is NoticeKind.RECOVERED and _ends(note, held.values())]
    MutedBook(tx).close([each.id for end in over for each in held.values() if _ends(end, [each])], now)
    untold = {end.id for end in over if not any(was_told(tx, each) for each in held.values() if _ends(end, [each]))}
    TellingBook(tx).forget(untold)
    return [note for note in notes if note.id not in held and note.id not in untold]


def free(store: Store, now: datetime, *, most: int = MOST_OPEN) -> int:
    """Let be told what is muted and whose cause is over; return how much that is. What outlasts its cause is told.

    It reads `most` at once, and all of it: what goes on for long keeps nothing behind it from its turn.
    """
    done, after = 0, 0
    while True:
        with store.reading() as tx:
            notes = MutedBook(tx).open(after=after, most=most)
            freed, gone = _outlasting(tx, notes, now)
        if freed or gone:
            done += _let_go(store, now, after=after, most=most)
        if len(notes) < most:
            return done
        after = notes[-1].id


def _let_go(store: Store, now: datetime, *, after: int, most: int) -> int:
    """Look once more, where nobody else changes it, and write what came of it."""
    with store.transaction() as tx:
        freed, gone = _outlasting(tx, MutedBook(tx).open(after=after, most=most), now)
        MutedBook(tx).close([note.id for note in gone], now)
        return sum(MutedBook(tx).free(note, now) for note in freed)


def _outlasting(tx: Transaction, notes: Sequence[Note], now: datetime) -> tuple[list[Note], list[Note]]:
    """Return what nothing mutes any more, and what is about tasks and checks that are not there any more."""
    if not notes:
        return [], []
    mutes = Mutes.read(tx, RuleBook(tx).every(), now)
    about = {note.id: cause for note in notes if (cause := _about(note)) is not None}
    there = causes_in(tx, set(about.values()), EVERYTHING)
    gone = {number for number, cause in about.items() if cause not in there}
    freed = [note for note in notes if note.id not in gone and mutes.cause(note) is None]
    return freed, [note for note in notes if note.id in gone]


def _about(note: Note) -> Cause | None:
    """Return the task or check that something is about, None where it is about neither."""
    if note.task_id is not None:
        return Cause(On.TASK, note.task_id)
    try:
        return Cause.read(note.subject)
    except ValueError:
        return None


def _ends(end: Note, troubles: Iterable[Note]) -> bool:
    """Tell whether something says that one of these troubles is over."""
    return any(
        (each.rule_id, each.subject) == (end.rule_id, end.subject) and end.last_at >= each.last_at for each in troubles
    )
