"""Enter the `horarium` program: a Ctrl-C while it is still loading ends it without a traceback."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from importlib import import_module
from typing import Final

_PROGRAM: Final = "horarium.cli.main"


def enter(arguments: Sequence[str] | None = None) -> int:
    """Load the program and run it with `arguments` (default: of this process); return its exit code.

    Python answers Ctrl-C with an exception, and loading takes a good part of a second in which nobody could catch it
    in any sensible place. Until somebody can, the signal does what it does to other programs.
    """
    found = signal.getsignal(signal.SIGINT)
    if found is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    run = import_module(_PROGRAM).run
    if found is signal.default_int_handler:
        signal.signal(signal.SIGINT, found)
    return int(run(arguments))
