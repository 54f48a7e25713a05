"""The page that the link in a mail leads to: it ends such mail with one click, and takes it back with another."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.responses import Response

from horarium.errors import LinkRefused, NotFound
from horarium.notify.unsubscribing import Ending
from horarium.preferences.catalogue import ON_TELLING
from horarium.records.actors import Actor
from horarium.web.pages.forgotten import team_porch, token_of
from horarium.web.views.by_link import EndingPage
from horarium.web.visit import Visit

_LABELS: Final = {each.key: each.label for each in ON_TELLING}
_ALL: Final = "mail_notices"


def show(visit: Visit) -> Response:
    """Show what the link would end; looking ends nothing."""
    ending = _ending(visit)
    return _page(visit, ending, is_on=bool(visit.house.preferences.get(ending.user_id, ending.setting)))


def end(visit: Visit) -> Response:
    """End such mail; harmless when it has ended."""
    house = visit.house
    ending = house.telling.unsubscriber.end(token_of(visit), house.preferences, actor=_actor(visit, _ending(visit)))
    return _page(visit, ending, is_on=False)


def take_back(visit: Visit) -> Response:
    """Let such mail come again. Raises `Conflict` where an administrator has locked the setting."""
    ending = _ending(visit)
    if not visit.house.preferences.get(ending.user_id, ending.setting):
        visit.house.preferences.set(ending.user_id, ending.setting, value=True, actor=_actor(visit, ending))
    return _page(visit, ending, is_on=True, is_back=True)


def _ending(visit: Visit) -> Ending:
    """Return what the link ends, for somebody who is there. Raises `LinkRefused`."""
    found = visit.house.telling.unsubscriber.read(token_of(visit))
    try:
        user = visit.house.users.get(found.user_id)
    except NotFound:
        raise LinkRefused from None
    if not user.is_enabled:
        raise LinkRefused
    return found


def _actor(visit: Visit, ending: Ending) -> Actor:
    """Return who does it: whoever has the link, which is told."""
    user = visit.house.users.get(ending.user_id)
    return replace(visit.actor, name=f"{user.words} (by a link in a mail)", user_id=user.id)


def _page(visit: Visit, ending: Ending, *, is_on: bool, is_back: bool = False) -> Response:
    user = visit.house.users.get(ending.user_id)
    is_all = ending.setting == _ALL
    page = EndingPage(
        shell=team_porch(visit),
        token=token_of(visit),
        name=user.words,
        email=user.email or "",
        what="all notifications" if is_all else f"notifications about {_LABELS[ending.setting].lower()}",
        is_on=is_on,
        is_back=is_back,
    )
    return visit.show(page)
