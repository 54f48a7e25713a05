"""Read JSON strictly: what two programs could read in two ways is refused before anything is made of it."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any, Final, NoReturn

from starlette.requests import Request

from horarium.web.errors import Refusal
from horarium.web.forms import MOST_OCTETS

KIND: Final = "application/json"
MOST_DEPTH: Final = 32
BODY_SECONDS: Final = 30.0


async def octets_of(request: Request) -> bytes:
    """Return the body of a request. Raises `Refusal` for one that is no JSON by its head, too large or too slow."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_OCTETS:
                    raise Refusal("too_large")
    except TimeoutError:
        raise Refusal("bad_request", "The body took too long to arrive.") from None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ({KIND} if body else {KIND, ""}):
        raise Refusal("wrong_type", f"Send JSON, as {KIND}.")
    return bytes(body)


def parsed(octets: bytes) -> Any:
    """Return the value that a body means, None for an empty one.

    Raises `Refusal` for what is no JSON or no UTF-8, for a name that comes twice in one object, numbers that are none
    or too large, texts that no database keeps, and values nested deeper than `MOST_DEPTH`.
    """
    if not octets:
        return None
    try:
        value = json.loads(
            octets.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant, parse_float=_number
        )
        _check(value, MOST_DEPTH)
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        # No UTF-8, no JSON, a whole number of thousands of figures, or a text with half of a character.
        raise Refusal("bad_request", "The body is not JSON, or has a text that cannot be kept.") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refusal("bad_request", "A name comes twice in one object of the body.")
    return found


def _constant(name: str) -> NoReturn:
    raise Refusal("bad_request", f"{name} is no number.")


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Refusal("bad_request", "A number of the body is too large.")
    return number


def _check(value: Any, depth: int) -> None:
    """Refuse what is nested deeper than `depth`, and texts that a database refuses."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a text with a null character")
        value.encode("utf-8")
    elif isinstance(value, dict | list):
        if depth == 0:
            raise _too_deep()
        for each in value if isinstance(value, list) else (*value, *value.values()):
            _check(each, depth - 1)


def _too_deep() -> Refusal:
    return Refusal("bad_request", f"The body is nested deeper than {MOST_DEPTH} levels.")
