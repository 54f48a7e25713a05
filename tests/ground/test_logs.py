"""The server's log: a sentence and an event word a line, never a secret, never a line that somebody else wrote."""

from __future__ import annotations

import io
import json
import logging
import secrets
from collections.abc import Iterator

import pytest
import structlog

from horarium.logs.harmless import harmless
from horarium.logs.setup import MASK, VALUE_LIMIT, set_up_logging

CANARY = secrets.token_hex(16)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Give a stream to log to, and put the log back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_a_sentence_and_an_event_word(stream: io.StringIO) -> None:
    set_up_logging(stream=stream)
    logging.getLogger("horarium.x").info("Serving on %s", "there", extra={"word": "server.started", "port": 5})
    (line,) = stream.getvalue().splitlines()
    assert line.split(" ", 1)[1] == "info    server.started: Serving on there port=5"


def test_as_json_each_line_is_one_object(stream: io.StringIO) -> None:
    set_up_logging(stream=stream, form="json")
    logging.getLogger("horarium.x").warning("It is %s", "so\nand so", extra={"word": "some.event"})
    structlog.get_logger("other").info("hello", count=3)
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["message"], first["event"], first["level"]) == ("It is so\nand so", "some.event", "warning")
    assert (second["message"], second["count"]) == ("hello", 3)


@pytest.mark.parametrize("form", ["text", "json"])
def test_r95_what_others_wrote_begins_no_line_and_steers_no_terminal(stream: io.StringIO, form: str) -> None:
    set_up_logging(stream=stream, form=form)
    name = "x\n2026-01-01 info fake: entry\r\x1b]0;title\x07\x1b[2J\u202e\u2028"
    logging.getLogger("horarium").error("task %s", name, extra={"tag": name})
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()


@pytest.mark.parametrize("form", ["text", "json"])
def test_r10_secrets_are_hidden_in_sentences_values_and_tracebacks(stream: io.StringIO, form: str) -> None:
    set_up_logging(stream=stream, form=form, secrets=[CANARY])
    log = logging.getLogger("horarium")
    log.info("the key is %s", CANARY, extra={"note": f"x{CANARY}x"})
    log.info("at %s", "postgresql://ana:hunter22@db/horarium", extra={"smtp_password": "12345", "cookie": "abc"})
    try:
        int(CANARY + "x")
    except ValueError:
        log.exception("it broke")
    written = stream.getvalue()
    assert CANARY not in written
    assert "hunter22" not in written
    assert "12345" not in written
    assert written.count(MASK) >= 5


def test_r95_a_huge_value_is_cut(stream: io.StringIO) -> None:
    set_up_logging(stream=stream)
    logging.getLogger("horarium").info("name %s", "n" * 1_000_000)
    assert len(stream.getvalue()) < VALUE_LIMIT + 200


def test_what_is_below_the_level_is_left_out_and_uvicorn_keeps_to_itself(stream: io.StringIO) -> None:
    set_up_logging(stream=stream, level="warning")
    logging.getLogger("horarium").info("no")
    logging.getLogger("uvicorn.error").info("no")
    logging.getLogger("uvicorn.error").error("yes")
    assert stream.getvalue().count("\n") == 1


def test_small_talk_of_libraries_is_not_news(stream: io.StringIO) -> None:
    set_up_logging(stream=stream)
    logging.getLogger("alembic.runtime.migration").info("Context impl")
    logging.getLogger("uvicorn.error").info("Started")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain \u00e4 \u65e5\u672c \U0001f600\t.", "plain \u00e4 \u65e5\u672c \U0001f600\t."),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2Jx", "\\x1b[2Jx"),
        ("a\nb\rc\0", "a\\nb\\rc\\x00"),
        ("\x9b2J\u202eabc\u2066", "\\x9b2J\\u202eabc\\u2066"),
        ("\udcff", "\\udcff"),
    ],
)
def test_r65_control_signs_are_shown_and_colours_dropped(text: str, shown: str) -> None:
    assert harmless(text) == shown
