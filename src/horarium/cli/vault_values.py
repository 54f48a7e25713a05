"""The values of a credential on the command line: secrets come from a prompt, standard input or a file (R63)."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from horarium.errors import InvalidValue, NotFound
from horarium.vault.checking import VALUE_LIMIT
from horarium.vault.keypairs import with_new_key
from horarium.vault.kinds import FieldKind, Kind

_HIDDEN: Final = "(not shown)"
# Of a text in UTF-8, a character takes four bytes at most.
_MOST_BYTES: Final = 4 * VALUE_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options by which values are given; a secret is never one of them."""

    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="A value that is no secret; repeatable."),
    ] = None
    files: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="FIELD=PATH", help="Read a value from a file; repeatable."),
    ] = None
    stdin: Annotated[
        str | None,
        typer.Option("--stdin", metavar="FIELD", help="Read the value of this field from standard input."),
    ] = None
    ask: Annotated[
        list[str] | None,
        typer.Option("--ask", metavar="FIELD", help="Ask for this field too; needed ones are asked for. Repeatable."),
    ] = None
    make_key: Annotated[
        bool, typer.Option("--make-key", help="Make a new key, for the kind ssh_key; its public half is shown.")
    ] = False


def values_of(kind: Kind, given: Given, base: Mapping[str, str] | None = None, *, asks: bool = True) -> dict[str, str]:
    """Return all values that were given, and ask for the secrets that are missing, unless it `asks` for none.

    `base` are open values that stay where nothing else is said. Raises `InvalidValue`, `NotFound` for a file.
    """
    found = dict(base or {})
    for name, value in _pairs(given.values or (), "--set"):
        if _field(kind, name).secret:
            allowed = "it is a secret: leave it out to be asked for it, or use --file or --stdin"
            raise InvalidValue(name, _HIDDEN, allowed)
        found[name] = value
    for name, path in _pairs(given.files or (), "--file"):
        found[name] = _from_file(_field(kind, name), Path(path))
    if given.stdin is not None:
        found[given.stdin] = _tidy(_field(kind, given.stdin), sys.stdin.buffer.read(_MOST_BYTES + 1))
    for name in given.ask or ():
        if name not in found:
            found[name] = _asked_for(_field(kind, name))
    if given.make_key:
        found = with_new_key(kind.name, found)
    for name in (each.name for each in kind.fields if each.secret and each.required and asks):
        if name not in found:
            found[name] = _asked_for(_field(kind, name))
    return found


def text_of(path: Path) -> str:
    """Return the text of a file of variables. Raises `NotFound`, `InvalidValue`."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except IsADirectoryError:
        raise InvalidValue("FILE", str(path), "it is a folder") from None
    except UnicodeDecodeError:
        raise InvalidValue("FILE", str(path), "it must be UTF-8 text") from None


def _pairs(texts: Iterable[str], option: str) -> list[tuple[str, str]]:
    found = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidValue(option, _HIDDEN, "write the name of a field, =, and what belongs to it")
        found.append((name.strip(), value))
    return found


def _field(kind: Kind, name: str) -> FieldKind:
    found = kind.field(name)
    if found is None:
        names = ", ".join(each.name for each in kind.fields)
        raise InvalidValue("field", name, f"there are {names} for the kind {kind.name}")
    return found


def _from_file(field: FieldKind, path: Path) -> str:
    try:
        with path.open("rb") as file:
            return _tidy(field, file.read(_MOST_BYTES + 1))
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None


def _tidy(field: FieldKind, octets: bytes) -> str:
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidValue(field.name, _HIDDEN, "it must be UTF-8 text") from None
    # Only the end of the line that an editor or `echo` adds is not part of it; of a key, every line is.
    is_whole = field.lines or "\n" in text.rstrip("\r\n")
    return text if is_whole else text.removesuffix("\n").removesuffix("\r")


def _asked_for(field: FieldKind) -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"there is no terminal to ask for {field.name} on: use --stdin or --file")
    return getpass.getpass(f"{field.label}: ")
