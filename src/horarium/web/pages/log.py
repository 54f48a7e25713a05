"""The output of an attempt as a file: plain text, nothing that a browser would run."""

from __future__ import annotations

from starlette.responses import Response

from horarium.accounts.roles import Permission
from horarium.store.books.output import OutputBook
from horarium.web.judging import run_for
from horarium.web.visit import Visit

MOST_LINES = 1_000_000
_SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"


def send(visit: Visit) -> Response:
    """Send all lines that are kept of an attempt, the last one unless `attempt` says another."""
    run_id, attempt = visit.number("run_id"), visit.query.number("attempt")
    with visit.house.services.store.reading() as tx:
        run, _task = run_for(visit, tx, run_id, Permission.RUNS_READ)
        number = attempt or max(run.attempt, 1)
        lines = OutputBook(tx).lines(run_id, number, most=MOST_LINES)
    # Numbers alone: no text of anybody's gets into a header.
    return as_file("".join(f"{line.text}\n" for line in lines), f"run-{run_id}-attempt-{number}.log")


def as_file(text: str, name: str) -> Response:
    """Return a text as a file to be kept, which no browser runs anything of; `name` is one of our own making."""
    return Response(
        text.encode("utf-8", "replace"),
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": _SANDBOX},
    )
