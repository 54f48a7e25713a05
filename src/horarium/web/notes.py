"""Carry a message over a redirect in a cookie, signed for the session that it is meant for."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from horarium.accounts.keys import is_signed, sign
from horarium.web.views.shell import Notice, Undo

SECONDS: Final = 60
_MOST_TITLE, _MOST_TEXT = 300, 500


def seal(key: bytes, notice: Notice, session: str | None) -> str:
    """Return a message as text for a cookie."""
    plain: dict[str, Any] = {
        "status": notice.status,
        "title": notice.title[:_MOST_TITLE],
        "text": notice.text[:_MOST_TEXT],
    }
    if notice.undo:
        plain |= {"label": notice.undo.label, "href": notice.undo.href}
    text = base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")
    return f"{text}.{sign(key, text, session or '')}"


def unseal(key: bytes, sealed: str | None, session: str | None) -> tuple[Notice, ...]:
    """Return the message in a cookie; none if it was made for another session, or by somebody else."""
    text, _, signature = (sealed or "").partition(".")
    if not text or not is_signed(key, signature, text, session or ""):
        return ()
    plain = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    undo = Undo(label=plain["label"], href=plain["href"]) if "href" in plain else None
    return (Notice(status=plain["status"], title=plain["title"], text=plain["text"], undo=undo),)
