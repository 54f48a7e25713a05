"""Look after credentials that nobody uses: a secret that nothing needs is one more that can be lost."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from horarium.clock import Clock
from horarium.upkeep.workplace import StoreOrAddress, acting, go_on, opened, refuse_from_params, settled
from horarium.vault.idle import MONTHS, IdleRule, IdleTidier


def cleanup_inactive_credentials(
    *,
    store: StoreOrAddress | None = None,
    months: int = MONTHS,
    dry_run: bool = False,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Make credentials inactive with which nothing was done for `months`; erase those that were so for 30 days.

    One that a task names or was granted, or that anything else refers to, is never touched. Their owners get a letter,
    administrators for those of the installation. For 30 days an inactive one is active again as soon as it is restored,
    granted, replaced or used. Returns counts: `looked_at`, `referenced`, `marked`, `restored`, `removed`, `letters`;
    with `dry_run` nothing is changed. Works in small steps; may be killed, repeated, or run twice at once. Raises
    `InvalidValue` for months that are not 1 to 120.
    """
    refuse_from_params(store=store)
    rule = IdleRule(months=months)
    with opened(store) as found:
        done = IdleTidier(found, settled(clock), acting(), rule).run(dry_run=dry_run, go_on=go_on())
    return {**asdict(done), "dry_run": dry_run}
