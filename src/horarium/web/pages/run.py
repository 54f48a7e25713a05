"""The page of one run, while it lives and when it has ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from horarium.accounts.roles import Permission, may_with
from horarium.records.runs import Attempt, Run
from horarium.records.tasks import Task
from horarium.states import RunState
from horarium.store.books.history import HistoryBook
from horarium.store.books.output import OutputBook
from horarium.store.port import Transaction
from horarium.web import tracebacks
from horarium.web.filters import absolute, duration, plural, size
from horarium.web.frame import shell
from horarium.web.judging import run_for
from horarium.web.live.messages import line_of
from horarium.web.pages.course import progress_of, spans_of, stages_of
from horarium.web.pages.wording import (
    given_up_words,
    named,
    seconds_of,
    starter,
    status_of,
    usual_seconds,
    waited,
)
from horarium.web.views.parts import Fact, Parameter
from horarium.web.views.run import AttemptTab, ErrorPanel, Log, RunPage
from horarium.web.views.status import OF_STATE, WORDS
from horarium.web.visit import Visit

MOST_LINES: Final = 2000
_USUAL_OF: Final = 20
_LONGEST_RESULT: Final = 16_384
_LONGEST_VALUE: Final = 300


@dataclass(frozen=True, slots=True)
class _Read:
    """What the store says about a run."""

    run: Run
    task: Task
    attempts: list[Attempt]
    latest: list[Run]


def show(visit: Visit) -> Response:
    """Show one run."""
    with visit.house.services.store.reading() as tx:
        read = _read(tx, visit)
        run, now = read.run, visit.now
        log = _log(tx, visit, read)
        older, newer = HistoryBook(tx).neighbours(run)
        stream = _stream(visit, run, log) if run.is_open else None
        usual = usual_seconds(read.latest)
        page = RunPage(
            shell=shell(
                visit,
                tx,
                watch=f"run:{run.id}",
                stream=stream,
                acts=may_with(visit.identity, Permission.RUNS_CANCEL, read.task.place),
            ),
            id=run.id,
            task=named(read.task),
            status=status_of(run),
            status_words=_status_words(run, read.task),
            by=starter(run),
            live=run.is_open,
            created_at=run.created_at,
            planned_at=run.planned_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            stages=stages_of(run, read.task, now, visit.zone),
            progress=progress_of(run, usual, now),
            error=_error(read),
            log=log,
            spans=spans_of(run, read.attempts, now),
            spans_words=plural(len(read.attempts), "attempt") if len(read.attempts) > 1 else "",
            timing=_timing(run, usual, visit),
            parameters=_parameters(run, read.task),
            result=(run.result or "")[:_LONGEST_RESULT],
            context=_context(read),
            older=visit.links.to("run", run_id=older) if older is not None else None,
            newer=visit.links.to("run", run_id=newer) if newer is not None else None,
            stopping=run.is_open and run.cancel_asked_by is not None,
            reason=_reason(run),
        )
    return visit.show(page)


def _read(tx: Transaction, visit: Visit) -> _Read:
    history = HistoryBook(tx)
    run, task = run_for(visit, tx, visit.number("run_id"), Permission.RUNS_READ)
    return _Read(run, task, history.attempts(run.id), history.latest_of([task.id], each=_USUAL_OF)[task.id])


def _stream(visit: Visit, run: Run, log: Log) -> str:
    """Return the stream of a living run, from the last line on that the page shows of its attempt."""
    attempt = max(run.attempt, 1)
    after = log.lines[-1].number if log.lines and log.attempt == attempt else None
    return visit.links.to("run_log_stream", run_id=run.id, attempt=attempt, after=after, state=run.state.value)


def _status_words(run: Run, task: Task) -> str:
    if run.state is RunState.RETRYING:
        return f"Retrying, {run.attempt} of {task.definition.policies.retry.attempts}"
    if run.is_open and run.cancel_asked_by is not None:
        return "Stopping"
    return WORDS[status_of(run)]


def _log(tx: Transaction, visit: Visit, read: _Read) -> Log:
    run, book = read.run, OutputBook(tx)
    number = visit.query.number("attempt") or max(run.attempt, 1)
    last = book.last_number(run.id, number)
    after = max(0, last - MOST_LINES)
    line = visit.query.number("line")
    if line is not None and line <= after:
        after = max(0, line - MOST_LINES // 2)
    lines = book.lines(run.id, number, after=after, most=MOST_LINES)
    total = book.count(run.id, number)
    attempt = next((each for each in read.attempts if each.number == number), None)
    earlier = max(0, lines[0].number - 1) if lines and after else 0
    links = visit.links
    return Log(
        lines=tuple(line_of(each) for each in lines),
        total=total,
        earlier=earlier,
        earlier_href=links.to("run", run_id=run.id, attempt=number, line=max(1, after - MOST_LINES // 2)),
        attempts=_attempt_tabs(visit, read, number),
        attempt=number,
        download=links.to("run_log", run_id=run.id, attempt=number) if total else "",
        live=run.is_open and number == max(run.attempt, 1),
        cut=f"{size(attempt.dropped_bytes)} in the middle were left out" if attempt and attempt.dropped_bytes else "",
    )


def _attempt_tabs(visit: Visit, read: _Read, current: int) -> tuple[AttemptTab, ...]:
    if len(read.attempts) < 2:
        return ()
    return tuple(
        AttemptTab(
            number=each.number,
            status=OF_STATE[each.state.value],
            href=visit.links.to("run", run_id=read.run.id, attempt=each.number),
            current=each.number == current,
        )
        for each in read.attempts
    )


def _error(read: _Read) -> ErrorPanel | None:
    failed = next((each for each in reversed(read.attempts) if each.failure is not None), None)
    failure = failed.failure if failed is not None and failed.failure is not None else read.run.failure
    if failure is None or read.run.state is RunState.SUCCEEDED:
        return None
    detail = f"in attempt {failed.number} of {len(read.attempts)}" if failed and len(read.attempts) > 1 else ""
    return ErrorPanel(
        kind=failure.type,
        message=failure.message,
        detail=detail,
        frames=tracebacks.frames(failure.traceback),
        text=failure.traceback,
    )


def _reason(run: Run) -> str:
    if run.cancel_asked_by and run.is_open:
        return f"{run.cancel_asked_by} asked it to stop."
    return given_up_words(run)


def _timing(run: Run, usual: float | None, visit: Visit) -> tuple[Fact, ...]:
    facts = []
    if run.planned_at is not None:
        facts.append(Fact(label="Planned", text=absolute(run.planned_at, visit.zone)))
    if run.started_at is not None:
        facts.append(Fact(label="Started", text=absolute(run.started_at, visit.zone)))
        facts.append(Fact(label="Waited", text=duration(waited(run))))
    if run.finished_at is not None:
        facts.append(Fact(label="Ended", text=absolute(run.finished_at, visit.zone)))
    if run.started_at is not None:
        facts.append(Fact(label="Took" if run.finished_at else "So far", text=duration(seconds_of(run, visit.now))))
    if usual is not None:
        facts.append(Fact(label="Usually", text=duration(usual)))
    return tuple(facts)


def _parameters(run: Run, task: Task) -> tuple[Parameter, ...]:
    usual = getattr(task.definition.spec, "kwargs", {})
    return tuple(
        Parameter(
            name=name,
            value=json.dumps(value, default=str)[:_LONGEST_VALUE],
            usual=json.dumps(usual[name], default=str)[:_LONGEST_VALUE]
            if name in usual and usual[name] != value
            else None,
        )
        for name, value in run.params.items()
    )


def _context(read: _Read) -> tuple[Fact, ...]:
    last = read.attempts[-1] if read.attempts else None
    facts = [Fact(label="Target", text=read.task.definition.spec.words, code=True)]
    if read.run.node_id is not None:
        facts.append(Fact(label="Node", text=str(read.run.node_id)))
    if last is not None and last.pid is not None:
        facts.append(Fact(label="Process", text=str(last.pid), code=True))
    if last is not None and last.exit_code is not None:
        facts.append(Fact(label="Exit code", text=str(last.exit_code), code=True))
    if last is not None and last.cause:
        facts.append(Fact(label="Cause", text=last.cause))
    if last is not None and last.output_bytes:
        facts.append(Fact(label="Output", text=size(last.output_bytes)))
    return tuple(facts)
