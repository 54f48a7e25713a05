"""Small pieces of English: lists, ordinals, runs and steps of numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def listed(names: Sequence[str]) -> str:
    """Join names: "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def ordinal(number: int) -> str:
    """Return "1st", "2nd", "3rd", "11th" and so on."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def step_of(values: Sequence[int]) -> int:
    """Return the common distance of three or more values, or 0 when there is none."""
    if len(values) < 3:
        return 0
    steps = {later - earlier for earlier, later in itertools.pairwise(values)}
    return steps.pop() if len(steps) == 1 else 0


def runs(values: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and last of each unbroken run of values."""
    found: list[tuple[int, int]] = []
    for value in values:
        if found and found[-1][1] == value - 1:
            found[-1] = (found[-1][0], value)
        else:
            found.append((value, value))
    return found


def spans(values: Sequence[int], names: Sequence[str]) -> list[str]:
    """Return names for values, three or more in a row as "a to c"; `names` holds the name of each value, from 0."""
    found: list[str] = []
    for first, last in runs(values):
        if last - first > 1:
            found.append(f"{names[first]} to {names[last]}")
        else:
            found.extend(names[value] for value in range(first, last + 1))
    return found
