"""`horarium db`: look after the database."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.cli.asking import Command, Json, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.terminal import say, say_facts, say_json
from horarium.cli.workplace import Workplace, open_configured, workplace
from horarium.errors import Conflict
from horarium.records.keeping import KeepRule
from horarium.runs.keeping import rule_in, rule_of, write_rule
from horarium.store.books.nodes import NodeBook
from horarium.store.books.storage import Sample
from horarium.store.port import Store
from horarium.store.room import compact as compact_file
from horarium.store.room import pages_of
from horarium.store.schema import revision_of
from horarium.store.sqlite import SqliteStore
from horarium.upkeep.storage import Outlook, look, outlook, samples_of

_MEGA = 1_000_000

app = new_app("Look after the database.")


@app.callback()
def db() -> None:
    """Look after the database."""


@app.command(cls=Command)
def upgrade(context: typer.Context, *, as_json: Json = False) -> None:
    """Bring the database to the schema of this release; harmless when it has it. Make a backup before.

    Example:
      horarium db upgrade
    """
    with workplace(context) as work:
        store = work.store
        revision = revision_of(store)
        if as_json:
            say_json({"location": store.location, "schema": revision})
        else:
            say(f"{store.location} has schema {revision}, the one of this release.")


@app.command(cls=Command)
def check(context: typer.Context, *, as_json: Json = False) -> None:
    """Look for damage in the database; nothing is changed. Ends with 1 when something is found.

    Example:
      horarium db check
    """
    with workplace(context) as work:
        store = open_configured(work.config, work.clock, upgrade=False)
        try:
            found = list(store.check())
            if as_json:
                say_json({"location": store.location, "schema": revision_of(store), "findings": found})
            else:
                for sentence in found:
                    say(sentence)
                if not found:
                    say(f"{store.location}: no damage found, schema {revision_of(store)}.")
        finally:
            store.close()
    if found:
        raise typer.Exit(ExitCode.FAILED)


@app.command(cls=Command)
def size(context: typer.Context, *, as_json: Json = False) -> None:
    """Say how much room everything takes, how that grows, and when the disk will be full. Nothing is changed.

    Example:
      horarium db size
    """
    with workplace(context) as work:
        sample = look(work.store, work.clock)
        coming = outlook([*samples_of(work.store, work.clock)[:-1], sample], shares_disk=_is_file(work.store))
        if as_json:
            told: dict[str, Any] = {**asdict(sample.sizes), "total": sample.sizes.total}
            told |= {"disk_free": sample.disk_free, "disk_total": sample.disk_total}
            say_json({**told, "bytes_per_day": coming.per_day, "full_in_days": coming.full_in_days})
            return
        say_facts(_facts(sample, coming))


@app.command(cls=Command)
def compact(
    context: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come of it; change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Write a SQLite file anew without what is free inside, once; from then on it gives that back by itself.

    Only with the server stopped, and with room for the file twice more. Files made by this release need it no more.
    PostgreSQL looks after that itself (autovacuum).

    Example:
      horarium db compact --dry-run
    """
    with workplace(context) as work:
        store = work.store
        pages = pages_of(store)
        if pages is None or not isinstance(store, SqliteStore):
            raise Conflict("PostgreSQL looks after its room itself (autovacuum); nothing is to be done here")
        told = {"bytes": pages.count * pages.size, "free": pages.free * pages.size, "gives_back": pages.gives_back}
        if not dry_run:
            _refuse_running(store)
            compact_file(store)
            after = pages_of(store) or pages
            told |= {"bytes": after.count * after.size, "gives_back": after.gives_back}
        if as_json:
            say_json({**told, "dry_run": dry_run})
            return
        verb = "would become free" if dry_run else "became free"
        say(f"{store.location}: {told['bytes'] / _MEGA:.1f} MB, of which {told['free'] / _MEGA:.1f} MB {verb}.")
        if dry_run and not pages.gives_back:
            say("From then on it would give back by itself what becomes free.")


@app.command(cls=Command)
def keep(
    context: typer.Context,
    *,
    run_days: Annotated[float | None, typer.Option("--run-days", help="Days for runs that did not fail.")] = None,
    failure_days: Annotated[float | None, typer.Option("--failure-days", help="Days for failed runs.")] = None,
    runs: Annotated[int | None, typer.Option("--runs", help="How many runs of each task at most.")] = None,
    output_days: Annotated[float | None, typer.Option("--output-days", help="Days for what runs printed.")] = None,
    event_days: Annotated[float | None, typer.Option("--event-days", help="Days for events; 7 at least.")] = None,
    audit_days: Annotated[
        float | None, typer.Option("--audit-days", help="Days until entries of the audit log move; 30 at least.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say how long things are kept, and set what is given. A task may say otherwise for itself.

    Examples:
      horarium db keep
      horarium db keep --run-days 180 --output-days 14
    """
    said = {"run_days": run_days, "failure_days": failure_days, "runs": runs, "failures": runs}
    said |= {"output_days": output_days, "event_days": event_days, "audit_days": audit_days}
    wanted = {name: value for name, value in said.items() if value is not None}
    with workplace(context) as work:
        rule = _set_rule(work, wanted) if wanted else rule_of(work.store)
        if as_json:
            say_json(asdict(rule))
            return
        say_facts(
            [
                ("runs", f"{rule.run_days:g} days, the newest {rule.runs:,} of each task at most"),
                ("failed runs", f"{rule.failure_days:g} days, the newest {rule.failures:,} of each task at most"),
                ("output", f"{rule.output_days:g} days"),
                ("events", f"{rule.event_days:g} days"),
                ("audit log", f"{rule.audit_days:g} days, then in archives"),
            ]
        )


def _set_rule(work: Workplace, wanted: dict[str, Any]) -> KeepRule:
    with work.store.transaction() as tx:
        before = rule_in(tx)
        rule = replace(before, **wanted)
        write_rule(tx, rule)
        Trail(work.store, work.clock).note(
            *(tx, work.actor, Action.SETTING_CHANGED, About("setting", name="retention")),
            before=asdict(before),
            after=asdict(rule),
        )
    return rule


def _refuse_running(store: Store) -> None:
    with store.reading() as tx:
        now = store.lease_now(tx)
        alive = [each for each in NodeBook(tx).living() if each[1] > now and not store.is_gone(each[0])]
    if alive:
        raise Conflict("a scheduler is at work with this database: stop it first, nobody can write meanwhile")


def _is_file(store: Store) -> bool:
    return isinstance(store, SqliteStore) and store.path is not None


def _facts(sample: Sample, coming: Outlook) -> list[tuple[str, str]]:
    sizes = sample.sizes
    disk = ""
    if sample.disk_free is not None and sample.disk_total is not None:
        disk = f"{sample.disk_free / _MEGA:,.0f} MB of {sample.disk_total / _MEGA:,.0f} MB are free"
    growth = "" if coming.per_day is None else f"{coming.per_day / _MEGA:,.1f} MB a day"
    return [
        ("runs", _mega(sizes.runs)),
        ("output", _mega(sizes.output)),
        ("audit log", _mega(sizes.audit)),
        ("ledger", _mega(sizes.ledger)),
        ("everything else", _mega(sizes.rest)),
        ("free inside", _mega(sizes.spare) if sizes.spare else ""),
        ("in all", _mega(sizes.total)),
        ("grows", growth),
        ("disk", disk),
        ("disk full in", "" if coming.full_in_days is None else f"{coming.full_in_days:,.0f} days"),
    ]


def _mega(octets: int) -> str:
    return f"{octets / _MEGA:,.1f} MB"
