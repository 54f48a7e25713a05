"""Say what messages tell of, in plain words: titles, counts, times and links, the same for each kind of channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from horarium.notify.lines import one_line
from horarium.notify.words import moment
from horarium.records.notices import Message, NoticeKind, Topic

NAME_MOST: Final = 120


class Tone(StrEnum):
    """How urgent something is, most urgent first."""

    BAD = "bad"
    WARN = "warn"
    CALM = "calm"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of topic is told: its title around the name, what several of them are called, and its tone."""

    title: str
    several: str
    tone: Tone


_KINDS: Final[Mapping[NoticeKind, Kind]] = {
    NoticeKind.FAILED: Kind("{} failed", "failed", Tone.BAD),
    NoticeKind.RECOVERED: Kind("{} works again", "recovered", Tone.GOOD),
    NoticeKind.SUCCEEDED: Kind("{} succeeded", "succeeded", Tone.GOOD),
    NoticeKind.LATE: Kind("{} is late", "late", Tone.WARN),
    NoticeKind.STUCK: Kind("{} is stuck", "stuck", Tone.BAD),
    NoticeKind.TOO_LONG: Kind("{} takes too long", "too long", Tone.WARN),
    NoticeKind.NEVER_STARTED: Kind("{} never started", "never started", Tone.BAD),
    NoticeKind.PARKED: Kind("{} was parked", "parked", Tone.BAD),
    NoticeKind.CREDENTIAL_EXPIRING: Kind("The credential {} expires soon", "credentials expiring", Tone.WARN),
    NoticeKind.CREDENTIAL_INACTIVE: Kind("The credential {} is not used", "credentials not used", Tone.WARN),
    NoticeKind.BACKUP_FAILED: Kind("A backup failed: {}", "backups failed", Tone.BAD),
    NoticeKind.DISK_LOW: Kind("Little room is left: {}", "short of room", Tone.WARN),
    NoticeKind.STORE_DAMAGED: Kind("The store is damaged: {}", "stores damaged", Tone.BAD),
    NoticeKind.SCHEDULER_SILENT: Kind("The scheduler is silent: {}", "schedulers silent", Tone.BAD),
    NoticeKind.HEARTBEAT_MISSED: Kind("{} did not report", "reports missing", Tone.BAD),
    NoticeKind.CHANNEL_DISABLED: Kind("The channel {} was switched off", "channels switched off", Tone.WARN),
    NoticeKind.TEST: Kind("A test: {}", "tests", Tone.CALM),
}
_ORDER: Final = tuple(Tone)
MARKS: Final[Mapping[Tone, str]] = {Tone.BAD: "\u00d7", Tone.WARN: "!", Tone.CALM: "\u2022", Tone.GOOD: "\u2713"}
"""A sign for each tone, for who cannot tell colours."""


def tone_of(topic: Topic) -> Tone:
    """Return how urgent a topic is."""
    return _KINDS[topic.kind].tone


def tone(message: Message) -> Tone:
    """Return how urgent the most urgent topic of a message is."""
    return min((tone_of(topic) for topic in message.topics), key=_ORDER.index, default=Tone.CALM)


def title_of(topic: Topic, most: int = NAME_MOST) -> str:
    """Return what happened, in one line; of the name at most `most` characters."""
    name = one_line(topic.subject, most) or "(no name)"
    many = f" ({topic.many:,} times)" if topic.many > 1 else ""
    return f"{_KINDS[topic.kind].title.format(name)}{many}"


def headline(message: Message, most: int = NAME_MOST) -> str:
    """Return what a message tells of, in one line."""
    if len(message.topics) == 1:
        return title_of(message.topics[0], most)
    return f"{len(message.topics):,} notices: {counts(message.topics)}"


def counts(topics: Iterable[Topic]) -> str:
    """Count topics by kind: `8 failed (1,200 times), 2 late`."""
    many: Counter[NoticeKind] = Counter()
    times: Counter[NoticeKind] = Counter()
    for topic in topics:
        many[topic.kind] += 1
        times[topic.kind] += topic.many
    return ", ".join(
        f"{count:,} {_KINDS[kind].several}" + (f" ({times[kind]:,} times)" if times[kind] > count else "")
        for kind, count in many.items()
    )


def rest(topics: Iterable[Topic]) -> str:
    """Say what could not be listed, empty for nothing."""
    left = tuple(topics)
    return f"And {len(left):,} more: {counts(left)}." if left else ""


def span_of(topic: Topic, zone: str) -> str:
    """Return when something happened: one instant, or from the first to the last."""
    if topic.first_at == topic.last_at:
        return moment(topic.last_at, zone)
    first, last = (at.astimezone(ZoneInfo(zone)) for at in (topic.first_at, topic.last_at))
    if first.date() == last.date():
        return f"{_day(first)}, {first:%H:%M} to {last:%H:%M} ({zone})"
    return f"{_day(first)}, {first:%H:%M} to {_day(last)}, {last:%H:%M} ({zone})"


def link_of(topic: Topic, message: Message) -> str:
    """Return the address that leads to a topic, else to the product."""
    return f"{message.base_url}{topic.path}" if topic.path else message.base_url


def button_of(topic: Topic) -> str:
    """Say where the link of a topic leads."""
    if topic.path and topic.run_id is not None:
        return f"Open run {topic.run_id}"
    return "Open the task" if topic.path and topic.task_id is not None else "Open Horarium"


def words_of(topic: Topic, most: int) -> str:
    """Return what came of it in one line."""
    return one_line(topic.words, most)


def facts_of(topic: Topic, most: int = 20, *, value_most: int = 300) -> tuple[tuple[str, str], ...]:
    """Return the first facts of a topic, labels and values in one line each."""
    listed = list(topic.facts.items())[:most]
    return tuple((one_line(label, 60), one_line(value, value_most)) for label, value in listed)


def house(message: Message) -> str:
    """Return what people call the place that a message comes from."""
    team = one_line(message.team, 80)
    return f"Horarium of {team}" if team else "Horarium"


def _day(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%b %Y}"
