"""`horarium user`: accounts, made, looked at, changed and closed from the host."""

from __future__ import annotations

from typing import Annotated

import typer

from horarium.accounts.by_link import ByLink
from horarium.accounts.invitations import Wanted
from horarium.accounts.people import NewPerson, People
from horarium.accounts.projects import Projects
from horarium.accounts.second_factor import reset
from horarium.cli.asking import Command, Json, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.passwords import PasswordStdin, new_password
from horarium.cli.people import CancelRuns, GiveTo, UserName, Yes, find_user, user_shape, will_of
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_facts, say_json
from horarium.cli.words import both, count_of
from horarium.cli.workplace import Workplace, workplace
from horarium.errors import NotFound
from horarium.records.people import Role, User
from horarium.scheduling.departures import Departed, Departures
from horarium.server.post import by_link_of
from horarium.store.books.projects import ProjectBook
from horarium.store.books.roster import Presence, RosterBook, RosterFilter

app = new_app("Make, change and close accounts from the host, and help people into theirs.")

ByHand = Annotated[bool, typer.Option("--by-hand", help="Print the link instead of mailing it.")]

_MOST_PEOPLE = 100_000


@app.callback()
def user() -> None:
    """Make, change and close accounts from the host, and help people into theirs."""


@app.command("create-admin", cls=Command)
def create_admin(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name to sign in with.")],
    email: Annotated[str, typer.Option("--email", help="An e-mail address.")] = "",
    *,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Make an administrator. The password is asked for, or read from standard input; never from the command line.

    Examples:
      horarium user create-admin ana
      horarium user create-admin ana --password-stdin < password-file
    """
    with workplace(context) as work:
        password = new_password(from_stdin=password_stdin)
        wanted = NewPerson(name=name, password=password, email=email, time_zone=work.zone)
        made = People(work.store, work.clock).add_admin(wanted, actor=work.actor)
        if as_json:
            say_json({"id": made.id, "name": made.name, "email": made.email, "role": made.role.value})
        else:
            say(f"Made the administrator {made.name}.")


@app.command("reset-second-step", cls=Command)
def reset_second_step(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name or e-mail address they sign in with.")],
    *,
    as_json: Json = False,
) -> None:
    """Take somebody's second step away: authenticator app, passkeys and recovery codes. They then sign in by password.

    For somebody who has lost phone and codes. Make sure that it is them who asks. Their sessions end.

    Examples:
      horarium user reset-second-step ana
    """
    with workplace(context) as work:
        found = find_user(work, name)
        done = reset(work.store, work.clock, found.id, actor=work.actor)
        if as_json:
            say_json({"id": found.id, "name": found.name, "reset": done})
        else:
            say(f"{found.name} has no second step any more." if done else f"{found.name} had no second step.")


@app.command(cls=Command)
def invite(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whom to invite.")],
    role: Annotated[Role, typer.Option("--role", "-r", help="What they may do on the installation.")] = Role.USER,
    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="Take them into this project.")
    ] = None,
    project_role: Annotated[Role, typer.Option("--project-role", help="What they may do there.")] = Role.VIEWER,
    *,
    by_hand: ByHand = False,
    as_json: Json = False,
) -> None:
    """Invite somebody for 7 days: by mail where it is set up, else with a link to hand over, shown this once.

    Examples:
      horarium user invite noor@example.org --role editor
      horarium user invite noor@example.org --project shop --project-role operator --by-hand
    """
    with workplace(context) as work:
        invitations = _by_link(work).invitations
        wanted = Wanted(email=email, role=role, project_id=_project_number(work, project), project_role=project_role)
        by_mail = work.config.sends_mail and not by_hand
        made = invitations.invite(wanted, actor=work.actor, by_mail=by_mail)
        link = None if by_mail else invitations.link(made.id, actor=work.actor)
        if as_json:
            say_json({"id": made.id, "email": made.email, "until": made.expires_at.isoformat(), "link": link})
        else:
            say(f"Invited {made.email} until {both(made.expires_at, work.now, work.zone)}.")
            _say_way(link)


@app.command("reset-password", cls=Command)
def reset_password(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose password: a sign-in name or an address.")],
    *,
    by_hand: ByHand = False,
    as_json: Json = False,
) -> None:
    """Start a new password for somebody: a link for 30 minutes, by mail or to hand over. Nobody else learns it.

    Examples:
      horarium user reset-password ana
      horarium user reset-password ana --by-hand
    """
    with workplace(context) as work:
        user = find_user(work, name)
        by_mail = work.config.sends_mail and bool(user.email) and not by_hand
        link = _by_link(work).resets.start(user.id, actor=work.actor, by_mail=by_mail)
        if as_json:
            say_json({"id": user.id, "name": user.name, "link": link})
        else:
            say(f"{user.words} can set a new password.")
            _say_way(link)


@app.command("set-email", cls=Command)
def set_email(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose address: a sign-in name or the present address.")],
    email: Annotated[str, typer.Argument(metavar="ADDRESS", help="The new address.")],
    *,
    as_json: Json = False,
) -> None:
    """Give somebody another e-mail address without asking the old one, for people who have lost it.

    Their sessions and API tokens end, and the old address is told.

    Example:
      horarium user set-email ana ana@example.org
    """
    with workplace(context) as work:
        changed = _by_link(work).addresses.put(find_user(work, name).id, email, actor=work.actor)
        if as_json:
            say_json({"id": changed.id, "name": changed.name, "email": changed.email})
        else:
            say(f"{changed.words} has the address {changed.email}.")


def _by_link(work: Workplace) -> ByLink:
    secret = work.config.require_secret_key().encode()
    return by_link_of(work.config, work.store, work.clock, secret)


def _project_number(work: Workplace, name: str | None) -> int | None:
    if name is None:
        return None
    found = Projects(work.store, work.clock).find(name)
    if found is None:
        raise NotFound(f"there is no project {name!r}")
    return found.id


def _say_way(link: str | None) -> None:
    if link is None:
        say("The letter goes out as soon as the server runs.")
    else:
        say("Hand this link over; it is not shown again:")
        say(link)


@app.command("list", cls=Command)
def list_users(
    context: typer.Context,
    text: Annotated[str, typer.Option("--search", "-s", metavar="TEXT", help="Only people with this in a name.")] = "",
    role: Annotated[Role | None, typer.Option("--role", help="Only people with this role.")] = None,
    *,
    closed: Annotated[bool, typer.Option("--closed", help="Only closed accounts; else only open ones.")] = False,
    as_json: Json = False,
) -> None:
    """List people by name.

    Examples:
      horarium user list --role admin
      horarium user list --closed --json
    """
    with workplace(context) as work:
        wanted = RosterFilter(text=text, roles=() if role is None else (role,), closed=closed)
        with work.store.reading() as tx:
            book = RosterBook(tx)
            people = book.page(wanted, limit=_MOST_PEOPLE)
            presences = book.presence([user.id for user in people])
        if as_json:
            say_json([user_shape(user) for user in people])
            return
        if not people:
            say("Nobody.")
            return
        rows = [_row(user, presences[user.id], work) for user in people]
        say_table(("#", "name", "known as", "role", "tasks", "sessions", "signed in"), rows)


@app.command(cls=Command)
def show(context: typer.Context, name: UserName, *, as_json: Json = False) -> None:
    """Show one person.

    Example:
      horarium user show ana
    """
    with workplace(context) as work:
        user = find_user(work, name)
        with work.store.reading() as tx:
            presence = RosterBook(tx).presence([user.id])[user.id]
            roles = ProjectBook(tx).roles_of(user.id)
            projects = {project.name: roles[project.id].value for project in ProjectBook(tx).every(roles)}
        if as_json:
            say_json({**user_shape(user), "tasks": presence.tasks, "sessions": presence.sessions, "projects": projects})
            return
        say_facts(
            [
                ("number", str(user.id)),
                ("name", user.name),
                ("known as", user.display_name),
                ("e-mail", user.email),
                ("role", user.role.value),
                ("time zone", user.time_zone),
                (
                    "account",
                    "open" if user.disabled_at is None else f"closed {both(user.disabled_at, work.now, work.zone)}",
                ),
                ("signed in", both(user.last_login_at, work.now, work.zone)),
                ("sessions", str(presence.sessions)),
                ("tasks", str(presence.tasks)),
                ("projects", ", ".join(f"{project} ({role})" for project, role in projects.items())),
            ]
        )


@app.command("set-role", cls=Command)
def set_role(
    context: typer.Context,
    name: UserName,
    role: Annotated[Role, typer.Argument(metavar="ROLE", help="user, viewer, operator, editor or admin.")],
    *,
    as_json: Json = False,
) -> None:
    """Give somebody another role; their sessions end. The last administrator stays one.

    Example:
      horarium user set-role ana editor
    """
    with workplace(context) as work:
        user = find_user(work, name)
        changed = People(work.store, work.clock).change_role(user.id, role, actor=work.actor)
        if as_json:
            say_json(user_shape(changed))
        else:
            say(f"{changed.name} is {changed.role.value}{' already' if user.role is role else ' now'}.")


@app.command(cls=Command)
def disable(
    context: typer.Context,
    name: UserName,
    give_to: GiveTo = "",
    *,
    remove_tasks: Annotated[bool, typer.Option("--remove-tasks", help="Remove their tasks and heartbeats.")] = False,
    cancel_runs: CancelRuns = False,
    as_json: Json = False,
) -> None:
    """Close an account: sessions, tokens and rights of use end, and none of its tasks begins any more.

    Its tasks and heartbeats stay, paused until the account is opened again, unless they are given or removed.

    Examples:
      horarium user disable ana
      horarium user disable ana --give-to user:otto --cancel-runs
    """
    with workplace(context) as work:
        user = find_user(work, name)
        will = will_of(work, give_to, remove=remove_tasks, cancel_runs=cancel_runs)
        departed = Departures(work.desk).close(user.id, will, actor=work.actor)
        _say_departed(user, departed, "closed", as_json=as_json)


@app.command(cls=Command)
def enable(context: typer.Context, name: UserName, *, as_json: Json = False) -> None:
    """Open a closed account again; what its closing paused goes on.

    Example:
      horarium user enable ana
    """
    with workplace(context) as work:
        user = find_user(work, name)
        resumed = Departures(work.desk).open_again(user.id, actor=work.actor)
        if as_json:
            say_json({"id": user.id, "name": user.name, "enabled": True, "resumed": resumed or 0})
        elif resumed is None:
            say(f"The account of {user.name} is open already.")
        else:
            say(f"The account of {user.name} is open; {count_of(resumed, 'task goes', 'tasks go')} on.")


@app.command(cls=Command)
def delete(
    context: typer.Context,
    name: UserName,
    give_to: GiveTo = "",
    *,
    remove_tasks: Annotated[bool, typer.Option("--remove-tasks", help="Remove their tasks and heartbeats.")] = False,
    cancel_runs: CancelRuns = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete an account with its proofs, settings and credentials. What it did stays in history and audit log.

    For somebody who owns tasks or heartbeats, say what becomes of them.

    Examples:
      horarium user delete ana --give-to project:Night --yes
      horarium user delete ana --remove-tasks
    """
    with workplace(context) as work:
        user = find_user(work, name)
        will = will_of(work, give_to, remove=remove_tasks, cancel_runs=cancel_runs)
        if not (yes or as_json) and not typer.confirm(f"Delete the account of {user.name!r} for good?", err=True):
            raise typer.Exit(ExitCode.REFUSED)
        departed = Departures(work.desk).delete(user.id, will, actor=work.actor)
        _say_departed(user, departed, "deleted", as_json=as_json)


def _row(user: User, presence: Presence, work: Workplace) -> tuple[str, ...]:
    return (
        str(user.id),
        user.name,
        user.display_name,
        user.role.value,
        str(presence.tasks),
        str(presence.sessions),
        both(user.last_login_at, work.now, work.zone),
    )


def _say_departed(user: User, departed: Departed | None, done: str, *, as_json: bool) -> None:
    tasks, checks = (0, 0) if departed is None else (departed.tasks, departed.checks)
    under_way = () if departed is None else departed.under_way
    if as_json:
        answer = {"id": user.id, "name": user.name, "changed": departed is not None}
        say_json({**answer, "tasks": tasks, "heartbeats": checks, "runs_under_way": list(under_way)})
    elif departed is None:
        say(f"The account of {user.name} is {done} already.")
    else:
        parts = [count_of(tasks, "task")] if tasks else []
        parts += [count_of(checks, "heartbeat")] if checks else []
        stopped = f"; {' and '.join(parts)} stopped" if parts else ""
        runs = f", {count_of(len(under_way), 'run was', 'runs were')} under way" if under_way else ""
        say(f"The account of {user.name} is {done}{stopped}{runs}.")
