"""Ask the machine about its accounts."""

from __future__ import annotations

import os
import pwd


class MachineAccounts:
    """The accounts of this machine."""

    @property
    def present(self) -> str:
        """Return the name of the account that is at work now; its number where it has no name."""
        number = os.geteuid()
        try:
            return pwd.getpwuid(number).pw_name
        except KeyError:
            return str(number)

    def home_of(self, name: str) -> str | None:
        """Return the home folder of an account, None when there is no such account."""
        try:
            return pwd.getpwnam(name).pw_dir
        except (KeyError, ValueError):
            return None

    def knows(self, name: str) -> bool:
        """Tell whether there is an account of that name."""
        return self.home_of(name) is not None
