"""Read queries and forms strictly: known encoding, bounded counts, nothing twice that is meant once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from horarium.errors import InvalidValue
from horarium.web.errors import Refusal

MOST_FIELDS: Final = 1000
MOST_OCTETS: Final = 1 << 20
ENCODING: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Fields:
    """The values of a query or form by name."""

    values: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str, usual: str = "", *, most: int = 200) -> str:
        """Return the value of a field; one that is longer than `most` is refused with `InvalidValue`."""
        found = self.values.get(name, [usual])[0]
        if len(found) > most:
            raise InvalidValue(name, found, f"use at most {most} characters")
        return found

    def whole(self, name: str) -> str:
        """Return the value of a field as it was sent, whatever its length."""
        return self.values.get(name, [""])[0]

    def many(self, name: str) -> list[str]:
        """Return all values of a field that may come repeatedly."""
        return self.values.get(name, [])

    def number(self, name: str, usual: int | None = None) -> int | None:
        """Return a field as a number from 0 to 2**63-1; anything else is refused with `InvalidValue`."""
        found = self.text(name, most=40)
        if not found:
            return usual
        return as_number(name, found)


def as_number(name: str, text: str) -> int:
    """Return `text` as a number that fits the store. Raises `InvalidValue`."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) >= 1 << 63:
        raise InvalidValue(name, text, "use a whole number")
    return int(text)


def query_of(request: Request, many: Collection[str] = ()) -> Fields:
    """Return the query of a request. Raises `Refusal` for what is malformed or given twice."""
    return _parsed(request.scope.get("query_string", b""), many)


async def form_of(request: Request, many: Collection[str] = ()) -> Fields:
    """Return the form that a request carries. Raises `Refusal`; nothing but an encoded form is read."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != ENCODING:
        raise Refusal("wrong_type")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_OCTETS:
            raise Refusal("too_large")
    return _parsed(bytes(body), many)


def _parsed(text: bytes, many: Collection[str]) -> Fields:
    try:
        pairs = parse_qsl(
            text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS, separator="&"
        )
    except ValueError:
        # Not ASCII, not UTF-8 once decoded, or too many fields: all of them are ValueErrors.
        raise Refusal("bad_request") from None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if name in found and name not in many:
            raise Refusal("bad_request", "A field came twice.")
        found.setdefault(name, []).append(value)
    return Fields(found)
