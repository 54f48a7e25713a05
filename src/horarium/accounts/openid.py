"""Talk to a provider of OpenID Connect: the code flow with PKCE, and what its signed word says about a person.

The steps follow OpenID Connect Core 1.0 (sections 3.1.2 and 3.1.3) and RFC 7636; what the provider signs is checked as
section 3.1.3.7 there asks.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from horarium.accounts.arrivals import Arrival, Begun
from horarium.clock import Clock
from horarium.errors import ProviderFailed

log = logging.getLogger("horarium.accounts")

DISCOVERY: Final = "/.well-known/openid-configuration"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""How a provider may sign: with a key of its own. Signatures by the shared secret, and none, are not among them."""
KNOWN_FOR: Final = timedelta(hours=1)
LEEWAY_SECONDS: Final = 60
_SECONDS: Final = 10.0
_MOST_OCTETS: Final = 1 << 20
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """How a provider is reached and what it is asked for; `redirect` is the address it sends people back to."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect: str
    name: str = "single sign-on"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: str = "groups"


class Provider:
    """One provider, as far as its own description tells."""

    def __init__(self, settings: ProviderSettings, clock: Clock) -> None:
        """Talk to the provider of `settings`; what it says of itself is asked for again after an hour."""
        self.settings = settings
        self.name, self.issuer = settings.name, settings.issuer
        self._clock = clock
        self._lock = threading.Lock()
        self._described: Mapping[str, Any] | None = None
        self._keys: KeySet | None = None
        self._asked_at = 0.0

    def begin(self) -> Begun:
        """Return where to send somebody. Raises `ProviderFailed` if the provider cannot be asked for its address."""
        described = self._description()
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        with self._client() as client:
            url, state = client.create_authorization_url(
                described["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        return Begun(url, state, nonce, verifier)

    def finish(self, code: str, begun: Begun) -> Arrival:
        """Return who came back with a `code`. Raises `ProviderFailed` if the provider's word cannot be believed."""
        described = self._description()
        try:
            with self._client() as client:
                token = client.fetch_token(
                    described["token_endpoint"],
                    code=code,
                    code_verifier=begun.verifier,
                    grant_type="authorization_code",
                )
                claims = self._checked(str(token.get("id_token", "")), begun.nonce)
                more = self._told(client, described, claims)
        except (httpx2.HTTPError, OAuthError, ValueError) as error:
            raise self._failed("it gave no token", error) from None
        return self._arrival({**more, **claims})

    def _client(self) -> OAuth2Client:
        settings = self.settings
        return OAuth2Client(
            settings.client_id,
            settings.client_secret,
            scope=" ".join(dict.fromkeys(("openid", *settings.scopes))),
            redirect_uri=settings.redirect,
            code_challenge_method="S256",
            timeout=_SECONDS,
            follow_redirects=False,
        )

    def _description(self) -> Mapping[str, Any]:
        with self._lock:
            fresh = self._clock.monotonic() - self._asked_at < KNOWN_FOR.total_seconds()
            if self._described is None or not fresh:
                self._described, self._keys = self._ask()
                self._asked_at = self._clock.monotonic()
            return self._described

    def _ask(self) -> tuple[Mapping[str, Any], KeySet]:
        """Ask the provider for its description and its keys."""
        try:
            with httpx2.Client(timeout=_SECONDS) as client:
                described = _json_of(client.get(self.settings.issuer + DISCOVERY))
                _check_description(described, self.settings.issuer)
                keys = KeySet.import_key_set(_json_of(client.get(described["jwks_uri"])))  # type: ignore[arg-type]
        except (httpx2.HTTPError, JoseError, ValueError) as error:
            raise self._failed("it cannot be asked", error) from None
        return described, keys

    def _checked(self, id_token: str, nonce: str) -> dict[str, Any]:
        """Return the claims of a token that this provider signed for us, now, and for this very sign-in."""
        try:
            token = self._decoded(id_token)
            rules = jwt.JWTClaimsRegistry(
                now=int(self._clock.now().timestamp()),
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "values": [self.settings.issuer, self.settings.issuer + "/"]},
                aud={"essential": True, "value": self.settings.client_id},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
                nonce={"essential": True, "value": nonce},
            )
            rules.validate(token.claims)
        except JoseError as error:
            raise ValueError(f"its token is not valid: {error}") from None
        audience = token.claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and token.claims.get("azp") != self.settings.client_id:
            raise ValueError("its token was made for somebody else")
        return dict(token.claims)

    def _decoded(self, id_token: str) -> jwt.Token:
        keys = self._keys
        if keys is None:
            raise ValueError("its keys are not known")
        try:
            return jwt.decode(id_token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # Providers change their keys; a token may be signed with one that is newer than what we know.
            with self._lock:
                self._described, self._keys = self._ask()
            return jwt.decode(id_token, self._keys, algorithms=ALGORITHMS)

    def _told(self, client: OAuth2Client, described: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the provider tells of a person beside its token; nothing if it is about somebody else."""
        address = described.get("userinfo_endpoint")
        wanted = {"email", self.settings.groups_claim}
        if not address or wanted <= set(claims):
            return {}
        _check_address(address)
        told = _json_of(client.get(address))
        return told if told.get("sub") == claims["sub"] else {}

    def _arrival(self, claims: Mapping[str, Any]) -> Arrival:
        groups = claims.get(self.settings.groups_claim, ())
        groups = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        email = claims.get("email", "") if claims.get("email_verified") is True else ""
        name = claims.get("preferred_username") or email or claims.get("name") or ""
        return Arrival(
            issuer=self.settings.issuer,
            subject=str(claims["sub"])[:400],
            name=_text(name),
            email=_text(email),
            display_name=_text(claims.get("name"))[:100],
            groups=tuple(group for group in groups if isinstance(group, str)),
        )

    def _failed(self, what: str, error: Exception) -> ProviderFailed:
        log.warning("the sign-in provider %s failed: %s (%s)", self.settings.issuer, what, error)
        return ProviderFailed(f"the sign-in provider failed: {what}")


def _json_of(response: httpx2.Response) -> dict[str, Any]:
    response.raise_for_status()
    if len(response.content) > _MOST_OCTETS:
        raise ValueError("its answer is too long")
    found = response.json()
    if not isinstance(found, dict):
        raise ValueError("its answer is not an object")  # noqa: TRY004 - a bad answer, not a bad argument
    return found


def _check_description(described: Mapping[str, Any], issuer: str) -> None:
    """Refuse what a provider says of itself if it is another one, or lacks a safe address that is needed."""
    if str(described.get("issuer", "")).rstrip("/") != issuer:
        raise ValueError("it says another issuer of itself")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        _check_address(described.get(name))


def _check_address(address: object) -> None:
    """Refuse an address of the provider that is not protected on the way."""
    parts = urlsplit(address) if isinstance(address, str) else None
    if parts is None or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        raise ValueError("one of its addresses is not one with https")


def _text(value: object) -> str:
    return value[:254] if isinstance(value, str) else ""
