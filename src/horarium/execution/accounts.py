"""Which account of the operating system a task's processes run as, and the environment they start with."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass

from horarium.errors import Denied

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ")


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the operating system knows it."""

    name: str
    uid: int
    gid: int
    home: str

    @property
    def identity(self) -> tuple[int, int, list[int]]:
        """Return user, group and all groups, as they are set for a process."""
        return self.uid, self.gid, os.getgrouplist(self.name, self.gid)


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """What the host says about accounts: who tasks run as when we are root, and whether that may be root itself."""

    allow_root: bool = False
    task_user: str | None = None

    def account_for(self, wanted: str | None = None) -> Account | None:
        """Return the account to change to, None for our own, raising `Denied` where the host does not permit it."""
        if os.geteuid() != 0:
            own = own_account()
            if wanted is not None and wanted != own.name:
                raise Denied(f"the account {wanted!r} can be used only when Horarium runs as root, it is {own.name!r}")
            return None
        name = wanted or self.task_user
        account = None if name is None else _account(name)
        if (account is None or account.uid == 0) and not self.allow_root:
            raise Denied(
                "commands and isolated processes do not run as root: set HORARIUM_TASK_USER to an account of this "
                "machine, or allow it with HORARIUM_ALLOW_ROOT_TASKS"
            )
        return account


def own_account() -> Account:
    """Return the account of this process; one without an entry gets its number as a name."""
    uid = os.geteuid()
    try:
        return _from_entry(pwd.getpwuid(uid))
    except KeyError:
        return Account(str(uid), uid, os.getegid(), "/")


def base_environment(account: Account | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the fixed small environment: of ours only the path, the language and the time zone are handed on."""
    account = account or own_account()
    kept = {name: environ[name] for name in _KEPT if name in environ}
    return {
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        **kept,
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        "SHELL": "/bin/sh",
    }


def _account(name: str) -> Account:
    try:
        return _from_entry(pwd.getpwnam(name))
    except KeyError:
        raise Denied(f"there is no account {name!r} on this machine") from None


def _from_entry(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)
