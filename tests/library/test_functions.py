"""What may be handed over as a function, where it runs, and what is kept of it."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from horarium import InvalidValue, RunNotFound, TaskScheduler
from horarium.store.books.ledger import LedgerBook
from tests.library import sample_functions
from tests.library.programs import ended, once, wait_until
from tests.library.sample_functions import Thing

HERE = "tests.library.sample_functions"


class Machine:
    """Something with methods, which can be called itself."""

    made = "class"

    def __init__(self, name: str) -> None:
        self.name = name

    def method(self) -> list[object]:
        return [self.name, os.getpid()]

    @classmethod
    def of_class(cls) -> list[object]:
        return [cls.made, os.getpid()]

    @staticmethod
    def of_nobody() -> list[object]:
        return ["static", os.getpid()]

    def __call__(self) -> list[object]:
        return ["called", os.getpid()]


class AsyncMachine:
    async def __call__(self) -> list[object]:
        await asyncio.sleep(0)
        return ["awaited", os.getpid()]


async def coroutine(name: str) -> list[object]:
    await asyncio.sleep(0.001)
    return [name, os.getpid()]


def closure(name: str) -> Callable[[], list[object]]:
    def inner() -> list[object]:
        return [name, os.getpid()]

    return inner


def plain(name: str = "plain") -> list[object]:
    return [name, os.getpid()]


@pytest.mark.parametrize(
    ("function", "word"),
    [
        (plain, "plain"),
        (lambda: ["lambda", os.getpid()], "lambda"),
        (closure("closure"), "closure"),
        (functools.partial(plain, "partial"), "partial"),
        (Machine("method").method, "method"),
        (Machine.of_class, "class"),
        (Machine.of_nobody, "static"),
        (Machine("callable"), "called"),
        (AsyncMachine(), "awaited"),
        (functools.partial(coroutine, "coroutine"), "coroutine"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_that_can_be_called_runs_in_this_process(
    running: TaskScheduler, function: Callable[..., object], word: str
) -> None:
    assert once(running, function)["result"] == [word, os.getpid()]


def test_an_object_as_an_argument_travels_in_a_partial(running: TaskScheduler) -> None:
    seen: list[Thing] = []
    assert once(running, functools.partial(seen.append, Thing(3)))["status"] == "succeeded"
    assert seen == [Thing(3)]


def test_functions_with_the_same_name_are_not_mistaken_for_each_other(running: TaskScheduler) -> None:
    machines = [Machine("one").method, Machine("two").method, closure("three"), closure("four")]
    for number, function in enumerate(machines):
        running.add_task(f"job {number}", function)
    found = [ended(running, running.trigger_task_now(f"job {number}"))["result"][0] for number in range(4)]
    assert found == ["one", "two", "three", "four"]


def test_a_function_that_is_handed_over_again_takes_the_place_of_the_old_one(running: TaskScheduler) -> None:
    assert once(running, lambda: 1)["result"] == 1
    assert once(running, lambda: 2)["result"] == 2


def test_a_function_named_as_text_is_imported(running: TaskScheduler) -> None:
    entry = once(running, f"{HERE}:where", kwargs={"greeting": "good day"})
    assert entry["result"]["pid"] == os.getpid()


def test_a_function_learns_which_run_it_is(running: TaskScheduler) -> None:
    entry = once(running, f"{HERE}:number")
    assert entry["result"] == [entry["id"], 1]


def test_an_isolated_function_runs_in_another_process_with_the_surroundings_of_this_one(
    make: Callable[..., TaskScheduler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMPLE_SETTING", "from the program")
    scheduler = make()
    scheduler.start()
    for function in (f"{HERE}:where", sample_functions.where):
        entry = once(scheduler, function, isolation="process")
        assert entry["status"] == "succeeded", entry
        assert entry["result"]["pid"] != os.getpid()
        assert entry["result"]["setting"] == "from the program"
        assert entry["result"]["cwd"] == str(Path.cwd())
        output = scheduler.get_run_output(entry["id"])
        assert f"hello from {entry['result']['pid']}\n" in output
        assert "a complaint\n" in output
        assert "WARNING sample: take care\n" in output


def test_what_a_task_prints_and_logs_is_kept_and_not_said_twice(
    running: TaskScheduler, capfd: pytest.CaptureFixture[str]
) -> None:
    entry = once(running, sample_functions.where)
    assert running.get_run_output(entry["id"]).splitlines() == [
        f"hello from {os.getpid()}",
        "a complaint",
        "WARNING sample: take care",
    ]
    print("from the program")  # noqa: T201
    logging.getLogger("host").warning("from the host")
    shown = capfd.readouterr()
    assert shown.out == "from the program\n"
    assert "hello" not in shown.err
    assert "a complaint" not in shown.err
    assert "take care" not in shown.err


def test_an_unknown_run_has_no_output(scheduler: TaskScheduler) -> None:
    with pytest.raises(RunNotFound, match="no run 77"):
        scheduler.get_run_output(77)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (0, 0),
        ({"a": [1, "ü"]}, {"a": [1, "ü"]}),
        ((1, 2), [1, 2]),
        (Thing(3), {"type": f"{HERE}.Thing", "repr": "Thing(size=3)"}),
        ({1}, {"type": "set", "repr": "{1}"}),
        (float("nan"), {"type": "float", "repr": "nan"}),
    ],
)
def test_what_a_function_returns_is_kept_as_a_value(running: TaskScheduler, value: object, kept: object) -> None:
    assert once(running, lambda: value)["result"] == kept


def test_an_exception_is_the_outcome_of_the_run_and_nothing_else(running: TaskScheduler) -> None:
    def fail() -> None:
        print("before")  # noqa: T201
        raise KeyError("gone")

    entry = once(running, fail)
    assert (entry["status"], entry["error"], entry["attempts"]) == ("failed", "KeyError: 'gone'", 1)
    assert running.get_run_output(entry["id"]) == "before\n"
    assert running.get_task_status("job")["failures_in_row"] == 1
    assert running.is_running


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_a_task_cannot_end_the_program(running: TaskScheduler, error: BaseException) -> None:
    def fail() -> None:
        raise error

    assert once(running, fail)["status"] == "failed"
    assert once(running, lambda: 1)["status"] == "succeeded"


def test_only_the_exceptions_that_are_named_are_tried_again(running: TaskScheduler) -> None:
    class Special(ConnectionError):
        pass

    def fail_with(kind: type[Exception]) -> None:
        raise kind

    options: dict[str, Any] = {"retries": 2, "retry_delay": 0, "retry_jitter": 0}
    for retry_on, kind, attempts in (
        ((), ValueError, 3),
        (ConnectionError, Special, 3),
        ([TimeoutError, ConnectionError], Special, 3),
        (Special, ConnectionError, 1),
        ("ValueError", ValueError, 3),
        ({"KeyError"}, ValueError, 1),
    ):
        entry = once(running, functools.partial(fail_with, kind), retry_on=retry_on, **options)
        assert (entry["status"], entry["attempts"]) == ("failed", attempts), (retry_on, kind)


def test_a_retry_that_succeeds_makes_the_run_succeed(running: TaskScheduler) -> None:
    def fail_once(run_context: Any) -> int:
        if run_context.attempt == 1:
            raise OSError
        return int(run_context.attempt)

    entry = once(running, fail_once, retries=1, retry_delay=0)
    assert (entry["status"], entry["result"], entry["attempts"], entry["error"]) == ("succeeded", 2, 2, None)


def test_the_time_limit_ends_a_function(running: TaskScheduler) -> None:
    def forever() -> None:
        while True:
            threading.Event().wait(0.01)

    assert once(running, forever, timeout=0.2)["status"] == "timed_out"


def test_a_second_run_waits_for_the_first_or_is_left_out_as_the_policy_says(running: TaskScheduler) -> None:
    gate = threading.Event()

    def work() -> None:
        gate.wait(20)

    running.add_interval_task("skips", work, 1)
    running.add_interval_task("goes on", work, 1, overlap="allow", overlap_limit=2)
    wait_until(lambda: _left_out(running, "skips"))
    wait_until(lambda: sum(each["status"] == "running" for each in running.get_task_history("goes on")) == 2)
    assert sum(each["status"] == "running" for each in running.get_task_history("skips")) == 1
    gate.set()
    assert _left_out(running, "skips")[-1] == "overlap"


def test_a_target_that_does_not_import_is_parked_and_kept_until_it_is_mended(
    running: TaskScheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "sample_that_breaks.py"
    module.write_text("import no_such_package_anywhere\n")
    running.add_cron_task("job", "sample_that_breaks:work", "0 6 * * *")
    running.trigger_task_now("job")
    status = wait_until(lambda: _parked(running))
    assert "no_such_package_anywhere" in status["parked"]
    assert running.get_task_status("job")["id"] == status["id"]

    sys.modules.pop("sample_that_breaks", None)
    module.write_text("def work():\n    return 'mended, and longer than before'\n")
    running.add_cron_task("job", "sample_that_breaks:work", "0 6 * * *")
    assert running.get_task_status("job")["parked"] is None
    assert running.get_task_status("job")["id"] == status["id"]
    entry = ended(running, running.trigger_task_now("job"))
    assert (entry["status"], entry["result"]) == ("succeeded", "mended, and longer than before")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no_such_module_here:work", "no module 'no_such_module_here'"),
        (f"{HERE}:missing", "nothing called 'missing'"),
        (f"{HERE}:__name__", "not callable"),
    ],
)
def test_the_reason_of_parking_is_a_sentence(running: TaskScheduler, target: str, reason: str) -> None:
    running.add_task("job", target)
    running.trigger_task_now("job")
    assert reason in wait_until(lambda: _parked(running))["parked"]


def _left_out(scheduler: TaskScheduler, name: str) -> list[str | None]:
    """Return why instants of a task were left out."""
    with scheduler._store.reading() as tx:
        outcomes = LedgerBook(tx).page(scheduler.get_task_status(name)["id"], limit=100)
    return [each.reason for each in outcomes if each.reason is not None]


def _parked(scheduler: TaskScheduler) -> dict[str, Any] | None:
    status = scheduler.get_task_status("job")
    return status if status["status"] == "parked" else None


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_r51_a_parameter_of_one_run_arrives_as_it_is_and_an_unknown_one_is_refused(
    running: TaskScheduler, isolation: str
) -> None:
    running.add_task("job", sample_functions.echo, isolation=isolation, retries=0)
    hostile = ["$(id)", ";id", "a\nb", "--x=y", "%n", "{0.__class__}", "x" * 60_000]
    for value in hostile:
        entry = ended(running, running.trigger_task_now("job", text=value))
        assert entry["result"] == value
    for unknown in ("other", "__class__", "args"):
        entry = ended(running, running.trigger_task_now("job", **{unknown: "x"}))
        assert entry["status"] == "failed"
        assert unknown in entry["error"]
    with pytest.raises(InvalidValue, match="65536"):
        running.trigger_task_now("job", text="x" * 131_072)
