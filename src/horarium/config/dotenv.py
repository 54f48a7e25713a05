"""Read and write the small language of `.env` files: `NAME=value`, quotes, comments; nothing is ever expanded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$", re.DOTALL)
_QUOTED = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'([^']*)'", re.DOTALL),
}
_BEHIND = re.compile(r"\s*(?:#.*)?")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Assignment:
    """What gives a variable a value: the number of the `line` it stands on, from 1, and of the `last` one."""

    line: int
    name: str
    value: str = field(repr=False)
    last: int = 0

    @property
    def lines(self) -> range:
        """Return the numbers of all lines on which it stands."""
        return range(self.line, max(self.line, self.last) + 1)


@dataclass(slots=True)
class Dotenv:
    """What a file says: `values` by name, and for each line that means nothing its number in `bad_lines`.

    `assignments` are the lines that say it, in their order.
    """

    values: dict[str, str] = field(default_factory=dict)
    bad_lines: list[int] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)


def parse_dotenv(text: str) -> Dotenv:
    """Read the text of a `.env` file; the last of two lines with one name counts.

    A value in quotes goes on over the ends of lines, up to the quote that closes it.
    """
    found = Dotenv()
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    number = 0
    while number < len(lines):
        line, number = lines[number], number + 1
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        matched = _LINE.fullmatch(line)
        read = _value(line[matched.start(2) :], lines, number) if matched else None
        if matched is None or read is None:
            # What comes after a quote that is never closed is looked at for itself.
            found.bad_lines.append(number)
            continue
        value, last = read
        found.values[matched[1]] = value
        found.assignments.append(Assignment(number, matched[1], value, last))
        number = last
    return found


def dotenv_line(name: str, value: str) -> str:
    """Write one line that `parse_dotenv` reads back as it was."""
    if re.fullmatch(r"[A-Za-z0-9_.:/@%+=,-]*", value):
        return f"{name}={value}\n"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'{name}="{escaped}"\n'


def _value(raw: str, lines: list[str], number: int) -> tuple[str, int] | None:
    """Return the value that begins on a line, and the number of the line on which it ends.

    None where a quote is not closed, or anything but a comment stands behind the one that closes it.
    """
    quote = raw[:1]
    if quote not in _QUOTED:
        return re.split(r"(?:^|\s)#", raw.rstrip(), maxsplit=1)[0].rstrip(), number
    whole = raw
    matched = _QUOTED[quote].match(whole)
    if matched is None:
        whole = "".join([raw, *lines[number:]])
        matched = _QUOTED[quote].match(whole)
    if matched is None:
        return None
    behind = (whole[matched.end() :].splitlines() or [""])[0]
    if not _BEHIND.fullmatch(behind):
        return None
    value = matched[1]
    last = number + len(matched[0].splitlines()) - 1
    if last > number:
        value = re.sub(r"\r\n?", "\n", value)
    if quote == '"':
        value = re.sub(r"\\(.)", lambda each: _ESCAPES.get(each[1], each[1]), value, flags=re.DOTALL)
    return value, last
