"""Make sample pages of a person's own settings."""

from __future__ import annotations

from datetime import timedelta

from horarium.web.pages.settings import PARTS
from horarium.web.views.settings import Part, SessionRow, SessionsPage, SignInPage
from tests.web.sample_factors import steps
from tests.web.sample_parts import LINKS, NOW, shell


def parts(current: str) -> tuple[Part, ...]:
    """Return the list of parts beside a page."""
    return tuple(
        Part(label=label, icon=icon, href=LINKS.to(route), current=route == current) for route, label, icon in PARTS
    )


def signin() -> SignInPage:
    """Return the page about signing in."""
    return SignInPage(shell=shell(), parts=parts("settings_signin"), name="ines")


def signin_wrong() -> SignInPage:
    """Return the page about signing in after a change that was refused."""
    errors = {"current": "That is not your current password.", "new": "It is among the most common passwords."}
    changed = NOW - timedelta(days=96)
    return SignInPage(
        shell=shell(),
        parts=parts("settings_signin"),
        name="ines",
        changed_at=changed,
        errors=errors,
        steps=steps(),
        step_errors={"name": "Use 1 to 100 printable characters."},
    )


def sessions() -> SessionsPage:
    """Return the list of places where Inês is signed in."""
    here = SessionRow(
        key="a", device="Chrome on macOS", icon="desktop", address="10.20.4.7", since=NOW, seen=NOW, current=True
    )
    there = SessionRow(
        key="b",
        device="Safari on iPhone",
        icon="phone",
        address="2001:db8:85a3::8a2e:370:7334",
        since=NOW - timedelta(days=12),
        seen=NOW - timedelta(hours=1),
        stays=True,
    )
    return SessionsPage(shell=shell(), parts=parts("settings_sessions"), rows=(here, there))


def sessions_one() -> SessionsPage:
    """Return the list with nothing but the session that looks."""
    return SessionsPage(shell=shell(), parts=parts("settings_sessions"), rows=sessions().rows[:1])
