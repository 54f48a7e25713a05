"""Share the places of a node among people: one person's own runs never take all of them."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class Slots(NamedTuple):
    """How many runs a node has places for, and how many of them one person's own runs may take."""

    places: int
    each: int


def usual_share(count: int) -> int:
    """Return how many of so many places one person's own runs may take where nobody says otherwise: half of them."""
    return max(1, count // 2)


class Crowd:
    """Who has how many places of a node, as one transaction counts them."""

    __slots__ = ("_each", "_persons")

    def __init__(self, persons: Counter[int], each: int) -> None:
        """Begin with the places that people have; nobody gets more than `each`."""
        self._persons = persons
        self._each = each

    def admit(self, person: int) -> bool:
        """Take a place for somebody's run if they may have one more; what runs for nobody always may."""
        if not person:
            return True
        if self._persons[person] >= self._each:
            return False
        self._persons[person] += 1
        return True
