"""Decide who is told of what, and when. Pure: what happened and the rules go in, what is to be written comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from horarium.records.notices import NoticeKind
from horarium.records.reach import NOWHERE, Place
from horarium.records.telling import Frequency, Note, Rule, Scope, Target

URGENT: Final = frozenset({NoticeKind.STORE_DAMAGED, NoticeKind.SCHEDULER_SILENT, NoticeKind.DISK_LOW})
"""What is told at once, at night and in a digest's time, too."""
OF_TASKS: Final = frozenset(
    {
        NoticeKind.FAILED,
        NoticeKind.RECOVERED,
        NoticeKind.SUCCEEDED,
        NoticeKind.LATE,
        NoticeKind.STUCK,
        NoticeKind.TOO_LONG,
        NoticeKind.NEVER_STARTED,
        NoticeKind.PARKED,
    }
)
"""What happens to tasks; all else happens to the installation, to a person's things, or to a check."""
ORDER: Final = (
    NoticeKind.STORE_DAMAGED,
    NoticeKind.SCHEDULER_SILENT,
    NoticeKind.DISK_LOW,
    NoticeKind.BACKUP_FAILED,
    NoticeKind.FAILED,
    NoticeKind.NEVER_STARTED,
    NoticeKind.STUCK,
    NoticeKind.PARKED,
    NoticeKind.HEARTBEAT_MISSED,
    NoticeKind.TOO_LONG,
    NoticeKind.LATE,
    NoticeKind.CHANNEL_DISABLED,
    NoticeKind.CREDENTIAL_EXPIRING,
    NoticeKind.CREDENTIAL_INACTIVE,
    NoticeKind.RECOVERED,
    NoticeKind.SUCCEEDED,
    NoticeKind.TEST,
)
"""What is most urgent first."""
USUAL_SECONDS: Final[Mapping[NoticeKind, int]] = {
    NoticeKind.LATE: 600,
    NoticeKind.STUCK: 300,
    NoticeKind.TOO_LONG: 0,
    NoticeKind.NEVER_STARTED: 3600,
}
"""After how many seconds something counts as such where a rule does not say; whoever watches knows what is too long."""
SILENT_ENDS: Final = frozenset({NoticeKind.LATE, NoticeKind.STUCK, NoticeKind.TOO_LONG})
"""What is over without a word."""
ENDING: Final = SILENT_ENDS | {
    NoticeKind.FAILED,
    NoticeKind.NEVER_STARTED,
    NoticeKind.PARKED,
    NoticeKind.BACKUP_FAILED,
    NoticeKind.DISK_LOW,
    NoticeKind.SCHEDULER_SILENT,
    NoticeKind.HEARTBEAT_MISSED,
}
"""What is over at some time, and known to be."""
_REPEATING: Final = frozenset(
    {
        NoticeKind.STORE_DAMAGED,
        NoticeKind.CHANNEL_DISABLED,
        NoticeKind.CREDENTIAL_EXPIRING,
        NoticeKind.CREDENTIAL_INACTIVE,
    }
)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened and that somebody may be told of.

    `subject` tells one thing from all others (`task:12`), `name` is what people call it. `place` says whose it is;
    `tags` are those of a task. `streak` counts failures in a row, this one included; `seconds` is
    for how long something has been late, stuck or running. The same `mark` is told once. `ends` are the kinds that are
    over with it: it is told to whom one of them was told, from `since` on. `is_unusual` says of what takes long that it
    takes much longer than it mostly does.
    """

    kind: NoticeKind
    subject: str
    name: str
    at: datetime
    words: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    mark: str = ""
    task_id: int | None = None
    run_id: int | None = None
    place: Place = NOWHERE
    tags: frozenset[str] = frozenset()
    is_of_check: bool = False
    streak: int = 1
    seconds: float | None = None
    ends: frozenset[NoticeKind] = frozenset()
    since: datetime | None = None
    many: int = 1
    is_unusual: bool = False

    @property
    def is_of_task(self) -> bool:
        """Tell whether it happened to a task."""
        return self.task_id is not None

    @property
    def is_shared(self) -> bool:
        """Tell whether all who see its place may know of it: of the rest only its owner and administrators may."""
        return self.is_of_task or self.is_of_check

    @property
    def person(self) -> int | None:
        """Return whose it is: the person a task runs for, else its owner; None for nobody's."""
        return self.place.for_user_id or self.place.owner_id


def fits(rule: Rule, happening: Happening) -> bool:
    """Tell whether a rule is about this."""
    return (
        rule.is_on
        and bool(rule.recipients)
        and happening.kind in rule.kinds
        and _is_in_scope(rule, happening)
        and _is_enough(rule, happening)
    )


def deciding(rules: Iterable[Rule], happening: Happening) -> list[Rule]:
    """Return the rules that decide about this: the first that fits, and those behind it while they go on.

    Rules about one task come before all others.
    """
    found: list[Rule] = []
    for rule in sorted(rules, key=_place_of):
        if fits(rule, happening):
            found.append(rule)
            if not rule.goes_on:
                break
    return found


def told_at(rule: Rule, kind: NoticeKind, before: Note | None, at: datetime) -> datetime | None:
    """Return from when on something may be told of which `before` was told last; None: not until it is over."""
    if before is None or before.told_at is None:
        return at
    match frequency_of(rule, kind):
        case Frequency.EACH:
            return at
        case Frequency.ONCE:
            return None
        case Frequency.DAILY:
            return max(at, before.told_at + DAY)
        case Frequency.AT_MOST:
            return max(at, before.told_at + timedelta(seconds=rule.every_seconds or 0))


def frequency_of(rule: Rule, kind: NoticeKind) -> Frequency:
    """Return how often a rule tells of a kind: what never ends cannot wait for its end."""
    if kind in ENDING or rule.frequency in {Frequency.EACH, Frequency.AT_MOST}:
        return rule.frequency
    return Frequency.DAILY if kind in _REPEATING else Frequency.EACH


def note_of(rule: Rule, target: Target, happening: Happening, *, not_before: datetime | None) -> Note:
    """Return the first row about something."""
    return Note(
        rule_id=rule.id,
        target=target,
        kind=happening.kind,
        subject=happening.subject,
        mark=happening.mark,
        name=happening.name,
        words=happening.words,
        facts=happening.facts,
        path=happening.path,
        task_id=happening.task_id,
        run_id=happening.run_id,
        many=happening.many,
        first_at=happening.at,
        last_at=happening.at,
        created_at=happening.at,
        not_before=not_before,
    )


def counted(note: Note, happening: Happening) -> Note:
    """Return a row that waits with one more of the same in it; the newest words stand."""
    return replace(
        note,
        mark=happening.mark,
        words=happening.words,
        facts=happening.facts,
        path=happening.path,
        run_id=happening.run_id,
        many=note.many + happening.many,
        first_at=min(note.first_at, happening.at),
        last_at=max(note.last_at, happening.at),
    )


def urgency(kind: NoticeKind) -> int:
    """Return the place of a kind when topics are put in order."""
    return ORDER.index(kind)


def _place_of(rule: Rule) -> tuple[bool, int, int]:
    return (rule.scope is not Scope.TASK, rule.position, rule.id)


def _is_in_scope(rule: Rule, happening: Happening) -> bool:
    match rule.scope:
        case Scope.INSTALLATION:
            return True
        case Scope.PROJECT:
            return happening.is_shared and happening.place.project_id == rule.scope_id
        case Scope.TAG:
            return happening.is_of_task and rule.tag in happening.tags
        case Scope.TASK:
            return happening.task_id == rule.scope_id
        case Scope.PERSON:
            return happening.person == rule.scope_id


def _is_enough(rule: Rule, happening: Happening) -> bool:
    if happening.kind is NoticeKind.FAILED:
        return happening.streak >= rule.after_failures
    if happening.kind is NoticeKind.RECOVERED:
        # Who is told of troubles as well hears of their ends by that alone.
        return not rule.kinds & ENDING and happening.streak >= rule.after_failures
    if happening.kind is NoticeKind.TOO_LONG and rule.after_seconds is None:
        return happening.is_unusual
    if happening.seconds is not None:
        usual = USUAL_SECONDS.get(happening.kind, 0)
        return happening.seconds >= (usual if rule.after_seconds is None else rule.after_seconds)
    return True
