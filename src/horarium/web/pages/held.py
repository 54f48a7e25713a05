"""What is held back, in words, and for how long somebody may hold something back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from horarium.records.telling import Snooze
from horarium.store.books.channels import ChannelBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction
from horarium.web.pages.notices import asker_of
from horarium.web.views.messages import SnoozeRow
from horarium.web.visit import Visit

LENGTHS: Final = {"1h": "An hour", "4h": "Four hours", "1d": "A day", "7d": "A week", "until": "Until a time…"}
"""For how long, and what people call it."""


def snooze_rows(visit: Visit, tx: Transaction, found: Collection[Snooze]) -> tuple[SnoozeRow, ...]:
    """Return what is held back, in words."""
    tasks = TaskBook(tx).by_ids(sorted({each.task_id for each in found if each.task_id}))
    channels = ChannelBook(tx).by_ids({each.channel_id for each in found if each.channel_id})
    asker = asker_of(visit)
    rows = []
    for each in found:
        task, channel = tasks.get(each.task_id), channels.get(each.channel_id)
        parts = []
        if each.task_id:
            is_seen = task is not None and visit.reach.covers(task.place)
            parts.append(task.name if task is not None and is_seen else "a task that you do not see")
        if each.rule_id:
            parts.append(f"rule {each.rule_id}")
        if each.channel_id:
            parts.append(f"to {channel.name}" if channel is not None else "to a channel that is gone")
        rows.append(
            SnoozeRow(
                id=each.id,
                what=", ".join(parts) or "everything",
                whom="you" if each.user_id == visit.user.id else "one person" if each.user_id else "everybody",
                until=each.until,
                by=each.created_by,
                reason=each.reason,
                may_end=asker.sees_all or each.user_id == visit.user.id,
            )
        )
    return tuple(rows)
