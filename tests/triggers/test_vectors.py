"""Instants reasoned by hand, through the door people use."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from horarium.triggers import next_times
from tests.triggers.vectors import VECTORS, Vector


def _id(vector: Vector) -> str:
    return " ".join(vector[:3])


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("vector", VECTORS, ids=_id)
def test_the_next_times_are_as_reasoned(vector: Vector) -> None:
    expression, zone, after, expected = vector
    found = next_times(expression, tz=zone, after=_utc(after), n=len(expected))
    assert len(found) == len(expected)
    for due, text in zip(found, expected, strict=True):
        wanted = datetime.fromisoformat(text)
        assert due.replace(tzinfo=None, fold=0) == wanted.replace(tzinfo=None), [each.isoformat() for each in found]
        assert wanted.tzinfo is None or due.utcoffset() == wanted.utcoffset()
        assert due.tzinfo == ZoneInfo(zone)


def test_no_vector_is_there_twice() -> None:
    assert len({_id(vector) for vector in VECTORS}) == len(VECTORS) > 140
