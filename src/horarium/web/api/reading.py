"""Read what several routes take: how many at once, where to go on, instants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BaseModel, Field

from horarium.errors import InvalidValue
from horarium.web import cursors
from horarium.web.forms import as_number

MOST: Final = 200
"""How many things one answer holds at most."""

Limit = Annotated[int, Field(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[str, Field(max_length=cursors.MOST, description="Where to go on: the `next` of the answer before.")]
Words = Annotated[str, Field(max_length=200, description="Words to look for.")]


class Paged(BaseModel):
    """What every list takes."""

    limit: Limit = 50
    cursor: Cursor = ""


def number_cursor(text: str) -> int | None:
    """Return the number that a cursor means in a list sorted by numbers. Raises `InvalidValue`."""
    if not text:
        return None
    try:
        return as_number("cursor", text)
    except InvalidValue:
        raise no_such_place(text) from None


def no_such_place(text: str) -> InvalidValue:
    """Return the error about a cursor that means nothing."""
    return InvalidValue("cursor", text, "use the `next` of an answer for the same list")


def instant_of(name: str, text: str) -> datetime:
    """Return the instant that a text means. Raises `InvalidValue` for one without an offset, or that means none."""
    refused = InvalidValue(name, text, "use an instant with its offset, such as 2026-05-14T06:00:00Z")
    try:
        instant = datetime.fromisoformat(text)
        if instant.utcoffset() is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        # OverflowError: the year ends beyond 9999 in UTC.
        raise refused from None
    raise refused
