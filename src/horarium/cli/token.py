"""`horarium token`: API tokens, as far as the host has to make or end them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from horarium.accounts.people import People
from horarium.accounts.roles import Scope
from horarium.accounts.tokens import LONGEST_DAYS, USUAL_DAYS, NewToken, Tokens
from horarium.cli.asking import Command, Json, new_app
from horarium.cli.shapes import token_shape
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_json, tell
from horarium.cli.words import both
from horarium.cli.workplace import Workplace, workplace
from horarium.errors import NotFound
from horarium.records.people import User
from horarium.store.books.tokens import Token

app = new_app("Make, list and revoke API tokens from the host.")

Owner = Annotated[str, typer.Argument(metavar="USER", help="The name or e-mail address of the person it acts for.")]


@app.callback()
def token() -> None:
    """Make, list and revoke API tokens from the host."""


@app.command("list", cls=Command)
def list_tokens(
    context: typer.Context,
    user: Annotated[str, typer.Option("--user", metavar="USER", help="Only tokens of this person.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """List the tokens that were not revoked, the newest first. The tokens themselves are not kept anywhere.

    Examples:
      horarium token list
      horarium token list --user ana --json
    """
    with workplace(context) as work:
        found = _tokens(work).everybodys()
        if user:
            owner = _person(work, user)
            found = [(each, whose) for each, whose in found if whose.id == owner.id]
        if as_json:
            say_json([token_shape(each, whose) for each, whose in found])
        elif not found:
            say("No tokens.")
        else:
            say_table(
                ("#", "user", "name", "ends with", "may", "last used", "ends"),
                [_row(work, each, whose) for each, whose in found],
            )


@app.command(cls=Command)
def create(
    context: typer.Context,
    user: Owner,
    name: Annotated[str, typer.Option("--name", help="What will use it, for example deploy pipeline.")],
    scope: Annotated[list[Scope] | None, typer.Option("--scope", help="What it may be used for; repeatable.")] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=LONGEST_DAYS, help="After how many days it ends.")
    ] = USUAL_DAYS,
    *,
    never: Annotated[
        bool, typer.Option("--never", help="It never ends; only where HORARIUM_ENDLESS_TOKENS is on.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a token for a person and print it, this once. It never may more than they may themselves.

    Without --scope it may only read.

    Examples:
      horarium token create ana --name "deploy pipeline" --scope read --scope trigger
      horarium token create ana --name dashboard --days 30
    """
    scopes = [each.value for each in scope or [Scope.READ]]
    with workplace(context) as work:
        owner = _person(work, user)
        wanted = NewToken(name=name, scopes=scopes, days=None if never else days)
        made = _tokens(work).make(owner.id, wanted, actor=work.actor)
        if as_json:
            say_json({**token_shape(made.token, owner), "token": made.text})
            return
        say(made.text)
        ends = both(made.token.expires_at, work.now, work.zone)
        tell(f"Token {made.token.id} of {owner.name}, shown this once. It ends: {ends}.")


@app.command(cls=Command)
def revoke(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The number of the token.", min=1)],
    *,
    as_json: Json = False,
) -> None:
    """Revoke a token: it opens nothing from then on.

    Example:
      horarium token revoke 7
    """
    with workplace(context) as work:
        revoked = _tokens(work).revoke_any(number, actor=work.actor)
        if as_json:
            say_json({"id": revoked.id, "name": revoked.name})
        else:
            say(f"Revoked token {revoked.id}, {revoked.name!r}.")


def _tokens(work: Workplace) -> Tokens:
    return Tokens(work.store, work.clock, endless_ok=work.config.endless_tokens)


def _person(work: Workplace, name: str) -> User:
    found = People(work.store, work.clock).find(name)
    if found is None:
        raise NotFound(f"there is no user {name!r}")
    return found


def _row(work: Workplace, each: Token, owner: User) -> tuple[str, ...]:
    def when(at: datetime | None) -> str:
        return both(at, work.now, work.zone)

    used = f"{when(each.last_used_at)}, {each.last_address}".rstrip(", ")
    return (str(each.id), owner.name, each.name, each.hint, ", ".join(each.scopes), used, when(each.expires_at))
