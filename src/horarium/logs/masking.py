"""Hide secrets in text, in every form in which they are likely to stand there, also in part.

This is best effort: a program that wants to show a secret can always say it in a way that nobody foresaw.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

SHORTEST: Final = 8
"""Values with fewer characters cannot be masked: they stand in ordinary text by chance."""
PIECE: Final = 16
"""From so many characters on a part of a longer value is hidden as well."""
ENCODED_LIMIT: Final = 16 * 1024
"""So many characters of a value are looked for in encoded forms; as it is, it is looked for whole."""

# A piece of PIECE characters holds a whole gram at one of any STRIDE neighbouring places, a short form a whole core.
_GRAM: Final = 8
_STRIDE: Final = PIECE - _GRAM + 1
_CORE: Final = 4
_CORE_STRIDE: Final = SHORTEST - _CORE + 1
_SHORT_LINE: Final = re.compile(rf"^[ \t]*(\S[^\n]{{{SHORTEST - 2},{PIECE - 3}}}\S)[ \t\r]*$", re.MULTILINE)

_PLAIN: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"
# What stays as it is in an address: of nothing, of a path, of a form as browsers see it, of a whole address.
_KEPT: Final = tuple(frozenset((_PLAIN + more).encode()) for more in ("", "/", "!*'()", "!*'();,/?:@&=+$#"))
_HTML: Final = (
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"},
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"},
)


class _Span(NamedTuple):
    """A stretch of text to hide, and the name of the credential that it comes from."""

    begin: int
    end: int
    name: str


class Masker:
    """Hide the values that it was given: as they are, encoded, line by line, and pieces of them.

    Text is looked at once, whatever the number of values. Threads may ask while another one adds.
    """

    def __init__(self) -> None:
        self._grams: dict[str, str] = {}
        self._shorts: dict[str, str] = {}
        self._cores: set[str] = set()
        self._sizes: tuple[int, ...] = ()
        self.reach = 0
        """The length of the longest form: so far apart the ends of something to hide may be."""

    def add(self, name: str, values: Iterable[str]) -> None:
        """Hide these values from now on, under the name of their credential."""
        for value in values:
            for form in forms_of(value):
                self._add(name, form)

    def text(self, text: str) -> str:
        """Return the text with every value, encoded value and piece of one replaced by a mark."""
        return _replaced(text, self._spans(text))

    def cut(self, text: str) -> tuple[str, str]:
        """Cut a line that has not ended where nothing to hide is torn apart: the masked head, the tail as it is."""
        spans = self._spans(text)
        at = max(len(text) - self.reach, 0)
        for span in spans:
            if span.begin < at < span.end:
                at = span.end
        return _replaced(text[:at], [span for span in spans if span.end <= at]), text[at:]

    def json(self, text: str) -> str:
        """Return JSON text with the values hidden inside of it, so that it stays JSON."""
        shown = text
        try:
            value = json.loads(text)
            safe = self._inside(value)
            if safe != value:
                shown = json.dumps(safe, ensure_ascii=False)
        except RecursionError:
            pass
        # What goes over the borders of texts, a number for example, can only be hidden with what is around it.
        flat = self.text(shown)
        return shown if flat == shown else json.dumps(flat, ensure_ascii=False)

    def _add(self, name: str, form: str) -> None:
        self.reach = max(self.reach, len(form))
        if len(form) >= PIECE:
            for begin in range(len(form) - _GRAM + 1):
                self._grams.setdefault(form[begin : begin + _GRAM], name)
        else:
            self._shorts.setdefault(form, name)
            self._cores.update(form[begin : begin + _CORE] for begin in range(len(form) - _CORE + 1))
            self._sizes = tuple(sorted({*self._sizes, len(form)}))

    def _spans(self, text: str) -> list[_Span]:
        """Return what is to be hidden, in order, stretches that touch made one."""
        found = sorted([*self._pieces(text), *self._short_lines(text), *self._short_forms(text)])
        joined: list[_Span] = []
        for span in found:
            if joined and span.begin <= joined[-1].end:
                last = joined[-1]
                joined[-1] = _Span(last.begin, max(last.end, span.end), last.name)
            else:
                joined.append(span)
        return joined

    def _pieces(self, text: str) -> Iterator[_Span]:
        """Find long forms and pieces of them: places where gram follows on gram for long enough."""
        grams = self._grams
        begins = range(0, len(text) - _GRAM + 1, _STRIDE) if grams else ()
        done = 0
        for at in [at for at in begins if text[at : at + _GRAM] in grams]:
            if at < done:
                continue
            begin = last = at
            while begin and text[begin - 1 : begin - 1 + _GRAM] in grams:
                begin -= 1
            while text[last + 1 : last + 1 + _GRAM] in grams:
                last += 1
            done = last + 1
            if last + _GRAM - begin >= PIECE:
                yield _Span(begin, last + _GRAM, grams[text[at : at + _GRAM]])

    def _short_lines(self, text: str) -> Iterator[_Span]:
        """Find lines that are nothing but a piece: what is left when an encoded value is wrapped at some width."""
        grams = self._grams
        for found in _SHORT_LINE.finditer(text) if grams else ():
            line = found[1]
            if all(line[at : at + _GRAM] in grams for at in range(len(line) - _GRAM + 1)):
                yield _Span(*found.span(1), grams[line[:_GRAM]])

    def _short_forms(self, text: str) -> Iterator[_Span]:
        """Find forms too short to have pieces."""
        cores, shorts = self._cores, self._shorts
        begins = range(0, len(text) - _CORE + 1, _CORE_STRIDE) if cores else ()
        for at in [at for at in begins if text[at : at + _CORE] in cores]:
            for size in self._sizes:
                for begin in range(max(at + _CORE - size, 0), at + 1):
                    name = shorts.get(text[begin : begin + size])
                    if name is not None:
                        yield _Span(begin, begin + size, name)

    def _inside(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._inside(each) for each in value]
        if isinstance(value, dict):
            return {self.text(key): self._inside(each) for key, each in value.items()}
        return value


def mark_of(name: str) -> str:
    """Return what stands in the place of something hidden."""
    return f"[masked: {name}]"


def forms_of(value: str) -> set[str]:
    """Return the texts in which a value may appear, itself first of all; none for a value that is too short."""
    value = value.strip()
    if len(value) < SHORTEST:
        return set()
    forms = {value, *_encoded(value[:ENCODED_LIMIT])}
    for line in map(str.strip, value.splitlines()):
        # A longer line is a piece of the value, whatever the form.
        if SHORTEST <= len(line) < PIECE:
            forms |= {line, *_encoded(line)}
    return {form for form in forms if len(form) >= SHORTEST}


def _encoded(value: str) -> Iterator[str]:
    data = value.encode("utf-8", "surrogatepass")
    yield from _escaped(value, data)
    yield from _in_addresses(data)
    yield from _in_base64(data)
    yield data.hex()
    yield data.hex().upper()


def _escaped(value: str, data: bytes) -> Iterator[str]:
    """Return how JSON, Python, shells and HTML write it."""
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        inner = text[1:-1]
        yield inner
        yield inner.replace("/", "\\/")
        yield json.dumps(inner)[1:-1]
    yield from (repr(value)[1:-1], ascii(value)[1:-1], repr(data)[2:-1])
    for quote in (r"'\''", """'"'"'""", r"\'"):
        yield value.replace("'", quote)
    yield re.sub(r'(["$`\\])', r"\\\1", value)
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)
    for table in _HTML:
        yield "".join(table.get(sign, sign) for sign in value)


def _in_addresses(data: bytes) -> Iterator[str]:
    """Return how it stands in an address or a form, with figures in both cases and blanks in both ways."""
    for kept in _KEPT:
        for pattern in ("%{:02X}", "%{:02x}"):
            text = "".join(chr(byte) if byte in kept else pattern.format(byte) for byte in data)
            yield text
            yield text.replace("%20", "+")


def _in_base64(data: bytes) -> Iterator[str]:
    """Return what of it does not depend on its neighbours when it stands in base64 at one of three places."""
    forms = [b64encode(data).decode()]
    for before, skip in ((0, 0), (1, 2), (2, 3)):
        text = b64encode(bytes(before) + data).decode()
        forms.append(text[skip : (before + len(data)) * 8 // 6])
    for form in forms:
        yield form
        yield form.replace("+", "-").replace("/", "_")


def _replaced(text: str, spans: Iterable[_Span]) -> str:
    parts: list[str] = []
    done = 0
    for begin, end, name in spans:
        parts += (text[done:begin], mark_of(name))
        done = end
    return "".join((*parts, text[done:])) if done else text
