"""`horarium adopt`: move a single-user installation of an application in, look at it, take it back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from horarium.accounts.passwords import validate_password
from horarium.adoption.single_user.files import followed, real_path
from horarium.adoption.single_user.journal import Journal, State, alone, folder_of
from horarium.adoption.single_user.move import begin, go_on, needs_password
from horarium.adoption.single_user.proof import Weight
from horarium.adoption.single_user.proof import verify as look_through
from horarium.adoption.single_user.site import Site
from horarium.adoption.single_user.survey import OWNER_COLUMN, Around, Survey, Wishes, news, survey
from horarium.adoption.single_user.undo import finish as finish_move
from horarium.adoption.single_user.undo import plan_undo
from horarium.adoption.single_user.undo import undo as undo_move
from horarium.cli.asking import Command, Json, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.passwords import PasswordStdin, new_password
from horarium.cli.people import Yes
from horarium.cli.single_user_words import (
    plan_shape,
    standing_words,
    state_shape,
    survey_shape,
    tell_plan,
    tell_state,
    tell_survey,
)
from horarium.cli.spread import spread
from horarium.cli.terminal import say, say_json, tell
from horarium.cli.workplace import Workplace, workplace
from horarium.config import load_config
from horarium.config.loading import ENV_FILE
from horarium.errors import Conflict, NotFound, WeakPassword
from horarium.server.founding import make_private_folder
from horarium.store.opening import connect
from horarium.store.port import Store
from horarium.store.schema import prepare, revision_of

app = new_app("Move a single-user installation of an application in: its passwords, and the rows of its database.")

Env = Annotated[Path, typer.Option("--env", metavar="FILE", help="The file with the application's variables.")]
_Names = list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The options that say what moves, and to whom."""

    env: Env = Path(".env")
    database: Annotated[
        Path | None, typer.Option("--database", metavar="FILE", help="The application's SQLite database.")
    ] = None
    admin: Annotated[
        str,
        typer.Option("--admin", metavar="NAME", help="Whose everything becomes; made if there is no such account."),
    ] = ""
    email: Annotated[str, typer.Option("--email", help="An e-mail address for an account that is made.")] = ""
    owner_column: Annotated[
        str, typer.Option("--owner-column", metavar="NAME", help="The column that says whose a row is.")
    ] = OWNER_COLUMN
    secret: Annotated[
        _Names, typer.Option("--secret", metavar="NAME", help="Take this variable as well; repeatable.")
    ] = None
    keep: Annotated[_Names, typer.Option("--keep", metavar="NAME", help="Leave this variable alone; repeatable.")] = (
        None
    )
    leave_table: Annotated[
        _Names, typer.Option("--leave-table", metavar="NAME", help="Leave this table as it is; repeatable.")
    ] = None
    for_installation: Annotated[
        bool,
        typer.Option(
            "--for-installation",
            help="Let the installation own the credentials, as it owns tasks that commands and imports make.",
        ),
    ] = False

    def wishes(self) -> Wishes:
        """Return them as the move takes them."""
        return Wishes(
            env=self.env,
            database=self.database,
            admin=self.admin,
            email=self.email,
            owner_column=self.owner_column,
            secret=tuple(self.secret or ()),
            keep=tuple(self.keep or ()),
            leave_tables=tuple(self.leave_table or ()),
            for_installation=self.for_installation,
        )


@app.callback()
def adopt() -> None:
    """Move a single-user installation of an application in: its passwords, and the rows of its database."""


@app.command("single-user", cls=Command)
@spread("moved", Moved)
def single_user(
    context: typer.Context,
    moved: Moved,
    *,
    apply: Annotated[
        bool, typer.Option("--apply/--dry-run", help="Do it; without this, say what would be done and change nothing.")
    ] = False,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Move an application in: its secrets go from .env into the vault, its rows get an owner, an administrator is made.

    Copies of the originals are kept, everything is compared, and the old lines become comments last. Stopped at any
    moment, it goes on when it is called again; `horarium adopt undo` takes it back. Stop the application before.

    Examples:
      horarium adopt single-user --env .env --database app.db
      horarium adopt single-user --env .env --database app.db --admin ana --apply
      horarium adopt single-user --keep SORT_KEY --secret FEED --apply --password-stdin < password-file
    """
    with workplace(context) as work:
        journal = _journal(work, moved.env)
        if apply and journal is not None and journal.state in {State.UNDOING, State.FINISHING}:
            raise Conflict(standing_words(journal))
        if journal is not None and (not apply or journal.state is not State.MOVING):
            _tell_standing(work, journal, moved.wishes(), as_json=as_json)
            return
        if not apply:
            found = _looked(work, moved.wishes())
            say_json(survey_shape(found)) if as_json else tell_survey(found)
            return
        done = _applied(work, journal, moved.wishes(), password_stdin=password_stdin)
        if done is None:
            say_json({"state": None, "changed": False}) if as_json else say("Nothing is to be done.")
            return
        say_json(state_shape(done, changed=True)) if as_json else tell_state(done)


@app.command(cls=Command)
def verify(context: typer.Context, env: Env = Path(".env"), *, as_json: Json = False) -> None:
    """Look through what a move has done: every credential is opened and compared, every row counted again.

    What people have changed since is noted. Ends with 1 when something is not as it should be.

    Example:
      horarium adopt verify --env .env
    """
    with workplace(context) as work:
        journal = _require_journal(work, env)
        if journal.state is not State.MOVED:
            raise Conflict(standing_words(journal))
        findings = look_through(journal, _site(work))
    if as_json:
        say_json([{"weight": each.weight.value, "sentence": each.sentence} for each in findings])
    else:
        for each in findings:
            say(f"{each.weight.value:<4}  {each.sentence}")
    if any(each.weight is Weight.BAD for each in findings):
        raise typer.Exit(ExitCode.FAILED)


@app.command(cls=Command)
def undo(
    context: typer.Context,
    env: Env = Path(".env"),
    *,
    keep_database: Annotated[
        bool, typer.Option("--keep-database", help="Leave the application's database as it is by now.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Even if files were changed since; the present ones are put aside.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Take a move back: .env and database as they were, to the byte; the credentials that it made are erased.

    The administrator stays. Stop the application and the server before. A dry run ends with 1 where undo would refuse.

    Examples:
      horarium adopt undo --env .env --dry-run
      horarium adopt undo --env .env
      horarium adopt undo --keep-database
    """
    with workplace(context) as work:
        journal = _require_journal(work, env)
        with alone(work.config.data):
            if dry_run:
                _tell_plan(journal, _site(work), force=force, keep_database=keep_database, as_json=as_json)
                return
            done = undo_move(journal, _site(work), force=force, keep_database=keep_database)
    if as_json:
        say_json({"files": list(done.files), "credentials": list(done.credentials), "stays": list(done.stays)})
        return
    for path in done.files:
        say(f"{path} is as it was.")
    if done.credentials:
        say(f"Erased from the vault: {', '.join(done.credentials)}.")
    for sentence in done.stays:
        say(f"{sentence}.")
    say("The move was taken back.")


@app.command(cls=Command)
def finish(context: typer.Context, env: Env = Path(".env"), *, yes: Yes = False, as_json: Json = False) -> None:
    """Finish a move for good: erase the copies of the originals, and the old values from the comments in .env.

    Undo is not possible after this. Until then the old passwords stand in clear text in both places.

    Example:
      horarium adopt finish --env .env
    """
    with workplace(context) as work:
        journal = _require_journal(work, env)
        if not (yes or as_json) and not typer.confirm("Erase the copies and the old values for good?", err=True):
            raise typer.Exit(ExitCode.REFUSED)
        with alone(work.config.data):
            emptied = finish_move(journal, _site(work))
    if as_json:
        say_json({"emptied": list(emptied)})
    else:
        say("The copies are erased, and the old values are gone from the comments. The move is finished.")


def _tell_plan(journal: Journal, site: Site, *, force: bool, keep_database: bool, as_json: bool) -> None:
    """Say what undoing would do. Raises `Exit` where it would be refused."""
    planned = plan_undo(journal, site, keep_database=keep_database or bool(journal.facts.get("keep_database")))
    is_refused = bool(planned.lost) and not force
    if as_json:
        say_json(plan_shape(planned, journal, is_refused=is_refused))
    else:
        tell_plan(planned, journal, is_refused=is_refused)
    if is_refused:
        raise typer.Exit(ExitCode.FAILED)


def _applied(work: Workplace, journal: Journal | None, wishes: Wishes, *, password_stdin: bool) -> Journal | None:
    """Move, or go on moving; None where nothing is to be done."""
    found = None if journal is not None else _looked(work, wishes)
    if found is not None and not found.has_work:
        return None
    password = None
    if found is not None and found.admin.id is None:
        # Asked for before anything is made, so that a weak one changes nothing.
        password = _checked_password(found.admin.name, wishes.email, from_stdin=password_stdin)
    make_private_folder(work.config.data)
    with alone(work.config.data):
        site = _site(work)
        if journal is None:
            # Once more, with the lock and in the store that was made meanwhile.
            journal = begin(_looked(work, wishes, store=work.store), site, keep=wishes.keep)
        elif needs_password(journal, site):
            about = journal.facts["admin"]
            password = _checked_password(about["name"], about["email"], from_stdin=password_stdin)
        go_on(journal, site, password)
    return journal


def _looked(work: Workplace, wishes: Wishes, store: Store | None = None) -> Survey:
    """Look without changing anything: a store that is not there yet is not made, and none is upgraded."""
    settings_file = _settings_file(work)
    if store is not None:
        return survey(wishes, Around(work.config, settings_file, store))
    _refuse_shared(work, wishes)
    there = _present_store(work)
    try:
        return survey(wishes, Around(work.config, settings_file, there))
    finally:
        if there is not None:
            there.close()


def _settings_file(work: Workplace) -> Path:
    return work.config.env_file or Path.cwd() / (os.environ.get(ENV_FILE) or ".env")


def _store_file(work: Workplace) -> Path | None:
    """Return the file that Horarium keeps everything in, None where that is a database on a server."""
    where = str(work.config.database).removeprefix("sqlite:///")
    return None if "://" in where else Path(where)


def _refuse_shared(work: Workplace, wishes: Wishes) -> None:
    """Refuse settings by which Horarium would keep its own tables in the application's database."""
    ours = _store_file(work)
    theirs = None if wishes.database is None else real_path(wishes.database, "--database")
    if theirs is not None and ours is not None and ours.exists() and ours.samefile(theirs):
        raise Conflict(
            f"{wishes.database} is where Horarium would keep its own tables, and it needs a database of its own: let"
            " DATABASE_URL name another, or take it out"
        )


def _present_store(work: Workplace) -> Store | None:
    """Open the store as it is; None where there is none yet, or nothing in it."""
    file = _store_file(work)
    if file is not None and not file.exists():
        return None
    store = connect(work.config.database, clock=work.clock)
    try:
        is_there = revision_of(store) is not None
        if is_there:
            prepare(store, upgrade=False)
    except BaseException:
        store.close()
        raise
    if not is_there:
        store.close()
    return store if is_there else None


def _journal(work: Workplace, env: Path) -> Journal | None:
    return Journal.read(folder_of(work.config.data, followed(env)))


def _require_journal(work: Workplace, env: Path) -> Journal:
    found = _journal(work, env)
    if found is None:
        raise NotFound(f"nothing has moved in from {env}: there is nothing to look at, take back or finish")
    return found


def _site(work: Workplace) -> Site:
    return Site(
        store=work.store, clock=work.clock, actor=work.actor, data=followed(work.config.data), settings=load_config
    )


def _checked_password(name: str, email: str, *, from_stdin: bool) -> str:
    tell(f"The administrator {name} is to be made.")
    password = new_password(from_stdin=from_stdin)
    verdict = validate_password(password, name=f"{name} {email}")
    if not verdict:
        raise WeakPassword(verdict.reasons)
    return password


def _tell_standing(work: Workplace, journal: Journal, wishes: Wishes, *, as_json: bool) -> None:
    database = journal.facts["database"]
    if wishes.database is not None and (
        database is None or real_path(wishes.database, "--database") != Path(database["path"])
    ):
        raise Conflict(
            f"{journal.facts['env']} has moved in without {wishes.database}: `horarium adopt finish` that move, or"
            " `horarium adopt undo` it, then move the database"
        )
    if journal.state is State.MOVED:
        for name in news(wishes.env, _settings_file(work), journal.facts):
            tell(f"note: {name} has come since; `horarium vault import-env {wishes.env} --only {name}` takes it")
    if as_json:
        say_json(state_shape(journal, changed=False))
    else:
        tell_state(journal, is_news=False)
