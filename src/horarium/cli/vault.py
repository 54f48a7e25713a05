"""`horarium vault`: keep the secrets that tasks use. None is ever printed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import typer

from horarium.cli.asking import Command, Json, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.spread import spread
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_facts, say_json
from horarium.cli.vault_care import check, import_env, rotate
from horarium.cli.vault_desk import Desk
from horarium.cli.vault_shapes import (
    OUTCOMES,
    described_shape,
    facts_of,
    grant_shape,
    owner_words,
    tell_done,
    tell_saved,
    use_shape,
    used_words,
)
from horarium.cli.vault_values import Given, values_of
from horarium.cli.wishes import length_of
from horarium.cli.words import both
from horarium.cli.workplace import workplace
from horarium.outgoing.addresses import Policy
from horarium.vault.checking import checked_kind
from horarium.vault.credentials import Changes, NewCredential
from horarium.vault.grants import NewGrant
from horarium.vault.kinds import KINDS
from horarium.vault.trials import Trials

app = new_app("Keep the secrets that tasks use: saved, replaced, granted, never shown.")

CredentialName = Annotated[str, typer.Argument(metavar="CREDENTIAL", help="Its name, or # and its number.")]
Owner = Annotated[
    str | None, typer.Option("--owner", metavar="PERSON", help="Whose it is. The installation's if not said.")
]
Expires = Annotated[str | None, typer.Option("--expires", metavar="TIME", help='Until when, such as "2027-01-31".')]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The options that say something about a credential, beside its values."""

    note: Annotated[str | None, typer.Option("--note", help="Where it comes from, who to ask.")] = None
    host: Annotated[list[str] | None, typer.Option("--host", help="A host that it is for; repeatable.")] = None
    expires: Expires = None
    rotate_days: Annotated[
        int | None, typer.Option("--rotate-days", min=1, max=3650, help="After how many days it should be replaced.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """The options that say for whom a grant is, and for how long."""

    task: Annotated[str | None, typer.Option("--task", help="A task, as long as it executes what it does now.")] = None
    person: Annotated[str | None, typer.Option("--person", help="A person, in the tasks that are theirs.")] = None
    project: Annotated[str | None, typer.Option("--project", help="A project, in all of its tasks.")] = None
    may_replace: Annotated[bool, typer.Option("--may-replace", help="Let a person put other values in, too.")] = False
    expires: Expires = None


@app.callback()
def vault() -> None:
    """Keep the secrets that tasks use: saved, replaced, granted, never shown."""


@app.command("list", cls=Command)
def list_all(
    context: typer.Context,
    owner: Annotated[str | None, typer.Option("--owner", metavar="PERSON", help="Only this person's.")] = None,
    *,
    removed: Annotated[bool, typer.Option("--removed", help="Those that were removed and can be restored.")] = False,
    as_json: Json = False,
) -> None:
    """List credentials: names, kinds, dates and marks, and which fields are set.

    Examples:
      horarium vault list
      horarium vault list --owner ana --json
    """
    with workplace(context) as work:
        desk = Desk(work)
        found = desk.credentials.list(asker=desk.asker, removed=removed)
        if owner is not None:
            number = desk.person_id(owner)
            found = [each for each in found if each.credential.owner_id == number]
        if as_json:
            say_json([described_shape(each) for each in found])
            return
        if not found:
            say("No credentials.")
            return
        names = {each.id: each.name for each in desk.people.list()}
        rows = [
            (
                str(each.credential.id),
                each.credential.name,
                each.credential.kind,
                owner_words(each.credential, names),
                ", ".join(each.secret_fields),
                each.fingerprint,
                both(each.credential.last_used_at, work.now, work.zone),
                both(each.credential.rotated_at, work.now, work.zone),
            )
            for each in found
        ]
        say_table(("#", "name", "kind", "owner", "secrets", "mark", "last used", "replaced"), rows)


@app.command(cls=Command)
def show(context: typer.Context, name: CredentialName, owner: Owner = None, *, as_json: Json = False) -> None:
    """Show what is known of a credential, who may use it and who did. Its secrets are not shown to anybody.

    Examples:
      horarium vault show warehouse-db
      horarium vault show "#3" --json
    """
    with workplace(context) as work:
        desk = Desk(work)
        found = desk.credentials.show(desk.find(name, owner).id, asker=desk.asker)
        names, uses = desk.grants.names(found.grants), desk.grants.uses(found.credential, limit=10)
        waiting = desk.grants.waiting(found.grants)
        if as_json:
            grants = [grant_shape(each, names, waiting) for each in found.grants]
            say_json({**described_shape(found), "grants": grants, "uses": [use_shape(each) for each in uses]})
            return
        people = {each.id: each.name for each in desk.people.list()}
        say_facts(facts_of(found, people, work.now, work.zone))
        for each in found.grants:
            more = ", may replace it" if each.may_replace else ""
            more += ", waits: the task was changed" if each.id in waiting else ""
            say(f"grant #{each.id} to the {each.subject.value} {names[each.id]}{more}")
        for use in uses:
            say(f"{used_words(use)}, version {use.version}, {both(use.opened_at, work.now, work.zone)}")


@app.command(cls=Command)
@spread("told", Told)
@spread("given", Given)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What tasks ask for.")],
    kind: Annotated[str, typer.Option("--kind", "-k", help=f"One of {', '.join(KINDS)}.")],
    given: Given,
    told: Told,
    *,
    owner: Owner = None,
    as_json: Json = False,
) -> None:
    """Save a credential. Secrets are asked for, or read from standard input or files; never from the command line.

    Examples:
      horarium vault add warehouse-db --kind database --set host=db.example.org --set username=report
      horarium vault add deploy --kind ssh_key --set username=deploy --file private_key=id_ed25519
      horarium vault add shop --kind token --stdin token --owner ana < token-file
    """
    with workplace(context) as work:
        desk = Desk(work)
        wanted = NewCredential(
            name=name,
            kind=kind,
            fields=values_of(checked_kind(kind), given),
            owner_id=desk.owner_id(owner),
            note=told.note or "",
            hosts=tuple(told.host or ()),
            expires_at=desk.instant(told.expires),
            rotate_days=told.rotate_days,
        )
        tell_saved(desk.credentials.add(wanted, asker=desk.asker), "Saved", as_json=as_json)


@app.command(cls=Command)
@spread("given", Given)
def replace(
    context: typer.Context,
    name: CredentialName,
    given: Given,
    owner: Owner = None,
    keep: Annotated[
        str, typer.Option("--keep", metavar="LENGTH", help="How long runs that began before keep the old values.")
    ] = "24h",
    *,
    as_json: Json = False,
) -> None:
    """Put other values into a credential. All secrets are given anew; values that are no secrets stay if not said.

    Examples:
      horarium vault replace warehouse-db
      horarium vault replace warehouse-db --stdin password --keep 1h < password-file
    """
    with workplace(context) as work:
        desk = Desk(work)
        found = desk.find(name, owner)
        length = timedelta(seconds=length_of("keep", keep))
        fields = values_of(checked_kind(found.kind), given, found.open_fields)
        saved = desk.credentials.replace(found.id, fields, asker=desk.asker, keep=length)
        tell_saved(saved, "Replaced the values of", as_json=as_json)


@app.command(cls=Command)
@spread("told", Told)
def change(
    context: typer.Context,
    name: CredentialName,
    told: Told,
    owner: Owner = None,
    *,
    rename: Annotated[
        str | None, typer.Option("--rename", metavar="NAME", help="What tasks ask for from now on.")
    ] = None,
    to: Annotated[str | None, typer.Option("--give-to", metavar="PERSON", help="Who owns it from now on.")] = None,
    as_json: Json = False,
) -> None:
    """Change what is said about a credential, its name or its owner; its values stay.

    Examples:
      horarium vault change warehouse-db --expires 2027-01-31 --note "ask the warehouse team"
      horarium vault change warehouse-db --give-to ana
    """
    with workplace(context) as work:
        desk = Desk(work)
        found = desk.find(name, owner)
        changes = Changes(
            name=rename,
            note=told.note,
            hosts=None if told.host is None else tuple(told.host),
            expires_at=False if told.expires is None else desk.instant(told.expires),
            rotate_days=False if told.rotate_days is None else told.rotate_days,
        )
        to_id = None if to is None else desk.person_id(to)
        found = desk.credentials.change(found.id, changes, asker=desk.asker)
        if to_id is not None:
            found = desk.credentials.give(found.id, to_id, asker=desk.asker)
        tell_done(found, "Changed", as_json=as_json)


@app.command(cls=Command)
@spread("whom", Whom)
def grant(
    context: typer.Context, name: CredentialName, whom: Whom, *, owner: Owner = None, as_json: Json = False
) -> None:
    """Let a task, a person or a project use a credential without reading it.

    Examples:
      horarium vault grant warehouse-db --task report
      horarium vault grant warehouse-db --person ana --expires 2027-01-31
    """
    with workplace(context) as work:
        desk = Desk(work)
        found = desk.find(name, owner)
        subject, number = desk.subject(whom.task, whom.person, whom.project)
        wanted = NewGrant(
            subject=subject,
            subject_id=number,
            may_replace=whom.may_replace,
            expires_at=desk.instant(whom.expires),
        )
        made = desk.grants.make(found.id, wanted, asker=desk.asker)
        names = desk.grants.names((made,))
        if as_json:
            say_json(grant_shape(made, names, set()))
        else:
            say(f"Grant #{made.id}: the {subject.value} {names[made.id]} may use {found.name}.")


@app.command(cls=Command)
def revoke(
    context: typer.Context,
    name: CredentialName,
    number: Annotated[int, typer.Argument(metavar="GRANT", help="The number of the grant.", min=1)],
    owner: Owner = None,
    *,
    as_json: Json = False,
) -> None:
    """End a grant at once. A run that has opened the credential already keeps what it has.

    Example:
      horarium vault revoke warehouse-db 4
    """
    with workplace(context) as work:
        desk = Desk(work)
        found = desk.find(name, owner)
        ended = desk.grants.revoke(found.id, number, asker=desk.asker)
        if as_json:
            say_json(grant_shape(ended, desk.grants.names((ended,)), set()))
        else:
            say(f"Grant #{ended.id} of {found.name} has ended.")


@app.command(cls=Command)
def remove(context: typer.Context, name: CredentialName, owner: Owner = None, *, as_json: Json = False) -> None:
    """Remove a credential: no run gets it any more. It can be restored for 30 days.

    Example:
      horarium vault remove warehouse-db
    """
    with workplace(context) as work:
        desk = Desk(work)
        found = desk.credentials.remove(desk.find(name, owner).id, asker=desk.asker)
        tell_done(found, "Removed", as_json=as_json)


@app.command(cls=Command)
def stop(context: typer.Context, name: CredentialName, owner: Owner = None, *, as_json: Json = False) -> None:
    """Let no run open a credential from now on, until it is restored; its grants are kept.

    Example:
      horarium vault stop warehouse-db
    """
    with workplace(context) as work:
        desk = Desk(work)
        tell_done(desk.credentials.stop(desk.find(name, owner).id, asker=desk.asker), "Stopped", as_json=as_json)


@app.command(cls=Command)
def restore(context: typer.Context, name: CredentialName, owner: Owner = None, *, as_json: Json = False) -> None:
    """Bring back a credential that was removed or stopped, or is inactive since nothing has used it for months.

    Example:
      horarium vault restore "#3"
    """
    with workplace(context) as work:
        desk = Desk(work)
        found = desk.credentials.restore(desk.find_lost(name, owner).id, asker=desk.asker)
        tell_done(found, "Restored", as_json=as_json)


@app.command("test", cls=Command)
def try_out(context: typer.Context, name: CredentialName, owner: Owner = None, *, as_json: Json = False) -> None:
    """Try what a credential is for: sign in, ask its address, read its key. Nothing of a secret is shown.

    Ends with 1 if it does not work. What could not be tried is said, and counts as no failure.

    Examples:
      horarium vault test warehouse-db
      horarium vault test "#3" --json
    """
    with workplace(context) as work:
        desk = Desk(work)
        found = desk.find(name, owner)
        # Whoever has this machine goes from it wherever it goes.
        trial = Trials(desk.vault, Policy(everywhere=True)).run(found.id, asker=desk.asker)
    if as_json:
        say_json({"id": found.id, "name": found.name, "passed": trial.passed, "words": trial.words})
    else:
        say(f"{OUTCOMES[trial.passed]}: {trial.words}")
    if trial.passed is False:
        raise typer.Exit(ExitCode.FAILED)


app.command(cls=Command)(check)
app.command(cls=Command)(rotate)
app.command("import-env", cls=Command)(import_env)
