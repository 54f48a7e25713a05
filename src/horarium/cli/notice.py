"""`horarium notice`: what was told to whom, what came back, and what is held back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

import typer

from horarium.cli.asking import Command, Json, new_app
from horarium.cli.spread import spread
from horarium.cli.tables import say_table
from horarium.cli.telling_desk import INSTALLATION, TellingDesk, delivery_shape, muted_shape, snooze_shape
from horarium.cli.terminal import say, say_json
from horarium.cli.wishes import instant_of, length_of
from horarium.cli.words import absolute, both
from horarium.cli.workplace import workplace
from horarium.records.telling import Snooze, Target

app = new_app("Look at what was told, send it again, hold it back.")

_MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The options that say what is held back, for whom and until when."""

    task: Annotated[str | None, typer.Option("--task", help="What happens to this task.")] = None
    channel: Annotated[str | None, typer.Option("--channel", help="What goes to this channel.")] = None
    person: Annotated[
        str | None, typer.Option("--person", help="What is told to this person. Everybody if not said.")
    ] = None
    length: Annotated[str | None, typer.Option("--for", metavar="LENGTH", help='For how long, such as "4h".')] = None
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help='Until when, such as "2027-01-31 08:00".')
    ] = None
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = ""


@app.callback()
def notice() -> None:
    """Look at what was told, send it again, hold it back."""


@app.command(cls=Command)
def log(
    context: typer.Context,
    channel: Annotated[str | None, typer.Option("--channel", help="Only to this channel.")] = None,
    task: Annotated[str | None, typer.Option("--task", help="Only about this task.")] = None,
    state: Annotated[str, typer.Option("--state", help="Only waiting, sent or given_up ones. All if not said.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=_MOST, help="How many, the newest first.")] = 30,
    *,
    as_json: Json = False,
) -> None:
    """List messages, the newest first: where to, how they stand, what came back.

    Examples:
      horarium notice log
      horarium notice log --channel warehouse-ops --state given_up --json
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        found = desk.office.log.page(
            asker=desk.asker,
            channel_id=None if channel is None else desk.channel(channel).id,
            task_id=None if task is None else work.find_task(task).id,
            state=state,
            limit=limit,
        )
        if as_json:
            say_json([delivery_shape(each) for each in found])
            return
        if not found:
            say("No messages.")
            return
        rows = [
            (
                str(each.id),
                both(each.created_at, work.now, work.zone),
                each.state.replace("_", " "),
                _where(desk, each.target),
                each.summary,
                str(len(each.log)),
                each.answer,
            )
            for each in found
        ]
        say_table(("#", "made", "state", "to", "what", "tries", "answer"), rows)


@app.command(cls=Command)
def resend(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="MESSAGE", help="The number of the message.", min=1)],
    *,
    as_json: Json = False,
) -> None:
    """Have a message that did not go out tried for another day, with the same id.

    Example:
      horarium notice resend 12
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        found = desk.office.log.resend(number, asker=desk.asker)
        if as_json:
            say_json(delivery_shape(found))
        else:
            say(f"Message {found.id} is tried again, by the server as soon as it runs.")


@app.command(cls=Command)
@spread("held", Held)
def snooze(context: typer.Context, held: Held, *, as_json: Json = False) -> None:
    """Hold something back for a while; what happens meanwhile is told together afterwards.

    Examples:
      horarium notice snooze --task backup --for 4h --reason "the disk is being replaced"
      horarium notice snooze --channel warehouse-ops --until "2027-01-31 08:00"
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        if (held.length is None) is (held.until is None):
            raise typer.BadParameter("say for how long with --for, or until when with --until")
        if held.length is not None:
            at = work.now + timedelta(seconds=length_of("for", held.length))
        else:
            at = instant_of(held.until or "", work.zone)
        wanted = Snooze(
            user_id=INSTALLATION if held.person is None else desk.person_id(held.person),
            task_id=0 if held.task is None else work.find_task(held.task).id,
            channel_id=0 if held.channel is None else desk.channel(held.channel).id,
            until=at,
            reason=held.reason,
            created_at=work.now,
        )
        made = desk.office.log.snooze(wanted, asker=desk.asker)
        if as_json:
            say_json(snooze_shape(made))
        else:
            say(f"Held back until {absolute(made.until, work.zone)}. To end it: horarium notice wake {made.id}")


@app.command("held", cls=Command)
def list_held(context: typer.Context, *, as_json: Json = False) -> None:
    """List what is held back now.

    Example:
      horarium notice held
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        found = desk.office.log.snoozes(asker=desk.asker)
        if as_json:
            say_json([snooze_shape(each) for each in found])
            return
        if not found:
            say("Nothing is held back.")
            return
        names = {**desk.owners(), INSTALLATION: "everybody"}
        rows = [
            (
                str(each.id),
                _what(each),
                names.get(each.user_id, str(each.user_id)),
                both(each.until, work.now, work.zone),
                each.created_by,
                each.reason,
            )
            for each in found
        ]
        say_table(("#", "what", "for", "until", "by", "why"), rows)


@app.command("muted", cls=Command)
def list_muted(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=_MOST, help="How many, the newest first.")] = 30,
    *,
    as_json: Json = False,
) -> None:
    """List what rules mute while something else is failing, and what was over before that was: it is never told.

    Example:
      horarium notice muted
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        found = desk.office.log.muted(asker=desk.asker, limit=limit)
        if as_json:
            say_json([muted_shape(each) for each in found])
            return
        if not found:
            say("Nothing is muted.")
            return
        rows = [
            (
                both(each.note.first_at, work.now, work.zone),
                f"{each.note.name}: {each.note.kind.value.replace('_', ' ')}",
                str(each.note.many),
                _where(desk, each.note.target),
                each.why,
            )
            for each in found
        ]
        say_table(("since", "what", "times", "to", "why"), rows)


@app.command(cls=Command)
def wake(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The number of what is held back.", min=1)],
) -> None:
    """Hold something back no longer: what waited is told now.

    Example:
      horarium notice wake 3
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        desk.office.log.wake(number, asker=desk.asker)
        say(f"Number {number} is held back no longer.")


def _where(desk: TellingDesk, target: Target) -> str:
    if target.channel_id:
        known = {channel.id: channel.name for channel in desk.office.channels.list(asker=desk.asker)}
        return known.get(target.channel_id, f"channel #{target.channel_id}, gone")
    return desk.owners().get(target.user_id, f"person {target.user_id}")


def _what(each: Snooze) -> str:
    parts = [("task", each.task_id), ("rule", each.rule_id), ("channel", each.channel_id)]
    return ", ".join(f"{word} #{number}" for word, number in parts if number) or "everything"
