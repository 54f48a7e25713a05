"""What a kind of channel is: the fields that it asks for, and how a message is handed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from horarium.errors import HorariumError, InvalidValue
from horarium.outgoing.caller import Caller
from horarium.records.notices import Message

MOST_CHARACTERS: Final = 2000
HIDDEN: Final = "(not shown)"


class DeliveryFailed(HorariumError):
    """Report in one sentence, without a secret in it, that a message was not taken.

    `is_final`: trying again is useless. `wait_seconds`: how long the other side asked to be left alone.
    """

    code: ClassVar[str] = "delivery_failed"

    def __init__(self, reason: str, *, is_final: bool = False, wait_seconds: float | None = None) -> None:
        """Say why, and whether that will stay so."""
        super().__init__(reason)
        self.is_final = is_final
        self.wait_seconds = wait_seconds


class Sender(Protocol):
    """Hands one message over to where the values of a channel lead."""

    def __call__(self, message: Message, values: Mapping[str, str], caller: Caller) -> str:
        """Return what the other side answered, in one line for the log. Raises `DeliveryFailed`."""
        ...


Check = Callable[[str], str]
"""Returns a value as it is kept. Raises `ValueError` with words for what is allowed, without the value."""


def any_line(text: str) -> str:
    """Take one line of printable characters. Raises `ValueError`."""
    if not text.isprintable() or len(text) > MOST_CHARACTERS:
        raise ValueError(f"use one line of at most {MOST_CHARACTERS:,} printable characters")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value that a channel asks for. A secret one is kept in the vault and never shown again.

    `check` judges it alone; `has_lines` is for one of several lines, `initial` for what stands there at first.
    """

    name: str
    label: str
    sentence: str
    is_secret: bool = False
    is_required: bool = True
    check: Check = any_line
    has_lines: bool = False
    initial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """A kind of channel. Where `for_admins`, only administrators may make one: it goes to places nobody can judge.

    `check_all` judges values that belong together, once each of them is fine alone. Raises `InvalidValue`.
    """

    name: str
    label: str
    sentence: str
    icon: str
    fields: tuple[Field, ...]
    send: Sender
    for_admins: bool = False
    check_all: Callable[[Mapping[str, str]], None] = lambda _: None

    def checked(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the values as they are kept, empty ones left out.

        Raises `InvalidValue` naming the field, the value unless it is secret, and what is allowed.
        """
        known = {field.name: field for field in self.fields}
        for name in values:
            if name not in known:
                raise InvalidValue("field", name, f"a channel of kind {self.name} has {', '.join(known)}")
        kept: dict[str, str] = {}
        for field in self.fields:
            if value := self._checked(field, values.get(field.name, "")):
                kept[field.name] = value
        self.check_all(kept)
        return kept

    def faults(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return all that `checked` would refuse, by field, as what is allowed: forms say everything at once."""
        found: dict[str, str] = {}
        for field in self.fields:
            try:
                self._checked(field, values.get(field.name, ""))
            except InvalidValue as error:
                found[field.name] = error.allowed
        if not found:
            try:
                self.checked(values)
            except InvalidValue as error:
                found[error.field] = error.allowed
        return found

    def _checked(self, field: Field, given: str) -> str:
        value = given.strip()
        if not value:
            if field.is_required:
                raise InvalidValue(field.name, "", f"a channel of kind {self.name} needs it")
            return ""
        try:
            return field.check(value)
        except ValueError as error:
            raise InvalidValue(field.name, HIDDEN if field.is_secret else value, str(error)) from None
