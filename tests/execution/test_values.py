"""Return values become bounded JSON, exceptions become bounded failures."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import NoReturn

import pytest

from horarium.execution.failures import MESSAGE_LIMIT, TRACEBACK_LIMIT, describe, names_of
from horarium.execution.results import CAP_BYTES, to_json


@pytest.mark.parametrize("value", [0, 1.5, True, "text é", [1, [2]], {"a": None}, [], ""])
def test_json_values_are_kept_as_they_are(value: object) -> None:
    text = to_json(value)
    assert text is not None
    assert json.loads(text) == value


def test_none_is_no_result() -> None:
    assert to_json(None) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, [math.nan], object(), {1, 2}, {("a", "b"): 1}])
def test_what_json_cannot_say_is_shown_by_its_repr(value: object) -> None:
    text = to_json(value)
    assert text is not None
    assert "NaN" not in text
    shown = json.loads(text)
    assert shown == {
        "type": type(value).__name__ if type(value).__name__ != "object" else "object",
        "repr": repr(value),
    }


def test_a_value_inside_a_structure_is_shown_by_its_repr() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    text = to_json({"at": moment})
    assert text is not None
    assert json.loads(text) == {"at": {"type": "datetime.datetime", "repr": repr(moment)}}


def test_large_and_circular_values_are_bounded() -> None:
    circle: list[object] = []
    circle.append(circle)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (["x" * 100] * 10_000, "y" * 10_000_000, circle, "é" * 60_000, b"\0" * 100_000, deep):
        text = to_json(value)
        assert text is not None
        assert len(text.encode()) <= CAP_BYTES
        assert json.loads(text)["type"] == type(value).__name__


class Awkward(Exception):
    def __str__(self) -> NoReturn:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_a_value_whose_repr_fails_does_not_end_the_run() -> None:
    text = to_json(Awkward())
    assert text is not None
    assert "repr raised RuntimeError" in text


def test_an_exception_whose_text_fails_is_still_described() -> None:
    failure = describe(Awkward())
    assert failure.type.endswith(".Awkward")
    assert "RuntimeError" in failure.message


def test_messages_and_tracebacks_are_bounded_and_storable() -> None:
    failure = describe(ValueError("\0" + "x" * 1_000_000 + "\ud800 end"))
    assert len(failure.message) < MESSAGE_LIMIT + 100
    assert len(failure.traceback) < TRACEBACK_LIMIT + 100
    assert failure.message.startswith("\u2400x")
    assert failure.message.endswith("? end")
    assert failure.traceback.encode()


def test_an_error_answers_to_its_base_classes() -> None:
    names = names_of(json.JSONDecodeError("m", "d", 0))
    assert {"JSONDecodeError", "json.decoder.JSONDecodeError", "ValueError", "builtins.Exception"} <= set(names)
