"""Try keys, tokens, webhooks and OAuth clients: one request to the address that is stored with them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from horarium.outgoing.caller import Caller
from horarium.outgoing.web import Answer, ask
from horarium.vault.probes.base import Trial, Values, fails, says_nothing, works

_FORM: Final = "application/x-www-form-urlencoded"
# The words of RFC 6749, section 5.2; whatever else a server says is not repeated.
_REFUSALS: Final[Mapping[str, str]] = {
    "invalid_client": "it does not take this client with this secret",
    "unauthorized_client": "it knows the client, but gives it no tokens for itself",
    "invalid_scope": "it does not give this client the scope",
    "unsupported_grant_type": "it gives no client tokens for itself",
    "invalid_request": "it does not understand the request",
}

_MEANINGS: Final[Mapping[int, str]] = {
    401: "the secret is refused",
    403: "the secret is refused, or may not do this",
    404: "there is nothing at this address",
    410: "there is nothing at this address any more",
}


def try_token(values: Values, caller: Caller) -> Trial:
    """Ask the address with the token as a bearer."""
    return _judged(ask(caller, "GET", values["url"], headers={"Authorization": f"Bearer {values['token']}"}))


def try_api_key(values: Values, caller: Caller) -> Trial:
    """Ask the address with the key in its header."""
    return _judged(ask(caller, "GET", values["url"], headers={values["header"]: values["key"]}))


def try_webhook(values: Values, caller: Caller) -> Trial:
    """Ask for the head of the address: nothing is posted there, since that would be a message."""
    answer = ask(caller, "HEAD", values["url"], headers={})
    status = answer.status
    if status in {404, 410}:
        return fails(f"It answered {status}: there is no webhook at this address, or not any more.")
    if status in {401, 403}:
        return fails(f"It answered {status}: the address is refused.")
    if status >= 500:
        return fails(f"It answered {status}: the server has trouble of its own.")
    return says_nothing(
        f"The address answers ({status}). Nothing was posted, so whether a message is taken is not known."
    )


def try_oauth_client(values: Values, caller: Caller) -> Trial:
    """Ask for a token as the client itself, with its secret in the header and, if that is refused, in the form."""
    fields = {"grant_type": "client_credentials"}
    if values.get("scope"):
        fields["scope"] = values["scope"]
    client, secret = values["client_id"], values["client_secret"]
    pair = base64.b64encode(f"{quote(client, safe='')}:{quote(secret, safe='')}".encode()).decode()
    in_header = {"Authorization": f"Basic {pair}"}
    answer = _token_answer(caller, values["token_url"], fields, in_header)
    if _word_of(answer) == "invalid_client" or answer.status == 401:
        answer = _token_answer(
            caller, values["token_url"], {**fields, "client_id": client, "client_secret": secret}, {}
        )
    said = _json_of(answer)
    if answer.status == 200 and isinstance(said.get("access_token"), str):
        lasts = said.get("expires_in")
        more = f" for {int(lasts):,} s" if isinstance(lasts, int | float) and 0 < lasts < 10**9 else ""
        return works(f"It gave a token{more}, which was thrown away. A refresh token is not tried.")
    if answer.status in {301, 302, 303, 307, 308}:
        return _judged(answer)
    words = _REFUSALS.get(_word_of(answer), "it gave no token")
    return fails(f"It answered {answer.status}: {words}.")


def _token_answer(caller: Caller, address: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
    more = {"Content-Type": _FORM, "Accept": "application/json", **headers}
    return ask(caller, "POST", address, headers=more, body=urlencode(fields).encode())


def _json_of(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _word_of(answer: Answer) -> str:
    word = _json_of(answer).get("error")
    return word if isinstance(word, str) else ""


def _judged(answer: Answer) -> Trial:
    """Return what a status says about the secret that went along."""
    status = answer.status
    if 200 <= status < 300:
        return works(f"It answered {status}: the secret is taken.")
    if status in _MEANINGS:
        return fails(f"It answered {status}: {_MEANINGS[status]}.")
    if 300 <= status < 400:
        words = "which leads elsewhere, and a secret is not taken along. Give the address at the end of it"
        return fails(f"It answered {status}, {words}.")
    if status >= 500:
        return fails(f"It answered {status}: the server has trouble of its own.")
    return says_nothing(f"It answered {status}, which says nothing about the secret.")
