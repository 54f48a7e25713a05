"""Make sample pages of a person's API tokens."""

from __future__ import annotations

from datetime import timedelta

from horarium.web.views.tokens import DaysChoice, ScopeChoice, TokenRow, TokensPage
from tests.web.sample_parts import NOW, shell
from tests.web.sample_settings import parts

_SCOPES = (
    ScopeChoice(value="read", label="Read", hint="See what you see: tasks, runs and what they print.", on=True),
    ScopeChoice(value="trigger", label="Run tasks", hint="Run, pause, resume and stop them, besides."),
    ScopeChoice(value="write", label="Edit", hint="Change tasks and use credentials, besides."),
    ScopeChoice(value="admin", label="Everything", hint="All that you may do yourself."),
)
_DAYS = (
    DaysChoice(value="30", label="30 days"),
    DaysChoice(value="90", label="90 days", on=True),
    DaysChoice(value="never", label="Never"),
)


def tokens() -> TokensPage:
    """Return the list with one token that was made a moment ago, and another that was refused."""
    rows = (
        TokenRow(
            id=9, name="deploy pipeline", hint="x7Qk", scopes=("read", "run tasks"), ends=NOW + timedelta(days=90)
        ),
        TokenRow(
            id=4,
            name="laptop",
            hint="a1cD",
            scopes=("read",),
            used=NOW - timedelta(hours=2),
            address="2001:db8:85a3::8a2e:370:7334",
            ends=NOW + timedelta(days=5),
            soon=True,
        ),
        TokenRow(id=3, name="old script", hint="9zPp", scopes=("everything",), ends=NOW - timedelta(days=2), over=True),
        TokenRow(
            id=2,
            name="dashboard tv",
            hint="0beF",
            scopes=("read",),
            used=NOW - timedelta(minutes=1),
            address="10.20.1.30",
        ),
    )
    return TokensPage(
        shell=shell(),
        parts=parts("settings_tokens"),
        rows=rows,
        scopes=_SCOPES,
        days=_DAYS,
        made="hor_9_" + "Zx81Lq" * 6 + "x7Qk",
        made_name="deploy pipeline",
        name="laptop",
        errors={
            "name": "Another token has it; revoke that one first.",
            "scopes": "Use one or more of read, trigger, write, admin.",
            "days": "Use a whole number.",
        },
    )


def tokens_none() -> TokensPage:
    """Return the list before the first token."""
    return TokensPage(shell=shell(), parts=parts("settings_tokens"), rows=(), scopes=_SCOPES, days=_DAYS)
