"""`horarium channel`: where messages go. Secrets are asked for, read from files or standard input, never shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from horarium.cli.asking import Command, Json, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.spread import spread
from horarium.cli.tables import say_table
from horarium.cli.telling_desk import TellingDesk, channel_shape, plain_kind, state_of, try_shape
from horarium.cli.terminal import say, say_facts, say_json, tell
from horarium.cli.vault_values import Given, values_of
from horarium.cli.words import both
from horarium.cli.workplace import Workplace, workplace
from horarium.errors import InvalidValue
from horarium.notify.channel_desk import ChannelChanges, NewChannel
from horarium.notify.channels.base import ChannelKind
from horarium.notify.channels.kinds import KINDS
from horarium.records.telling import Channel

app = new_app("Say where messages go: chat rooms, phones, other programs.")

ChannelName = Annotated[str, typer.Argument(metavar="CHANNEL", help="Its name, or # and its number.")]
Owner = Annotated[
    str | None, typer.Option("--owner", metavar="PERSON", help="Whose it is. The installation's if not said.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The options that limit how many messages go there; what is above waits and goes together. 0: the usual."""

    most_per_hour: Annotated[
        int | None, typer.Option("--most-per-hour", min=0, max=1000, help="Messages an hour. 0: the usual.")
    ] = None
    most_per_day: Annotated[
        int | None, typer.Option("--most-per-day", min=0, max=1000, help="Messages a day. 0: the usual.")
    ] = None


@app.callback()
def channel() -> None:
    """Say where messages go: chat rooms, phones, other programs."""


@app.command("list", cls=Command)
def list_all(context: typer.Context, owner: Owner = None, *, as_json: Json = False) -> None:
    """List channels: what they are, where they lead and how they do.

    Examples:
      horarium channel list
      horarium channel list --owner ana --json
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        found = desk.office.channels.list(asker=desk.asker)
        if owner is not None:
            number = desk.person_id(owner)
            found = [each for each in found if each.owner_id == number]
        if as_json:
            say_json([channel_shape(each) for each in found])
            return
        if not found:
            say("No channels.")
            return
        names = desk.owners()
        rows = [
            (
                str(each.id),
                each.name,
                each.kind,
                names.get(each.owner_id, str(each.owner_id)),
                state_of(each),
                both(each.last_sent_at, work.now, work.zone),
                each.last_answer,
            )
            for each in found
        ]
        say_table(("#", "name", "kind", "owner", "state", "last sent", "last answer"), rows)


@app.command(cls=Command)
def show(context: typer.Context, name: ChannelName, owner: Owner = None, *, as_json: Json = False) -> None:
    """Show what is known of a channel. Its secrets are not shown to anybody.

    Examples:
      horarium channel show "#warehouse-ops"
      horarium channel show "#3" --json
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        found = desk.channel(name, owner)
        if as_json:
            say_json(channel_shape(found))
            return
        say_facts(_facts(found, desk, work))


@app.command(cls=Command)
@spread("given", Given)
@spread("limits", Limits)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What rules call it.")],
    kind: Annotated[str, typer.Option("--kind", "-k", help=f"One of {', '.join(KINDS)}.")],
    given: Given,
    limits: Limits,
    *,
    owner: Owner = None,
    as_json: Json = False,
) -> None:
    """Make a channel. Secrets are asked for, or read from standard input or files; never from the command line.

    Examples:
      horarium channel add warehouse-ops --kind slack
      horarium channel add phones --kind ntfy --set topic=ops-4711 --stdin token < token-file
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        wanted = NewChannel(
            name=name,
            kind=kind,
            values=values_of(plain_kind(_kind(kind)), given),
            owner_id=desk.owner_id(owner),
            most_per_hour=limits.most_per_hour or None,
            most_per_day=limits.most_per_day or None,
        )
        made = desk.office.channels.add(wanted, asker=desk.asker)
        _say_done(made, f"Made channel {made.name} (#{made.id}). Try it: horarium channel test #{made.id}", as_json)


@app.command(cls=Command)
@spread("given", Given)
@spread("limits", Limits)
def edit(
    context: typer.Context,
    name: ChannelName,
    given: Given,
    limits: Limits,
    *,
    rename: Annotated[str | None, typer.Option("--rename", metavar="NAME", help="What rules call it now.")] = None,
    owner: Owner = None,
    as_json: Json = False,
) -> None:
    """Change a channel; what is not said stays. One that was disabled sends again once values are given.

    Examples:
      horarium channel edit warehouse-ops --rename warehouse
      horarium channel edit warehouse-ops --ask url --most-per-hour 5
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        found = desk.channel(name, owner)
        is_given = any((given.values, given.files, given.stdin, given.ask))
        values = None
        if is_given:
            values = values_of(plain_kind(_kind(found.kind)), given, found.open_values, asks=False)
        changes = ChannelChanges(
            name=rename,
            values=values,
            most_per_hour=False if limits.most_per_hour is None else limits.most_per_hour or None,
            most_per_day=False if limits.most_per_day is None else limits.most_per_day or None,
        )
        after = desk.office.channels.change(found.id, changes, asker=desk.asker)
        _say_done(after, f"Changed channel {after.name}.", as_json)


@app.command("test", cls=Command)
def send_test(context: typer.Context, name: ChannelName, owner: Owner = None, *, as_json: Json = False) -> None:
    """Send a test there now and say what came back. Ends with 1 where it was not taken.

    Example:
      horarium channel test warehouse-ops
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        found = desk.channel(name, owner)
        attempt = desk.office.channels.test(found.id, asker=desk.asker)
        if as_json:
            say_json(try_shape(attempt))
        elif attempt.is_taken:
            say(f"{found.name} took the test: {attempt.answer}")
        else:
            tell(f"horarium: {found.name} did not take the test: {attempt.answer}")
        if not attempt.is_taken:
            raise typer.Exit(ExitCode.FAILED)


@app.command(cls=Command)
def pause(context: typer.Context, name: ChannelName, owner: Owner = None, *, as_json: Json = False) -> None:
    """Send nothing there until it is resumed; what is to be told waits.

    Example:
      horarium channel pause warehouse-ops
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        after = desk.office.channels.pause(desk.channel(name, owner).id, asker=desk.asker)
        _say_done(after, f"Channel {after.name} is paused.", as_json)


@app.command(cls=Command)
def resume(context: typer.Context, name: ChannelName, owner: Owner = None, *, as_json: Json = False) -> None:
    """Let a paused or disabled channel send again.

    Example:
      horarium channel resume warehouse-ops
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        after = desk.office.channels.resume(desk.channel(name, owner).id, asker=desk.asker)
        _say_done(after, f"Channel {after.name} sends again.", as_json)


@app.command(cls=Command)
def remove(context: typer.Context, name: ChannelName, owner: Owner = None, *, as_json: Json = False) -> None:
    """Remove a channel, and what waits for it. Its values can be restored in the vault for 30 days.

    Example:
      horarium channel remove warehouse-ops
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        gone = desk.office.channels.remove(desk.channel(name, owner).id, asker=desk.asker)
        _say_done(gone, f"Removed channel {gone.name}.", as_json)


def _kind(name: str) -> ChannelKind:
    if name not in KINDS:
        raise InvalidValue("kind", name, f"use one of {', '.join(KINDS)}")
    return KINDS[name]


def _facts(found: Channel, desk: TellingDesk, work: Workplace) -> list[tuple[str, str]]:
    kind = desk.kinds.get(found.kind)
    secret = [each.name for each in kind.fields if each.is_secret] if kind else []
    kept = [(name, "in the vault, not shown") for name in secret] if found.credential_id is not None else []
    why = found.disabled_reason or (f"by {found.paused_by}" if found.paused_by else "")
    return [
        ("number", str(found.id)),
        ("name", found.name),
        ("kind", found.kind),
        ("owner", desk.owners().get(found.owner_id, str(found.owner_id))),
        ("state", f"{state_of(found)}{f', {why}' if why else ''}"),
        *found.open_values.items(),
        *kept,
        ("most per hour", str(found.most_per_hour or "")),
        ("most per day", str(found.most_per_day or "")),
        ("last sent", both(found.last_sent_at, work.now, work.zone)),
        ("last failed", both(found.last_failed_at, work.now, work.zone)),
        ("last answer", found.last_answer),
    ]


def _say_done(found: Channel, words: str, as_json: bool) -> None:
    if as_json:
        say_json(channel_shape(found))
    else:
        say(words)
