"""A `.env` file to the byte: order, comments, line ends and rights stay, whatever is done with single lines."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from horarium.adoption.single_user.files import Belongings, read_file, real_path
from horarium.config.dotenv import Assignment, Dotenv, dotenv_line, parse_dotenv
from horarium.errors import InvalidValue

LIMIT: Final = 1 << 20
_BOM: Final = "\ufeff"


@dataclass(frozen=True)
class EnvFile:
    """A file of variables as it stands: which file it really is, its bytes, and what belongs to it."""

    path: Path
    content: bytes = field(repr=False)
    belongings: Belongings

    @classmethod
    def read(cls, path: Path, what: str = "--env") -> Self:
        """Read a file. Raises `NotFound`, `InvalidValue` for what is no text or not understood, `Conflict`."""
        found = real_path(path, what)
        made = cls(found, read_file(found, limit=LIMIT), Belongings.of(found))
        made.refuse_unfit(what)
        return made

    def refuse_unfit(self, what: str) -> None:
        """Refuse what is no text, and lines that mean nothing. Raises `InvalidValue`."""
        try:
            text = self.content.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidValue(what, str(self.path), "it must be UTF-8 text") from None
        if "\0" in text:
            raise InvalidValue(what, str(self.path), "it must be text, and it contains NUL bytes")
        if self._parsed.bad_lines:
            lines = ", ".join(map(str, self._parsed.bad_lines[:10]))
            one = "line" if len(self._parsed.bad_lines) == 1 else "lines"
            allowed = f"{one} {lines}: write NAME=value, and close each quote"
            raise InvalidValue(what, str(self.path), allowed)

    @property
    def sha256(self) -> str:
        """Return the checksum of the content."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def values(self) -> Mapping[str, str]:
        """Return the value of each variable; of two lines with one name the last counts."""
        return self._parsed.values

    @property
    def assignments(self) -> list[Assignment]:
        """Return the lines that give a variable a value."""
        return self._parsed.assignments

    def lines_of(self, name: str) -> tuple[int, ...]:
        """Return the numbers of the lines that give a variable a value, of longer values the first."""
        return tuple(each.line for each in self.assignments if each.name == name)

    def differing(self) -> list[str]:
        """Return the variables that several lines give different values."""
        found: dict[str, set[str]] = {}
        for each in self.assignments:
            found.setdefault(each.name, set()).add(each.value)
        return [name for name, values in found.items() if len(values) > 1]

    def commented(self, names: Collection[str]) -> Self:
        """Return the file with the lines of these variables made comments."""
        wanted = {number for each in self.assignments if each.name in names for number in each.lines}
        return self._with({number: f"# {line}" for number, line in self._lines.items() if number in wanted})

    def emptied(self, names: Collection[str], of: Self) -> Self:
        """Return the file with the values taken out of the comments that `commented` made of lines of file `of`."""
        olds = [
            (each.name, [f"# {of._lines[number]}".rstrip() for number in each.lines])
            for each in of.assignments
            if each.name in names
        ]
        bare = [line.rstrip() for line in self._lines.values()]
        gone: dict[int, str] = {}
        for at in range(len(bare)):
            for name, old in olds:
                if bare[at : at + len(old)] == old:
                    # Of a value of several lines only the first keeps anything.
                    gone |= {at + 1: f"# {name}=", **dict.fromkeys(range(at + 2, at + 1 + len(old)), "#")}
        return self._with({number: f"{text}{self._end_of(self._lines[number])}" for number, text in gone.items()})

    def with_line(self, name: str, value: str) -> Self:
        """Return the file with one more line at its end."""
        text = self._text
        end = self._end_of(next(iter(self._lines.values()), "")) or "\n"
        if text and not self._end_of(text):
            text += end
        text += dotenv_line(name, value).removesuffix("\n") + end
        return replace(self, content=text.encode("utf-8"))

    def shut(self) -> Self:
        """Return the file with the rights of other accounts taken away."""
        of = self.belongings
        return replace(self, belongings=replace(of, mode=of.mode & 0o700, changed_ns=-1))

    @cached_property
    def _text(self) -> str:
        return self.content.decode("utf-8")

    @cached_property
    def _parsed(self) -> Dotenv:
        return parse_dotenv(self._text)

    @cached_property
    def _lines(self) -> dict[int, str]:
        return dict(enumerate(self._text.removeprefix(_BOM).splitlines(keepends=True), start=1))

    def _with(self, changed: Mapping[int, str]) -> Self:
        mark = _BOM if self._text.startswith(_BOM) else ""
        text = mark + "".join(changed.get(number, line) for number, line in self._lines.items())
        return replace(self, content=text.encode("utf-8"))

    @staticmethod
    def _end_of(line: str) -> str:
        return line[len(line.rstrip("\r\n")) :]
