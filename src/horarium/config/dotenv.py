"""Read and write the small language of `.env` files: `NAME=value`, quotes, comments; nothing is ever expanded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$', re.DOTALL)
_SINGLE = re.compile(r"'([^']*)'\s*(?:#.*)?$", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Assignment:
    """One line that gives a variable a value; `line` is its number, from 1."""

    line: int
    name: str
    value: str = field(repr=False)


@dataclass(slots=True)
class Dotenv:
    """What a file says: `values` by name, and for each line that means nothing its number in `bad_lines`.

    `assignments` are the lines that say it, in their order.
    """

    values: dict[str, str] = field(default_factory=dict)
    bad_lines: list[int] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)


def parse_dotenv(text: str) -> Dotenv:
    """Read the text of a `.env` file; the last of two lines with one name counts."""
    found = Dotenv()
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        matched = _LINE.fullmatch(line)
        value = _unquoted(matched[2]) if matched else None
        if matched is None or value is None:
            found.bad_lines.append(number)
        else:
            found.values[matched[1]] = value
            found.assignments.append(Assignment(number, matched[1], value))
    return found


def dotenv_line(name: str, value: str) -> str:
    """Write one line that `parse_dotenv` reads back as it was."""
    if re.fullmatch(r"[A-Za-z0-9_.:/@%+=,-]*", value):
        return f"{name}={value}\n"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'{name}="{escaped}"\n'


def _unquoted(raw: str) -> str | None:
    """Take quotes and a trailing comment away; None when a quote is not closed."""
    if raw.startswith('"'):
        found = _DOUBLE.fullmatch(raw)
        return re.sub(r"\\(.)", lambda each: _ESCAPES.get(each[1], each[1]), found[1]) if found else None
    if raw.startswith("'"):
        found = _SINGLE.fullmatch(raw)
        return found[1] if found else None
    return re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].rstrip()
