"""Somebody who uses the pages without a browser: signs in, reads, sends forms."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from typing import Any

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Leaves redirections to whoever asked."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Visitor:
    """A signed-in session at one address. Every call raises OSError where nobody answers."""

    def __init__(self, address: str, *, patience: float = 10.0) -> None:
        self.address = address
        self.patience = patience
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()), _StayHere())
        self._token = ""

    def get(self, path: str) -> tuple[int, str, str]:
        """Return status, text and where it sends to."""
        return self._ask(urllib.request.Request(self.address + path))  # noqa: S310 - our own address

    def post(self, path: str, **fields: str) -> tuple[int, str, str]:
        """Send a form; return status, text and where it sends to."""
        body = urllib.parse.urlencode({"csrf_token": self._token, **fields}).encode()
        headers = {"Origin": self.address}
        return self._ask(urllib.request.Request(self.address + path, body, headers))  # noqa: S310 - the same

    def sign_in(self, name: str, password: str) -> None:
        """Sign in; the page after it gives the token for all forms."""
        self._take_token("/login")
        status, text, _ = self.post("/login", email=name, password=password)
        assert status == 303, text
        self._take_token("/tasks")

    def _take_token(self, path: str) -> None:
        status, text, _ = self.get(path)
        found = TOKEN.search(text)
        assert found, (path, status, text)
        self._token = found[1]

    def _ask(self, request: urllib.request.Request) -> tuple[int, str, str]:
        try:
            with self._opener.open(request, timeout=self.patience) as answer:
                return answer.status, answer.read().decode("utf-8", "replace"), answer.headers.get("location", "")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error.headers.get("location", "")
