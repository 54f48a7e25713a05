"""Say in our own words what is wrong with the values of a request: which one, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi.exceptions import RequestValidationError

from horarium.web.errors import Refusal

_MOST_NAME: Final = 80
_TAKES: Final = {
    "missing": "it is missing",
    "int_parsing": "use a whole number",
    "int_type": "use a whole number",
    "int_from_float": "use a whole number",
    "bool_type": "use true or false",
    "greater_than_equal": "use {ge} or more",
    "less_than_equal": "use {le} or less",
    "string_type": "use a text",
    "string_too_long": "use at most {max_length} characters",
    "string_too_short": "use at least {min_length} characters",
    "too_long": "use at most {max_length}",
    "too_short": "use at least {min_length}",
    "list_type": "use a list",
    "dict_type": "use an object",
    "model_type": "use an object",
    "model_attributes_type": "use an object",
    "literal_error": "use {expected}",
    "enum": "use {expected}",
}
"""What each kind of mistake means; the figures come from our own declarations."""


def refusal_of(error: RequestValidationError) -> Refusal:
    """Return the first mistake of a request as the refusal that is answered; values are not repeated."""
    first: Mapping[str, Any] = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:])[:_MOST_NAME] or "the body"
    if first["type"] == "extra_forbidden":
        return Refusal("unknown_field", f"{name!r} is not known here.")
    takes = _TAKES.get(first["type"], "that value cannot be used")
    return Refusal("invalid_value", f"{name}: {takes.format_map(first.get('ctx', {}))}.")
