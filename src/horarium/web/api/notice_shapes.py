"""Say what the API answers about notifications: channels without their secrets, rules, messages, what is held back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from horarium.clock import from_micros
from horarium.notify.muting import MutedNote
from horarium.notify.rule_desk import RuleView
from horarium.notify.rule_words import Naming, sentence, warnings
from horarium.records.telling import Channel, Delivery, Rule, Snooze, Try
from horarium.web.api.shapes import Shape


class ChannelShape(Shape):
    """A channel; `owner_id` is null for the installation's, `state` one of sending, paused, disabled.

    `values` are those that are no secrets; `has_secrets` says that there are others, which nobody reads back.
    """

    id: int
    owner_id: int | None
    kind: str
    name: str
    values: Mapping[str, str]
    has_secrets: bool
    state: str
    reason: str
    most_per_hour: int | None
    most_per_day: int | None
    last_sent_at: datetime | None
    last_failed_at: datetime | None
    last_answer: str
    created_at: datetime
    updated_at: datetime


class ChannelsShape(Shape):
    """The channels that are one's to keep, by name."""

    channels: list[ChannelShape]


class TryShape(Shape):
    """One time that a message was handed over, and what came back."""

    at: datetime
    seconds: float
    is_taken: bool
    answer: str


class RuleShape(Shape):
    """A rule; `owner_id` is null for the installation's, `words` says it as a sentence.

    `mute_while` are the tasks and checks while whose failing it tells no trouble, as `task:12` and `check:3`.
    `warnings` say what keeps all of it from going out.
    """

    id: int
    owner_id: int | None
    standard: str | None
    scope: str
    scope_id: int | None
    tag: str
    kinds: list[str]
    after_failures: int
    after_seconds: int | None
    frequency: str
    every_seconds: int | None
    recipients: list[str]
    mute_while: list[str]
    goes_on: bool
    is_on: bool
    words: str
    warnings: list[str]
    created_at: datetime | None
    updated_at: datetime | None


class ListedRuleShape(RuleShape):
    """A rule in a list: how often it told something in 30 days, and the setting that keeps it quiet, if one does."""

    told_30_days: int
    shut_by: str | None


class RulesShape(Shape):
    """Rules in their order."""

    rules: list[ListedRuleShape]


class DeliveryShape(Shape):
    """A message to one channel or person; `state` is waiting, sent or given_up, `message_id` stays over all tries."""

    id: int
    message_id: str
    purpose: str
    summary: str
    topics: int
    state: str
    channel_id: int | None
    user_id: int | None
    created_at: datetime
    not_before: datetime
    try_until: datetime
    tries: int
    sent_at: datetime | None
    given_up_at: datetime | None
    answer: str


class DeliveriesShape(Shape):
    """Some messages, the newest first; `next` is the cursor of those that follow, null at the end."""

    deliveries: list[DeliveryShape]
    next: str | None


class MutedShape(Shape):
    """Something that is not told while what explains it is failing; with `over_at` it was over before, and never is.

    `words` say what was failing, `many` counts how often it happened.
    """

    id: int
    rule_id: int
    kind: str
    subject: str
    task_id: int | None
    channel_id: int | None
    user_id: int | None
    first_at: datetime
    last_at: datetime
    many: int
    muted_while: str
    words: str
    over_at: datetime | None


class MutedListShape(Shape):
    """What is muted, the newest first; `next` is the cursor of those that follow, null at the end."""

    muted: list[MutedShape]
    next: str | None


class ToldShape(Shape):
    """One thing that a message tells, which happened `many` times."""

    kind: str
    subject: str
    first_at: datetime
    last_at: datetime
    many: int
    words: str


class DeliveryDetailShape(DeliveryShape):
    """A message with what it tells and each of its last tries."""

    told: list[ToldShape]
    log: list[TryShape]


class SnoozeShape(Shape):
    """What is held back until when; null leaves open which, and as `user_id` means everybody."""

    id: int
    user_id: int | None
    task_id: int | None
    rule_id: int | None
    channel_id: int | None
    until: datetime
    reason: str
    created_at: datetime
    created_by: str


class SnoozesShape(Shape):
    """What is held back now, what ends first before."""

    snoozes: list[SnoozeShape]


def channel_shape(channel: Channel) -> ChannelShape:
    """Return a channel as the API shows it."""
    state = "disabled" if channel.disabled_at else "paused" if channel.paused_at else "sending"
    reason = channel.disabled_reason if channel.disabled_at else f"paused by {channel.paused_by}"
    return ChannelShape(
        id=channel.id,
        owner_id=channel.owner_id or None,
        kind=channel.kind,
        name=channel.name,
        values=channel.open_values,
        has_secrets=channel.credential_id is not None,
        state=state,
        reason="" if state == "sending" else reason,
        most_per_hour=channel.most_per_hour,
        most_per_day=channel.most_per_day,
        last_sent_at=channel.last_sent_at,
        last_failed_at=channel.last_failed_at,
        last_answer=channel.last_answer,
        created_at=channel.created_at,
        updated_at=channel.updated_at,
    )


def try_shape(attempt: Try) -> TryShape:
    """Return a try as the API shows it."""
    return TryShape(at=attempt.at, seconds=attempt.seconds, is_taken=attempt.is_taken, answer=attempt.answer)


def rule_shape(rule: Rule, naming: Naming) -> RuleShape:
    """Return a rule as the API shows it."""
    return RuleShape(
        id=rule.id,
        owner_id=rule.owner_id or None,
        standard=rule.standard or None,
        scope=rule.scope.value,
        scope_id=rule.scope_id or None,
        tag=rule.tag,
        kinds=sorted(each.value for each in rule.kinds),
        after_failures=rule.after_failures,
        after_seconds=rule.after_seconds,
        frequency=rule.frequency.value,
        every_seconds=rule.every_seconds,
        recipients=[each.text for each in rule.recipients],
        mute_while=[each.text for each in rule.mute_while],
        goes_on=rule.goes_on,
        is_on=rule.is_on,
        words=sentence(rule, naming),
        warnings=warnings(rule, naming),
        created_at=rule.created_at,
        updated_at=rule.updated_at,
    )


def listed_rule_shape(view: RuleView, naming: Naming) -> ListedRuleShape:
    """Return a rule as a list shows it."""
    plain = rule_shape(view.rule, naming).model_dump()
    return ListedRuleShape(**plain, told_30_days=view.told, shut_by=view.shut_by or None)


def delivery_shape(delivery: Delivery) -> DeliveryShape:
    """Return a message as a list shows it."""
    return DeliveryShape(
        id=delivery.id,
        message_id=delivery.message_id,
        purpose=delivery.purpose.value,
        summary=delivery.summary,
        topics=delivery.topics,
        state=delivery.state,
        channel_id=delivery.target.channel_id or None,
        user_id=delivery.target.user_id or None,
        created_at=delivery.created_at,
        not_before=delivery.not_before,
        try_until=delivery.try_until,
        tries=delivery.tries,
        sent_at=delivery.sent_at,
        given_up_at=delivery.given_up_at,
        answer=delivery.answer,
    )


def muted_shape(muted: MutedNote) -> MutedShape:
    """Return what is muted as the API shows it."""
    note = muted.note
    return MutedShape(
        id=note.id,
        rule_id=note.rule_id,
        kind=note.kind.value,
        subject=note.name,
        task_id=note.task_id,
        channel_id=note.target.channel_id or None,
        user_id=note.target.user_id or None,
        first_at=note.first_at,
        last_at=note.last_at,
        many=note.many,
        muted_while=note.muted_while.text if note.muted_while else "",
        words=muted.why,
        over_at=note.closed_at,
    )


def detail_shape(delivery: Delivery) -> DeliveryDetailShape:
    """Return a message with what it tells and its tries."""
    topics: list[list[object]] = delivery.body.get("topics", [])  # type: ignore[assignment]
    told = [
        ToldShape(
            kind=str(kind),
            subject=str(subject),
            first_at=from_micros(int(str(first))),
            last_at=from_micros(int(str(last))),
            many=int(str(many)),
            words=str(words),
        )
        for kind, subject, first, last, many, words, *_ in topics
    ]
    log = [try_shape(each) for each in delivery.log]
    return DeliveryDetailShape(**delivery_shape(delivery).model_dump(), told=told, log=log)


def snooze_shape(snooze: Snooze) -> SnoozeShape:
    """Return what is held back as the API shows it."""
    return SnoozeShape(
        id=snooze.id,
        user_id=snooze.user_id or None,
        task_id=snooze.task_id or None,
        rule_id=snooze.rule_id or None,
        channel_id=snooze.channel_id or None,
        until=snooze.until,
        reason=snooze.reason,
        created_at=snooze.created_at,
        created_by=snooze.created_by,
    )
