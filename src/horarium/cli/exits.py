"""The numbers that commands end with; scripts rely on them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from horarium.errors import HorariumError


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    """Done; what was acknowledged stays."""
    FAILED = 1
    """It did not work out: a followed run failed, a check found something, a line was not understood, or a fault."""
    USAGE = 2
    """The command line, or a value on it, is not understood."""
    NOT_FOUND = 3
    """There is no such task, run or file."""
    REFUSED = 4
    """The present state or the rights do not permit it."""
    STORE = 5
    """The database cannot be reached, is locked, or its disk is full: trying again later is right."""
    CONFIG = 6
    """A setting is missing, weak, not understood, or cannot be used here, for example a port that is taken."""
    UNFIT_STORE = 7
    """The database is damaged, of another program, or of another release."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""


_BY_ERROR: Final = {
    "invalid_value": ExitCode.USAGE,
    "not_found": ExitCode.NOT_FOUND,
    "conflict": ExitCode.REFUSED,
    "denied": ExitCode.REFUSED,
    "too_many_tries": ExitCode.REFUSED,
    "duplicate": ExitCode.REFUSED,
    "config": ExitCode.CONFIG,
    "vault_sealed": ExitCode.CONFIG,
    "store_foreign": ExitCode.UNFIT_STORE,
    "store_newer": ExitCode.UNFIT_STORE,
    "store_outdated": ExitCode.UNFIT_STORE,
    "store": ExitCode.STORE,
}


def exit_code_of(error: HorariumError) -> ExitCode:
    """Return the number that a command ends with when this error stops it."""
    codes = (vars(kind).get("code") for kind in type(error).__mro__)
    return next((_BY_ERROR[code] for code in codes if code in _BY_ERROR), ExitCode.FAILED)
