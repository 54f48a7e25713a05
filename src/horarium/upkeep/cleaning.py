"""Remove what has had its time: sessions that ended, and what old failures left behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from horarium.accounts.sessions import Sessions
from horarium.clock import Clock
from horarium.errors import InvalidValue
from horarium.runs.retention import FailureRule, FailureTrimmer
from horarium.upkeep.workplace import StoreOrAddress, go_on, opened, refuse_from_params, settled


def cleanup_expired_sessions(
    *, store: StoreOrAddress | None = None, dry_run: bool = False, clock: Clock | None = None
) -> dict[str, Any]:
    """End and remove expired sessions: unused for too long, too old, or of a disabled account.

    `store` is an open store or its address (default: that of the run, else of the environment). Returns `ended` and
    `standing`; with `dry_run` nothing is changed. May be killed, repeated, or run twice at once.
    """
    refuse_from_params(store=store)
    with opened(store) as found:
        ended, standing = Sessions(found, settled(clock)).sweep(dry_run=dry_run, go_on=go_on())
    return {"ended": ended, "standing": standing, "dry_run": dry_run}


def cleanup_error_logs(
    *,
    store: StoreOrAddress | None = None,
    days: float = 30,
    keep: int = 200,
    dry_run: bool = False,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Trim output and tracebacks of failed runs that ended over `days` ago, or are not the newest `keep` of a task.

    The runs and their error messages stay, and so does everything of the newest failure of each task; runs that are
    not over are never touched. Returns counts: failed runs `looked_at` and `trimmed`, `pieces` of output, `tracebacks`
    and about how many `bytes`. With `dry_run` nothing is changed. Works in small steps; may be killed, repeated, or
    run twice at once. Raises `InvalidValue`.
    """
    refuse_from_params(store=store)
    rule = FailureRule(age=timedelta(days=_number_of_days(days)), keep=keep)
    with opened(store) as found:
        trimmed = FailureTrimmer(found, settled(clock), rule).run(dry_run=dry_run, go_on=go_on())
    return {
        "looked_at": trimmed.looked_at,
        "trimmed": trimmed.runs,
        "pieces": trimmed.pieces,
        "tracebacks": trimmed.tracebacks,
        "bytes": trimmed.size,
        "dry_run": dry_run,
    }


def _number_of_days(days: Any) -> float:
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 <= days <= 36_500:
        raise InvalidValue("days", days, "use a number from 0 to 36500")
    return float(days)
