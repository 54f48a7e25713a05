"""Runs: look at them and at what they print, ask them to end."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from horarium.accounts.roles import Permission
from horarium.records.runs import Line
from horarium.states import RunState
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.output import OutputBook
from horarium.web.access import ALL_PATHS
from horarium.web.api.reading import Paged, Words, number_cursor
from horarium.web.api.routing import Asking
from horarium.web.api.shapes import (
    RunShape,
    RunsShape,
    RunWithAttemptsShape,
    line_shape,
    run_shape,
    run_with_attempts,
)
from horarium.web.judging import run_for
from horarium.web.pages.log import as_file

MOST_LINES: Final = 5000
_HIGHEST: Final = (1 << 63) - 1
LINES: Final = "application/x-ndjson"


class RunQuery(Paged):
    """Which runs to list."""

    view: Literal["all", "running", "queued", "open", "failed", "manual"] = "all"
    q: Words = ""
    task: Annotated[int, Field(ge=1, le=_HIGHEST, description="Only runs of the task with this number.")] | None = None
    state: RunState | None = None


class OutputQuery(BaseModel):
    """Which lines of a run's output: of an attempt, the last one if none is named, those above the number `after`."""

    attempt: Annotated[int, Field(ge=1, le=_HIGHEST)] | None = None
    after: Annotated[int, Field(ge=0, le=_HIGHEST)] = 0
    limit: Annotated[int, Field(ge=1, le=MOST_LINES)] = 1000


def list_runs(visit: Asking, wanted: Annotated[RunQuery, Query()]) -> RunsShape:
    """List runs of the tasks that the person who asks sees, the newest first."""
    shown = RunFilter(view=wanted.view, task_id=wanted.task, state=wanted.state, text=wanted.q, reach=visit.reach)
    before = number_cursor(wanted.cursor)
    with visit.house.services.store.reading() as tx:
        found = HistoryBook(tx).page(shown, before=before, limit=wanted.limit + 1)
    runs = found[: wanted.limit]
    following = str(runs[-1].id) if len(found) > len(runs) else None
    return RunsShape(runs=[run_shape(each) for each in runs], next=following)


def get_run(visit: Asking, run_id: int) -> RunWithAttemptsShape:
    """Show one run with all its attempts."""
    with visit.house.services.store.reading() as tx:
        run, _ = run_for(visit, tx, run_id, Permission.RUNS_READ)
        return run_with_attempts(run, HistoryBook(tx).attempts(run.id))


def cancel_run(visit: Asking, run_id: int) -> RunShape:
    """End a run: a waiting one at once, one that goes on as soon as its node has ended it."""
    with visit.house.services.store.reading() as tx:
        run, _ = run_for(visit, tx, run_id, Permission.RUNS_CANCEL)
    return run_shape(visit.house.services.desk.cancel(run.id, by=visit.actor))


def get_output(visit: Asking, run_id: int, wanted: Annotated[OutputQuery, Query()]) -> Response:
    """Send lines that a run printed: plain text, or JSON lines if that is what is accepted.

    While there are more, the header `Link` names the address of those that follow.
    """
    with visit.house.services.store.reading() as tx:
        run, _ = run_for(visit, tx, run_id, Permission.RUNS_READ)
        attempt = wanted.attempt or max(run.attempt, 1)
        book = OutputBook(tx)
        lines = book.lines(run.id, attempt, after=wanted.after, most=wanted.limit)
        has_more = bool(lines) and book.last_number(run.id, attempt) > lines[-1].number
    if LINES in visit.request.headers.get("accept", ""):
        body = "".join(f"{line_shape(line).model_dump_json()}\n" for line in lines)
        response = Response(body.encode("utf-8", "replace"), media_type=LINES)
    else:
        response = as_file(_text(lines), f"run-{run.id}-attempt-{attempt}.log")
    if has_more:
        path = ALL_PATHS["api_run_output"].replace("{run_id:int}", str(run.id))
        query = f"attempt={attempt}&after={lines[-1].number}&limit={wanted.limit}"
        response.headers["Link"] = f'<{visit.links.root}{path}?{query}>; rel="next"'
    return response


def _text(lines: list[Line]) -> str:
    return "".join(f"{line.text}\n" for line in lines)
