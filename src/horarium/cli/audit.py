"""`horarium audit`: read the log of who did what, and look whether it is whole."""

from __future__ import annotations

from typing import Annotated

import typer

from horarium.audit.actions import Action, Result
from horarium.audit.chain import verify as verify_chain
from horarium.audit.trail import Trail
from horarium.cli.asking import Command, Json, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.shapes import audit_shape
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_json
from horarium.cli.words import both, count_of
from horarium.cli.workplace import workplace
from horarium.errors import InvalidValue
from horarium.records.actors import Source
from horarium.records.audit import AuditFilter, AuditRow

app = new_app("Read the log of who did what, and look whether it is whole.")


@app.callback()
def audit() -> None:
    """Read the log of who did what, and look whether it is whole."""


@app.command("list", cls=Command)
def list_entries(
    context: typer.Context,
    text: Annotated[
        str, typer.Option("--search", "-s", metavar="TEXT", help="Only entries with this in who, what or address.")
    ] = "",
    action: Annotated[
        str | None, typer.Option("--action", metavar="ACTION", help="Only this action, or all of one kind: task.")
    ] = None,
    source: Annotated[Source | None, typer.Option("--source", help="Only what came by this way.")] = None,
    *,
    result: Annotated[Result | None, typer.Option("--result", help="Only what ended so.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000, help="How many, newest first.")] = 20,
    as_json: Json = False,
) -> None:
    """List entries of the audit log, newest first.

    Examples:
      horarium audit list --action person. --result refused
      horarium audit list --search backup -n 100 --json
    """
    wanted = AuditFilter(
        text=text,
        actions=() if action is None else (_checked_action(action),),
        sources=() if source is None else (source.value,),
        results=() if result is None else (result.value,),
    )
    with workplace(context) as work:
        found = Trail(work.store, work.clock).page(wanted, limit=count)
        if as_json:
            say_json([audit_shape(each) for each in found])
            return
        if not found:
            say("No entries.")
            return
        rows = [
            (
                str(each.id),
                both(each.at, work.now, work.zone),
                each.actor or each.source,
                each.action,
                _about(each),
                each.source,
                each.result,
            )
            for each in found
        ]
        say_table(("#", "when", "who", "did", "with", "by way of", "result"), rows)


@app.command(cls=Command)
def verify(context: typer.Context, *, as_json: Json = False) -> None:
    """Look whether entries were changed, taken out, added or moved. Ends with 1 at the first one found.

    Whoever can write the database and knows this release can make a whole new chain: keep copies elsewhere.

    Example:
      horarium audit verify
    """
    with workplace(context) as work:
        verdict = verify_chain(work.store)
        if as_json:
            say_json({"entries": verdict.entries, "bad_id": verdict.bad_id, "fault": verdict.fault or None})
        elif verdict.is_sound:
            say(f"The log is whole: {count_of(verdict.entries, 'entry', 'entries')}.")
        else:
            say(f"The log is not whole: entry {verdict.bad_id}: {verdict.fault}.")
    if not verdict.is_sound:
        raise typer.Exit(ExitCode.FAILED)


def _checked_action(text: str) -> str:
    known = [each.value for each in Action]
    kind = text if text.endswith(".") else f"{text}."
    if any(each.startswith(kind) for each in known):
        return kind
    if text in known:
        return text
    kinds = sorted({each.partition(".")[0] for each in known})
    raise InvalidValue("action", text, f"use an action, such as task.paused, or a kind: {', '.join(kinds)}")


def _about(entry: AuditRow) -> str:
    if entry.kind is None:
        return ""
    number = "" if entry.object_id is None else f" #{entry.object_id}"
    return f"{entry.kind}{number} {entry.object_name or ''}".rstrip()
