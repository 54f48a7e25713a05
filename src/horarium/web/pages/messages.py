"""Sent messages as pages: the log, one message with its tries, sending again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

from starlette.responses import Response

from horarium.errors import Conflict
from horarium.notify.gathering import message_of
from horarium.notify.muting import MutedNote
from horarium.notify.wording import Tone, title_of, tone_of
from horarium.records.notices import Topic
from horarium.records.telling import Channel, Delivery, Note, Purpose
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction
from horarium.web.filters import plural
from horarium.web.frame import shell
from horarium.web.pages.channel_cards import STATES, lies, standing
from horarium.web.pages.held import LENGTHS, snooze_rows
from horarium.web.pages.notices import asker_of, message_for, tabs, target_names, target_words
from horarium.web.pages.safe import sentence
from horarium.web.views.messages import MessagePage, MessageRow, MessagesPage, TopicRow, TryRow, WaitingRow
from horarium.web.views.parts import Chip, Choice, FilterBar, FilterMenu, Pager
from horarium.web.views.rules import Option
from horarium.web.views.shell import Notice
from horarium.web.views.status import Status
from horarium.web.visit import Visit

_TOPICS: Final = 200
_WAITING: Final = 20
_ANSWER: Final = 300
_PURPOSES: Final = {
    Purpose.NOTICES: "something happened",
    Purpose.DIGEST: "what happened, together",
    Purpose.TEST: "a test",
}
_TONES: Final[dict[Tone, Status]] = {Tone.BAD: "failed", Tone.WARN: "late", Tone.CALM: "active", Tone.GOOD: "ok"}


def show_all(visit: Visit) -> Response:
    """Show the log of messages."""
    return log_page(visit, {}, {})


def log_page(visit: Visit, values: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    """Show the log, with what was sent to hold something back, and what was wrong with it."""
    asker, log, limit = asker_of(visit), visit.house.telling.log, visit.taste.page_size
    channels = visit.house.telling.channels.list(asker=asker)
    by_id = {each.id: each for each in channels}
    wanted = _wanted(visit, by_id)
    before = visit.query.number("before")
    found = log.page(asker=asker, before=before, limit=limit + 1, **asdict(wanted))
    shown = found[:limit]
    waiting = log.waiting(asker=asker)
    muted = log.muted(asker=asker, limit=_WAITING + 1)
    with visit.house.services.store.reading() as tx:
        page = MessagesPage(
            shell=shell(visit, tx),
            tabs=tabs(visit, "messages"),
            rows=_rows(visit, tx, shown),
            filters=_filters(visit, tx, wanted, channels),
            pager=Pager(
                newer=None if before is None else _link(visit, wanted),
                older=_link(visit, wanted, before=shown[-1].id) if len(found) > limit else None,
            ),
            back=_link(visit, wanted, before=before),
            waiting=_waiting(visit, tx, waiting[:_WAITING]),
            waiting_many=len(waiting),
            muted=_muted(visit, tx, muted[:_WAITING]),
            has_more_muted=len(muted) > _WAITING,
            snoozes=snooze_rows(visit, tx, log.snoozes(asker=asker)),
            channels=tuple(Option(value=str(each.id), label=each.name) for each in channels),
            lengths=tuple(Option(value=value, label=label) for value, label in LENGTHS.items()),
            may_for_all=asker.sees_all,
            values=values,
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def show(visit: Visit) -> Response:
    """Show one message, what it told and what came back."""
    found = message_for(visit)
    message = message_of(found.message_id, found.created_at, found.body)
    is_open = found.sent_at is None and found.given_up_at is None
    with visit.house.services.store.reading() as tx:
        (row,) = _rows(visit, tx, [found])
        page = MessagePage(
            shell=shell(visit, tx),
            row=row,
            number=found.message_id,
            purpose=_PURPOSES[found.purpose],
            topics=tuple(_topic(visit, tx, each) for each in message.topics[:_TOPICS]),
            more=max(0, len(message.topics) - _TOPICS),
            tries=tuple(
                TryRow(at=each.at, seconds=each.seconds, is_taken=each.is_taken, answer=each.answer)
                for each in reversed(found.log)
            ),
            next_at=found.not_before if is_open and not lies(found) else None,
            until=found.try_until if is_open else None,
            ended_at=found.sent_at or found.given_up_at,
            channel_id=found.target.channel_id if found.target.channel_id and row.icon != "alert" else None,
        )
    return visit.show(page)


def send_again(visit: Visit) -> Response:
    """Have a message that did not go out tried for another day."""
    found = message_for(visit)
    there = visit.links.to("message", message_id=found.id)
    try:
        after = visit.house.telling.log.resend(found.id, asker=asker_of(visit))
    except Conflict as error:
        return visit.back(there, notice=Notice(status="failed", title="Not sent again", text=sentence(error)))
    if lies(after) and not visit.house.settings.sends_mail:
        text = "It goes out if there is one within a day."
        return visit.back(there, notice=Notice(status="ok", title="It waits for a mail server", text=text))
    text = "It keeps its number: who has it already knows it again."
    return visit.back(there, notice=Notice(status="ok", title="It is sent again within seconds", text=text))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which messages are shown."""

    state: str = ""
    channel_id: int | None = None
    task_id: int | None = None


def _wanted(visit: Visit, channels: Mapping[int, Channel]) -> _Wanted:
    state = next((each for each in visit.query.many("state") if each in STATES), "")
    numbers = [each for each in visit.query.many("channel") if each.isascii() and each.isdigit() and len(each) < 19]
    channel = next((int(each) for each in numbers if int(each) in channels), None)
    return _Wanted(state, channel, _task_id(visit))


def _task_id(visit: Visit) -> int | None:
    """Return the task that the log is about, where the person sees it."""
    number = visit.query.number("task")
    if number is None:
        return None
    with visit.house.services.store.reading() as tx:
        task = TaskBook(tx).get(number)
    return number if task is not None and visit.reach.covers(task.place) else None


def _link(visit: Visit, wanted: _Wanted, **more: object) -> str:
    values = {"state": wanted.state or None, "channel": wanted.channel_id, "task": wanted.task_id}
    return visit.links.to("messages", **{**values, **more})


def _filters(visit: Visit, tx: Transaction, wanted: _Wanted, channels: list[Channel]) -> FilterBar:
    chips = []
    if wanted.state:
        label = f"State: {STATES[wanted.state][1].lower()}"
        chips.append(Chip(label=label, href=_link(visit, replace(wanted, state=""))))
    name = next((each.name for each in channels if each.id == wanted.channel_id), None)
    if name is not None:
        chips.append(Chip(label=f"Channel: {name}", href=_link(visit, replace(wanted, channel_id=None))))
    task = None if wanted.task_id is None else TaskBook(tx).get(wanted.task_id)
    if task is not None:
        chips.append(Chip(label=f"Task: {task.name}", href=_link(visit, replace(wanted, task_id=None))))
    states = tuple(Choice(value=value, label=words, on=value == wanted.state) for value, (_, words) in STATES.items())
    menus = [FilterMenu(label="State", name="state", choices=states)]
    if channels:
        choices = tuple(
            Choice(value=str(each.id), label=each.name, on=each.id == wanted.channel_id) for each in channels
        )
        menus.append(FilterMenu(label="Channel", name="channel", choices=choices))
    kept = () if task is None else (("task", str(task.id)),)
    return FilterBar(menus=tuple(menus), chips=tuple(chips), clear=visit.links.to("messages"), kept=kept)


def _rows(visit: Visit, tx: Transaction, found: list[Delivery]) -> tuple[MessageRow, ...]:
    channels, people = target_names(tx, [each.target for each in found])
    kinds = visit.house.telling.kinds
    icons = {
        each.id: kinds[each.kind].icon
        for each in visit.house.telling.channels.list(asker=asker_of(visit))
        if each.kind in kinds
    }
    rows = []
    for each in found:
        status, words = standing(each)
        rows.append(
            MessageRow(
                id=each.id,
                at=each.created_at,
                what=each.summary,
                to=target_words(each.target, channels, people),
                icon=icons.get(each.target.channel_id, "alert") if each.target.channel_id else "mail",
                status=status,
                words=words,
                tries=len(each.log),
                answer=each.answer[:_ANSWER],
                may_resend=each.given_up_at is not None,
            )
        )
    return tuple(rows)


def _waiting(visit: Visit, tx: Transaction, notes: list[Note]) -> tuple[WaitingRow, ...]:
    channels, people = target_names(tx, [each.target for each in notes])
    return tuple(
        WaitingRow(
            what=title_of(_topic_of(each)),
            to=target_words(each.target, channels, people),
            many=each.many,
            why="" if each.not_before else "until it is over",
            href=f"{visit.links.root}{each.path}" if each.path else "",
            at=each.not_before,
        )
        for each in notes
    )


def _muted(visit: Visit, tx: Transaction, muted: list[MutedNote]) -> tuple[WaitingRow, ...]:
    whys = {each.note.id: each.why for each in muted}
    notes = [each.note for each in muted]
    rows = _waiting(visit, tx, notes)
    return tuple(replace(row, why=whys[note.id], at=note.first_at) for row, note in zip(rows, notes, strict=True))


def _topic_of(note: Note) -> Topic:
    return Topic(kind=note.kind, subject=note.name, first_at=note.first_at, last_at=note.last_at)


def _topic(visit: Visit, tx: Transaction, topic: Topic) -> TopicRow:
    task = TaskBook(tx).get(topic.task_id) if topic.task_id is not None else None
    is_seen = topic.task_id is None or (task is not None and visit.reach.covers(task.place))
    times = f", {plural(topic.many, 'time')}" if topic.many > 1 else ""
    return TopicRow(
        title=f"{title_of(replace(topic, many=1))}{times}",
        status=_TONES[tone_of(topic)],
        many=topic.many,
        first_at=topic.first_at,
        last_at=topic.last_at,
        text=topic.words,
        facts=tuple(topic.facts.items()),
        href=f"{visit.links.root}{topic.path}" if topic.path.startswith("/") and is_seen else "",
    )
