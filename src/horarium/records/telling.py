"""The records of telling people: where to, by which rule, what of, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from horarium.records.notices import NoticeKind

EVERYBODY_ELSE: Final = 0
"""The number that stands for the installation as an owner, and for nobody in particular elsewhere."""


class Scope(StrEnum):
    """What a rule is about."""

    INSTALLATION = "installation"
    """Any task, and whatever else happens."""
    PROJECT = "project"
    """The tasks and heartbeats of a project."""
    TAG = "tag"
    """The tasks with a tag."""
    TASK = "task"
    """One task; comes before all others."""
    PERSON = "person"
    """What is a person's: what they own, and tasks that run for them."""


class Frequency(StrEnum):
    """How often a rule tells of the same thing."""

    EACH = "each"
    """Every time."""
    ONCE = "once"
    """Once, until it recovers."""
    DAILY = "daily"
    """Once, then daily as long as it goes on."""
    AT_MOST = "at_most"
    """At most once in a while; what happens in between is told together afterwards."""


class To(StrEnum):
    """Whom a rule tells."""

    CHANNEL = "channel"
    """A channel."""
    OWNER = "owner"
    """Whose it is, by mail; where nobody owns it, the administrators."""
    ADMINS = "admins"
    """All administrators, by mail."""
    PERSON = "person"
    """One person, by mail."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a rule tells; `id` is the number of the channel or the person."""

    to: To
    id: int = 0

    @property
    def text(self) -> str:
        """Return it as it is kept: `channel:3`, `owner`."""
        return f"{self.to.value}:{self.id}" if self.id else self.to.value

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `text` gives. Raises `ValueError`."""
        word, _, number = text.partition(":")
        to = To(word)
        if (to in {To.CHANNEL, To.PERSON}) is not bool(number):
            raise ValueError(text)
        return cls(to, int(number) if number else 0)


class On(StrEnum):
    """What a rule may name whose failing mutes it."""

    TASK = "task"
    """A task, failing since its last finished run did not succeed."""
    CHECK = "check"
    """A check, failing while it is down or late."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A task or a check whose failing explains others; `id` is its number."""

    of: On
    id: int

    @property
    def text(self) -> str:
        """Return it as it is kept, and as the subject of what happens to it: `task:12`, `check:3`."""
        return f"{self.of.value}:{self.id}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `text` gives. Raises `ValueError`."""
        word, _, number = text.partition(":")
        if not (number.isascii() and number.isdigit() and len(number) < 20 and 0 < int(number) < 1 << 63):
            raise ValueError(text)
        return cls(On(word), int(number))


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """Where one message goes: a channel, or a person by mail; the other one is 0."""

    channel_id: int = 0
    user_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When somebody is told. Of the rules in their order the first that fits decides; where `goes_on` the next, too.

    `owner_id` is the person whose own rule it is, 0 for the installation's. `scope_id` is the number of the project,
    task or person, `tag` the tag. `after_failures` is how many failures in a row it takes, `after_seconds` after how
    long something counts as late, stuck, too long or never started (None: what is usual). `every_seconds` belongs to
    the frequency `at_most`. While one of `mute_while` is failing, no trouble of anything else is told. `standard` names
    one that every installation begins with.
    """

    id: int = 0
    owner_id: int = EVERYBODY_ELSE
    standard: str = ""
    position: int = 0
    scope: Scope = Scope.INSTALLATION
    scope_id: int = 0
    tag: str = ""
    kinds: frozenset[NoticeKind] = frozenset()
    after_failures: int = 1
    after_seconds: int | None = None
    frequency: Frequency = Frequency.ONCE
    every_seconds: int | None = None
    recipients: tuple[Recipient, ...] = ()
    mute_while: tuple[Cause, ...] = ()
    goes_on: bool = False
    is_on: bool = True
    created_at: datetime | None = None
    created_by: str = ""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A place that messages go to. Its secret values are in the vault, as the credential `credential_id`.

    `most_per_hour` and `most_per_day` limit its messages (None: what is usual); what is above waits and goes together.
    `failures` counts messages in a row that were refused for good.
    """

    id: int
    owner_id: int
    kind: str
    name: str
    open_values: Mapping[str, str]
    credential_id: int | None
    created_at: datetime
    created_by: str
    updated_at: datetime
    most_per_hour: int | None = None
    most_per_day: int | None = None
    paused_at: datetime | None = None
    paused_by: str = ""
    disabled_at: datetime | None = None
    disabled_reason: str = ""
    failures: int = 0
    last_sent_at: datetime | None = None
    last_failed_at: datetime | None = None
    last_answer: str = ""

    @property
    def is_sending(self) -> bool:
        """Tell whether messages go there now."""
        return self.paused_at is None and self.disabled_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What one target is to be told of one subject under one rule: it happened `many` times from first to last.

    `not_before` is from when on it may be told, None while it waits for the end of what it tells of. `muted_while` is a
    cause that was failing; since `freed_at` it is not, and this may be told. `delivery_id` is the message that told it.
    """

    id: int = 0
    rule_id: int
    target: Target
    kind: NoticeKind
    subject: str
    name: str
    first_at: datetime
    last_at: datetime
    created_at: datetime
    mark: str = ""
    words: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    task_id: int | None = None
    run_id: int | None = None
    many: int = 1
    not_before: datetime | None = None
    muted_while: Cause | None = None
    freed_at: datetime | None = None
    delivery_id: int | None = None
    told_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def is_muted(self) -> bool:
        """Tell whether a rule mutes it: now, or for good where what it tells of is over."""
        return self.muted_while is not None and self.freed_at is None


class Purpose(StrEnum):
    """Why a message was made."""

    NOTICES = "notices"
    """Something happened."""
    DIGEST = "digest"
    """What happened in an hour or a day, for who wants it together."""
    TEST = "test"
    """Somebody pressed the button."""


@dataclass(frozen=True, slots=True)
class Try:
    """One time that a message was handed over: when, how many seconds it took, and what came back."""

    at: datetime
    seconds: float
    is_taken: bool
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message on its way to one target, or there. `message_id` stays over all tries; `answer` is the last one.

    `body` holds the topics, masked. It is tried from `not_before` on, no longer than `try_until`.
    """

    id: int = 0
    message_id: str
    target: Target
    purpose: Purpose
    summary: str
    topics: int
    body: Mapping[str, object] = field(default_factory=dict)
    created_at: datetime
    not_before: datetime
    try_until: datetime
    tries: int = 0
    sent_at: datetime | None = None
    given_up_at: datetime | None = None
    answer: str = ""
    log: tuple[Try, ...] = ()

    @property
    def state(self) -> str:
        """Return `sent`, `given_up`, or `waiting`."""
        return "sent" if self.sent_at is not None else "given_up" if self.given_up_at is not None else "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """Until when somebody (`user_id` 0: everybody) is not told of something; it is told together afterwards.

    Of `task_id`, `rule_id` and `channel_id` each 0 leaves open which.
    """

    id: int = 0
    user_id: int = EVERYBODY_ELSE
    task_id: int = 0
    rule_id: int = 0
    channel_id: int = 0
    until: datetime
    reason: str = ""
    created_at: datetime
    created_by: str = ""

    def covers(self, note: Note) -> bool:
        """Tell whether it is about this."""
        pairs = (
            (self.user_id, note.target.user_id),
            (self.task_id, note.task_id),
            (self.rule_id, note.rule_id),
            (self.channel_id, note.target.channel_id),
        )
        return all(wanted in {0, found} for wanted, found in pairs)
