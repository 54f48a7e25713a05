"""A person's name and e-mail address, and the links that confirm an address."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from horarium.accounts.addresses import Asked, Outcome
from horarium.accounts.links import Purpose
from horarium.errors import InvalidValue, SignInRefused
from horarium.web.errors import Refusal
from horarium.web.frame import shell
from horarium.web.pages.forgotten import team_porch, token_of
from horarium.web.pages.joining import sentence
from horarium.web.pages.settings import parts_of, signed_in
from horarium.web.views.by_link import AgreePage
from horarium.web.views.profile import ProfilePage
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

_MOST_TYPED: Final = 300
_TOLD: Final = {
    Outcome.CONFIRMED: ("confirmed", "Your address is confirmed"),
    Outcome.HALF: ("half", "Thank you. The other address has to agree as well"),
    Outcome.CHANGED: ("changed", "Your new address is in place"),
}


def show(visit: Visit) -> Response:
    """Show name and address."""
    return _profile_page(visit, {}, {})


def send_name(visit: Visit) -> Response:
    """Change the name by which others know the person."""
    me, name = signed_in(visit), visit.form.whole("display_name")[:_MOST_TYPED]
    try:
        visit.house.users.change(me.user.id, actor=visit.actor, display_name=name)
    except InvalidValue as error:
        return _profile_page(visit, {"display_name": name}, {"display_name": sentence(error.allowed)})
    return _to_profile(visit, "Your name is saved")


def send_email(visit: Visit) -> Response:
    """Ask for another address: links go to the old one and to the new one."""
    _require_mail(visit)
    me, email, current = signed_in(visit), visit.form.whole("email")[:_MOST_TYPED], visit.form.whole("current")
    typed = {"email": email}
    errors = {name: "Fill this in." for name, value in (("email", email.strip()), ("current", current)) if not value}
    if errors:
        return _profile_page(visit, typed, errors)
    keep = visit.form.whole("keep_tokens") == "yes"
    try:
        visit.house.login.confirm(me.user, current, visit.knock)
        asked = visit.house.by_link.addresses.ask_to_change(me.user.id, email, actor=visit.actor, keep_tokens=keep)
    except SignInRefused:
        return _profile_page(visit, typed, {"current": "That is not your current password."})
    except InvalidValue as error:
        return _profile_page(visit, typed, {"email": sentence(error.allowed)})
    text = f"Open the link in the letter to {asked}."
    if me.user.email and me.user.email_confirmed_at is not None:
        text = f"Open the links in both letters: the one to {asked}, and the one to {me.user.email}."
    return _to_profile(visit, "Check your mail", text)


def ask_to_confirm(visit: Visit) -> Response:
    """Send a link to the address that the person has."""
    _require_mail(visit)
    me = signed_in(visit)
    visit.house.by_link.addresses.ask_to_confirm(me.user.id, actor=visit.actor)
    return _to_profile(visit, "Check your mail", f"Open the link in the letter to {me.user.email}.")


def withdraw_email(visit: Visit) -> Response:
    """Take back a change of address that waits."""
    taken = visit.house.by_link.addresses.withdraw(signed_in(visit).user.id, actor=visit.actor)
    return _to_profile(visit, "Your address stays as it is" if taken else "Nothing was waiting")


def show_confirm(visit: Visit) -> Response:
    """Show what a link about an address asks; looking uses nothing up."""
    token = token_of(visit)
    asked = visit.house.by_link.addresses.look(token)
    title, text, button = _question(asked)
    page = AgreePage(shell=team_porch(visit), token=token, title=title, text=text, button=button)
    return visit.show(page)


def send_confirm(visit: Visit) -> Response:
    """Agree by a link."""
    me = visit.signed_in
    ticket = visit.house.throttle.take(address=visit.incoming.address)
    outcome = visit.house.by_link.addresses.confirm(
        token_of(visit), actor=visit.actor, keep_session=None if me is None else me.session.key
    )
    visit.house.throttle.take_back(ticket)
    word, title = _TOLD[outcome]
    if me is None:
        return visit.go(visit.links.to("login", told=word))
    return _to_profile(visit, title)


def _question(asked: Asked) -> tuple[str, str, str]:
    name = asked.user.words
    if asked.purpose is Purpose.CONFIRM:
        return "Confirm your address", f"{name} uses {asked.email} here.", "Confirm the address"
    if asked.purpose is Purpose.TAKE_ADDRESS:
        return "Confirm your new address", f"{name} wants to use {asked.email} here.", "Confirm the new address"
    old = asked.user.email
    return "Is this address to be replaced?", f"{name} wants to use {asked.email} instead of {old}.", "Agree"


def _require_mail(visit: Visit) -> None:
    if not visit.house.settings.sends_mail:
        raise Refusal("not_found")


def _profile_page(visit: Visit, values: dict[str, str], errors: dict[str, str]) -> Response:
    me = signed_in(visit)
    user = visit.house.users.get(me.user.id)
    pending = visit.house.by_link.addresses.pending(user.id)
    with visit.house.services.store.reading() as tx:
        page = ProfilePage(
            shell=shell(visit, tx),
            parts=parts_of(visit, "settings_profile"),
            name=user.name,
            display_name=user.display_name,
            email=user.email,
            is_confirmed=user.email_confirmed_at is not None,
            pending=pending,
            sends_mail=visit.house.settings.sends_mail,
            values=values,
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _to_profile(visit: Visit, title: str, text: str = "") -> Response:
    return visit.go(visit.links.to("settings_profile"), notice=Notice(status="ok", title=title, text=text))
