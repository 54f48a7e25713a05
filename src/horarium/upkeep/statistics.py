"""Roll runs and skipped times up into figures by day, so that nothing has to count them one by one."""

from __future__ import annotations

from typing import Any

from horarium.clock import Clock
from horarium.reports.daily import KEEP_QUARTERS, Bookkeeper, CountingRule
from horarium.upkeep.workplace import StoreOrAddress, go_on, opened, refuse_from_params, settled


def aggregate_daily_stats(
    *,
    store: StoreOrAddress | None = None,
    keep_quarters: int = KEEP_QUARTERS,
    dry_run: bool = False,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Roll up everything that has ended and is not in the figures yet, however many days that is.

    Figures by the day stay for ever; those by the quarter of an hour, of which the days of other zones are made, for
    `keep_quarters` days (64 to 36,500). Each run is counted once, under the day it was made, whenever it ends and
    whatever is deleted later. Returns counts: `runs` counted for the first time, of which `open` have not ended and are
    counted once they have; `ended_late`, such runs counted now; `skipped` times. With `dry_run` nothing is changed.
    Works in small steps; may be killed, repeated, or run twice at once. Raises `InvalidValue`.
    """
    refuse_from_params(store=store)
    rule = CountingRule(keep_quarters=keep_quarters)
    with opened(store) as found:
        counted = Bookkeeper(found, settled(clock), rule).run(dry_run=dry_run, go_on=go_on())
    return {
        "runs": counted.runs,
        "ended_late": counted.late,
        "skipped": counted.skipped,
        "open": counted.uncounted,
        "dry_run": dry_run,
    }
