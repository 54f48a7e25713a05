"""`horarium mail`: try the mail server, and look after letters."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Final

import typer

from horarium.accounts.names import checked_email
from horarium.cli.asking import Command, Json, new_app
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_json
from horarium.cli.words import both
from horarium.cli.workplace import workplace
from horarium.errors import ConfigError, Conflict, NotFound
from horarium.notify.drawing import Stamp
from horarium.notify.mail_server import mailer_of
from horarium.notify.office import drawing_of
from horarium.notify.words import Words
from horarium.store.books.mail import Letter, OutboxBook, SentBook

app = new_app("Try the mail server, and look after letters.")

_TEST: Final = Words(
    subject="A letter to try the way",
    title="Mail works",
    lead="This letter was sent by hand to try the mail server. There is nothing to do.",
    foot="You get this because somebody at the command line of the server entered your address.",
)


@app.callback()
def mail() -> None:
    """Try the mail server, and look after letters."""


@app.command("test", cls=Command)
def try_server(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where to send a letter.")],
    *,
    as_json: Json = False,
) -> None:
    """Send a letter right now, past the outbox, and say what the mail server answered.

    Example:
      horarium mail test ana@example.org
    """
    with workplace(context) as work:
        config = work.config
        mailer = mailer_of(config)
        if mailer is None:
            why = "SMTP_HOST is not set" if config.smtp_enabled else "SMTP_ENABLED is off"
            raise ConfigError(f"no mail is sent: {why}")
        stamp = Stamp(message_id=secrets.token_hex(16), at=work.now)
        drawn = drawing_of(config).put(_TEST, to=checked_email(address), stamp=stamp, team=config.team_name)
        with mailer.line() as line:
            line.send(drawn.message, to=drawn.to, sender=drawn.sender)
        if as_json:
            say_json({"sent_to": drawn.to, "host": config.smtp_host, "security": config.smtp_security})
        else:
            say(f"{config.smtp_host} took the letter to {drawn.to} ({_way(config.smtp_security)}).")


@app.command("list", cls=Command)
def list_letters(
    context: typer.Context,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many, newest first.")] = 20,
    *,
    as_json: Json = False,
) -> None:
    """List letters, newest first: which wait, which went out, and why some were given up.

    Example:
      horarium mail list -n 100
    """
    with workplace(context) as work:
        with work.store.reading() as tx:
            found = OutboxBook(tx).newest(most=count)
        if as_json:
            say_json([_shape(letter) for letter in found])
            return
        if not found:
            say("No letters.")
            return
        rows = [
            (
                str(letter.id),
                both(letter.created_at, work.now, work.zone),
                letter.kind,
                letter.address or "(not known yet)",
                _state(letter),
                str(letter.tries),
                letter.last_error,
            )
            for letter in found
        ]
        say_table(("#", "written", "kind", "to", "state", "tries", "last answer"), rows)


@app.command(cls=Command)
def resend(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="LETTER", help="The number of the letter.", min=1)],
    *,
    as_json: Json = False,
) -> None:
    """Let a letter that was given up, or that waits, be tried again at once, for another day.

    Example:
      horarium mail resend 12
    """
    with workplace(context) as work:
        with work.store.transaction() as tx:
            letter = SentBook(tx).get(number)
            if letter is None:
                raise NotFound(f"there is no letter {number}")
            if not SentBook(tx).again(number, work.now):
                raise Conflict(f"letter {number} went out already")
        if as_json:
            say_json({"id": number, "state": "waiting"})
        else:
            say(f"Letter {number} goes out as soon as the server runs.")


def _way(security: str) -> str:
    return "not encrypted" if security == "none" else "encrypted"


def _state(letter: Letter) -> str:
    if letter.sent_at is not None:
        return "sent"
    return "waiting" if letter.given_up_at is None else "given up"


def _shape(letter: Letter) -> dict[str, Any]:
    instants = {"created_at": letter.created_at, "not_before": letter.not_before, "sent_at": letter.sent_at}
    return {
        "id": letter.id,
        "kind": letter.kind,
        "address": letter.address,
        "state": _state(letter),
        "tries": letter.tries,
        "last_error": letter.last_error,
        "message_id": letter.message_id,
        **{name: None if at is None else at.isoformat() for name, at in instants.items()},
    }
