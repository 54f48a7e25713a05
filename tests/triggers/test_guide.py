"""The guide to schedules tells the truth: its tables and its program are run."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from datetime import datetime
from io import StringIO
from pathlib import Path

from horarium.triggers import in_words, next_times, parse

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "schedules.md").read_text(encoding="utf-8")


def _rows(heading: str) -> list[list[str]]:
    """Return the cells of the table with this first heading, without its head."""
    table = GUIDE[GUIDE.index(f"| {heading} |") :].split("\n\n")[0]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_the_words_in_the_guide() -> None:
    rows = _rows("expression | words")
    assert len(rows) >= 10
    for expression, words in rows:
        assert in_words(parse(expression)) == words


def test_the_next_times_in_the_guide() -> None:
    rows = _rows("expression | zone")
    assert len(rows) >= 4
    for expression, zone, after, times in rows:
        expected = times.split(", ")
        found = next_times(expression, tz=zone, after=datetime.fromisoformat(after), n=len(expected))
        assert [due.isoformat(timespec="minutes") for due in found] == expected


def test_the_program_in_the_guide() -> None:
    program = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)[0]
    printed = StringIO()
    with redirect_stdout(printed):
        exec(program, {})  # noqa: S102 - the guide's own program, which people will run
    comments = re.findall(r"^# (.*)$", program, re.MULTILINE)
    assert printed.getvalue().splitlines() == comments
