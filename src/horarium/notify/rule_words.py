"""Say what a rule does in plain words: when it fits, whom it tells, how often. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from horarium.notify.mailing import NO_MAIL
from horarium.notify.rules import OF_TASKS, ORDER
from horarium.records.notices import NoticeKind
from horarium.records.telling import Cause, Frequency, On, Recipient, Rule, Scope, To

GONE: Final = "something that is gone"
YOURS: Final = "yours"
_TIMES: Final = {1: "fails", 2: "fails twice"}
_VERBS: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.RECOVERED: "works again",
    NoticeKind.SUCCEEDED: "succeeds",
    NoticeKind.LATE: "is late",
    NoticeKind.STUCK: "is stuck",
    NoticeKind.TOO_LONG: "takes too long",
    NoticeKind.NEVER_STARTED: "never starts",
    NoticeKind.PARKED: "is parked",
}
_EVENTS: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.CREDENTIAL_EXPIRING: "a credential expires soon",
    NoticeKind.CREDENTIAL_INACTIVE: "a credential is not used any more",
    NoticeKind.BACKUP_FAILED: "a backup fails",
    NoticeKind.DISK_LOW: "the disk fills up",
    NoticeKind.STORE_DAMAGED: "the database is damaged",
    NoticeKind.SCHEDULER_SILENT: "the scheduler is silent",
    NoticeKind.HEARTBEAT_MISSED: "a call is missed",
    NoticeKind.CHANNEL_DISABLED: "a channel is switched off",
}
LABELS: Final[Mapping[NoticeKind, tuple[str, str]]] = {
    NoticeKind.FAILED: ("A task fails", "after its last attempt"),
    NoticeKind.RECOVERED: ("Something works again", "told to who was told of the trouble"),
    NoticeKind.SUCCEEDED: ("A task succeeds", "each run that goes well"),
    NoticeKind.LATE: ("A task is late", "its run has not begun at its time"),
    NoticeKind.STUCK: ("A run is stuck", "nobody can say how it does"),
    NoticeKind.TOO_LONG: ("A run takes too long", "much longer than it mostly does"),
    NoticeKind.NEVER_STARTED: ("A task never started", "no run of it began for long"),
    NoticeKind.PARKED: ("A task is parked", "what it executes cannot be found"),
    NoticeKind.CREDENTIAL_EXPIRING: ("A credential expires soon", "somebody has to replace it"),
    NoticeKind.CREDENTIAL_INACTIVE: ("A credential is not used", "it was stopped or has ended"),
    NoticeKind.BACKUP_FAILED: ("A backup fails", "or could not be checked"),
    NoticeKind.DISK_LOW: ("The disk fills up", "little room is left"),
    NoticeKind.STORE_DAMAGED: ("The database is damaged", "a check found it so"),
    NoticeKind.SCHEDULER_SILENT: ("The scheduler is silent", "planned runs do not begin"),
    NoticeKind.HEARTBEAT_MISSED: ("A call is missed", "a check waits for it"),
    NoticeKind.CHANNEL_DISABLED: ("A channel is switched off", "it refused messages for good"),
}
"""What somebody can be told of, as a form offers it: a label, and a few words more."""
KINDS: Final = tuple(kind for kind in ORDER if kind in LABELS)
"""The kinds that a rule may have, the most urgent first."""
FREQUENCIES: Final[Mapping[Frequency, str]] = {
    Frequency.EACH: "every time",
    Frequency.ONCE: "once, until it recovers",
    Frequency.DAILY: "once, then daily",
    Frequency.AT_MOST: "at most once in a while",
}
_UNITS: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """The names of what rules mention by number; what is not in here is said to be gone.

    `mail_channels` are those that send mail, `sends_mail` tells whether any goes out.
    """

    channels: Mapping[int, str] = field(default_factory=dict)
    people: Mapping[int, str] = field(default_factory=dict)
    tasks: Mapping[int, str] = field(default_factory=dict)
    projects: Mapping[int, str] = field(default_factory=dict)
    causes: Mapping[Cause, str] = field(default_factory=dict)
    mail_channels: frozenset[int] = frozenset()
    sends_mail: bool = True
    me: int = 0


def condition(rule: Rule, naming: Naming) -> tuple[str, str, str]:
    """Return when a rule fits, as the words before a tag, the tag, and the words behind it; without a tag the first."""
    verbs = [_verb(kind, rule) for kind in KINDS if kind in rule.kinds and kind in OF_TASKS]
    events = [_EVENTS[kind] for kind in KINDS if kind in rule.kinds and kind in _EVENTS]
    if events and rule.kinds & OF_TASKS <= {NoticeKind.RECOVERED}:
        words, whose = _either([*events, *("it works again" for _ in verbs)]), _whose(rule, naming)
        only = f" (only what is {whose if whose == YOURS else f'{whose}’s'})" if whose else ""
        return f"{words}{only}", "", ""
    rest = _either([*verbs, *events])
    if rule.scope is Scope.TAG:
        return "a task tagged ", rule.tag, f" {rest}"
    return f"{_subject(rule, naming)} {rest}", "", ""


def recipients(rule: Rule, naming: Naming) -> str:
    """Return whom a rule tells."""
    return ", ".join(_recipient(each, naming) for each in rule.recipients) or "nobody"


def frequency(rule: Rule) -> str:
    """Return how often a rule tells of the same thing."""
    if rule.frequency is Frequency.AT_MOST:
        words = span(rule.every_seconds or 0)
        return (
            f"at most once {'an' if words == 'hour' else 'a'} {words}" if " " not in words else f"at most each {words}"
        )
    return FREQUENCIES[rule.frequency]


def muting(rule: Rule, naming: Naming) -> str:
    """Return while what a rule is muted, empty where nothing mutes it."""
    if not rule.mute_while:
        return ""
    return f"muted while {_either([cause_words(each, naming.causes) for each in rule.mute_while])} is failing"


def warnings(rule: Rule, naming: Naming) -> list[str]:
    """Return what somebody should know about a rule, a sentence each."""
    if naming.sends_mail or not rule.is_on or not rule.recipients:
        return []
    by_mail = (each.to is not To.CHANNEL or each.id in naming.mail_channels for each in rule.recipients)
    return [f"It tells by mail alone, and {NO_MAIL}."] if all(by_mail) else []


def cause_words(cause: Cause, names: Mapping[Cause, str]) -> str:
    """Return a task or check that mutes: its name, or that it is gone."""
    name = names.get(cause)
    if cause.of is On.CHECK:
        return "a check that is gone" if name is None else f"check “{name}”"
    return "a task that is gone" if name is None else f"“{name}”"


def sentence(rule: Rule, naming: Naming) -> str:
    """Return the whole rule in one line."""
    before, tag, behind = condition(rule, naming)
    words = f"if {before}{f'“{tag}”' if tag else ''}{behind}, tell {recipients(rule, naming)}, {frequency(rule)}"
    return f"{words}, {muting(rule, naming)}" if rule.mute_while else words


def span(seconds: int) -> str:
    """Return a length of time in its largest whole unit: `hour`, `90 minutes`."""
    unit, name = next((each for each in _UNITS if seconds and not seconds % each[0]), _UNITS[-1])
    many = seconds // unit
    return name if many == 1 else f"{many:,} {name}s"


def _subject(rule: Rule, naming: Naming) -> str:
    if rule.scope is Scope.TASK:
        return f"“{naming.tasks.get(rule.scope_id, GONE)}”"
    whose = _whose(rule, naming)
    return f"a task of {whose}" if whose else "any task"


def _whose(rule: Rule, naming: Naming) -> str:
    """Return the person or project whose things a rule is about, empty for everybody's."""
    if rule.scope is Scope.PROJECT:
        return naming.projects.get(rule.scope_id, GONE)
    if rule.scope is not Scope.PERSON:
        return ""
    return YOURS if rule.scope_id == naming.me else naming.people.get(rule.scope_id, GONE)


def _verb(kind: NoticeKind, rule: Rule) -> str:
    if kind is NoticeKind.FAILED:
        return _TIMES.get(rule.after_failures, f"fails {rule.after_failures:,} times in a row")
    words = _VERBS[kind]
    if rule.after_seconds is None or kind in {NoticeKind.RECOVERED, NoticeKind.SUCCEEDED, NoticeKind.PARKED}:
        return words
    long = span(rule.after_seconds)
    long = f"1 {long}" if " " not in long else long
    if kind is NoticeKind.LATE:
        return f"is more than {long} late"
    return f"takes longer than {long}" if kind is NoticeKind.TOO_LONG else f"{words} for {long}"


def _recipient(each: Recipient, naming: Naming) -> str:
    match each.to:
        case To.CHANNEL:
            return naming.channels.get(each.id, "a channel that is gone")
        case To.OWNER:
            return "its owner by e-mail"
        case To.ADMINS:
            return "administrators by e-mail"
        case To.PERSON:
            name = "you" if each.id == naming.me else naming.people.get(each.id, "somebody who is gone")
            return f"{name} by e-mail"


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}" if words else "does nothing"
