"""Remove what has had its time: sessions that ended, what old failures left behind, old runs, output and events."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from horarium.accounts.sessions import Sessions
from horarium.clock import Clock
from horarium.reports.daily import Bookkeeper
from horarium.runs.keeping import Cleaner, rule_of
from horarium.runs.retention import FailureRule, FailureTrimmer
from horarium.upkeep.workplace import StoreOrAddress, go_on, number_of_days, opened, refuse_from_params, settled


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
    rule = FailureRule(age=timedelta(days=number_of_days(days)), keep=keep)
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


def cleanup(
    *,
    store: StoreOrAddress | None = None,
    days: float | None = None,
    failure_days: float | None = None,
    keep: int | None = None,
    output_days: float | None = None,
    event_days: float | None = None,
    dry_run: bool = False,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Remove runs that ended over `days` ago or are not the newest `keep` of their task, old output, old events.

    Failed runs are kept for `failure_days`. Output of runs that did not fail goes after `output_days`, events go after
    `event_days`. What is not said is what the installation keeps; what a task says for itself goes before all of it.
    The last run of a task stays, and so does whatever is not over or not in the daily figures, which are brought up to
    date before; the ledger tells of each planned instant for ever.
    Then SQLite gives room that became free back to the disk. Returns the counts `runs`, `trimmed` (runs that stay
    without their output), `pieces` of output and about how many `bytes` it had, `events`, and the bytes `freed`; with
    `dry_run` nothing is changed. Works in small steps; may be killed, repeated, or run twice at once. Raises
    `InvalidValue`.
    """
    refuse_from_params(store=store)
    said: dict[str, Any] = {"run_days": days, "failure_days": failure_days, "runs": keep, "failures": keep}
    said |= {"output_days": output_days, "event_days": event_days}
    with opened(store) as found:
        rule = rule_of(found)
        if days is not None and failure_days is None:
            said["failure_days"] = max(number_of_days(days), rule.failure_days)
        rule = replace(rule, **{name: value for name, value in said.items() if value is not None})
        if not dry_run:
            # Figures equal a recount only if nothing goes before it was counted.
            Bookkeeper(found, settled(clock)).run(go_on=go_on())
        done = Cleaner(found, settled(clock), rule, counted_only=True).run(dry_run=dry_run, go_on=go_on())
    return {
        "runs": done.runs,
        "trimmed": done.trimmed,
        "pieces": done.pieces,
        "bytes": done.size,
        "events": done.events,
        "freed": done.freed,
        "dry_run": dry_run,
    }
