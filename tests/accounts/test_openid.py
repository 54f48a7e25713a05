"""A real provider of OpenID Connect on loopback, and providers that lie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import oidc_provider_mock
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from horarium.accounts.arrivals import Begun
from horarium.accounts.openid import Provider, ProviderSettings
from horarium.clock import SystemClock
from horarium.errors import ProviderFailed
from tests.support.people import made_up

BACK = "http://localhost:5000/login/elsewhere/back"
CLAIMS = {
    "email": "marek@tidewater.example",
    "email_verified": True,
    "preferred_username": "marek",
    "name": "Marek Nowak",
    "groups": ["ops", "watchers"],
}


def settings(issuer: str) -> ProviderSettings:
    return ProviderSettings(issuer=issuer, client_id="horarium", client_secret=made_up(), redirect=BACK)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


def code_for(begun: Begun, issuer: str, subject: str, claims: dict[str, Any] = CLAIMS) -> str:
    """Sign in at the provider as a browser would; return the code that comes back."""
    httpx2.put(f"{issuer}/users/{subject}", json=claims).raise_for_status()
    answer = httpx2.post(begun.url, data={"sub": subject}, follow_redirects=False)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["state"] == [begun.state]
    return query["code"][0]


def test_whoever_signed_in_there_arrives_with_what_the_provider_says(issuer: str) -> None:
    provider = Provider(settings(issuer), SystemClock())
    begun = provider.begin()
    asked = parse_qs(urlsplit(begun.url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [BACK]
    assert "openid" in asked["scope"][0].split()
    assert begun.verifier not in begun.url
    arrival = provider.finish(code_for(begun, issuer, "4711"), begun)
    assert (arrival.issuer, arrival.subject) == (issuer, "4711")
    assert (arrival.name, arrival.email, arrival.display_name) == ("marek", "marek@tidewater.example", "Marek Nowak")
    assert arrival.groups == ("ops", "watchers")


def test_an_address_that_the_provider_has_not_checked_counts_for_nothing(issuer: str) -> None:
    provider = Provider(settings(issuer), SystemClock())
    begun = provider.begin()
    arrival = provider.finish(code_for(begun, issuer, "4712", {**CLAIMS, "email_verified": False}), begun)
    assert arrival.email == ""


def test_a_code_counts_once_and_only_for_the_sign_in_that_it_was_given_to(issuer: str) -> None:
    provider = Provider(settings(issuer), SystemClock())
    begun, other = provider.begin(), provider.begin()
    code = code_for(begun, issuer, "4711")
    with pytest.raises(ProviderFailed):
        provider.finish(code, replace(begun, nonce=other.nonce))
    with pytest.raises(ProviderFailed):
        provider.finish(code, begun)


def test_a_provider_that_is_not_there_is_said_so() -> None:
    with pytest.raises(ProviderFailed):
        Provider(settings("http://localhost:9"), SystemClock()).begin()


class Liar:
    """A provider whose token says what a test wants."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.shown = self.key
        self.claims: dict[str, Any] = {}
        self.header = {"alg": "RS256", "kid": "one"}
        self.described: dict[str, Any] = {}
        outer = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(outer.page(self.path))

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                token = jwt.encode(outer.header, outer.claims, outer.key)
                self._say({"access_token": "x", "token_type": "Bearer", "id_token": token})

            def _say(self, said: Any) -> None:
                body = json.dumps(said).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=(0.02,))

    def page(self, path: str) -> Any:
        """Return what is answered to a GET."""
        if path == "/keys":
            return KeySet([self.shown]).as_dict()
        ours = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        ours |= {"authorization_endpoint": f"{self.issuer}/go", "token_endpoint": f"{self.issuer}/token"}
        return ours | self.described


@pytest.fixture
def liar() -> Iterator[Liar]:
    made = Liar()
    made.thread.start()
    yield made
    made.server.shutdown()
    made.thread.join()
    made.server.server_close()


def good(liar: Liar, begun: Begun) -> dict[str, Any]:
    now = int(SystemClock().now().timestamp())
    return {
        "iss": liar.issuer,
        "aud": "horarium",
        "sub": "4711",
        "iat": now,
        "exp": now + 300,
        "nonce": begun.nonce,
        "email": "x",
        "groups": [],
    }


def test_a_sound_token_is_believed_also_after_the_provider_changed_its_keys(liar: Liar) -> None:
    provider = Provider(settings(liar.issuer), SystemClock())
    begun = provider.begin()
    liar.claims = good(liar, begun)
    assert provider.finish("code", begun).subject == "4711"
    liar.key = liar.shown = RSAKey.generate_key(2048, {"kid": "two"})
    liar.header = {"alg": "RS256", "kid": "two"}
    assert provider.finish("code", begun).subject == "4711"


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://elsewhere.example"},
    "for somebody else": {"aud": "another-client"},
    "for several, and not for us": {"aud": ["horarium", "other"], "azp": "other"},
    "run out": {"exp": 1_700_000_000},
    "another sign-in": {"nonce": "another"},
    "nobody": {"sub": None},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_token_that_is_not_about_this_sign_in_is_not_believed(liar: Liar, lie: dict[str, Any]) -> None:
    provider = Provider(settings(liar.issuer), SystemClock())
    begun = provider.begin()
    liar.claims = {name: value for name, value in {**good(liar, begun), **lie}.items() if value is not None}
    with pytest.raises(ProviderFailed):
        provider.finish("code", begun)


def test_a_token_that_somebody_else_signed_is_not_believed(liar: Liar) -> None:
    provider = Provider(settings(liar.issuer), SystemClock())
    begun = provider.begin()
    liar.claims = good(liar, begun)
    liar.key = RSAKey.generate_key(2048, {"kid": "one"})
    with pytest.raises(ProviderFailed):
        provider.finish("code", begun)


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"authorization_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
def test_a_description_that_cannot_be_right_is_refused(liar: Liar, described: dict[str, Any]) -> None:
    liar.described = described
    with pytest.raises(ProviderFailed):
        Provider(settings(liar.issuer), SystemClock()).begin()
