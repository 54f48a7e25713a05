"""The `horarium` program: its commands are loaded when they are called, its errors are one sentence."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, MutableMapping, Sequence
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from horarium._version import __version__
from horarium.cli.exits import ExitCode, exit_code_of
from horarium.cli.surroundings import Invocation
from horarium.cli.terminal import say, tell
from horarium.clock import Clock
from horarium.errors import HorariumError

PROGRAM: Final = "horarium"
PRIVATE_UMASK: Final = 0o077

HOMES: Final = {
    "init": "horarium.cli.init",
    "serve": "horarium.cli.serve",
    "task": "horarium.cli.task",
    "run": "horarium.cli.run",
    "report": "horarium.cli.report",
    "cron": "horarium.cli.cron",
    "import": "horarium.cli.adopt",
    "adopt": "horarium.cli.single_user",
    "user": "horarium.cli.user",
    "mail": "horarium.cli.mail",
    "project": "horarium.cli.project",
    "settings": "horarium.cli.settings",
    "token": "horarium.cli.token",
    "vault": "horarium.cli.vault",
    "channel": "horarium.cli.channel",
    "rule": "horarium.cli.rule",
    "notice": "horarium.cli.notice",
    "audit": "horarium.cli.audit",
    "backup": "horarium.cli.backup",
    "db": "horarium.cli.db",
    "doctor": "horarium.cli.doctor",
    "status": "horarium.cli.status",
    "watch": "horarium.cli.watch",
}
"""Each command and the module whose `app` it is."""


class _Shelf(MutableMapping[str, Any]):
    """The commands by name; a module is imported when its command is taken from the shelf."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            command = get_command(import_module(HOMES[name]).app)
            command.name = name
            self._loaded[name] = command
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(HOMES)

    def __len__(self) -> int:
        return len(HOMES)


class _Commands(TyperGroup):
    """The top level of the program."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Shelf()

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is Typer's
        """Return the commands in the order of their use, not of the alphabet."""
        return list(HOMES)


app = typer.Typer(
    cls=_Commands,
    name=PROGRAM,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"{PROGRAM} {__version__}")
        raise typer.Exit(ExitCode.OK)


@app.callback()
def program(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show where a fault happened, for a report.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Run a team's recurring work.

    Settings come from the environment and a .env file; `horarium COMMAND --help` explains each command.
    """
    invocation = context.find_object(Invocation)
    if invocation is not None:
        invocation.debug = debug


def run(arguments: Sequence[str] | None = None, *, clock: Clock | None = None) -> int:
    """Run the program with `arguments` (default: of this process); return its exit code. Never raises."""
    invocation = Invocation(clock=clock)
    try:
        os.umask(PRIVATE_UMASK)
        given = list(sys.argv[1:] if arguments is None else arguments)
        ended = get_command(app).main(args=given, prog_name=PROGRAM, standalone_mode=False, obj=invocation)
        sys.stdout.flush()
    # A traceback is no answer to a person: whatever happens becomes a sentence and a number.
    except BaseException as error:  # noqa: BLE001
        return _explain(error, debug=invocation.debug)
    return int(ended) if isinstance(ended, int) else ExitCode.OK


def _explain(error: BaseException, *, debug: bool) -> int:
    """Say on standard error what stopped a command; return the exit code."""
    if isinstance(error, BrokenPipeError | SystemExit):
        # Whoever read us has gone; the interpreter must not stumble over it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    if debug:
        traceback.print_exception(error)
    if isinstance(error, HorariumError):
        _complain(str(error))
        return exit_code_of(error)
    if hasattr(error, "format_message"):
        return _explain_usage(error)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        _complain("stopped")
        return ExitCode.INTERRUPTED
    _complain(_fault(error))
    return ExitCode.FAILED


def _fault(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"the system refused: {error.strerror}" + (f" ({error.filename})" if error.filename else "")
    return f"something went wrong that should not have ({type(error).__name__}); `horarium --debug …` shows where"


def _explain_usage(error: Any) -> int:
    """Say what is wrong with the command line; a group that was called alone shows its help instead."""
    text = str(error.format_message())
    if "\n" in text:
        for line in text.splitlines():
            tell(line)
        return ExitCode.USAGE
    context = getattr(error, "ctx", None)
    _complain(f"{text.rstrip('.')} (see `{context.command_path if context else PROGRAM} --help`)")
    return ExitCode.USAGE


def _complain(text: str) -> None:
    for line in text.splitlines():
        tell(f"{PROGRAM}: {line}")
