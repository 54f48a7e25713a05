"""What a task prints and logs belongs to its attempt; what the host prints stays the host's."""

# ruff: noqa: T201 -- what these tasks do is print

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout
from contextvars import copy_context
from functools import partial

import pytest

from horarium.states import Stream
from tests.execution.witness import World, world


@pytest.fixture
def house() -> Iterator[World]:
    with world() as made:
        yield made


def said(house: World, run: int = -1) -> list[tuple[Stream, str]]:
    return [(line.stream, line.text) for line in house.witness.completions[run].lines]


def test_print_and_standard_error_belong_to_the_attempt(house: World, capsys: pytest.CaptureFixture[str]) -> None:
    def speak() -> None:
        print("to all")
        print("with care", file=sys.stderr)
        sys.stdout.writelines(["two ", "pieces"])

    done = house.ended(speak)
    assert said(house) == [(Stream.STDOUT, "to all"), (Stream.STDERR, "with care"), (Stream.STDOUT, "two pieces")]
    assert done.output_bytes == len("to all\nwith care\ntwo pieces")
    print("the host's own")
    assert capsys.readouterr() == ("the host's own\n", "")


def test_two_runs_at_once_are_told_apart(house: World) -> None:
    together = threading.Barrier(2)

    def speak(name: str) -> None:
        for _ in range(20):
            together.wait(20)
            print(name)

    runs = [house.call(speak, name) for name in ("ada", "bob")]
    for run, name in zip(runs, ("ada", "bob"), strict=True):
        house.witness.await_end(run)
        assert set(house.witness.text(run)) == {name}
        assert len(house.witness.text(run)) == 20


def test_lines_are_seen_while_the_task_runs(house: World) -> None:
    gate = threading.Event()

    def speak() -> None:
        print("hello")
        gate.wait(20)

    run = house.call(speak)
    house.witness.await_line(run, "hello")
    assert not house.witness.completions
    gate.set()
    house.witness.await_end(run)
    assert house.witness.text(run) == ["hello"]


def test_a_thread_of_the_task_is_captured_only_with_the_tasks_context(
    house: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def speak() -> None:
        context = copy_context()
        for target in (partial(print, "outside"), partial(context.run, print, "inside")):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()

    house.ended(speak)
    assert said(house) == [(Stream.STDOUT, "inside")]
    assert capsys.readouterr().out == "outside\n"


def test_log_records_are_lines_of_their_own(house: World) -> None:
    logger = logging.getLogger("somebodys.job")
    logger.setLevel(logging.DEBUG)

    def speak() -> None:
        logger.debug("too small")
        logger.info("read %d rows", 5)
        logger.warning("100%")
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            logger.exception("oh")

    house.ended(speak)
    texts = said(house)
    assert texts[:3] == [
        (Stream.LOG, "INFO somebodys.job: read 5 rows"),
        (Stream.LOG, "WARNING somebodys.job: 100%"),
        (Stream.LOG, "ERROR somebodys.job: oh"),
    ]
    assert texts[-1] == (Stream.LOG, "ZeroDivisionError: division by zero")


def test_a_record_that_a_host_handler_writes_to_standard_error_is_not_doubled(house: World) -> None:
    logger = logging.getLogger("with.handler")
    own = io.StringIO()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr), logging.StreamHandler(own)]
    for handler in handlers:
        logger.addHandler(handler)
    try:
        house.ended(lambda: logger.warning("once"))
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
    assert said(house) == [(Stream.LOG, "WARNING with.handler: once")]
    assert own.getvalue() == "once\n"


def test_the_handler_of_last_resort_neither_doubles_nor_falls_silent(
    house: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    house.ended(lambda: logging.getLogger("bare").warning("from the task"))
    logging.getLogger("bare").warning("from the host")
    assert said(house) == [(Stream.LOG, "WARNING bare: from the task")]
    assert capsys.readouterr().err == "from the host\n"
    assert not logging.getLogger().hasHandlers()


def test_a_wrong_log_call_does_not_end_the_task(house: World) -> None:
    logger = logging.getLogger("wrong")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    done = house.ended(lambda: logger.error("%d rows", "many"))
    assert done.state == "succeeded"
    assert "'%d rows'" in said(house)[0][1]


def test_streams_that_the_host_replaces_are_found_again(house: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    house.ended(lambda: print("captured"))
    assert said(house) == [(Stream.STDOUT, "captured")]
    print("passes")
    assert stream.getvalue() == "passes\n"


def test_a_task_that_redirects_its_output_keeps_it_while_others_start(house: World) -> None:
    inside, go = threading.Event(), threading.Event()

    def collect() -> str:
        with redirect_stdout(io.StringIO()) as stream:
            inside.set()
            go.wait(20)
            print("mine")
        return stream.getvalue()

    run = house.call(collect)
    assert inside.wait(20)
    house.ended(lambda: None)
    go.set()
    assert house.witness.await_end(run).result == '"mine\\n"'


def test_everything_is_put_back_when_the_last_launcher_has_stopped() -> None:
    before = (sys.stdout, sys.stderr, logging.Logger.callHandlers)
    with world(), world() as second:
        second.ended(lambda: None)
        assert sys.stdout is not before[0]
    assert (sys.stdout, sys.stderr, logging.Logger.callHandlers) == before


def test_a_task_has_no_terminal_and_can_ask_a_stream_for_its_encoding(house: World) -> None:
    assert house.ended(lambda: [sys.stdout.isatty()]).result == "[false]"
    assert house.ended(lambda: sys.stdout.encoding).state == "succeeded"
    assert house.ended(lambda: sys.stdout.write(b"bytes")).failure is not None  # type: ignore[arg-type]
