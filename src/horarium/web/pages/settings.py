"""A person's own settings: how they sign in, and where they are signed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from horarium.accounts.passwords import SHORTEST
from horarium.accounts.roles import Permission, may
from horarium.accounts.sessions import SignedIn
from horarium.errors import Denied, SignInRefused, WeakPassword
from horarium.preferences.catalogue import STANDARD_GROUPS
from horarium.records.people import Session
from horarium.web import cookies
from horarium.web.agents import device_icon, device_words
from horarium.web.factor_card import card_of
from horarium.web.filters import plural
from horarium.web.frame import shell
from horarium.web.views.settings import Part, PartIcon, SessionRow, SessionsPage, SignInPage
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

PARTS: Final[tuple[tuple[str, str, PartIcon], ...]] = (
    ("settings_profile", "Profile", "user"),
    ("settings_signin", "Sign-in", "shield"),
    ("settings_tokens", "API tokens", "key"),
    ("settings_sessions", "Sessions", "desktop"),
    ("settings_time", "Time and language", "http"),
    ("settings_notices", "Notifications", "bell"),
    ("settings_summary", "Summary", "mail"),
    ("settings_added", "Applications", "sync"),
    ("settings_rules", "For everybody", "overview"),
)
"""The parts in the order of the list beside them: route, label, icon. The first is what `settings` leads to."""


def parts_of(visit: Visit, current: str) -> tuple[Part, ...]:
    """Return the list of parts, with the route that is open."""
    return tuple(
        Part(label=label, icon=icon, href=visit.links.to(route), current=route == current)
        for route, label, icon in PARTS
        if _is_shown(visit, route)
    )


def _is_shown(visit: Visit, route: str) -> bool:
    """Tell whether a part is there for this person."""
    if route == "settings_rules":
        return may(visit.identity, Permission.SYSTEM_MANAGE)
    return route != "settings_added" or bool(visit.house.preferences.catalogue().groups().keys() - STANDARD_GROUPS)


def show(visit: Visit) -> Response:
    """Lead to the first part."""
    return visit.go(visit.links.to(PARTS[0][0]), status=302)


def show_signin(visit: Visit) -> Response:
    """Show how the person signs in."""
    return signin_page(visit)


def send_password(visit: Visit) -> Response:
    """Change the person's password; their other sessions end, and so do their tokens unless they are kept."""
    me = signed_in(visit)
    current, new = visit.form.whole("current"), visit.form.whole("new")
    errors = {name: "Fill this in." for name, value in (("current", current), ("new", new)) if not value}
    if errors:
        return signin_page(visit, errors)
    before = len(visit.house.sessions.of_user(me.user.id))
    try:
        visit.house.login.confirm(me.user, current, visit.knock)
        visit.house.passwords.change(
            me.user.id,
            current,
            new,
            actor=visit.actor,
            keep_session=me.session.key,
            keep_tokens=visit.form.whole("keep_tokens") == "yes",
        )
    except SignInRefused:
        return signin_page(visit, {"current": "That is not your current password."})
    except WeakPassword as error:
        return signin_page(visit, {"new": " ".join(error.reasons)})
    visit.session = visit.house.sessions.prove(me, actor=visit.actor)
    ended = before - 1
    text = f"{plural(ended, 'other session')} ended." if ended else ""
    response = visit.go(
        visit.links.to("settings_signin"), notice=Notice(status="ok", title="Your password is changed", text=text)
    )
    visit.jar.put(response, cookies.SESSION, visit.session, seconds=visit.house.sessions.cookie_seconds(me))
    return response


def show_sessions(visit: Visit) -> Response:
    """Show where the person is signed in."""
    me = signed_in(visit)
    found = visit.house.sessions.of_user(me.user.id)
    found.sort(key=lambda session: session.key != me.session.key)
    rows = tuple(session_row(session, me.session.key) for session in found)
    with visit.house.services.store.reading() as tx:
        page = SessionsPage(shell=shell(visit, tx), parts=parts_of(visit, "settings_sessions"), rows=rows)
    return visit.show(page)


def end_session(visit: Visit) -> Response:
    """End one of the person's sessions; one that has ended already is as good."""
    me = signed_in(visit)
    key = visit.form.text("session")
    if key == me.session.key:
        title, text = "This is the session you are in", "Sign out instead."
        return _to_sessions(visit, Notice(status="failed", title=title, text=text))
    ended = visit.house.sessions.end_one(me.user, key, actor=visit.actor)
    return _to_sessions(visit, Notice(status="ok", title="The session ended" if ended else "It had ended already"))


def end_other_sessions(visit: Visit) -> Response:
    """End all of the person's sessions but the one they are in."""
    me = signed_in(visit)
    ended = visit.house.sessions.end_all(me.user, actor=visit.actor, keep=me.session.key)
    title = f"{plural(ended, 'session')} ended" if ended else "You are signed in nowhere else"
    return _to_sessions(visit, Notice(status="ok", title=title))


def signed_in(visit: Visit) -> SignedIn:
    """Return who is signed in, with their session. Raises `Denied` where nobody is, which the row rules out."""
    if visit.signed_in is None:
        raise Denied("nobody is signed in")
    return visit.signed_in


def signin_page(
    visit: Visit, errors: Mapping[str, str] | None = None, *, step_errors: Mapping[str, str] | None = None
) -> Response:
    """Return how the person signs in, with what was wrong with the form for the password, or for a passkey."""
    user = signed_in(visit).user
    steps = card_of(visit)
    with visit.house.services.store.reading() as tx:
        page = SignInPage(
            shell=shell(visit, tx),
            parts=parts_of(visit, "settings_signin"),
            name=user.name,
            changed_at=user.password_changed_at,
            least=SHORTEST,
            errors=errors or {},
            steps=steps,
            step_errors=step_errors or {},
        )
    return visit.show(page, status=422 if errors or step_errors else 200)


def session_row(session: Session, present: str) -> SessionRow:
    """Return a session as lists show it; `present` is the key of the one that looks."""
    return SessionRow(
        key=session.key,
        device=device_words(session.agent),
        icon=device_icon(session.agent),
        address=session.address,
        since=session.created_at,
        seen=session.seen_at,
        current=session.key == present,
        stays=session.stays,
    )


def _to_sessions(visit: Visit, notice: Notice) -> Response:
    return visit.go(visit.links.to("settings_sessions"), notice=notice)
