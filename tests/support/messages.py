"""Messages for tests of channels: usual ones, hostile ones, very large ones; and how a test sends them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from horarium.notify.channels.base import ChannelKind, DeliveryFailed
from horarium.outgoing.addresses import Policy
from horarium.outgoing.caller import Caller
from horarium.records.notices import Message, NoticeKind, Topic

HERE = Policy.of(["127.0.0.0/8", "localhost"])
AT = datetime(2026, 5, 14, 4, 8, tzinfo=UTC)
BASE = "https://horarium.example.org"
SECONDS = 10.0


def topic(subject: str = "Reconcile payments", kind: NoticeKind = NoticeKind.FAILED, **changed: Any) -> Topic:
    """Return a topic."""
    given: dict[str, Any] = {
        "kind": kind,
        "subject": subject,
        "first_at": AT - timedelta(minutes=8),
        "last_at": AT,
        "words": "LedgerMismatch: 3 of 1,204 payments have no matching invoice",
        "facts": {"Attempts": "3", "Worker": "worker-2"},
        "task_id": 12,
        "run_id": 48213,
        "path": "/runs/48213",
    }
    return Topic(**{**given, **changed})


def message(*topics: Topic, **changed: Any) -> Message:
    """Return a message on these topics, or on a usual one."""
    given: dict[str, Any] = {
        "id": "0191d7c2e0f47a51",
        "created_at": AT,
        "topics": topics or (topic(),),
        "base_url": BASE,
        "team": "Tidewater Logistics",
        "is_digest": len(topics) > 1,
    }
    return Message(**{**given, **changed})


def thousand() -> Message:
    """Return a message on a thousand topics of three kinds, with names and words that are long."""
    kinds = (NoticeKind.FAILED,) * 8 + (NoticeKind.LATE, NoticeKind.RECOVERED)
    return message(*(topic(f"Task {n} {'x' * (n % 90)}", kinds[n % 10], words="word " * 80) for n in range(1000)))


HOSTILE = (
    "<!channel>",
    "<!here|now>",
    "<@U123>",
    "@everyone",
    "@here",
    "<@&42>",
    "<#42>",
    "[click](http://evil.test)",
    "[click](<http://evil.test>)",
    "<http://evil.test|click>",
    "http://evil.test/x",
    "www.evil.test",
    "evil.test",
    "*bold* _slanted_ ~gone~ `code` ||hidden||",
    "```\nblock\n```",
    "# heading",
    "> quoted",
    "<b>bold</b><a href='http://evil.test'>x</a>",
    "<at>Ana</at>",
    "{{DATE(2026-01-01T00:00:00Z, SHORT)}}",
    "${env} {{7*7}} {0.__class__} %(x)s {% include 'x' %}",
    "@ana_bot /start@bot #tag $USD tg://user?id=1",
    "/stop",
    ":skull:",
    "\\[x\\](http://evil.test)",
    "a\r\nb\u2028c\x1b[31mred\x07\u202eback",
)


def send(kind: ChannelKind, values: Mapping[str, str], sent: Message, *, policy: Policy = HERE) -> str:
    """Hand a message over as a delivery does: with checked values, over a caller of its own."""
    kept = kind.checked(values)
    with Caller(policy, seconds=SECONDS) as caller:
        return kind.send(sent, kept, caller)


def failure(kind: ChannelKind, values: Mapping[str, str], sent: Message, *, policy: Policy = HERE) -> DeliveryFailed:
    """Hand a message over that is not taken; return why."""
    with pytest.raises(DeliveryFailed) as caught:
        send(kind, values, sent, policy=policy)
    words = str(caught.value)
    secret = [values.get(field.name, "") for field in kind.fields if field.is_secret]
    assert not any(value in words for value in secret if value), words
    assert words.isprintable()
    return caught.value
