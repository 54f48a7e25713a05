"""Find a short name for a command line: its main program and what it is told."""

from __future__ import annotations

import re
from typing import Final

NAME_LENGTH: Final = 60

_PREFIXES: Final = frozenset(
    {"if", "then", "else", "do", "!", "exec", "nice", "ionice", "chronic", "nohup", "env", "sudo", "time", "{", "("}
)
_GUARDS: Final = frozenset(
    {
        "",
        "[",
        "[[",
        "test",
        "cd",
        "command",
        "true",
        ":",
        ".",
        "source",
        "sleep",
        "export",
        "umask",
        "exit",
        "elif",
        "fi",
    }
)
_ENDS: Final = frozenset({"done", "while", "for", "}", ")", "set", "which", "type"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_QUOTED: Final = r"""'[^']*'|"[^"]*"|`[^`]*`"""
_TOKEN = re.compile(rf"(?P<word>(?:{_QUOTED}|\$\((?:{_QUOTED}|[^()'\"])*\)|>&|[^\s;|&()])+)|(?P<end>[\n;|&()])")
_QUOTE = re.compile("['\"`]")
_REDIRECTION = re.compile(r"\d*(?:>>?|<)(?:&\d|&-)?|&>")


def name_of(command: str) -> str:
    """Return a name for `command`, at most `NAME_LENGTH` characters; empty when no part of it looks like a program."""
    for part in _parts(command):
        name = _named(part)
        if name:
            return name
    return ""


def _named(words: list[str]) -> str:
    while words and (words[0] in _PREFIXES or _ASSIGNMENT.match(words[0]) or _is_prefix_option(words[0])):
        words = words[1:]
    if not words or words[0] in _GUARDS | _ENDS or any(word.startswith("sleep ") for word in words):
        return ""
    program = words[0].rstrip("/").rpartition("/")[2]
    told: list[str] = []
    skip = False
    for word in words[1:]:
        redirection = _REDIRECTION.match(word)
        if skip or redirection:
            # A redirection may stand apart from its target.
            skip = bool(redirection and redirection.end() == len(word) and "&" not in word)
            continue
        told.append(word)
    return _cut([program, *told])


def _is_prefix_option(word: str) -> bool:
    # What is left of `nice -n10` or `ionice -c 3` before the program itself.
    return word.startswith("-") or word.isdigit()


def _cut(words: list[str]) -> str:
    name = ""
    for word in words:
        longer = f"{name} {word}".strip()
        if len(longer) > NAME_LENGTH:
            break
        name = longer
    return name or words[0][:NAME_LENGTH]


def _parts(command: str) -> list[list[str]]:
    """Split at everything that ends a simple command outside quotes and substitutions; each part as its words."""
    parts: list[list[str]] = [[]]
    for found in _TOKEN.finditer(command):
        if found["word"]:
            parts[-1].append(_QUOTE.sub("", found["word"]))
        elif found["end"]:
            parts.append([])
    return [part for part in parts if part]
