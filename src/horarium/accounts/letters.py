"""Name the letters that tell people about their accounts, and what one says once it is known to whom it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from horarium.store.books.mail import Letter


class LetterKind(StrEnum):
    """What a letter is about, as its row in the store says it."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of letter
    """Tells the owner that their password is another one."""
    SECOND_STEP_CHANGED = "second_step_changed"
    """Tells the owner that an app, a passkey or recovery codes were added or taken away."""
    RESET = "reset"
    """Brings a link to set a new password; whether anybody has the account is found out when it is sent."""
    INVITATION = "invitation"
    """Brings an invitation."""
    REGISTER = "register"
    """Brings a link to make an account, or says that there is one."""
    REGISTER_KNOWN = "register_known"
    """Says so: never written, only sent in place of `register`."""
    CONFIRM = "confirm"
    """Brings a link to confirm an address."""
    LEAVE_ADDRESS = "leave_address"
    """Asks at the old address whether another one may take its place."""
    TAKE_ADDRESS = "take_address"
    """Asks at the new address whether it is theirs."""
    ADDRESS_CHANGED = "address_changed"
    """Tells the old address that another one took its place."""
    CREDENTIAL_INACTIVE = "credential_inactive"
    """Tells the owner of credentials that nothing has used them for months, and until when each can be kept."""
    SUMMARY = "summary"
    """Brings the summary of a period; what it says is read when it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a letter says: to which address it goes, and the values of its words, a fresh link among them."""

    kind: LetterKind
    to: str
    values: Mapping[str, Any] = field(default_factory=dict)


Answer = Callable[[Letter], Draft | None]
"""Says what a letter says at the moment it is sent; None for one that must not be sent any more."""
