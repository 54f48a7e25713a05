"""What people are told: topics, each one thing that happened once or many times, and the messages that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class NoticeKind(StrEnum):
    """What somebody can be told of."""

    FAILED = "failed"
    RECOVERED = "recovered"
    SUCCEEDED = "succeeded"
    LATE = "late"
    STUCK = "stuck"
    TOO_LONG = "too_long"
    NEVER_STARTED = "never_started"
    PARKED = "parked"
    CREDENTIAL_EXPIRING = "credential_expiring"
    CREDENTIAL_INACTIVE = "credential_inactive"
    BACKUP_FAILED = "backup_failed"
    DISK_LOW = "disk_low"
    STORE_DAMAGED = "store_damaged"
    SCHEDULER_SILENT = "scheduler_silent"
    HEARTBEAT_MISSED = "heartbeat_missed"
    CHANNEL_DISABLED = "channel_disabled"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One thing of one kind: it happened `many` times between `first_at` and `last_at`.

    `subject` is the name of what it happened to. `words` say what came of it, masked already. `facts` are a few more
    labels with their values, in the order in which they are shown. `path` leads to it below the product's address.
    """

    kind: NoticeKind
    subject: str
    first_at: datetime
    last_at: datetime
    many: int = 1
    words: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    task_id: int | None = None
    run_id: int | None = None
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What goes to one channel at once. `id` stays over all tries, so that a receiver knows a second one.

    `topics` are all it tells of, most urgent first: a channel that cannot hold them all counts the rest by kind.
    `thread` is the same for all messages on one task, empty for those on several. `unsubscribe` is a link that ends
    them for who got this one, empty where there is none. Times are told in `zone`, the one of who reads it.
    """

    id: str
    created_at: datetime
    topics: tuple[Topic, ...]
    base_url: str
    team: str = ""
    is_digest: bool = False
    thread: str = ""
    unsubscribe: str = ""
    zone: str = "UTC"
