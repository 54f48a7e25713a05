"""Who does something, and by which way they came: it goes along with each change, into events and the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Source(StrEnum):
    """By which way a change was asked for."""

    WEB = "web"
    """A page."""
    API = "api"
    """A program with a token."""
    CLI = "cli"
    """The command line of the machine."""
    CODE = "code"
    """The program that embeds the library."""
    SERVER = "server"
    """The server itself, for example when it keeps house."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody who does something.

    `name` is how people know them, empty for a program that acts for itself. `user_id` is the number of their account,
    None for accounts of the operating system and programs. `address` and `request` say from where, and by which
    request.
    """

    name: str = ""
    source: Source = Source.CODE
    user_id: int | None = None
    address: str = ""
    request: str = ""

    @classmethod
    def of_code(cls, name: str = "") -> Self:
        """Return the program that embeds the library, or a person that it names."""
        return cls(name=name)

    @classmethod
    def of_server(cls) -> Self:
        """Return the server itself."""
        return cls(name="Horarium", source=Source.SERVER)

    @property
    def words(self) -> str:
        """Return the name, cut to what its columns hold."""
        return self.name[:200]
