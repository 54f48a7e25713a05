"""Gather what is to be told into few messages: when the next one goes, and what stands in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from horarium.clock import from_micros, to_micros
from horarium.notify.facts import told, told_facts
from horarium.notify.lines import one_line
from horarium.notify.rules import URGENT, urgency
from horarium.notify.wording import counts, title_of
from horarium.records.notices import Message, NoticeKind, Topic
from horarium.records.telling import Note

GATHER: Final = timedelta(seconds=5)
"""How long the first thing of a message waits for company."""
SPACING: Final = timedelta(seconds=30)
"""How far apart two messages to one target are; times the number of those of the last hour."""
MOST_PER_HOUR: Final = 20
MOST_PER_DAY: Final = 100
"""How many messages one target gets at most where nothing else is said; what is above goes together, later."""
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_LONG: Final = 100
"""With more topics than this each is told in fewer words."""
_WORDS: Final = (1000, 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """When and in which zone a target wants to be told; hours as `22:00`, empty where there is no quiet time."""

    zone: str = "UTC"
    digest: str = "at_once"
    digest_hour: str = "08:00"
    quiet_from: str = ""
    quiet_until: str = "07:00"
    most_per_hour: int = MOST_PER_HOUR
    most_per_day: int = MOST_PER_DAY

    @classmethod
    def of(cls, zone: str, settings: Mapping[str, Any]) -> Wishes:
        """Return the wishes of a person by their settings."""
        return cls(
            zone=zone,
            digest=settings["digest"],
            digest_hour=settings["digest_hour"],
            quiet_from=settings["quiet_from"] or "",
            quiet_until=settings["quiet_until"],
        )


def opens_at(
    wishes: Wishes, since: datetime, made: Sequence[datetime], *, is_urgent: bool, gather: timedelta = GATHER
) -> datetime:
    """Return when the next message may go of which the first topic has waited `since`; `made` are the last ones made.

    `made` is the newest first; the first topic waits `gather` for company. What is urgent waits neither for the digest
    nor for the end of the quiet time, but is limited like everything else.
    """
    opens = since + gather
    if made:
        opens = max(opens, made[0] + SPACING * max(1, sum(each > made[0] - _HOUR for each in made)))
    if len(made) >= wishes.most_per_hour:
        opens = max(opens, made[wishes.most_per_hour - 1] + _HOUR)
    if len(made) >= wishes.most_per_day:
        opens = max(opens, made[wishes.most_per_day - 1] + _DAY)
    if is_urgent:
        return opens
    return after_quiet(wishes, max(opens, digest_after(wishes, since)))


def digest_after(wishes: Wishes, since: datetime) -> datetime:
    """Return when what has waited since an instant is told together; the instant itself where it is told at once."""
    local = since.astimezone(ZoneInfo(wishes.zone))
    if wishes.digest == "hourly":
        return since + (_HOUR - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond))
    if wishes.digest == "daily":
        return _next(local, wishes.digest_hour or "08:00")
    return since


def after_quiet(wishes: Wishes, at: datetime) -> datetime:
    """Return the first instant from `at` on that lies in no quiet time."""
    begin, end = wishes.quiet_from, wishes.quiet_until or "07:00"
    if not begin or begin == end:
        return at
    local = at.astimezone(ZoneInfo(wishes.zone))
    clock = f"{local:%H:%M}"
    is_quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
    return _next(local, end) if is_quiet else at


def topics_of(notes: Iterable[Note], zone: str) -> tuple[Topic, ...]:
    """Return what a message tells: one topic for each kind of each subject, the most urgent first."""
    found: dict[tuple[NoticeKind, str], list[Note]] = {}
    for note in notes:
        found.setdefault((note.kind, note.subject), []).append(note)
    most = _WORDS[len(found) > _LONG]
    topics = [_topic(several, zone, most) for several in found.values()]
    return tuple(sorted(topics, key=_order))


def urgent_of(notes: Sequence[Note]) -> list[Note]:
    """Return what of it does not wait."""
    return [note for note in notes if note.kind in URGENT]


def summary_of(topics: Sequence[Topic]) -> str:
    """Return in one line what a message tells."""
    return title_of(topics[0]) if len(topics) == 1 else one_line(counts(topics))


def thread_of(topics: Sequence[Topic]) -> str:
    """Return what messages on one task have in common, empty for those on several."""
    tasks = {topic.task_id for topic in topics}
    return f"task-{topics[0].task_id}" if len(tasks) == 1 and topics[0].task_id is not None else ""


def body_of(message: Message) -> dict[str, Any]:
    """Return a message as its row keeps it."""
    return {
        "team": message.team,
        "base_url": message.base_url,
        "zone": message.zone,
        "is_digest": message.is_digest,
        "thread": message.thread,
        "topics": [
            [
                *(topic.kind.value, topic.subject, to_micros(topic.first_at), to_micros(topic.last_at), topic.many),
                *(topic.words, dict(topic.facts), topic.task_id, topic.run_id, topic.path),
            ]
            for topic in message.topics
        ],
    }


def message_of(message_id: str, created_at: datetime, body: Mapping[str, Any], *, unsubscribe: str = "") -> Message:
    """Return a message out of its row."""
    topics = tuple(
        Topic(
            kind=NoticeKind(kind),
            subject=subject,
            first_at=from_micros(first),
            last_at=from_micros(last),
            many=many,
            words=words,
            facts=facts,
            task_id=task_id,
            run_id=run_id,
            path=path,
        )
        for kind, subject, first, last, many, words, facts, task_id, run_id, path in body["topics"]
    )
    return Message(
        id=message_id,
        created_at=created_at,
        topics=topics,
        base_url=body["base_url"],
        team=body["team"],
        is_digest=body["is_digest"],
        thread=body["thread"],
        unsubscribe=unsubscribe,
        zone=body["zone"],
    )


def _topic(notes: Sequence[Note], zone: str, most: int) -> Topic:
    newest = max(notes, key=_last)
    words = told(newest.words, zone)
    return Topic(
        kind=newest.kind,
        subject=one_line(newest.name),
        first_at=min(note.first_at for note in notes),
        last_at=newest.last_at,
        many=sum(note.many for note in notes),
        words=words if len(words) <= most else f"{words[: most - 1]}…",
        facts={one_line(name): one_line(value) for name, value in told_facts(newest.facts, zone).items()},
        task_id=newest.task_id,
        run_id=newest.run_id,
        path=newest.path,
    )


def _last(note: Note) -> tuple[datetime, int]:
    return note.last_at, note.id


def _order(topic: Topic) -> tuple[int, int, str]:
    return urgency(topic.kind), -topic.many, topic.subject


def _next(local: datetime, clock: str) -> datetime:
    """Return the next time that the clock on the wall shows this."""
    hour, minute = (int(part) for part in clock.split(":"))
    at = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if at <= local:
        at = (at + _DAY).replace(hour=hour, minute=minute)
    # By way of UTC: an hour that a zone leaves out is told as the one behind it.
    return from_micros(to_micros(at))
