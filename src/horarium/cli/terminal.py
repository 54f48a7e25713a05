"""Print sentences and JSON. Whatever others wrote is made harmless on its way (R65); JSON stays exact."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from horarium.logs.harmless import harmless


def say(text: str = "") -> None:
    """Print one line of an answer."""
    print(harmless(text), file=sys.stdout)  # noqa: T201 - printing is what a command line does


def tell(text: str) -> None:
    """Print one line beside the answer: a remark, an error, a warning."""
    print(harmless(text), file=sys.stderr)  # noqa: T201 - as above


def say_json(value: Any) -> None:
    """Print a value as JSON in ASCII: exact for programs, and harmless for terminals."""
    print(json.dumps(value, indent=2, ensure_ascii=True), file=sys.stdout)  # noqa: T201 - as above


def say_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values below each other; empty values are left out."""
    kept = [(name, value) for name, value in facts if value]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        say(f"{name:<{width}}  {value}")
