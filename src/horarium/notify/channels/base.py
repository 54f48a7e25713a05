"""What a kind of channel is: the fields that it asks for, and how a message is handed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from horarium.errors import HorariumError
from horarium.outgoing.caller import Caller
from horarium.records.notices import Message


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value that a channel asks for. A secret one is kept in the vault and never shown again."""

    name: str
    label: str
    sentence: str
    is_secret: bool = False
    is_required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """A kind of channel. Where `for_admins`, only administrators may make one: it goes to places nobody can judge."""

    name: str
    label: str
    sentence: str
    icon: str
    fields: tuple[Field, ...]
    send: Sender
    for_admins: bool = False
