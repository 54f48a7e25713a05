"""Each numbered requirement on security is shown by a test that bears its number."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
NUMBERED = {*range(1, 79), *range(107, 110)}
NUMBER = re.compile(r"(?<=_)r(\d+)(?=_)")


def shown() -> set[int]:
    """Return the numbers in the names of all tests."""
    found = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found |= {int(each) for each in NUMBER.findall(node.name)}
    return found


def test_r120_each_requirement_has_a_test_that_bears_its_number() -> None:
    found = shown()
    assert sorted(NUMBERED - found) == []
