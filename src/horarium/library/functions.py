"""What a task calls: a function of this program, or the name of one that any process can import."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from horarium.errors import InvalidTarget, InvalidValue
from horarium.library.options import TaskOptions, one_of
from horarium.records.tasks import PythonSpec
from horarium.runs.registry import Registry, target_of
from horarium.states import Isolation

_PLAIN = "use plain JSON values; a partial or a lambda can carry anything else"


def spec_of(name: str, function: Callable[..., Any] | str, options: TaskOptions, registry: Registry) -> PythonSpec:
    """Turn a function, or the text "package.module:function", into a spec; objects are handed to `registry`.

    Raises `InvalidTarget`, `InvalidValue`.
    """
    isolation = one_of("isolation", options.get("isolation", Isolation.THREAD), Isolation)
    args, kwargs = _args(options.get("args")), _kwargs(options.get("kwargs"))
    if isinstance(function, str):
        return PythonSpec(_checked(function), args, kwargs, isolation)
    if not callable(function):
        raise InvalidTarget("function", function, "give something that can be called, or package.module:function")
    if isolation is Isolation.PROCESS:
        target = target_of(function)
        if target is None:
            raise InvalidTarget(
                "function", _label(function), "another process must be able to import it: name it in a module"
            )
        return PythonSpec(target, args, kwargs, isolation)
    label = _label(function)
    if "<" in label or not _is_same(registry.local.get(label, function), function):
        label = f"{label} ({name})"
    registry.register(label, function)
    return PythonSpec(label, args, kwargs, isolation, local=True)


def name_of(function: Callable[..., Any]) -> str:
    """Return what a decorated function's task is called. Raises `InvalidValue` for one that has no name."""
    name = getattr(function, "__name__", None)
    if not isinstance(name, str) or name == "<lambda>":
        raise InvalidValue("name", name, f"give the task a name, since {_label(function)} has none of its own")
    return name


def _checked(target: str) -> str:
    module, colon, path = target.partition(":")
    parts = (*module.split("."), *path.split("."))
    if not colon or any(not part.isidentifier() for part in parts):
        raise InvalidTarget("function", target, "write package.module:function, or give the function itself")
    return target


def _label(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None) or type(function).__module__
    path = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{module}:{path}"


def _is_same(known: Callable[..., Any], function: Callable[..., Any]) -> bool:
    """Tell whether both are one; a method of an object is made anew each time somebody looks at it."""
    if known is function:
        return True
    parts = [(getattr(each, "__self__", None), getattr(each, "__func__", None)) for each in (known, function)]
    return parts[0][1] is not None and parts[0][0] is parts[1][0] and parts[0][1] is parts[1][1]


def _args(given: Any) -> tuple[Any, ...]:
    if given is None:
        return ()
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise InvalidValue("args", given, "use a list or a tuple")
    return tuple(_plain("args", list(given)))


def _kwargs(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise InvalidValue("kwargs", given, "use a dictionary of names and values")
    return dict(_plain("kwargs", dict(given)))


def _plain(field: str, value: Any) -> Any:
    """Return the value as it will be read back, so that the same definition is the same after a restart."""
    if not value:
        return value
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise InvalidValue(field, value, _PLAIN) from None
