"""The list of runs."""

from __future__ import annotations

from functools import partial
from typing import Final, Protocol

from starlette.responses import Response

from horarium.records.runs import Run
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.web.frame import shell
from horarium.web.pages.wording import names_of, run_row
from horarium.web.views.parts import FilterBar, Pager, Tab
from horarium.web.views.runs import RunsPage
from horarium.web.visit import Visit

_VIEWS: Final = {"all": "All", "running": "Running", "queued": "Waiting", "failed": "Failed", "manual": "By hand"}

_COUNTED: Final = frozenset({"running", "queued"})


class Linker(Protocol):
    """What makes the address of a neighbouring page."""

    def __call__(self, *, before: int | None = None, after: int | None = None) -> str:
        """Return the address of the runs below or above a number."""


def show(visit: Visit) -> Response:
    """Show the runs of one view, newest first."""
    view = visit.query.text("view", "all")
    wanted = RunFilter(view=view if view in _VIEWS else "all", text=visit.query.text("q"), reach=visit.reach)
    before, after = visit.query.number("before"), visit.query.number("after")
    with visit.house.services.store.reading() as tx:
        book = HistoryBook(tx)
        runs, pager = page_of(book, wanted, before, after, partial(_link, visit, wanted), limit=visit.taste.page_size)
        names = names_of(tx, runs)
        page = RunsPage(
            shell=shell(visit, tx),
            rows=tuple(run_row(run, names[run.task_id], visit.now) for run in runs),
            here=_link(visit, wanted),
            tabs=_tabs(book, wanted, visit),
            filters=FilterBar(
                text=wanted.text,
                clear=visit.links.to("runs", view=None if wanted.view == "all" else wanted.view),
                kept=() if wanted.view == "all" else (("view", wanted.view),),
            ),
            pager=pager,
            any_runs=bool(runs) or bool(book.page(RunFilter(reach=visit.reach), limit=1)),
        )
    return visit.show(page)


def page_of(
    book: HistoryBook, wanted: RunFilter, before: int | None, after: int | None, link: Linker, *, limit: int
) -> tuple[list[Run], Pager]:
    """Return one page of runs and the ways to its neighbours; one more than fits is asked for, to know of them."""
    runs = book.page(wanted, before=before, after=after, limit=limit + 1)
    if after is not None:
        more = len(runs) > limit
        runs = runs[-limit:]
        newer = link(after=runs[0].id) if more else None
        return runs, Pager(newer=newer, older=link(before=runs[-1].id) if runs else None)
    more = len(runs) > limit
    runs = runs[:limit]
    newer = link(after=runs[0].id) if before is not None and runs else None
    return runs, Pager(newer=newer, older=link(before=runs[-1].id) if more else None)


def _link(visit: Visit, wanted: RunFilter, *, before: int | None = None, after: int | None = None) -> str:
    view = None if wanted.view == "all" else wanted.view
    return visit.links.to("runs", view=view, q=wanted.text or None, before=before, after=after)


def _tabs(book: HistoryBook, wanted: RunFilter, visit: Visit) -> tuple[Tab, ...]:
    return tuple(
        Tab(
            label=label,
            href=visit.links.to("runs", view=None if view == "all" else view),
            count=book.count(RunFilter(view=view, reach=visit.reach), most=1000) if view in _COUNTED else None,
            current=view == wanted.view,
        )
        for view, label in _VIEWS.items()
    )
