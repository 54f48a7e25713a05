"""The pages of the second step: a code, recovery code or passkey after the password, and a passkey instead of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from starlette.responses import Response

from horarium.accounts.second_step import TRUST_LASTS, HalfWay
from horarium.errors import SignInRefused, TooBusy, TooManyTries
from horarium.web import cookies
from horarium.web.asking import CREDENTIAL, answer_of_browser, ask_half_way
from horarium.web.errors import said_of
from horarium.web.frame import bare_shell, porch
from horarium.web.pages.entry import enter, login_page
from horarium.web.pages.settings import signed_in
from horarium.web.views.factors import DutyPage, SecondStepPage
from horarium.web.visit import Visit, safe_path

_WRONG: Final = "That code is not right, or was used before."
_UNKNOWN: Final = "That passkey is not known here, or the page was open for too long. Try once more."

By = Literal["app", "recovery", "passkey"]


def show(visit: Visit) -> Response:
    """Show the form for the second step to somebody whose password was right."""
    half = _half_way(visit)
    if half is None:
        return _to_login(visit, status=302)
    wanted: By = "recovery" if visit.query.text("by") == "recovery" else "app"
    return visit.show(_page(visit, half, wanted))


def send(visit: Visit) -> Response:
    """Let somebody in by a code or a passkey, or lead them back to the first form."""
    half = _half_way(visit)
    if half is None or visit.form.whole("cancel"):
        return _to_login(visit, told="" if visit.form.whole("cancel") else "late")
    actor = replace(visit.actor, name=half.user.words, user_id=half.user.id)
    steps, by_passkey = visit.house.second_step, bool(visit.form.whole(CREDENTIAL))
    try:
        if by_passkey:
            method = steps.take_passkey(half.user, answer_of_browser(visit), actor=actor)
        else:
            method = steps.take_code(half.user, visit.form.whole("code"), actor=actor)
    except (SignInRefused, TooManyTries) as error:
        said = said_of(error)
        text = (_UNKNOWN if by_passkey else _WRONG) if isinstance(error, SignInRefused) else said.text
        by: By = "recovery" if visit.form.whole("by") == "recovery" else "app"
        response = visit.show(_page(visit, half, by, text), status=said.answer.status)
        if said.retry_seconds is not None:
            response.headers["Retry-After"] = str(max(1, said.retry_seconds))
        return response
    entry = visit.house.login.welcome(half.user, replace(visit.knock, stays=half.stays), method=method)
    response = enter(visit, entry, half.wanted, stays=half.stays)
    if visit.form.whole("trust") == "yes":
        seconds = int(TRUST_LASTS.total_seconds())
        visit.jar.put(response, cookies.TRUSTED, steps.trust_mark(half.user), seconds=seconds)
    return response


def send_passkey(visit: Visit) -> Response:
    """Let somebody in by a passkey alone, which their device has guarded by PIN, finger or face."""
    wanted = safe_path(visit.form.whole("next"), visit.links, "")
    try:
        user, method = visit.house.second_step.know_passkey(answer_of_browser(visit), actor=visit.actor)
    except (SignInRefused, TooManyTries, TooBusy) as error:
        said = said_of(error)
        text = _UNKNOWN if isinstance(error, SignInRefused) else said.text
        return visit.show(login_page(visit, wanted=wanted, told=text), status=said.answer.status)
    return enter(visit, visit.house.login.welcome(user, visit.knock, method=method), wanted)


def show_duty(visit: Visit) -> Response:
    """Ask somebody to set up a second step, as the installation wants it; whoever need not goes on."""
    me = signed_in(visit)
    later = safe_path(visit.query.whole("next"), visit.links, visit.links.to("overview"))
    due = visit.house.second_step.due(me.user, me.session.method)
    if due is None:
        return visit.go(later, status=302)
    return visit.show(DutyPage(shell=bare_shell(visit), due=due, later=None if visit.is_held else later))


def _half_way(visit: Visit) -> HalfWay | None:
    return visit.house.second_step.half_way(visit.jar.get(cookies.HALF), visit.jar.get(cookies.VISIT))


def _page(visit: Visit, half: HalfWay, by: By, error: str = "") -> SecondStepPage:
    has_app = visit.house.factors.of(half.user.id).app_since is not None
    return SecondStepPage(
        shell=porch(visit),
        by=by if has_app or by == "recovery" else "passkey",
        has_app=has_app,
        ask=ask_half_way(visit, half.user),
        trust=visit.form.whole("trust") == "yes",
        error=error,
    )


def _to_login(visit: Visit, *, told: str = "late", status: int = 303) -> Response:
    response = visit.go(visit.links.to("login", told=told or None), status=status)
    if visit.jar.get(cookies.HALF):
        visit.jar.drop(response, cookies.HALF)
    return response
