"""Make links that are good once, and read them: a number and a signature, of which the store keeps only the number."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from horarium.accounts.keys import derive, is_signed, sign
from horarium.clock import to_micros
from horarium.errors import LinkRefused

_MOST: Final = 200


class Purpose(StrEnum):
    """What a link is for; one for another purpose is not believed."""

    RESET = "reset"
    """Set a new password."""
    JOIN = "join"
    """Accept an invitation that came by mail, which proves the address."""
    JOIN_BY_HAND = "join-by-hand"
    """Accept an invitation that an administrator handed over."""
    CONFIRM = "confirm"
    """Confirm an address."""
    LEAVE_ADDRESS = "leave-address"
    """Agree at the old address that another one takes its place."""
    TAKE_ADDRESS = "take-address"
    """Confirm the new address."""


PATHS: Final = {
    Purpose.RESET: "/reset/",
    Purpose.JOIN: "/join/",
    Purpose.JOIN_BY_HAND: "/join/",
    Purpose.CONFIRM: "/confirm/",
    Purpose.LEAVE_ADDRESS: "/confirm/",
    Purpose.TAKE_ADDRESS: "/confirm/",
}
"""Where a link of each purpose leads, below the address of the pages; what follows is the token."""


class Signed(Protocol):
    """What a link is signed over."""

    @property
    def id(self) -> int:
        """The number of its row."""
        ...

    @property
    def nonce(self) -> str:
        """What makes it another one than the one before."""
        ...

    @property
    def expires_at(self) -> datetime:
        """Until when it is good."""
        ...


class LinkMaker:
    """The links of one installation."""

    def __init__(self, secret: bytes, base_url: str) -> None:
        """Sign with a key made from `secret`; links begin with `base_url`, whatever host a request names."""
        self._key = derive(secret, "links")
        self._base_url = base_url.rstrip("/")

    @property
    def base_url(self) -> str:
        """Return the address of the pages, without a slash at its end."""
        return self._base_url

    def link(self, purpose: Purpose, row: Signed, *, epoch: int = 0) -> str:
        """Return the whole link to a row."""
        return f"{self._base_url}{PATHS[purpose]}{self.token(purpose, row, epoch=epoch)}"

    def token(self, purpose: Purpose, row: Signed, *, epoch: int = 0) -> str:
        """Return the last part of the link to a row: its number and a signature of 256 bits."""
        return f"{row.id}.{sign(self._key, *_parts(purpose, row, epoch))}"

    def is_sound(self, token: str, purpose: Purpose, row: Signed, *, epoch: int = 0) -> bool:
        """Tell whether a token was made for this row, as it stands now, and this purpose."""
        return is_signed(self._key, token.partition(".")[2], *_parts(purpose, row, epoch))


def number_in(token: str) -> int:
    """Return the number of the row that a token names. Raises `LinkRefused` for what is no token."""
    number = token.partition(".")[0]
    if len(token) > _MOST or not (number.isascii() and number.isdigit()) or len(number) > 18:
        raise LinkRefused
    return int(number)


def _parts(purpose: Purpose, row: Signed, epoch: int) -> tuple[str, ...]:
    return (purpose.value, str(row.id), row.nonce, str(epoch), str(to_micros(row.expires_at)))
