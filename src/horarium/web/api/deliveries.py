"""Messages: the log of them, sending again; and what is held back."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from horarium.accounts.roles import Permission
from horarium.errors import NotFound
from horarium.notify.log_desk import REASON_LIMIT
from horarium.records.telling import Snooze
from horarium.web.api.notice_shapes import (
    DeliveriesShape,
    DeliveryDetailShape,
    MutedListShape,
    SnoozeShape,
    SnoozesShape,
    delivery_shape,
    detail_shape,
    muted_shape,
    snooze_shape,
)
from horarium.web.api.reading import Paged, instant_of, number_cursor
from horarium.web.api.routing import Asking
from horarium.web.judging import task_for
from horarium.web.pages.notices import INSTALLATION, asker_of

_MOST: Final = (1 << 63) - 1
Number = Annotated[int, Field(ge=0, le=_MOST)]


class DeliveriesQuery(Paged):
    """Which messages to list: to a channel, in a state, about a task."""

    channel: Number | None = None
    task: Number | None = None
    state: Literal["", "waiting", "sent", "given_up"] = ""


class SnoozeBody(BaseModel):
    """What is to be held back until when; 0 leaves open which. For everybody it takes an administrator."""

    model_config = ConfigDict(extra="forbid", strict=True)

    whom: Literal["me", "everybody"] = "me"
    task_id: Number = 0
    rule_id: Number = 0
    channel_id: Number = 0
    until: Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]
    reason: Annotated[str, Field(max_length=REASON_LIMIT)] = ""


def list_deliveries(visit: Asking, wanted: Annotated[DeliveriesQuery, Query()]) -> DeliveriesShape:
    """List messages, the newest first."""
    if wanted.task is not None:
        with visit.house.services.store.reading() as tx:
            task_for(visit, tx, wanted.task, Permission.TASKS_READ)
    found = visit.house.telling.log.page(
        asker=asker_of(visit),
        channel_id=wanted.channel,
        task_id=wanted.task,
        state=wanted.state,
        before=number_cursor(wanted.cursor),
        limit=wanted.limit + 1,
    )
    shown = found[: wanted.limit]
    following = str(shown[-1].id) if len(found) > len(shown) else None
    return DeliveriesShape(deliveries=[delivery_shape(each) for each in shown], next=following)


def get_delivery(visit: Asking, message_id: int) -> DeliveryDetailShape:
    """Show one message, with what it tells and its last tries."""
    return detail_shape(visit.house.telling.log.show(message_id, asker=asker_of(visit))[0])


def list_muted(visit: Asking, wanted: Annotated[Paged, Query()]) -> MutedListShape:
    """List what a rule mutes while something else is failing, and what was over before that was, the newest first."""
    found = visit.house.telling.log.muted(
        asker=asker_of(visit), before=number_cursor(wanted.cursor), limit=wanted.limit + 1
    )
    shown = found[: wanted.limit]
    following = str(shown[-1].note.id) if len(found) > len(shown) else None
    return MutedListShape(muted=[muted_shape(each) for each in shown], next=following)


def resend_delivery(visit: Asking, message_id: int) -> DeliveryDetailShape:
    """Have a message that did not go out tried for another day, with the same id."""
    return detail_shape(visit.house.telling.log.resend(message_id, asker=asker_of(visit)))


def list_snoozes(visit: Asking) -> SnoozesShape:
    """List what is held back now: for everybody, and for who asks."""
    found = visit.house.telling.log.snoozes(asker=asker_of(visit))
    return SnoozesShape(snoozes=[snooze_shape(each) for each in found])


def add_snooze(visit: Asking, body: SnoozeBody) -> SnoozeShape:
    """Hold something back until an instant; what happens meanwhile is told together afterwards."""
    wanted = Snooze(
        user_id=INSTALLATION if body.whom == "everybody" else visit.user.id,
        task_id=body.task_id,
        rule_id=body.rule_id,
        channel_id=body.channel_id,
        until=instant_of("until", body.until),
        reason=body.reason.strip(),
        created_at=visit.now,
    )
    return snooze_shape(visit.house.telling.log.snooze(wanted, asker=asker_of(visit)))


def end_snooze(visit: Asking, snooze_id: int) -> None:
    """Hold something back no longer: what waited is told now."""
    try:
        visit.house.telling.log.wake(snooze_id, asker=asker_of(visit))
    except NotFound:
        raise NotFound("nothing is held back under this number") from None
