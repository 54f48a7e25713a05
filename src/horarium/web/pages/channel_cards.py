"""How a channel is shown: its state in words, its last messages as a line, the rules that tell it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from horarium.notify.mailing import NO_MAIL
from horarium.notify.wording import button_of, headline
from horarium.records.notices import Message, NoticeKind, Topic
from horarium.records.telling import Channel, Delivery, Recipient, Rule, To
from horarium.store.books.channels import RuleBook
from horarium.store.books.recent import Outcome, RecentBook
from horarium.store.port import Transaction
from horarium.web.charts.spark import Bar
from horarium.web.pages.notices import THE_INSTALLATION, owner_names, where_to
from horarium.web.views.channels import ChannelCard, ChannelState, MessageLine, Sample
from horarium.web.views.status import Status
from horarium.web.visit import Visit

_ANSWER: Final = 300
STATES: Final[dict[str, tuple[Status, str]]] = {
    "sent": ("ok", "Taken"),
    "given_up": ("failed", "Given up"),
    "waiting": ("queued", "Waiting"),
}
"""How a message stands, as people see it."""


def standing(delivery: Delivery) -> tuple[Status, str]:
    """Return how a message stands; one that lies here for want of a mail server is not said to be on its way."""
    return ("late", "Not sent") if lies(delivery) else STATES[delivery.state]


def lies(delivery: Delivery) -> bool:
    """Tell whether a message waits for a mail server, and is not tried."""
    return delivery.state == "waiting" and delivery.answer == NO_MAIL


def cards_of(visit: Visit, tx: Transaction, channels: Collection[Channel]) -> tuple[ChannelCard, ...]:
    """Return channels as they are listed: the installation's first, then one's own, then those of others."""
    ids = [each.id for each in channels]
    recent = RecentBook(tx).of_channels(ids) if ids else {}
    owners = owner_names(tx, {each.owner_id for each in channels})
    telling = rules_by_channel(tx, channels)
    mine = visit.user.id
    in_order = sorted(channels, key=lambda each: (each.owner_id != 0, each.owner_id != mine))
    return tuple(
        card_of(visit, each, owners[each.owner_id], recent.get(each.id, []), len(telling.get(each.id, ())))
        for each in in_order
    )


def card_of(visit: Visit, channel: Channel, owner: str, recent: list[Outcome], rules: int) -> ChannelCard:
    """Return one channel as it is listed."""
    kind = visit.house.telling.kinds.get(channel.kind)
    is_own = channel.owner_id == visit.user.id
    return ChannelCard(
        id=channel.id,
        name=channel.name,
        kind=kind.label if kind else channel.kind,
        icon=kind.icon if kind else "bell",
        owner="yours" if is_own else "everybody’s" if owner == THE_INSTALLATION else owner,
        to=where_to(channel, kind),
        state=state_of(channel),
        rules=rules,
        bars=tuple(_bar(each) for each in recent),
        is_paused=channel.paused_at is not None,
        is_refused=channel.disabled_at is not None,
    )


def state_of(channel: Channel) -> ChannelState:
    """Return how a channel does: what keeps it from sending, else what came of its last message."""
    if channel.disabled_at is not None:
        note = _sentence(channel.disabled_reason)
        return ChannelState(status="failed", words="refused since", at=channel.disabled_at, note=note)
    if channel.paused_at is not None:
        by = f"paused by {channel.paused_by}" if channel.paused_by else "paused"
        return ChannelState(status="paused", words=by, at=channel.paused_at)
    if _is_later(channel.last_failed_at, channel.last_sent_at):
        note = _sentence(channel.last_answer)
        return ChannelState(status="late", words="last one failed", at=channel.last_failed_at, note=note)
    if channel.last_sent_at is not None:
        return ChannelState(status="ok", words="last one", at=channel.last_sent_at)
    return ChannelState(status="queued", words="nothing was sent yet")


def rules_by_channel(tx: Transaction, channels: Collection[Channel]) -> dict[int, list[Rule]]:
    """Return the rules that tell each of these channels, in their order."""
    found: dict[int, list[Rule]] = {}
    wanted = {Recipient(To.CHANNEL, each.id): each.id for each in channels}
    for rule in RuleBook(tx).every(owner_ids={each.owner_id for each in channels}):
        for recipient in set(rule.recipients):
            if recipient in wanted:
                found.setdefault(wanted[recipient], []).append(rule)
    return found


def line_of(delivery: Delivery) -> MessageLine:
    """Return a message as a short list shows it."""
    status, words = standing(delivery)
    return MessageLine(
        id=delivery.id,
        at=delivery.created_at,
        what=delivery.summary,
        status=status,
        words=words,
        answer=delivery.answer[:_ANSWER],
    )


def sample(now: datetime) -> Sample:
    """Return how a message looks, by an example."""
    topic = Topic(
        kind=NoticeKind.FAILED, subject="Nightly backup", first_at=now, last_at=now, task_id=7, run_id=48213, path="/"
    )
    message = Message(id="", created_at=now, topics=(topic,), base_url="")
    text = "3 attempts, 7m 58s. The disk at /srv/backup is full."
    return Sample(title=headline(message), text=text, link=button_of(topic))


def _bar(each: Outcome) -> Bar:
    if each.state == "given_up":
        return Bar("bad")
    if each.state == "waiting":
        return Bar("run")
    return Bar("retry" if each.tries > 1 else "ok", each.seconds)


def _is_later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one > other)


def _sentence(text: str) -> str:
    words = text.strip()[:_ANSWER]
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '!', '?')) else '.'}" if words else ""
