"""Set up and take away a second step among one's own settings."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from horarium.accounts.second_factor import AppOffer, reset
from horarium.errors import InvalidValue
from horarium.web.asking import CREDENTIAL, answer_of_owner
from horarium.web.frame import shell
from horarium.web.pages.settings import parts_of, signed_in, signin_page
from horarium.web.views.factors import AppPage, CodesPage
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

_PAGE = "settings_signin"


def offer_app(visit: Visit) -> Response:
    """Show a new secret for an authenticator app; it counts once a code of it comes back."""
    return _app_page(visit, visit.house.factors.offer_app(signed_in(visit).user))


def send_app(visit: Visit) -> Response:
    """Take an authenticator app into use."""
    user = signed_in(visit).user
    try:
        offer = visit.house.factors.offered(user, visit.form.whole("key"))
    except InvalidValue as error:
        fresh = visit.house.factors.offer_app(user)
        return _app_page(visit, fresh, {"code": f"{_sentence(error)} Here is one."})
    try:
        codes = visit.house.factors.add_app(user, offer, visit.form.whole("code"), actor=visit.actor)
    except InvalidValue as error:
        return _app_page(visit, offer, {"code": _sentence(error)})
    return _done(visit, "Two-step sign-in is on", codes)


def remove_app(visit: Visit) -> Response:
    """Take the authenticator app out of use."""
    removed = visit.house.factors.remove_app(signed_in(visit).user, actor=visit.actor)
    return _back(visit, "The authenticator app is removed" if removed else "There was no authenticator app")


def make_codes(visit: Visit) -> Response:
    """Make new recovery codes and show them this once."""
    codes = visit.house.factors.make_codes(signed_in(visit).user, actor=visit.actor)
    return _codes_page(visit, "New recovery codes", codes)


def send_passkey(visit: Visit) -> Response:
    """Keep a new passkey."""
    user = signed_in(visit).user
    answer = answer_of_owner(visit, visit.form.whole(CREDENTIAL), visit.form.whole("asked_new"))
    try:
        codes = visit.house.passkeys.add(user, visit.form.whole("name"), answer, actor=visit.actor)
    except InvalidValue as error:
        return signin_page(visit, step_errors={error.field: _sentence(error)})
    return _done(visit, "The passkey is kept", codes)


def rename_passkey(visit: Visit) -> Response:
    """Call one of the person's passkeys something else."""
    number, name = visit.form.number("passkey") or 0, visit.form.whole("name")
    try:
        known = visit.house.passkeys.rename(signed_in(visit).user, number, name, actor=visit.actor)
    except InvalidValue as error:
        notice = Notice(status="failed", title="The passkey keeps its name", text=_sentence(error))
        return visit.go(visit.links.to(_PAGE), notice=notice)
    return _back(visit, "The passkey has its new name" if known else "It had been removed already")


def remove_passkey(visit: Visit) -> Response:
    """Remove one of the person's passkeys; one that is gone already is as good."""
    number = visit.form.number("passkey") or 0
    removed = visit.house.passkeys.remove(signed_in(visit).user, number, actor=visit.actor)
    return _back(visit, "The passkey is removed" if removed else "It had been removed already")


def reset_somebody(visit: Visit) -> Response:
    """Take somebody's whole second step away, so that they can set up another."""
    user = visit.house.users.get(visit.number("user_id"))
    done = reset(visit.house.services.store, visit.house.services.clock, user.id, actor=visit.actor)
    title = f"{user.words} can sign in by password alone" if done else f"{user.words} had no second step"
    return visit.back(visit.links.to("overview"), notice=Notice(status="ok", title=title))


def _done(visit: Visit, title: str, codes: tuple[str, ...]) -> Response:
    return _codes_page(visit, title, codes) if codes else _back(visit, title)


def _back(visit: Visit, title: str) -> Response:
    return visit.go(visit.links.to(_PAGE), notice=Notice(status="ok", title=title))


def _app_page(visit: Visit, offer: AppOffer, errors: Mapping[str, str] | None = None) -> Response:
    with visit.house.services.store.reading() as tx:
        page = AppPage(
            shell=shell(visit, tx),
            parts=parts_of(visit, _PAGE),
            address=offer.address,
            secret=" ".join(offer.secret[place : place + 4] for place in range(0, len(offer.secret), 4)),
            key=offer.sealed,
            errors=errors or {},
        )
    return visit.show(page, status=422 if errors else 200)


def _codes_page(visit: Visit, title: str, codes: tuple[str, ...]) -> Response:
    with visit.house.services.store.reading() as tx:
        page = CodesPage(shell=shell(visit, tx), parts=parts_of(visit, _PAGE), title=title, codes=codes)
    return visit.show(page)


def _sentence(error: InvalidValue) -> str:
    return f"{error.allowed[:1].upper()}{error.allowed[1:]}."
