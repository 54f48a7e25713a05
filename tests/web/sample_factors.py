"""Make sample pages of the second step: at the door, and among a person's settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from horarium.accounts.passkeys import Ask
from horarium.web.views.factors import AppPage, CodesPage, DutyPage, SecondStepPage
from horarium.web.views.settings import FactorCard, Part, PasskeyRow
from tests.web.sample_parts import LINKS, NOW, porch, shell

ASK: Final = Ask('{"challenge": "AAAA", "rpId": "localhost", "user": {"id": "AAAA"}}', "sealed")
_PARTS: Final = (Part(label="Sign-in", icon="shield", href=LINKS.to("settings_signin"), current=True),)


def steps() -> FactorCard:
    """Return somebody's second step with everything there can be."""
    laptop = PasskeyRow(id=1, name="MacBook", added=NOW - timedelta(days=120), used=NOW - timedelta(hours=4))
    stick = PasskeyRow(id=2, name="a security key with quite a long name", added=NOW - timedelta(days=250))
    return FactorCard(
        app_since=NOW - timedelta(days=300), passkeys=(laptop, stick), codes_left=3, codes_made=10, ask=ASK, name="iPad"
    )


def second(**changed: Any) -> SecondStepPage:
    """Return the form for the second step after a code that was wrong."""
    usual: dict[str, Any] = {"by": "app", "ask": ASK, "trust": True, "error": "That code is not right."}
    return SecondStepPage(shell=porch(), **{**usual, **changed})


def duty(later: str | None = "/tasks") -> DutyPage:
    """Return the page that asks for a second step."""
    return DutyPage(shell=shell(stream=None), due=NOW + timedelta(days=4), later=later)


def app() -> AppPage:
    """Return the form for an authenticator app after a code that was wrong."""
    return AppPage(
        shell=shell(),
        parts=_PARTS,
        address="otpauth://totp/Horarium:ines@tidewater.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Horarium",
        secret="JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP",
        key="sealed",
        errors={"code": "Type the 6 digits that the app shows now."},
    )


def codes() -> CodesPage:
    """Return the page with recovery codes."""
    made = tuple(f"ABCD-EFGH-JKLM-{number:04}" for number in range(10))
    return CodesPage(shell=shell(), parts=_PARTS, title="Two-step sign-in is on", codes=made)
