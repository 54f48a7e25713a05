"""Print tables, cut to the width of the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from horarium.logs.harmless import harmless

# Into a file or a pipe nothing is cut.
_WIDE = 10_000


def say_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, cut to the width of the terminal."""
    console = Console(
        file=sys.stdout,
        width=None if sys.stdout.isatty() else _WIDE,
        # No styles: then whatever steers the terminal was written by others, and there is nothing of that either.
        color_system=None,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="ellipsis", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))
    console.print(table)
