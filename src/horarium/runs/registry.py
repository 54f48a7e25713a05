"""From the name of a Python target to the callable behind it, and back."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from horarium.errors import TargetNotLoadable
from horarium.records.tasks import PythonSpec

Function = Callable[..., Any]


class Rule(Protocol):
    """Which targets may be imported; what it refuses counts as not registered."""

    def check(self, target: str) -> None:
        """Look at a target before anything is imported. Raises `TargetNotLoadable`."""
        ...

    def check_found(self, target: str, holders: list[Any], found: Any) -> None:
        """Look at what a target stands for, and at all that it was found in. Raises `TargetNotLoadable`."""
        ...


class Registry:
    """What a program can call: objects handed over under a name, and targets that it imports.

    `rule` says which those may be; without one, any: that is for a program that runs its own functions. Loaded targets
    are kept for the life of the program; failed ones are tried anew each time.
    """

    def __init__(self, rule: Rule | None = None) -> None:
        self._rule = rule
        self._local: dict[str, Function] = {}
        self._imported: dict[str, Function] = {}

    @property
    def local(self) -> Mapping[str, Function]:
        """Return the functions that were handed over, by their targets: a live view."""
        return self._local

    def register(self, name: str, function: Function) -> None:
        """Keep `function`, which lives in this program alone, under `name`; a later one takes its place."""
        self._local[name] = function

    def resolve(self, spec: PythonSpec) -> Function:
        """Return what the spec names, raising `TargetNotLoadable` with the reason if it is not to be had."""
        known = self._local if spec.local else self._imported
        function = known.get(spec.target)
        if function is not None:
            return function
        if spec.local:
            raise TargetNotLoadable(f"the function {spec.target!r} has not been handed over by this program")
        function = self._load(spec.target)
        self._imported[spec.target] = function
        return function

    def _load(self, target: str) -> Function:
        if self._rule is not None:
            self._rule.check(target)
        module_name, colon, path = target.partition(":")
        if not (module_name and colon and path):
            raise TargetNotLoadable(f"the target {target!r} is not of the form package.module:function")
        found: Any = _import(module_name)
        holders = []
        for name in path.split("."):
            holders.append(found)
            try:
                found = getattr(found, name)
            except AttributeError:
                raise TargetNotLoadable(f"the module {module_name!r} has nothing called {path!r}") from None
        if self._rule is not None:
            self._rule.check_found(target, holders, found)
        if not callable(found):
            raise TargetNotLoadable(f"the target {target!r} is not callable, it is of type {type(found).__name__}")
        function: Function = found
        return function


def target_of(function: Function) -> str | None:
    """Return "module:qualname" if importing that gives this very function in another process, else None."""
    module_name = getattr(function, "__module__", None)
    path = getattr(function, "__qualname__", None)
    if not isinstance(module_name, str) or not isinstance(path, str) or module_name == "__main__" or "<" in path:
        return None
    found: Any = sys.modules.get(module_name)
    for name in path.split("."):
        found = getattr(found, name, None)
    # Bound class methods are made anew at each look, so that identity would refuse them.
    return f"{module_name}:{path}" if found == function else None


def _import(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise TargetNotLoadable(f"there is no module {error.name!r}") from None
        raise TargetNotLoadable(_sentence(name, error)) from error
    # A module may do anything while it is imported, even ask the program to end.
    except BaseException as error:
        raise TargetNotLoadable(_sentence(name, error)) from error


def _sentence(module_name: str, error: BaseException) -> str:
    return f"importing {module_name!r} raised {type(error).__name__}: {error}"
