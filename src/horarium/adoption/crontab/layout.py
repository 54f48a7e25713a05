"""Tell whether the lines of a crontab name an account, as those of the system do and those of a person do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

_COLUMNS = re.compile(r"[ \t]*(?:@[a-z]+|(?:[^\s#@=-]\S*[ \t]+){4}\S+)[ \t]+(\S+)(?:[ \t]+(\S.*))?")
_USUAL: Final = frozenset(
    {
        "root",
        "www-data",
        "nobody",
        "daemon",
        "postgres",
        "mysql",
        "munin",
        "amavis",
        "logcheck",
        "debian-spamd",
        "nagios",
    }
)
_ALSO_PROGRAMS: Final = frozenset(
    {"mail", "man", "sync", "backup", "news", "list", "proxy", "games", "irc", "bin", "sys"}
)
_SHELL_WORDS: Final = frozenset({"if", "[", "test", "{", "(", "cd", "for", "while"})


@dataclass(frozen=True, slots=True)
class Layout:
    """Whether lines name an account, and, where that was a guess, the sentence that says so."""

    has_users: bool
    doubt: str = ""


def is_system_path(path: PurePath) -> bool:
    """Tell whether cron reads the file at `path` as one with an account column."""
    return path == PurePath("/etc/crontab") or path.parent.name == "cron.d"


def recognise(text: str, *, is_account: Callable[[str], bool]) -> Layout:
    """Guess from the sixth word of each line; `is_account` tells whether the machine has an account of that name."""
    words = _sixth_words(text)
    if not words:
        return Layout(has_users=False)
    certain = [word for word, after in words if _is_certain(word, after, is_account)]
    possible = [word for word, _ in words if word in certain or word in _ALSO_PROGRAMS]
    if certain and len(possible) == len(words):
        return Layout(
            has_users=True,
            doubt=f"the word after each schedule is an account ({_list(certain)}), so it is read as one:"
            " say --user if it belongs to the command",
        )
    if possible:
        return Layout(
            has_users=False,
            doubt=f"{_list(possible)} after a schedule could be an account and is read as part of the command:"
            " say --system if it is one",
        )
    return Layout(has_users=False)


def _is_certain(word: str, after: str, is_account: Callable[[str], bool]) -> bool:
    if word in _ALSO_PROGRAMS:
        # No program is told `if` or `[`: these begin a command of their own.
        return after in _SHELL_WORDS
    return word in _USUAL or is_account(word)


def _sixth_words(text: str) -> list[tuple[str, str]]:
    """Return the sixth and the seventh word of each line; the sixth is empty when nothing follows: it is a command."""
    found = []
    for line in text.splitlines():
        matched = _COLUMNS.fullmatch(line)
        if matched:
            found.append((matched[1], matched[2].split()[0]) if matched[2] else ("", ""))
    return found


def _list(words: list[str]) -> str:
    return ", ".join(sorted(set(words))[:5])
