"""The pages for people without an account: ask for a link, and make the account by it or by an invitation."""

from __future__ import annotations

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from starlette.responses import Response

from horarium.accounts.invitations import Found, Joining
from horarium.accounts.passwords import SHORTEST
from horarium.accounts.registering import Mode
from horarium.accounts.throttle import Ticket
from horarium.errors import InvalidValue, TooManyTries, WeakPassword
from horarium.web.errors import Refusal, said_of
from horarium.web.frame import ROLE_WORDS
from horarium.web.pages.entry import enter, may_register
from horarium.web.pages.forgotten import team_porch, token_of, with_wait
from horarium.web.views.by_link import JoinPage, RegisterPage, SentPage
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

_MOST_TYPED: Final = 300
_SENT: Final = (
    "If an account can be made with that address, a link is on its way to it. Nothing there? Look into the spam"
    " folder, or ask an administrator."
)
_FIELDS: Final = {"time zone": "time_zone", "display_name": "name", "name": "name"}
_BY_HAND: Final = ("posix/", "right/", "Etc/", "SystemV/")


def show_register(visit: Visit) -> Response:
    """Show the form that asks for a link, where people may register, or what is said once it was sent."""
    _require_open(visit)
    if visit.query.text("told") == "sent":
        return visit.show(SentPage(shell=team_porch(visit), text=_SENT, again=visit.links.to("register")))
    return _register_page(visit)


def send_register(visit: Visit) -> Response:
    """Take a request for a link; the answer is the same whether the address has an account or not."""
    _require_open(visit)
    email = visit.form.whole("email")[:_MOST_TYPED]
    try:
        visit.house.throttle.take(address=visit.incoming.address, name=f"register {email}")
        visit.house.by_link.registering.ask(email, actor=visit.actor)
    except TooManyTries as error:
        return with_wait(_register_page(visit, email=email, error=said_of(error).text, status=429), error)
    except InvalidValue as error:
        return _register_page(visit, email=email, error=sentence(error.allowed), status=422)
    return visit.go(visit.links.to("register", told="sent"))


def show_join(visit: Visit) -> Response:
    """Show the form that makes an account; looking uses nothing up."""
    return _join_page(visit, {"time_zone": visit.house.settings.time_zone}, {})


def send_join(visit: Visit) -> Response:
    """Make the account and sign the person in."""
    typed = {name: visit.form.whole(name)[:_MOST_TYPED] for name in ("name", "time_zone")}
    password = visit.form.whole("password")
    ticket = visit.house.throttle.take(address=visit.incoming.address)
    needed = {"name": typed["name"].strip(), "password": password}
    errors = {name: "Fill this in." for name, value in needed.items() if not value}
    if errors:
        return _with_ticket_back(visit, ticket, typed, errors)
    person = Joining(name=typed["name"], password=password, time_zone=typed["time_zone"] or "UTC")
    try:
        user = visit.house.by_link.invitations.accept(token_of(visit), person, actor=visit.actor)
    except WeakPassword as error:
        return _with_ticket_back(visit, ticket, typed, {"password": " ".join(error.reasons)})
    except InvalidValue as error:
        field = _FIELDS.get(error.field, "name")
        return _with_ticket_back(visit, ticket, typed, {field: sentence(error.allowed)})
    visit.house.throttle.take_back(ticket)
    notice = Notice(status="ok", title=f"Welcome, {user.words}", text="This is your account.")
    return enter(visit, visit.house.login.welcome(user, visit.knock), "", notice=notice)


def sentence(words: str) -> str:
    """Return words as a sentence."""
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


@cache
def zones() -> tuple[str, ...]:
    """Return the names of time zones to choose from."""
    named = {name for name in available_timezones() if "/" in name and not name.startswith(_BY_HAND)}
    return ("UTC", *sorted(named))


def _require_open(visit: Visit) -> None:
    if not may_register(visit):
        raise Refusal("not_found")


def _register_page(visit: Visit, *, email: str = "", error: str = "", status: int = 200) -> Response:
    rules = visit.house.settings.registration
    who = {
        Mode.INVITATION: "Enter the address that was invited, and the letter comes again.",
        Mode.DOMAIN: f"Open to addresses at {' and '.join(rules.domains)}.",
    }.get(rules.mode, "A link comes by mail; with it you choose a name and a password.")
    return visit.show(RegisterPage(shell=team_porch(visit), who=who, email=email, error=error), status=status)


def _with_ticket_back(visit: Visit, ticket: Ticket, typed: dict[str, str], errors: dict[str, str]) -> Response:
    """Show the form again; a link that is right makes no wrong try of what else was wrong."""
    response = _join_page(visit, typed, errors)
    visit.house.throttle.take_back(ticket)
    return response


def _join_page(visit: Visit, values: dict[str, str], errors: dict[str, str]) -> Response:
    token = token_of(visit)
    found: Found = visit.house.by_link.invitations.look(token)
    invitation = found.invitation
    page = JoinPage(
        shell=team_porch(visit),
        token=token,
        email=invitation.email,
        inviter=invitation.inviter,
        role=ROLE_WORDS[invitation.role],
        project="" if found.project is None else found.project.name,
        until=invitation.expires_at,
        zones=zones(),
        least=SHORTEST,
        values=values,
        errors=errors,
    )
    return visit.show(page, status=422 if errors else 200)
