"""`horarium rule`: who is told of what, and how often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import typer

from horarium.accounts.projects import Projects
from horarium.cli.asking import Command, Json, new_app
from horarium.cli.spread import spread
from horarium.cli.tables import say_table
from horarium.cli.telling_desk import INSTALLATION, TellingDesk, rule_shape
from horarium.cli.terminal import say, say_json, tell
from horarium.cli.wishes import length_of
from horarium.cli.workplace import workplace
from horarium.errors import InvalidValue, NotFound
from horarium.notify import rule_acts
from horarium.notify.rule_desk import RuleView
from horarium.notify.rule_words import KINDS, Naming, condition, frequency, muting, recipients, sentence, warnings
from horarium.records.notices import NoticeKind
from horarium.records.telling import Cause, Frequency, On, Recipient, Rule, Scope, To

app = new_app("Say who is told of what, and how often.")

RuleNumber = Annotated[int, typer.Argument(metavar="RULE", help="The number of the rule.", min=1)]
Owner = Annotated[
    str | None, typer.Option("--owner", metavar="PERSON", help="Whose rules. The installation's if not said.")
]
_USUAL: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The options that say what a rule does; what is left out stays, or is usual."""

    of: Annotated[
        list[str] | None,
        typer.Option("--of", metavar="KIND", help=f"What happens: {', '.join(KINDS)}. Repeatable."),
    ] = None
    task: Annotated[str | None, typer.Option("--task", help="About one task.")] = None
    tag: Annotated[str | None, typer.Option("--tag", help="About the tasks with a tag.")] = None
    project: Annotated[str | None, typer.Option("--project", help="About the tasks and heartbeats of a project.")] = (
        None
    )
    person: Annotated[
        str | None, typer.Option("--person", help="About what is a person's: tasks, heartbeats, credentials.")
    ] = None
    anything: Annotated[bool, typer.Option("--any", help="About any task, and whatever else happens.")] = False
    after_failures: Annotated[
        int | None, typer.Option("--after-failures", min=1, help="How many failures in a row it takes.")
    ] = None
    after: Annotated[
        str | None, typer.Option("--after", metavar="LENGTH", help='How long something is late or stuck: "10m".')
    ] = None
    tell: Annotated[
        list[str] | None,
        typer.Option(
            "--tell", metavar="WHOM", help="owner, admins, person:NAME or channel:NAME. Repeatable; replaces all."
        ),
    ] = None
    often: Annotated[str | None, typer.Option("--often", metavar="HOW", help=f"One of {', '.join(Frequency)}.")] = None
    every: Annotated[
        str | None, typer.Option("--every", metavar="LENGTH", help='For at_most: how long a while is, such as "1h".')
    ] = None
    mute_while: Annotated[
        list[str] | None,
        typer.Option(
            "--mute-while",
            metavar="WHAT",
            help="Tell no trouble while this fails: task:NAME or check:NAME, or none. Repeatable; replaces all. "
            "What it depends on in turn is not followed.",
        ),
    ] = None
    goes_on: Annotated[
        bool | None, typer.Option("--goes-on/--decides", help="Ask the next rule, too, or decide alone.")
    ] = None


@app.callback()
def rule() -> None:
    """Say who is told of what, and how often."""


@app.command("list", cls=Command)
def list_all(context: typer.Context, owner: Owner = None, *, as_json: Json = False) -> None:
    """List rules in their order: the first that fits decides.

    Examples:
      horarium rule list
      horarium rule list --owner ana --json
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        views = desk.office.rules.list(asker=desk.asker, owner_id=desk.owner_id(owner))
        naming = desk.naming([each.rule for each in views])
        if as_json:
            extra = [{"told_30_days": each.told, "shut_by": each.shut_by or None} for each in views]
            plain = [rule_shape(each.rule, naming) for each in views]
            say_json([{**one, **more} for one, more in zip(plain, extra, strict=True)])
            return
        if not views:
            say("No rules.")
            return
        rows = [
            (
                str(each.rule.id),
                "".join(condition(each.rule, naming)),
                recipients(each.rule, naming),
                ", ".join(part for part in (frequency(each.rule), muting(each.rule, naming)) if part),
                str(each.told),
                _state(each, naming),
            )
            for each in views
        ]
        say_table(("#", "if", "then tell", "how often", "30 days", "state"), rows)


@app.command(cls=Command)
def show(context: typer.Context, number: RuleNumber, *, as_json: Json = False) -> None:
    """Show one rule.

    Example:
      horarium rule show 3 --json
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        _say(desk, desk.office.rules.show(number, asker=desk.asker), "", as_json=as_json)


@app.command(cls=Command)
@spread("said", Said)
def add(context: typer.Context, said: Said, *, owner: Owner = None, as_json: Json = False) -> None:
    """Make a rule, behind those that somebody added and before the standard ones.

    Examples:
      horarium rule add --of failed --tag critical --after-failures 5 --tell channel:warehouse-ops
      horarium rule add --of late --after 10m --tell owner --tell person:ana --often once
      horarium rule add --of failed --tag offsite --tell admins --mute-while task:vpn --mute-while check:router
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        first = Rule(owner_id=desk.owner_id(owner), kinds=frozenset({NoticeKind.FAILED}))
        made = desk.office.rules.add(_said(desk, said, first), asker=desk.asker)
        _say(desk, made, "Made", as_json=as_json)


@app.command(cls=Command)
@spread("said", Said)
def edit(context: typer.Context, number: RuleNumber, said: Said, *, as_json: Json = False) -> None:
    """Change a rule; what is not said stays.

    Example:
      horarium rule edit 3 --after-failures 2 --often daily
      horarium rule edit 3 --mute-while none
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        wanted = _said(desk, said, desk.office.rules.show(number, asker=desk.asker))
        after = desk.office.rules.change(number, wanted, asker=desk.asker)
        _say(desk, after, "Changed", as_json=as_json)


@app.command(cls=Command)
def on(context: typer.Context, number: RuleNumber, *, as_json: Json = False) -> None:
    """Switch a rule on.

    Example:
      horarium rule on 3
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        after = desk.office.rules.switch(number, on=True, asker=desk.asker)
        _say(desk, after, "Switched on", as_json=as_json)


@app.command(cls=Command)
def off(context: typer.Context, number: RuleNumber, *, as_json: Json = False) -> None:
    """Switch a rule off.

    Example:
      horarium rule off 3
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        after = desk.office.rules.switch(number, on=False, asker=desk.asker)
        _say(desk, after, "Switched off", as_json=as_json)


@app.command(cls=Command)
def move(
    context: typer.Context,
    number: RuleNumber,
    by: Annotated[int, typer.Option("--by", help="How many places: 1 is one lower, -1 one higher.")],
    *,
    as_json: Json = False,
) -> None:
    """Let a rule stand higher or lower among the others.

    Example:
      horarium rule move 3 --by -1
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        is_moved = rule_acts.move(desk.office.rules, number, by, asker=desk.asker)
        after = desk.office.rules.show(number, asker=desk.asker)
        _say(desk, after, "Moved" if is_moved else "Left in its place", as_json=as_json)


@app.command(cls=Command)
def remove(context: typer.Context, number: RuleNumber, *, as_json: Json = False) -> None:
    """Remove a rule. One that every installation has can only be switched off.

    Example:
      horarium rule remove 7
    """
    with workplace(context) as work:
        desk = TellingDesk(work)
        gone, _ = rule_acts.remove(desk.office.rules, number, asker=desk.asker)
        _say(desk, gone, "Removed", as_json=as_json)


def _say(desk: TellingDesk, found: Rule, done: str, *, as_json: bool) -> None:
    naming = desk.naming([found])
    if as_json:
        say_json(rule_shape(found, naming))
        return
    state = "" if found.is_on else " (off)"
    say(f"{f'{done} rule' if done else 'Rule'} {found.id}{state}: {sentence(found, naming)}.")
    for each in warnings(found, naming):
        tell(each)


def _state(view: RuleView, naming: Naming) -> str:
    if view.shut_by:
        return f"kept quiet by {view.shut_by}"
    return "on, no mail goes out" if warnings(view.rule, naming) else "on" if view.rule.is_on else "off"


def _said(desk: TellingDesk, said: Said, base: Rule) -> Rule:
    """Return a rule with what was said in the place of what it said. Raises `InvalidValue`, `NotFound`."""
    given: dict[str, Any] = {}
    if said.of is not None:
        given["kinds"] = frozenset(_kind(each) for each in said.of)
    scope = _scope(desk, said)
    if scope is not None:
        given |= {"scope": scope[0], "scope_id": scope[1], "tag": scope[2]}
    if said.after_failures is not None:
        given["after_failures"] = said.after_failures
    if said.after is not None:
        given["after_seconds"] = max(1, round(length_of("after", said.after)))
    if said.tell is not None:
        given["recipients"] = tuple(_recipient(desk, each, base) for each in said.tell)
    given |= _often(said, base)
    if said.mute_while is not None:
        given["mute_while"] = _causes(desk, said.mute_while)
    if said.goes_on is not None:
        given["goes_on"] = said.goes_on
    return replace(base, **given)


def _often(said: Said, base: Rule) -> dict[str, Any]:
    """Return what was said about how often something is told. Raises `InvalidValue`."""
    given: dict[str, Any] = {}
    if said.often is not None:
        given["frequency"] = _frequency(said.often)
    if said.every is not None:
        given["every_seconds"] = round(length_of("every", said.every))
    elif given.get("frequency") is Frequency.AT_MOST and base.every_seconds is None:
        given["every_seconds"] = _USUAL
    return given


def _scope(desk: TellingDesk, said: Said) -> tuple[Scope, int, str] | None:
    named = [each for each in (said.task, said.tag, said.project, said.person) if each is not None]
    if len(named) + said.anything > 1:
        raise typer.BadParameter("say only one of --task, --tag, --project, --person and --any")
    if said.task is not None:
        return Scope.TASK, desk.work.find_task(said.task).id, ""
    if said.tag is not None:
        return Scope.TAG, 0, said.tag
    if said.person is not None:
        return Scope.PERSON, desk.person_id(said.person), ""
    if said.project is not None:
        found = Projects(desk.work.store, desk.work.clock).find(said.project)
        if found is None:
            raise NotFound(f"there is no project {said.project!r}")
        return Scope.PROJECT, found.id, ""
    return (Scope.INSTALLATION, INSTALLATION, "") if said.anything else None


def _kind(text: str) -> NoticeKind:
    if text not in KINDS:
        raise InvalidValue("of", text, f"use one of {', '.join(KINDS)}")
    return NoticeKind(text)


def _frequency(text: str) -> Frequency:
    if text not in set(Frequency):
        raise InvalidValue("often", text, f"use one of {', '.join(Frequency)}")
    return Frequency(text)


def _recipient(desk: TellingDesk, text: str, base: Rule) -> Recipient:
    word, _, name = text.partition(":")
    if text in {"owner", "admins"}:
        return Recipient(To(text))
    if word == "person" and name:
        return Recipient(To.PERSON, desk.person_id(name))
    if word == "channel" and name:
        owner = desk.owners()[base.owner_id] if base.owner_id else None
        return Recipient(To.CHANNEL, desk.channel(name, owner).id)
    raise InvalidValue("tell", text, "use owner, admins, person:NAME or channel:NAME")


def _causes(desk: TellingDesk, texts: list[str]) -> tuple[Cause, ...]:
    return () if texts == ["none"] else tuple(_cause(desk, each) for each in texts)


def _cause(desk: TellingDesk, text: str) -> Cause:
    word, _, name = text.partition(":")
    if word == "task" and name:
        return Cause(On.TASK, desk.work.find_task(name).id)
    if word == "check" and name:
        return Cause(On.CHECK, desk.check(name).id)
    raise InvalidValue("mute-while", text, "use task:NAME or check:NAME, or none alone")
