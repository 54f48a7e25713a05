"""Make sure that a form was sent from one of our own pages, by the person that the page was made for."""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from horarium.accounts.keys import is_signed, sign
from horarium.web.errors import Refusal
from horarium.web.services import WebSettings

FIELD: Final = "csrf_token"
HEADER: Final = "x-csrf-token"


def new_visit() -> str:
    """Return a random mark for a browser that nobody is signed in with, so that its forms can be told apart, too."""
    return secrets.token_urlsafe(24)


def token_for(key: bytes, *, session: str | None, visit: str) -> str:
    """Return the token of the forms on a page: bound to the session, or to the visit where there is none."""
    return sign(key, "session", session) if session else sign(key, "visit", visit)


def check_token(key: bytes, token: str, *, session: str | None, visit: str | None) -> None:
    """Refuse a form whose token is not the one of its session or visit."""
    bound = ("session", session) if session else ("visit", visit or "")
    if not bound[1] or not is_signed(key, token, bound[0], bound[1] or ""):
        raise Refusal("forged")


def check_source(headers: Headers, host: str, settings: WebSettings) -> None:
    """Refuse a form that the browser itself says comes from another site, a sibling site, or from nowhere."""
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        raise Refusal("forged")
    origin = headers.get("origin")
    if origin is None:
        return
    ours = {host.lower(), urlsplit(settings.base_url).netloc.lower()} - {""}
    if urlsplit(origin).netloc.lower() not in ours or urlsplit(origin).scheme not in {"http", "https"}:
        raise Refusal("forged")
