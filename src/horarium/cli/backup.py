"""`horarium backup`: make backups, prove them, restore them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.cli.asking import Command, Json, new_app
from horarium.cli.backup_shapes import (
    backup_shape,
    kept_words,
    look_words,
    proof_shape,
    size_words,
    state_words,
)
from horarium.cli.exits import ExitCode
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_json, tell
from horarium.cli.words import both, count_of
from horarium.cli.workplace import Workplace, workplace
from horarium.errors import NotFound, StoreForeign
from horarium.scheduling.hold import held
from horarium.scheduling.hold_desk import HoldDesk
from horarium.store.backup import Backup, find_backup, list_backups, prune_backups
from horarium.upkeep.backups import HAND, back_up, look_ahead
from horarium.upkeep.proving import Proof, drill, verify
from horarium.upkeep.restoring import Ask, Restored, refuse_nodes, restore_backup
from horarium.upkeep.rules import BackupRules, rules_of, shown

NEWEST = "newest"
Name = Annotated[str, typer.Argument(metavar="BACKUP", help="The file's name, or newest.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, only say what would be done.")]

app = new_app("Make backups, prove them, restore them.")


@app.callback()
def backup() -> None:
    """Make backups, prove them, restore them."""


@app.command(cls=Command)
def make(context: typer.Context, *, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Make a backup now, prove it, and remove what need not stay. The server may run meanwhile.

    Examples:
      horarium backup make
      horarium backup make --dry-run --json
    """
    with workplace(context) as work:
        rules = _rules(work)
        if dry_run:
            ahead = look_ahead(work.store, rules)
            if as_json:
                say_json(ahead)
            else:
                say(f"A backup would take up to {size_words(ahead['room_wanted'])} in {rules.folder}, which are free.")
                say(f"Afterwards {count_of(ahead['pruned'], 'old backup')} would be removed.")
            return
        done = back_up(work.store, rules, work.clock, origin=HAND, actor=work.actor)
        if "untold" in done:
            tell(done["untold"])
        if as_json:
            say_json(done)
            return
        say(f"Made {done['file']}: {size_words(done['bytes'])}, {count_of(done['rows'], 'row')}, in {rules.folder}.")
        if done["vault"] == "sealed":
            say("The secrets in it do not open with the SECRET_KEY that is set here.")
        if done["pruned"]:
            say(f"Removed {count_of(done['pruned'], 'old backup')}.")


@app.command("list", cls=Command)
def list_all(context: typer.Context, *, as_json: Json = False) -> None:
    """List the backups, newest first.

    Example:
      horarium backup list
    """
    with workplace(context) as work:
        rules = _rules(work)
        found = list_backups(rules.folder)
        if as_json:
            say_json({"rules": dict(shown(rules)), "backups": [backup_shape(each) for each in found]})
            return
        if not found:
            say(f"No backups in {rules.folder}: `horarium backup make` makes one.")
            return
        rows = [
            (each.name, both(each.made_at, work.now, work.zone), size_words(each.size), kept_words(each), _state(each))
            for each in found
        ]
        say_table(("file", "made", "size", "kept", "state"), rows)


@app.command(cls=Command)
def show(context: typer.Context, name: Name = NEWEST, *, as_json: Json = False) -> None:
    """Show what is known of a backup.

    Example:
      horarium backup show newest
    """
    with workplace(context) as work:
        found = _find(_rules(work), name)
        if as_json:
            say_json(backup_shape(found))
            return
        say(f"{found.name}, made {both(found.made_at, work.now, work.zone)} in {found.seconds:.1f} s")
        say(f"  {found.engine}, schema {found.schema}, release {found.release}, {size_words(found.size)}")
        say(f"  kept {kept_words(found)}, SHA-256 {found.sha256}")
        say(f"  {count_of(len(found.rows), 'table')}, {count_of(sum(found.rows.values()), 'row')}")
        say(f"  vault when it was made: {found.vault or 'not tried'}")
        for kind, look in found.results.items():
            say(f"  {kind.value} {both(look.at, work.now, work.zone)}: {look_words(look)}")


@app.command("verify", cls=Command)
def verify_one(
    context: typer.Context,
    name: Name = NEWEST,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All backups, newest first.")] = False,
    as_json: Json = False,
) -> None:
    """Read a backup through: checksum, integrity, rows. Ends with 1 when it is damaged.

    Examples:
      horarium backup verify newest
      horarium backup verify --all
    """
    with workplace(context) as work:
        rules = _rules(work)
        wanted = list_backups(rules.folder) if everything else [_find(rules, name)]
        proofs = [verify(work.store, rules, work.clock, each, actor=work.actor) for each in wanted]
        _tell(proofs, as_json=as_json)


@app.command("drill", cls=Command)
def drill_one(context: typer.Context, name: Name = NEWEST, *, as_json: Json = False) -> None:
    """Restore a backup into a scratch store, compare it, open some of its secrets. Ends with 1 when that fails.

    The store itself stays as it is, and the server may run.

    Example:
      horarium backup drill newest
    """
    with workplace(context) as work:
        rules = _rules(work)
        proof = drill(work.store, rules, work.clock, _find(rules, name), actor=work.actor)
        _tell([proof], as_json=as_json)


@app.command("restore", cls=Command)
def restore_one(
    context: typer.Context,
    name: Name,
    *,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    sealed_too: Annotated[
        bool, typer.Option("--sealed-too", help="Even if no key here opens the secrets in it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of everything in the database; all of it or nothing.

    Everything that uses the database has to be stopped before. The present state is backed up first. Afterwards
    everybody signs in again, and schedules are held until `horarium backup release`.

    Examples:
      horarium backup restore newest --dry-run
      horarium backup restore horarium-20270131-030000.db.gz
    """
    with workplace(context) as work:
        store_rules = _rules(work, for_restore=True)
        found = _find(store_rules, name)
        if dry_run:
            refuse_nodes(work.store)
            _tell([drill(work.store, store_rules, work.clock, found, actor=work.actor)], as_json=as_json)
            return
        when = both(found.made_at, work.now, work.zone)
        question = f"Replace everything in {work.store.location} by {found.name}, made {when}?"
        if not (yes or as_json) and not typer.confirm(question, err=True):
            raise typer.Exit(ExitCode.REFUSED)
        done = restore_backup(work.store, store_rules, work.clock, Ask(found, work.actor, sealed_too))
        _tell_restored(done, as_json=as_json)


@app.command(cls=Command)
def prune(context: typer.Context, *, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Remove the backups that need not stay. The newest that is whole always does.

    Example:
      horarium backup prune --dry-run
    """
    with workplace(context) as work:
        rules = _rules(work)
        gone = prune_backups(rules.folder, rules.keep, dry_run=dry_run)
        if gone and not dry_run:
            names = [each.name for each in gone]
            Trail(work.store, work.clock).note_alone(work.actor, Action.BACKUP_PRUNED, files=names)
        if as_json:
            say_json({"removed": [each.name for each in gone], "dry_run": dry_run})
            return
        for each in gone:
            say(f"{'Would remove' if dry_run else 'Removed'} {each.name}.")
        if not gone:
            say("Nothing to remove.")


@app.command(cls=Command)
def release(
    context: typer.Context,
    *,
    make_up: Annotated[
        bool | None,
        typer.Option("--make-up/--leave-out", help="Make up what was missed, by each task's policy, or leave it out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Let schedules go on that a restore has held. Without an option it only says whether they are.

    Examples:
      horarium backup release
      horarium backup release --leave-out
    """
    with workplace(context) as work:
        if make_up is None:
            _tell_hold(work, as_json=as_json)
            return
        done = HoldDesk(work.store, work.clock).release(actor=work.actor, make_up=make_up)
        if as_json:
            say_json({"make_up": make_up, "tasks": done.tasks, "runs": done.runs})
        elif make_up:
            say("Schedules go on; each task's policy says what is made up.")
        else:
            left = f"{count_of(done.tasks, 'task')} and {count_of(done.runs, 'waiting run')}"
            say(f"Schedules go on from now; what was missed of {left} is left out.")


def _rules(work: Workplace, *, for_restore: bool = False) -> BackupRules:
    try:
        return rules_of(work.config, work.store)
    except StoreForeign as error:
        where = work.config.database
        if not for_restore or not isinstance(where, Path):
            raise
        raise StoreForeign(
            f"{error}. To restore a backup, move this file aside, with the ones ending in -wal and -shm if they are"
            " there, and say the same again"
        ) from error


def _find(rules: BackupRules, name: str) -> Backup:
    if name != NEWEST:
        return find_backup(rules.folder, name)
    found = [each for each in list_backups(rules.folder) if each.is_sound]
    if not found:
        raise NotFound(f"there is no backup in {rules.folder}")
    return found[0]


def _state(each: Backup) -> str:
    return f"{state_words(each)}, secrets need another key" if each.vault == "sealed" else state_words(each)


def _tell(proofs: list[Proof], *, as_json: bool) -> None:
    for each in proofs:
        if each.untold:
            tell(f"{each.backup.name}: {each.untold}")
    if as_json:
        say_json([proof_shape(each) for each in proofs])
    for each in () if as_json else proofs:
        say(f"{each.backup.name}: {look_words(each.look)} ({each.look.seconds:.1f} s)")
    if not all(each.look.passed for each in proofs):
        raise typer.Exit(ExitCode.FAILED)


def _tell_restored(done: Restored, *, as_json: bool) -> None:
    if as_json:
        safety = None if done.safety is None else done.safety.name
        say_json({"restored": done.backup.name, "safety_copy": safety, "seconds": round(done.seconds, 3), "held": True})
        return
    say(f"Restored {done.backup.name} in {done.seconds:.1f} s. Everybody signs in again.")
    if done.safety is not None:
        say(f"The state of before is kept as {done.safety.name}.")
    say("Schedules are held: `horarium backup release --make-up` or `--leave-out` lets them go on.")


def _tell_hold(work: Workplace, *, as_json: bool) -> None:
    with work.store.reading() as tx:
        hold = held(tx).restored
    if as_json:
        since = None if hold is None else hold.since.isoformat()
        say_json({"held": hold is not None, "since": since, "backup": None if hold is None else hold.backup})
    elif hold is None:
        say("No schedules are held.")
    else:
        say(f"All schedules are held since {both(hold.since, work.now, work.zone)}, when {hold.backup} was restored.")
