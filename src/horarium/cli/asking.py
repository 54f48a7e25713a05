"""What commands share: options, and the way their help looks."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Zone = Annotated[
    str | None, typer.Option("--timezone", "-z", metavar="ZONE", help="An IANA time zone, such as Europe/Berlin.")
]
TaskName = Annotated[str, typer.Argument(metavar="TASK", help="The name of the task, or # and its number.")]
RunNumber = Annotated[int, typer.Argument(metavar="RUN", help="The number of the run.", min=1)]


_EXAMPLES: Final = re.compile(r"^(?=Examples?:$)", re.MULTILINE)


class Command(TyperCommand):
    """A command whose help keeps the lines of its examples apart."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write the help; the mark that keeps a paragraph's lines is put in here and not in the text itself."""
        text, self.help = self.help, _EXAMPLES.sub("\b\n", self.help or "")
        try:
            super().format_help_text(ctx, formatter)
        finally:
            self.help = text


def new_app(help_text: str) -> typer.Typer:
    """Return an empty group of commands."""
    return typer.Typer(help=help_text, no_args_is_help=True, add_completion=False, rich_markup_mode=None)
