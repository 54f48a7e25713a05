"""The commands of `horarium vault` that are about all of it: whether everything opens, another key, a `.env` file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from horarium.cli.asking import Json
from horarium.cli.exits import ExitCode
from horarium.cli.terminal import say, say_json, tell
from horarium.cli.vault_desk import Desk
from horarium.cli.vault_shapes import FATES, TOO_SHORT
from horarium.cli.vault_values import text_of
from horarium.cli.words import count_of
from horarium.cli.workplace import workplace
from horarium.server.vault import look
from horarium.server.vault import rotate as rotate_all
from horarium.vault.importing import plan, take


def check(context: typer.Context, *, as_json: Json = False) -> None:
    """Open every value and forget it again; name what does not open. Ends with 1 if there is any.

    Example:
      horarium vault check
    """
    with workplace(context) as work:
        found = look(work.config, work.store, work.clock)
    if as_json:
        unopened = [asdict(each) for each in found.unopened]
        say_json({"versions": found.versions, "sealed": found.sealed or None, "unopened": unopened})
    elif found.is_sound:
        say(f"Everything opens: {count_of(found.versions, 'set of values', 'sets of values')}.")
    for sentence in () if as_json or found.is_sound else found.all_sentences:
        say(sentence)
    if not found.is_sound:
        raise typer.Exit(ExitCode.FAILED)


def rotate(context: typer.Context, *, as_json: Json = False) -> None:
    """Move everything that is sealed from SECRET_KEY_OLD to SECRET_KEY, while servers with both keys go on.

    It may be stopped at any moment and called again. Ends with 1 if something does not open; then keep the old key.

    Example:
      horarium vault rotate
    """
    with workplace(context) as work:
        done = rotate_all(work.config, work.store, work.clock, actor=work.actor)
    if as_json:
        others = {name: {"moved": moved, "unreadable": bad} for name, (moved, bad) in done.others.items()}
        say_json({**asdict(done), "others": others, "is_complete": done.is_complete})
    else:
        say(f"{count_of(done.moved, 'set of values was', 'sets of values were')} moved to key {done.key_id}; "
            f"{done.as_before:,} had it already.")  # fmt: skip
        for name, (moved, bad) in done.others.items():
            say(f"{name}: {moved:,} moved" + (f", {bad:,} cannot be opened" if bad else ""))
        for each in done.unreadable:
            say(f"credential {each} cannot be opened")
        say("SECRET_KEY_OLD can go." if done.is_complete else "Keep SECRET_KEY_OLD: not everything could be moved.")
    if not done.is_complete:
        raise typer.Exit(ExitCode.FAILED)


def import_env(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file of NAME=value lines.")],
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="Only this variable; repeatable.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="PERSON", help="Whose it is. The installation's if not said.")
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be saved, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Save each variable of a .env file as a credential of its name; those that are there already stay.

    Only names are shown. The file stays as it is. Variables of Horarium itself are left out.

    Examples:
      horarium vault import-env .env --dry-run
      horarium vault import-env .env --only SHOP_TOKEN --owner ana
    """
    text = text_of(Path(file))
    with workplace(context) as work:
        desk = Desk(work)
        owner_id = desk.owner_id(owner)
        planned, bad_lines = plan(work.store, text, owner_id=owner_id, only=only or ())
        count = 0 if dry_run else take(desk.credentials, planned, asker=desk.asker, owner_id=owner_id)
    if as_json:
        variables = [{"name": each.name, "fate": each.fate, "too_short": each.is_short} for each in planned]
        say_json({"variables": variables, "saved": count, "bad_lines": bad_lines, "dry_run": dry_run})
    else:
        for each in planned:
            say(f"{each.name}: {FATES[each.fate]}" + (TOO_SHORT if each.is_short and each.fate == "new" else ""))
        say("Nothing was changed." if dry_run else f"{count_of(count, 'credential was', 'credentials were')} saved.")
        for number in bad_lines:
            tell(f"line {number} is not understood: write NAME=value")
    if bad_lines:
        raise typer.Exit(ExitCode.FAILED)
