"""Put together what a person's settings say about their second step."""

from __future__ import annotations

from horarium.web.asking import ask_for_new
from horarium.web.views.settings import FactorCard, PasskeyRow
from horarium.web.visit import Visit


def card_of(visit: Visit) -> FactorCard:
    """Return what who is signed in has, and the question for a new passkey."""
    factors = visit.house.factors.of(visit.user.id)
    rows = tuple(
        PasskeyRow(id=each.id, name=each.name, added=each.created_at, used=each.last_used_at)
        for each in factors.passkeys
    )
    return FactorCard(
        app_since=factors.app_since,
        passkeys=rows,
        codes_left=factors.codes_left,
        codes_made=factors.codes_made,
        ask=ask_for_new(visit),
        name=visit.form.whole("name")[:100],
    )
