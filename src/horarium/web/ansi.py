"""Turn a line of a task's output into safe HTML: eight colours, bold and dim; everything else is dropped or escaped.

A line is text from outside. Nothing of it becomes markup except spans of our own fixed classes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal

from markupsafe import Markup, escape

Severity = Literal["", "warn", "bad"]

_ESCAPES: Final = re.compile(
    r"\x1b\[([0-9;:?<=>!]*)[ -/]*([@-~])"  # a control sequence; only those ending in m change the look
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # titles, links and other strings for the terminal
    r"|\x1b[ -/]*[0-~]?"  # the rest of what an escape can begin
    r"|\x9b[0-9;:?]*[@-~]",
    re.DOTALL,
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]")
_COLOURS: Final = ("a-dim", "a-red", "a-grn", "a-yel", "a-blue", "a-mag", "a-cyan", "")
_BAD: Final = re.compile(
    r"\b(?:ERROR|CRITICAL|FATAL|PANIC)\b|^Traceback \(most recent call last\)|^\w+(?:\.\w+)*Error\b"
)
_WARN: Final = re.compile(r"\b(?:WARN|WARNING)\b|\b\w+Warning:")


@dataclass(frozen=True, slots=True)
class _Look:
    """How the text is shown from here on."""

    colour: str = ""
    bold: bool = False
    dim: bool = False

    def classes(self) -> str:
        """Return the class names of this look, or nothing for plain text."""
        names = [self.colour, "a-bold" if self.bold else "", "a-dim" if self.dim and self.colour != "a-dim" else ""]
        return " ".join(name for name in names if name)


def visible(text: str) -> str:
    """Return what a terminal would show of a line: carriage returns go back, so a progress bar keeps its last state."""
    states = [state for state in text.rstrip("\r\n").split("\r") if state]
    return states[-1] if states else ""


def to_html(text: str) -> Markup:
    """Return one line of output as safe HTML."""
    line, look, at = visible(text), _Look(), 0
    pieces: list[Markup] = []
    for found in _ESCAPES.finditer(line):
        pieces.append(_span(line[at : found.start()], look))
        at = found.end()
        if found[2] == "m":
            look = _styled(look, found[1])
    pieces.append(_span(line[at:], look))
    return Markup("").join(pieces)


def to_text(text: str) -> str:
    """Return one line of output without colours and control characters."""
    return _CONTROLS.sub("", _ESCAPES.sub("", visible(text)))


def severity(text: str) -> Severity:
    """Tell from its words whether a line reports an error or a warning."""
    plain = to_text(text)
    if _BAD.search(plain):
        return "bad"
    return "warn" if _WARN.search(plain) else ""


class SeverityReader:
    """Read the severities of consecutive lines: what a traceback indents, and its last line, belong to it."""

    def __init__(self) -> None:
        """Begin before the first line."""
        self._in_traceback = False

    def read(self, text: str) -> Severity:
        """Return the severity of the next line."""
        plain = to_text(text)
        if self._in_traceback:
            self._in_traceback = plain[:1].isspace()
            return "bad"
        self._in_traceback = plain.startswith("Traceback (most recent call last)")
        return severity(text)


def _span(text: str, look: _Look) -> Markup:
    """Return a piece of text in its look, escaped, without control characters."""
    clean = _CONTROLS.sub("", text)
    classes = look.classes()
    return Markup('<span class="{}">{}</span>').format(classes, clean) if clean and classes else escape(clean)


def _styled(look: _Look, codes: str) -> _Look:
    """Return the look after the codes of one sequence; unknown codes change nothing."""
    numbers = [int(code) if code.isascii() and code.isdigit() and len(code) < 4 else -1 for code in codes.split(";")]
    if codes == "":
        numbers = [0]
    while numbers:
        number = numbers.pop(0)
        if number in {38, 48}:  # a colour out of 256 or of 16 million: drop its parameters with it
            del numbers[: 2 if numbers[:1] == [5] else 4]
        else:
            look = _with_code(look, number)
    return look


def _with_code(look: _Look, number: int) -> _Look:
    """Return the look after one code."""
    if number == 0:
        return _Look()
    if number in {1, 2, 22}:
        return replace(look, bold=number == 1 or (look.bold and number == 2), dim=number == 2)
    if 30 <= number <= 37 or 90 <= number <= 97:
        return replace(look, colour=_COLOURS[number % 10])
    return replace(look, colour="") if number == 39 else look
