"""`horarium run`: look at runs, follow their output, end them."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from horarium.cli.asking import Command, Json, RunNumber, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.shapes import attempt_shape, line_shape, run_shape
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_facts, say_json, tell
from horarium.cli.words import both, span
from horarium.cli.workplace import Workplace, workplace
from horarium.clock import Alarm
from horarium.errors import RunNotFound
from horarium.records.runs import Attempt, Line, Run
from horarium.states import FAILURE_STATES, RunState, TriggeredBy
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.output import OutputBook

app = new_app("Look at runs, follow their output, end them.")

LOOK_SECONDS = 0.5
_LINES = 2000
_View = Literal["all", "running", "queued", "open", "failed", "manual"]


@app.callback()
def run() -> None:
    """Look at runs, follow their output, end them."""


@app.command("list", cls=Command)
def list_runs(
    context: typer.Context,
    task: Annotated[str | None, typer.Option("--task", "-t", metavar="TASK", help="Only runs of this task.")] = None,
    view: Annotated[_View, typer.Option("--view", help="Which runs.")] = "all",
    state: Annotated[RunState | None, typer.Option("--state", help="Only runs in this state.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000, help="How many, newest first.")] = 20,
    *,
    as_json: Json = False,
) -> None:
    """List runs, newest first.

    Examples:
      horarium run list --task backup
      horarium run list --view failed -n 50 --json
    """
    with workplace(context) as work:
        task_id = None if task is None else work.find_task(task).id
        with work.store.reading() as tx:
            found = HistoryBook(tx).page(RunFilter(view=view, task_id=task_id, state=state), limit=count)
        if as_json:
            say_json([run_shape(each) for each in found])
            return
        if not found:
            say("No runs.")
            return
        rows = [
            (
                str(each.id),
                each.task_name,
                each.state.value.replace("_", " "),
                both(each.started_at or each.planned_at or each.created_at, work.now, work.zone),
                span(each.duration),
                _by_whom(each),
            )
            for each in found
        ]
        say_table(("#", "task", "state", "when", "took", "by"), rows)


@app.command(cls=Command)
def show(context: typer.Context, number: RunNumber, *, as_json: Json = False) -> None:
    """Show a run: its outcome, its attempts and the output of the last one.

    Example:
      horarium run show 42
    """
    with workplace(context) as work:
        found, attempts = _run_of(work, number)
        lines = _all_lines(work, found)
        if as_json:
            shown = {
                "attempts": [attempt_shape(each) for each in attempts],
                "output": [line_shape(each) for each in lines],
            }
            say_json({**run_shape(found), **shown})
            return
        _show(found, attempts, work)
        for line in lines:
            say(line.text)


@app.command(cls=Command)
def follow(context: typer.Context, number: RunNumber) -> None:
    """Print the output of a run as it is written, until the run has ended.

    Ends with 0 when the run succeeded and with 1 when it did not.

    Example:
      horarium run follow 42
    """
    with workplace(context) as work:
        found = _follow(work, number)
        tell(_ending(found))
    if found.state is not RunState.SUCCEEDED:
        raise typer.Exit(ExitCode.FAILED)


@app.command(cls=Command)
def cancel(context: typer.Context, number: RunNumber, *, as_json: Json = False) -> None:
    """End a run: a waiting one at once, one under way with everything it has started.

    Example:
      horarium run cancel 42
    """
    with workplace(context) as work:
        found = work.desk.cancel(number, by=work.actor)
        if as_json:
            say_json(run_shape(found))
        elif found.is_open:
            say(f"Run {number} is asked to end; `horarium run follow {number}` shows how it does.")
        else:
            say(f"Run {number} is cancelled.")


def _run_of(work: Workplace, number: int) -> tuple[Run, list[Attempt]]:
    with work.store.reading() as tx:
        book = HistoryBook(tx)
        found = book.get(number)
        if found is None:
            raise RunNotFound(number)
        return found, book.attempts(number)


def _lines_after(work: Workplace, run_id: int, attempt: int, after: int) -> list[Line]:
    with work.store.reading() as tx:
        return OutputBook(tx).lines(run_id, attempt, after=after, most=_LINES)


def _all_lines(work: Workplace, found: Run) -> list[Line]:
    lines: list[Line] = []
    while page := _lines_after(work, found.id, found.attempt, lines[-1].number if lines else 0):
        lines += page
    return lines


def _follow(work: Workplace, number: int) -> Run:
    """Print lines as they come, attempt after attempt; return the run as it ended."""
    attempt, printed = 0, 0
    alarm = Alarm()
    while True:
        # The state is read before the lines: what a run has written is in the store when its end is.
        found, _ = _run_of(work, number)
        for present in range(max(attempt, 1), found.attempt + 1):
            if present != attempt:
                attempt, printed = present, 0
                if attempt > 1:
                    tell(f"attempt {attempt}")
            while page := _lines_after(work, number, attempt, printed):
                for line in page:
                    say(line.text)
                printed = page[-1].number
        if not found.is_open:
            return found
        work.clock.wait(alarm, LOOK_SECONDS)


def _show(found: Run, attempts: list[Attempt], work: Workplace) -> None:
    now, zone = work.now, work.zone
    last = attempts[-1] if attempts else None
    say_facts(
        (
            ("run", f"{found.id} of {found.task_name}"),
            ("state", found.state.value.replace("_", " ")),
            ("why", found.reason),
            ("by", _by_whom(found)),
            ("planned", both(found.planned_at, now, zone, nothing="")),
            ("started", both(found.started_at, now, zone, nothing="")),
            ("ended", both(found.finished_at, now, zone, nothing="")),
            ("took", span(found.duration)),
            ("attempts", str(len(attempts))),
            ("exit code", "" if last is None or last.exit_code is None else str(last.exit_code)),
            ("cause", "" if last is None else last.cause),
            ("error", "" if found.failure is None else f"{found.failure.type}: {found.failure.message}"),
            ("result", found.result or ""),
        )
    )
    if last is not None and last.failure is not None and found.state in FAILURE_STATES:
        for line in last.failure.traceback.splitlines():
            say(line)


def _by_whom(found: Run) -> str:
    if found.triggered_by is TriggeredBy.MANUAL:
        return found.actor or "somebody"
    return "by the schedule" if found.triggered_by is TriggeredBy.SCHEDULE else "by the schedule, made up"


def _ending(found: Run) -> str:
    words = f"run {found.id} {found.state.value.replace('_', ' ')}"
    if found.duration is not None:
        words += f" after {span(found.duration)}"
    if found.failure is not None:
        words += f": {found.failure.type}: {found.failure.message}"
    return words
