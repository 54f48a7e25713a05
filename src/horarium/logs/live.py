"""Which maskers count now in this process: loaded by all that writes, apart from what masking itself takes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final
from weakref import ReferenceType, ref

if TYPE_CHECKING:
    from horarium.logs.masking import Masker


class LiveMaskers:
    """The maskers of the runs that are under way in this process: what it logs meanwhile goes through all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._maskers: tuple[ReferenceType[Masker], ...] = ()

    def __bool__(self) -> bool:
        return bool(self._maskers)

    def add(self, masker: Masker) -> None:
        """Use this one until it is discarded or nobody else knows it any more."""
        with self._lock:
            self._maskers = (*(each for each in self._maskers if each() is not None), ref(masker))

    def discard(self, masker: Masker) -> None:
        """Use this one no longer."""
        with self._lock:
            self._maskers = tuple(each for each in self._maskers if each() not in {None, masker})

    def text(self, text: str) -> str:
        """Return the text without what any run under way has opened."""
        for each in self._maskers:
            masker = each()
            if masker is not None:
                text = masker.text(text)
        return text


LIVE: Final = LiveMaskers()
"""Those of this process."""
