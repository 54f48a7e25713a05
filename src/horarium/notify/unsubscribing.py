"""Make the link in a mail that ends such mail with one click, and do what it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from horarium.accounts.keys import derive, is_signed, sign
from horarium.errors import LinkRefused, NotFound
from horarium.notify.people import ALL, GROUPS
from horarium.preferences.catalogue import STANDARD, SUMMARY
from horarium.preferences.settings import Preferences
from horarium.records.actors import Actor
from horarium.records.notices import NoticeKind

PATH: Final = "/unsubscribe/"
"""Where the link leads below the address of the pages; what follows is the token."""
_MOST: Final = 200
_OFF: Final = "off"
_SPANS: Final = frozenset(
    choice for setting in STANDARD if setting.key == SUMMARY for choice in setting.choices if choice != _OFF
)
# What a token names: a setting of notices, which is switched off and on, or summaries that come as often as it says.
_ENDS: Final[dict[str, tuple[str, Any, Any]]] = {
    **{setting: (setting, True, False) for setting in (ALL, *GROUPS.values())},
    **{f"{SUMMARY}-{span}": (SUMMARY, span, _OFF) for span in _SPANS},
}


@dataclass(frozen=True, slots=True)
class Ending:
    """What a link ends: for whom, and by which setting of theirs; its value while such mail comes, and afterwards."""

    user_id: int
    setting: str
    on: Any = True
    off: Any = False

    def with_on(self, text: str) -> Ending:
        """Return the same with another value for such mail to come again; what is none changes nothing."""
        return replace(self, on=text) if self.setting == SUMMARY and text in _SPANS else self


class Unsubscriber:
    """The links of one installation. They are good for ever: a mail may be read late, and all they do is to end it."""

    def __init__(self, secret: bytes, base_url: str) -> None:
        """Sign with a key made from `secret`; links begin with `base_url`."""
        self._key = derive(secret, "unsubscribe")
        self._base_url = base_url.rstrip("/")

    def link(self, user_id: int, kinds: Iterable[NoticeKind]) -> str:
        """Return the link for a mail about these kinds: it ends those, or all mail where they are several sorts."""
        groups = {GROUPS.get(kind, ALL) for kind in kinds}
        return self._link(user_id, groups.pop() if len(groups) == 1 else ALL)

    def summary_link(self, user_id: int, span: str) -> str:
        """Return the link for a summary that comes as often as `span` says: it ends all summaries."""
        return self._link(user_id, f"{SUMMARY}-{span}")

    def read(self, token: str) -> Ending:
        """Return what a token stands for, without doing it. Raises `LinkRefused`."""
        number, _, rest = token.partition(".")
        word, _, signature = rest.partition(".")
        is_sound = len(token) <= _MOST and number.isascii() and number.isdigit() and word in _ENDS
        if not is_sound or not is_signed(self._key, signature, number, word):
            raise LinkRefused
        return Ending(int(number), *_ENDS[word])

    def end(self, token: str, preferences: Preferences, *, actor: Actor) -> Ending:
        """Do what a token says; harmless when repeated. What is returned knows the value that was there before.

        Raises `LinkRefused`, `Conflict` for a locked setting.
        """
        found = self.read(token)
        try:
            before = preferences.get(found.user_id, found.setting)
            if before == found.off:
                return found
            preferences.set(found.user_id, found.setting, value=found.off, actor=actor)
        except NotFound:
            raise LinkRefused from None
        return replace(found, on=before)

    def _link(self, user_id: int, word: str) -> str:
        signature = sign(self._key, str(user_id), word)
        return f"{self._base_url}{PATH}{user_id}.{word}.{signature}"
