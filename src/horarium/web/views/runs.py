"""Say what the list of runs shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from horarium.web.views.parts import NO_FILTERS, ONE_PAGE, FilterBar, Pager, RunRow, Tab
from horarium.web.views.shell import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsPage:
    """The list of runs in one view; `here` is its own address, which shows newer runs when they have come."""

    template: ClassVar[str] = "runs.html"

    shell: Shell
    rows: tuple[RunRow, ...] | None
    here: str
    tabs: tuple[Tab, ...] = ()
    filters: FilterBar = NO_FILTERS
    pager: Pager = ONE_PAGE
    any_runs: bool = True
