"""Each numbered requirement on security, and each promise that is kept by now, is shown by a test of its number."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
NUMBERED = {*(f"r{number}" for number in (*range(1, 79), *range(83, 86), *range(107, 117)))}
PROMISED = {"rp16", "rp20", "rp21", "rp26"}
NUMBER = re.compile(r"(?<=_)rp?\d+(?=_)")


def shown() -> set[str]:
    """Return the numbers in the names of all tests."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found |= set(NUMBER.findall(node.name))
    return found


def test_r120_each_requirement_has_a_test_that_bears_its_number() -> None:
    found = shown()
    assert sorted((NUMBERED | PROMISED) - found) == []
