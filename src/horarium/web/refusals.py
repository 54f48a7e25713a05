"""Note who was refused what: a page that their role may not, or a thing of others that they named by its number."""

from __future__ import annotations

import logging
from collections import OrderedDict
from threading import Lock
from typing import Final

from starlette.background import BackgroundTask
from starlette.responses import Response

from horarium.audit.actions import Action, Result
from horarium.audit.trail import About
from horarium.errors import Denied, StoreError
from horarium.web.house import House
from horarium.web.visit import Visit

log = logging.getLogger("horarium.web")

AGAIN_SECONDS: Final = 60.0
_REMEMBERED: Final = 10_000


class Refusals:
    """What was refused lately; the same to the same person is noted once a minute, so that nobody fills the log."""

    def __init__(self, house: House) -> None:
        """Note in the audit log of `house`."""
        self._house = house
        self._noted: OrderedDict[tuple[int, str, str, int | None], float] = OrderedDict()
        self._lock = Lock()

    def after(self, response: Response, visit: Visit, error: Exception) -> None:
        """Have a refusal noted once its answer is sent: how long that took says nothing about what is there."""
        if visit.signed_in is None or visit.row is None or not (isinstance(error, Denied) or visit.foreign):
            return
        about = visit.foreign or About("page", None, visit.row.route)
        if self._is_news((visit.user.id, visit.row.route, about.kind, about.id)):
            response.background = BackgroundTask(self._note, visit, about)

    def _note(self, visit: Visit, about: About) -> None:
        method = visit.request.method
        try:
            self._house.trail.note_alone(
                visit.actor,
                Action.ACCESS_REFUSED,
                about,
                result=Result.REFUSED,
                method=method,
                page=visit.request.url.path,
            )
        except StoreError as error:
            log.warning("request %s: its refusal could not be noted (%s)", visit.incoming.number, error)

    def _is_news(self, key: tuple[int, str, str, int | None]) -> bool:
        now = self._house.services.clock.monotonic()
        with self._lock:
            last = self._noted.pop(key, -AGAIN_SECONDS)
            is_news = now - last >= AGAIN_SECONDS
            self._noted[key] = now if is_news else last
            while len(self._noted) > _REMEMBERED:
                self._noted.popitem(last=False)
        return is_news
