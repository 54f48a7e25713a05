"""The pages for people who have forgotten their password: ask for a link, and set a new one by it."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from horarium.accounts.passwords import SHORTEST
from horarium.errors import TooBusy, TooManyTries, WeakPassword
from horarium.web.errors import Refusal, said_of
from horarium.web.frame import porch
from horarium.web.views.by_link import ForgotPage, ResetPage, SentPage
from horarium.web.views.shell import Porch
from horarium.web.visit import Visit

_MOST_TYPED: Final = 300
_SENT: Final = (
    "If there is an account with that name or address, a link to set a new password is on its way. It is good for"
    " 30 minutes. Nothing there? Look into the spam folder, or ask an administrator."
)


def show_forgot(visit: Visit) -> Response:
    """Show the form, or what is said once it was sent."""
    if visit.query.text("told") == "sent":
        return visit.show(SentPage(shell=team_porch(visit), text=_SENT, again=visit.links.to("forgot")))
    return _forgot_page(visit)


def send_forgot(visit: Visit) -> Response:
    """Take a request for a link; the answer is the same whether there is such an account or not."""
    if not visit.house.settings.sends_mail:
        raise Refusal("not_found")
    login = visit.form.whole("login")[:_MOST_TYPED]
    if not login.strip():
        return _forgot_page(visit, error="Fill this in.", status=422)
    try:
        visit.house.throttle.take(address=visit.incoming.address, name=f"forgot {login}")
    except TooManyTries as error:
        return with_wait(_forgot_page(visit, login=login, error=said_of(error).text, status=429), error)
    visit.house.by_link.resets.ask(login, actor=visit.actor)
    return visit.go(visit.links.to("forgot", told="sent"))


def show_reset(visit: Visit) -> Response:
    """Show the form that sets a new password; looking uses nothing up."""
    return _reset_page(visit, {})


def send_reset(visit: Visit) -> Response:
    """Set a new password. Everybody is signed out of the account, and signs in anew."""
    token, password = token_of(visit), visit.form.whole("password")
    ticket = visit.house.throttle.take(address=visit.incoming.address)
    if not password:
        response = _reset_page(visit, {"password": "Fill this in."})
        visit.house.throttle.take_back(ticket)
        return response
    try:
        visit.house.by_link.resets.complete(token, password, actor=visit.actor)
    except WeakPassword as error:
        visit.house.throttle.take_back(ticket)
        return _reset_page(visit, {"password": " ".join(error.reasons)})
    visit.house.throttle.take_back(ticket)
    return visit.go(visit.links.to("login", told="password"))


def token_of(visit: Visit) -> str:
    """Return the token at the end of the path."""
    return str(visit.request.path_params["token"])


def team_porch(visit: Visit) -> Porch:
    """Return the frame for somebody who is not signed in, with the team's name."""
    with visit.house.services.store.reading() as tx:
        return porch(visit, team=visit.house.team(tx))


def with_wait(response: Response, error: TooManyTries | TooBusy) -> Response:
    """Say in the head of an answer how long to wait."""
    response.headers["Retry-After"] = str(max(1, said_of(error).retry_seconds or 1))
    return response


def _forgot_page(visit: Visit, *, login: str = "", error: str = "", status: int = 200) -> Response:
    page = ForgotPage(shell=team_porch(visit), sends_mail=visit.house.settings.sends_mail, login=login, error=error)
    return visit.show(page, status=status)


def _reset_page(visit: Visit, errors: dict[str, str]) -> Response:
    token = token_of(visit)
    user = visit.house.by_link.resets.look(token)
    page = ResetPage(shell=team_porch(visit), token=token, name=user.words, least=SHORTEST, errors=errors)
    return visit.show(page, status=422 if errors else 200)
