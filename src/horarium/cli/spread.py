"""Let a command take the fields of a record as its options, so that two commands share them without repeating them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, get_type_hints


def spread(name: str, record: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replace the parameter `name` of a command by the fields of the dataclass `record`, which must have defaults.

    Typer reads options from a signature; this gives it one in which each annotated field is a parameter.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(command, include_extras=True)
        own = [
            each.replace(annotation=hints[each.name])
            for each in inspect.signature(command).parameters.values()
            if each.name != name
        ]
        field_hints = get_type_hints(record, include_extras=True)
        spread_out = [
            inspect.Parameter(
                each.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None if each.default is MISSING else each.default,
                annotation=field_hints[each.name],
            )
            for each in fields(record)
        ]

        def called(**given: Any) -> None:
            taken = {each.name: given.pop(each.name) for each in fields(record)}
            command(**given, **{name: record(**taken)})

        parameters = [*(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own), *spread_out]
        called.__name__, called.__doc__, called.__module__ = command.__name__, command.__doc__, command.__module__
        called.__annotations__ = {each.name: each.annotation for each in parameters}
        vars(called)["__signature__"] = inspect.Signature(parameters)
        return called

    return decorate
