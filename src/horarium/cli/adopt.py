"""`horarium import`: take over the schedules of other programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from horarium.adoption.crontab import (
    Adoption,
    Circumstances,
    Crontab,
    Layout,
    MachineAccounts,
    Planned,
    Survey,
    Weight,
    decode_crontab,
    is_system_path,
    move,
    parse_crontab,
    recognise,
    survey,
)
from horarium.cli.asking import Command, Json, Zone, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.task import all_tasks
from horarium.cli.terminal import say, say_json, tell
from horarium.cli.words import absolute, count_of, relative
from horarium.cli.workplace import Workplace, workplace
from horarium.errors import InvalidValue, NotFound
from horarium.records.tasks import Task
from horarium.store.books.tasks import TaskFilter

app = new_app("Take over the schedules of other programs.")


@app.callback()
def adopt() -> None:
    """Take over the schedules of other programs."""


@app.command(cls=Command)
def crontab(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A crontab, or - for standard input.")],
    has_users: Annotated[
        bool | None,
        typer.Option("--system/--user", help="Whether lines name an account, as in /etc/cron.d. Guessed if not said."),
    ] = None,
    timezone: Zone = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Make tasks of the lines of a crontab; done again, it updates them.

    Every line is shown with its meaning in words and its next times. A line that is not understood is told by its
    number, makes no task and ends the command with 1; the others are taken, all of them or none.

    Examples:
      horarium import crontab /etc/cron.d/sysstat --dry-run
      horarium import crontab mycrontab --timezone Europe/Berlin
    """
    with workplace(context) as work:
        source, text = _read(file)
        layout = _layout(text, source, has_users)
        found = _survey(work, parse_crontab(text, has_users=layout.has_users), source, timezone, dry_run=dry_run)
        done = None if dry_run else move(found, work.desk, actor=work.actor)
        if as_json:
            say_json(_shape(found, layout, done))
        else:
            _tell(found, layout, done, work)
    if found.has_bad_lines:
        raise typer.Exit(ExitCode.FAILED)


def _read(file: str) -> tuple[str, str]:
    """Return the name of the source and its text."""
    if file == "-":
        return "-", decode_crontab(sys.stdin.buffer.read())
    path = Path(file)
    try:
        return str(path.resolve()), decode_crontab(path.read_bytes())
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}") from None
    except IsADirectoryError:
        raise InvalidValue("FILE", file, "it is a folder; name one file, or use cat to join several") from None


def _layout(text: str, source: str, said: bool | None) -> Layout:
    if said is not None:
        return Layout(said)
    if is_system_path(Path(source)):
        return Layout(has_users=True)
    return recognise(text, is_account=MachineAccounts().knows)


def _survey(work: Workplace, crontab_: Crontab, source: str, timezone: str | None, *, dry_run: bool) -> Survey:
    around = Circumstances(
        timezone=timezone or work.zone,
        now=work.now,
        accounts=MachineAccounts(),
        allows_root=work.config.allow_root_tasks,
    )
    return survey(crontab_, source, _existing(work, dry_run=dry_run), around)


def _existing(work: Workplace, *, dry_run: bool) -> Iterable[Task]:
    if dry_run and not work.has_store:
        # Looking at a file needs no database, and makes none.
        return ()
    return all_tasks(work, TaskFilter())


def _tell(found: Survey, layout: Layout, done: Adoption | None, work: Workplace) -> None:
    if layout.doubt:
        tell(f"note: {layout.doubt}")
    for planned in found.planned:
        _tell_line(planned, work)
    for finding in found.findings:
        where = f"line {finding.line}" if finding.line else "the file"
        tell(f"{where}, {finding.weight}: {finding.sentence}")
    for name in found.gone:
        tell(f"{name!r} came from this file and is no longer in it: `horarium task remove` takes it away")
    if done is None:
        say(f"{count_of(len(found.planned), 'task')} would be made or updated; nothing was changed.")
    else:
        say(f"{len(done.added)} added, {len(done.updated)} updated, {len(done.kept)} as before.")


def _tell_line(planned: Planned, work: Workplace) -> None:
    definition = planned.definition
    user = f" as {planned.entry.user}" if planned.entry.user else ""
    say(f"line {planned.entry.line}: {planned.action.value} {planned.name!r}{user}")
    say(f"  {planned.words}, zone {definition.timezone}")
    say(f"  {planned.entry.raw_command}")
    times = [f"{absolute(each, definition.timezone)} ({relative(each, work.now)})" for each in planned.next_times]
    say(f"  next: {', '.join(times)}")


def _shape(found: Survey, layout: Layout, done: Adoption | None) -> dict[str, Any]:
    return {
        "source": found.source,
        "has_users": layout.has_users,
        "doubt": layout.doubt,
        "changed": done is not None,
        "tasks": [
            {
                "line": planned.entry.line,
                "action": planned.action.value,
                "name": planned.name,
                "schedule": planned.entry.schedule.text,
                "words": planned.words,
                "timezone": planned.definition.timezone,
                "next_times": [each.isoformat() for each in planned.next_times],
                "user": planned.entry.user,
                "command": planned.entry.command,
                "stdin": planned.entry.stdin,
                "description": planned.definition.description,
            }
            for planned in found.planned
        ],
        "findings": [
            {"line": each.line, "weight": each.weight.value, "sentence": each.sentence} for each in found.findings
        ],
        "bad_lines": [each.line for each in found.findings if each.weight is Weight.BAD],
        "gone": list(found.gone),
    }
