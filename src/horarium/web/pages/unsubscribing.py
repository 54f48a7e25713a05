"""The page that the link in a mail leads to: it ends such mail with one click, and takes it back with another."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.responses import Response

from horarium.errors import Conflict, LinkRefused, NotFound
from horarium.notify.unsubscribing import Ending
from horarium.preferences.catalogue import ON_TELLING, SUMMARY
from horarium.records.actors import Actor
from horarium.web.pages.forgotten import team_porch, token_of
from horarium.web.views.by_link import EndingPage
from horarium.web.visit import Visit

_WHAT: Final = {
    **{each.key: f"notifications about {each.label.lower()}" for each in ON_TELLING},
    "mail_notices": "all notifications",
    SUMMARY: "summaries",
}


def show(visit: Visit) -> Response:
    """Show what the link would end; looking ends nothing."""
    return _page(visit, _ending(visit))


def end(visit: Visit) -> Response:
    """End such mail; harmless when it has ended. Where an administrator has locked the setting, it is said so."""
    house, ending = visit.house, _ending(visit)
    try:
        ended = house.telling.unsubscriber.end(token_of(visit), house.preferences, actor=_actor(visit, ending))
    except Conflict:
        return _page(visit, ending, status=409)
    return _page(visit, ended)


def take_back(visit: Visit) -> Response:
    """Let such mail come again, as it came. Where an administrator has locked the setting, it is said so."""
    ending = _ending(visit).with_on(visit.form.text("was"))
    preferences = visit.house.preferences
    try:
        if preferences.get(ending.user_id, ending.setting) == ending.off:
            preferences.set(ending.user_id, ending.setting, value=ending.on, actor=_actor(visit, ending))
    except Conflict:
        return _page(visit, ending, status=409)
    return _page(visit, ending, is_back=True)


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


def _page(visit: Visit, ending: Ending, *, is_back: bool = False, status: int = 200) -> Response:
    user = visit.house.users.get(ending.user_id)
    standing = visit.house.preferences.standing(user.id)[ending.setting]
    page = EndingPage(
        shell=team_porch(visit),
        token=token_of(visit),
        name=user.words,
        email=user.email or "",
        what=_WHAT[ending.setting],
        of_summaries=ending.setting == SUMMARY,
        is_on=standing.value != ending.off,
        is_back=is_back,
        is_locked=standing.is_locked,
        was=ending.on if ending.setting == SUMMARY else "",
    )
    return visit.show(page, status=status)
