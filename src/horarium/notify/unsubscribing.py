"""Make the link in a mail that ends such mail with one click, and do what it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from horarium.accounts.keys import derive, is_signed, sign
from horarium.errors import LinkRefused, NotFound
from horarium.notify.people import ALL, GROUPS
from horarium.preferences.settings import Preferences
from horarium.records.actors import Actor
from horarium.records.notices import NoticeKind

PATH: Final = "/unsubscribe/"
"""Where the link leads below the address of the pages; what follows is the token."""
_MOST: Final = 200
_ALLOWED: Final = frozenset({ALL, *GROUPS.values()})


@dataclass(frozen=True, slots=True)
class Ending:
    """What a link ends: for whom, and by which setting of theirs."""

    user_id: int
    setting: str


class Unsubscriber:
    """The links of one installation. They are good for ever: a mail may be read late, and all they do is to end it."""

    def __init__(self, secret: bytes, base_url: str) -> None:
        """Sign with a key made from `secret`; links begin with `base_url`."""
        self._key = derive(secret, "unsubscribe")
        self._base_url = base_url.rstrip("/")

    def link(self, user_id: int, kinds: Iterable[NoticeKind]) -> str:
        """Return the link for a mail about these kinds: it ends those, or all mail where they are several sorts."""
        groups = {GROUPS.get(kind, ALL) for kind in kinds}
        setting = groups.pop() if len(groups) == 1 else ALL
        signature = sign(self._key, str(user_id), setting)
        return f"{self._base_url}{PATH}{user_id}.{setting}.{signature}"

    def read(self, token: str) -> Ending:
        """Return what a token stands for, without doing it. Raises `LinkRefused`."""
        number, _, rest = token.partition(".")
        setting, _, signature = rest.partition(".")
        is_sound = len(token) <= _MOST and number.isascii() and number.isdigit() and setting in _ALLOWED
        if not is_sound or not is_signed(self._key, signature, number, setting):
            raise LinkRefused
        return Ending(int(number), setting)

    def end(self, token: str, preferences: Preferences, *, actor: Actor) -> Ending:
        """Do what a token says; harmless when repeated. Raises `LinkRefused`, `Conflict` for a locked setting."""
        found = self.read(token)
        try:
            if preferences.get(found.user_id, found.setting):
                preferences.set(found.user_id, found.setting, value=False, actor=actor)
        except NotFound:
            raise LinkRefused from None
        return found
