"""A new password: typed twice, or read from standard input; never from the command line (R63)."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated, Final

import typer

from horarium.errors import InvalidValue

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, up to the line's end.")
]
_MOST_BYTES: Final = 4096


def new_password(*, from_stdin: bool) -> str:
    """Return a password. Raises `InvalidValue`, and `BadParameter` where there is nobody to ask."""
    return _from_stdin() if from_stdin else _asked_for()


def _from_stdin() -> str:
    line = sys.stdin.buffer.read(_MOST_BYTES + 1)
    try:
        password = line.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidValue("password", "(not shown)", "it must be UTF-8 text") from None
    # Only the end of the line that a file or `echo` adds is not part of it.
    return password.removesuffix("\n").removesuffix("\r")


def _asked_for() -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on: use --password-stdin")
    first = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != first:
        raise InvalidValue("password", "(not shown)", "the two were not the same")
    return first
