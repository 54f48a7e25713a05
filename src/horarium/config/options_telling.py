"""The settings of what people are told about their tasks."""

from __future__ import annotations

from typing import Final

from horarium.config import values
from horarium.config.option import Option

_SWITCH: Final = "use on or off"

TELLING: Final[tuple[Option, ...]] = (
    Option(
        "NOTIFY_ON_TASK_FAILURE",
        "notify_on_task_failure",
        values.as_switch,
        default=True,
        allowed=_SWITCH,
        sentence="Whether the rule that every installation begins with tells owners by mail that a task of theirs "
        "failed, and works again. Rules that somebody added tell what they say in any case.",
    ),
    Option(
        "NOTIFY_ON_TASK_SUCCESS",
        "notify_on_task_success",
        values.as_switch,
        default=False,
        allowed=_SWITCH,
        sentence="Whether owners are told by mail of each run of their tasks that went well, too.",
    ),
)
"""The settings by which the standard rules for notifications are switched."""
