"""Which functions a host lets tasks name, where anybody but the program itself says what they are."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

from horarium.errors import TargetNotLoadable

VARIABLE = "HORARIUM_TASK_MODULES"


class Targets:
    """Packages and modules whose functions tasks may name, and single functions.

    A package stands for the modules in it. What a module has only imported is not its own: with `shop` allowed,
    `shop.jobs:os.system` is none of it.
    """

    def __init__(self, names: Iterable[str] = (), *, always: Iterable[str] = ()) -> None:
        """Allow `names`, such as `shop` and `reports.jobs:weekly`, and `always`, of which errors say nothing."""
        self.parts = (tuple(dict.fromkeys(names)), tuple(always))
        known = {*self.parts[0], *self.parts[1]}
        self._functions = frozenset(name for name in known if ":" in name)
        self._modules = frozenset(known - self._functions)

    @property
    def words(self) -> str:
        """Say what is allowed."""
        return f"{VARIABLE} names {', '.join(self.parts[0]) or 'none'}"

    def allows(self, target: str) -> bool:
        """Tell whether a target may be imported, by its name."""
        module, _, path = target.partition(":")
        # Names between two underscores lead out of a module, to what every function has.
        if any(name.startswith("__") for name in path.split(".")):
            return False
        return target in self._functions or self._covers(module)

    def check(self, target: str) -> None:
        """Refuse a target by its name, before anything is imported, raising `TargetNotLoadable`."""
        if not self.allows(target):
            raise TargetNotLoadable(f"the target {target!r} is not registered on this host: {self.words}")

    def check_found(self, target: str, holders: Iterable[Any], found: Any) -> None:
        """Refuse what was found on a way through another module, or was only imported there, as `check` does."""
        if target in self._functions:
            return
        origin = getattr(found, "__module__", None)
        strays = [each.__name__ for each in holders if isinstance(each, ModuleType)][1:]
        if isinstance(origin, str) and not self._covers(origin):
            strays.append(origin)
        if strays:
            raise TargetNotLoadable(
                f"the target {target!r} is not registered on this host: it is part of {strays[0]}, and {self.words}"
            )

    def _covers(self, module: str) -> bool:
        parts = module.split(".")
        return any(".".join(parts[:end]) in self._modules for end in range(1, len(parts) + 1))
