"""Ask once more who it is before something dangerous is done, and lose nothing of what was typed meanwhile."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from horarium.accounts.keys import seal, unseal
from horarium.accounts.second_step import Way
from horarium.clock import to_micros
from horarium.errors import SignInRefused, TooBusy, TooManyTries
from horarium.web import cookies, csrf
from horarium.web.access import Row
from horarium.web.asking import ASKED, answer_of_owner, ask_owner
from horarium.web.errors import Refusal, said_of
from horarium.web.forms import Fields
from horarium.web.frame import bare_shell
from horarium.web.views.entry import ConfirmPage
from horarium.web.visit import Handler, Visit

PROOF: Final = "proof"
HELD: Final = "held"
FIELDS: Final = frozenset({PROOF, HELD, ASKED})
_HELD_LASTS: Final = timedelta(minutes=30)
_REFUSED: Final = {
    Way.PASSWORD: "That is not your password.",
    Way.CODE: "That is not the code of this moment, or it was used before.",
    Way.PASSKEY: "That passkey did not answer as it should. Try once more.",
    Way.AGAIN: "Sign out, and sign in again.",
}


def ask_with_proof(visit: Visit, row: Row, handler: Handler) -> Response:
    """Ask the page if the visitor proved a short while ago who they are; else ask them to, and hold their form.

    Raises `Refusal` with `prove_again` where a machine asks, and `TooManyTries`, `TooBusy` there.
    """
    proof, asked = visit.form.whole(PROOF), visit.form.whole(ASKED)
    if visit.form.whole(HELD):
        visit.form = _opened(visit, row)
    for name in (PROOF, ASKED):
        visit.form.values.pop(name, None)
    if visit.signed_in is None or visit.house.sessions.is_fresh(visit.signed_in):
        return handler(visit)
    if not proof:
        if visit.wants_json:
            raise Refusal("prove_again")
        return _confirm_page(visit, row, "", 403)
    try:
        _check(visit, proof, asked)
    except (SignInRefused, TooManyTries, TooBusy) as error:
        if visit.wants_json:
            raise
        said = said_of(error)
        words = _REFUSED[visit.house.second_step.way_to_prove(visit.user)]
        refused = isinstance(error, SignInRefused)
        return _confirm_page(visit, row, words if refused else said.text, said.answer.status)
    renewed = visit.house.sessions.prove(visit.signed_in, actor=visit.actor)
    visit.session = visit.renewed = renewed
    response = handler(visit)
    keep_session(visit, response)
    return response


def keep_session(visit: Visit, response: Response) -> None:
    """Give the browser the id that its session got by a proof, with whatever else is answered: the old one is dead."""
    if visit.renewed and visit.signed_in is not None:
        seconds = visit.house.sessions.cookie_seconds(visit.signed_in)
        visit.jar.put(response, cookies.SESSION, visit.renewed, seconds=seconds)


def _check(visit: Visit, proof: str, asked: str) -> None:
    """Check a proof by the way that the person has. Raises `SignInRefused`, `TooManyTries`, `TooBusy`."""
    user, steps = visit.user, visit.house.second_step
    match steps.way_to_prove(user):
        case Way.PASSWORD:
            visit.house.login.confirm(user, proof, visit.knock)
        case Way.CODE:
            steps.take_code(user, proof, actor=visit.actor)
        case Way.PASSKEY:
            steps.take_passkey(user, answer_of_owner(visit, proof, asked), actor=visit.actor)
        case Way.AGAIN:
            raise SignInRefused("this person can prove who they are only by signing in again")


def _opened(visit: Visit, row: Row) -> Fields:
    """Return the form that was held back. Raises `Refusal` if it was held for somebody else, or too long ago."""
    plain = unseal(visit.house.form_key, visit.form.whole(HELD), *_bound(visit, row))
    held: dict[str, Any] = {"until": 0} if plain is None else json.loads(plain)
    if held["until"] < to_micros(visit.now):
        raise Refusal("bad_request")
    return Fields(held["fields"])


def hold(visit: Visit, row: Row, *, without: Collection[str] = ()) -> str:
    """Return what the visitor sent, sealed for them and this address: sent again as `held` it counts as the form."""
    kept = {name: values for name, values in visit.form.values.items() if name not in {*FIELDS, csrf.FIELD, *without}}
    held = {"until": to_micros(visit.now + _HELD_LASTS), "fields": kept}
    return seal(visit.house.form_key, json.dumps(held).encode(), *_bound(visit, row))


def _confirm_page(visit: Visit, row: Row, error: str, status: int) -> Response:
    way = visit.house.second_step.way_to_prove(visit.user)
    page = ConfirmPage(
        shell=bare_shell(visit),
        way=way,
        ask=ask_owner(visit) if way is Way.PASSKEY else None,
        held=hold(visit, row),
        name=visit.user.name,
        error=error,
    )
    response = visit.show(page, status=status)
    response.headers["X-Error"] = "prove_again"
    return response


def _bound(visit: Visit, row: Row) -> tuple[str, ...]:
    return ("held", row.route, visit.request.url.path, str(visit.user.id))
