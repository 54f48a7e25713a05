"""Sign in at a provider of OpenID Connect: the way there, and back with its word."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from horarium.accounts.arrivals import Begun, SignInProvider
from horarium.accounts.fingerprints import same
from horarium.accounts.keys import seal, unseal
from horarium.clock import to_micros
from horarium.errors import ProviderFailed, SignInRefused
from horarium.web import cookies
from horarium.web.errors import Refusal, said_of
from horarium.web.pages.entry import enter, login_page
from horarium.web.visit import Visit, safe_path

_LASTS: Final = timedelta(minutes=10)
_MOST: Final = 4000
_STALE: Final = "That took too long, or was begun in another window. Try again."
_NOT_THERE: Final = "You were not signed in there."


def begin(visit: Visit) -> Response:
    """Send somebody to the provider; the browser keeps, sealed, what has to come back with them."""
    provider = _provider(visit)
    wanted = safe_path(visit.query.values.get("next", [""])[0], visit.links, "")
    try:
        begun = provider.begin()
    except ProviderFailed as error:
        return _refused(visit, said_of(error).text, 502, wanted)
    kept = {
        "state": begun.state,
        "nonce": begun.nonce,
        "verifier": begun.verifier,
        "next": wanted,
        "until": to_micros(visit.now + _LASTS),
    }
    response = visit.go(begun.url, status=302)
    sealed = seal(visit.house.elsewhere_key, json.dumps(kept).encode(), "elsewhere")
    visit.jar.put(response, cookies.ELSEWHERE, sealed, seconds=int(_LASTS.total_seconds()))
    return response


def finish(visit: Visit) -> Response:
    """Let somebody in who comes back from the provider."""
    provider = _provider(visit)
    kept = _kept(visit)
    if kept is None or not same(kept["state"], visit.query.whole("state")):
        return _refused(visit, _STALE, 400)
    issuer, code = visit.query.whole("iss"), visit.query.text("code", most=_MOST)
    if not code or (issuer and issuer.rstrip("/") != provider.issuer):
        return _refused(visit, _NOT_THERE, 401, kept["next"])
    ticket = visit.house.throttle.take(address=visit.incoming.address)
    try:
        arrival = provider.finish(code, Begun("", kept["state"], kept["nonce"], kept["verifier"]))
        entry = visit.house.arrivals.enter(arrival, visit.knock, method="openid")
    except ProviderFailed as error:
        return _refused(visit, said_of(error).text, 502, kept["next"])
    except SignInRefused as error:
        words = str(error)
        return _refused(visit, f"{words[:1].upper()}{words[1:]}.", 403, kept["next"])
    visit.house.throttle.take_back(ticket)
    response = enter(visit, entry, kept["next"])
    visit.jar.drop(response, cookies.ELSEWHERE)
    return response


def _provider(visit: Visit) -> SignInProvider:
    provider = visit.house.services.provider
    if provider is None:
        raise Refusal("not_found")
    return provider


def _kept(visit: Visit) -> dict[str, Any] | None:
    plain = unseal(visit.house.elsewhere_key, visit.jar.get(cookies.ELSEWHERE) or "", "elsewhere")
    kept: dict[str, Any] | None = None if plain is None else json.loads(plain)
    return kept if kept and kept["until"] >= to_micros(visit.now) else None


def _refused(visit: Visit, text: str, status: int, wanted: str = "") -> Response:
    """Show the form to sign in, with what went wrong: the password stays another way in."""
    response = visit.show(login_page(visit, wanted=wanted, told=text), status=status)
    visit.jar.drop(response, cookies.ELSEWHERE)
    return response
