"""Hold something back for a while, and hold it back no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from starlette.responses import Response

from horarium.errors import InvalidValue, NotFound, TaskNotFound
from horarium.records.telling import Snooze
from horarium.web.pages.messages import log_page
from horarium.web.pages.notices import asker_of, mark_snooze
from horarium.web.pages.safe import sentence
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

_SPANS: Final = {
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
}
_NAMES: Final = ("what", "task", "channel", "length", "until", "whom", "reason")
_TIME: Final = "Until: use a time to come, at most a year ahead."


def send_new(visit: Visit) -> Response:
    """Hold something back for a while."""
    values = {name: visit.form.text(name, most=300).strip() for name in _NAMES}
    errors: dict[str, str] = {}
    until = _until(visit, values, errors)
    wanted = Snooze(
        user_id=0 if values["whom"] == "all" else visit.user.id,
        until=until,
        reason=values["reason"],
        created_at=visit.now,
    )
    wanted = _about(visit, wanted, values, errors)
    if not errors:
        try:
            visit.house.telling.log.snooze(wanted, asker=asker_of(visit))
        except InvalidValue as error:
            errors[error.field] = f"{error.field.capitalize()}: {error.allowed}."
        except NotFound as error:
            errors["task"] = sentence(error)
        else:
            text = "What happens meanwhile is told together afterwards."
            return visit.back(
                visit.links.to("messages"), notice=Notice(status="ok", title="It is held back", text=text)
            )
    return log_page(visit, values, errors)


def send_end(visit: Visit) -> Response:
    """Hold something back no longer."""
    number = visit.number("snooze_id")
    try:
        visit.house.telling.log.wake(number, asker=asker_of(visit))
    except NotFound:
        mark_snooze(visit, number)
        raise
    return visit.back(
        visit.links.to("messages"), notice=Notice(status="ok", title="It is told again", text="What waited comes now.")
    )


def _until(visit: Visit, values: dict[str, str], errors: dict[str, str]) -> datetime:
    span = _SPANS.get(values["length"] or "1h")
    if span is not None:
        return visit.now + span
    try:
        local = datetime.fromisoformat(values["until"])
        return local if local.tzinfo is not None else local.replace(tzinfo=visit.zone)
    except ValueError:
        errors["until"] = _TIME
        return visit.now


def _about(visit: Visit, wanted: Snooze, values: dict[str, str], errors: dict[str, str]) -> Snooze:
    if values["what"] == "channel" and not asker_of(visit).sees_all:
        errors["what"] = "What: pause the channel instead; to hold it back is for administrators."
        return wanted
    if values["what"] == "channel":
        number = values["channel"]
        is_number = number.isascii() and number.isdigit() and len(number) < 19
        channels = visit.house.telling.channels.list(asker=asker_of(visit))
        if not is_number or int(number) not in {each.id for each in channels}:
            errors["channel"] = "Channel: choose one from the list."
            return wanted
        # A channel speaks to everybody who reads it: what is held back there is so for all.
        return replace(wanted, channel_id=int(number), user_id=0)
    if values["what"] == "all":
        return wanted
    text = values["task"]
    number = text.removeprefix("#").partition(" ")[0]
    try:
        is_number = text.startswith("#") and number.isascii() and number.isdigit() and len(number) < 19
        task = visit.house.services.desk.find(int(number) if is_number else text)
    except TaskNotFound:
        task = None
    if task is None or not visit.reach.covers(task.place):
        errors["task"] = (
            f"Task “{text[:60]}”: there is none of this name that you see." if text else "Task: fill this in."
        )
        return wanted
    return replace(wanted, task_id=task.id)
