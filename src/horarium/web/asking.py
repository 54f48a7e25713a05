"""Ask browsers for passkeys, and read what they answer."""

from __future__ import annotations

from typing import Final

from horarium.accounts.passkeys import Answer, Ask, Party
from horarium.records.people import User
from horarium.web import cookies
from horarium.web.visit import Visit

ASKED: Final = "asked"
CREDENTIAL: Final = "credential"
"""The fields of a form with a passkey: the sealed question, and the browser's answer."""


def party_of(visit: Visit) -> Party:
    """Return who asks: the host that the page was asked under, which the guards have judged."""
    host = visit.incoming.host.lower()
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    scheme = "https" if visit.incoming.is_https else "http"
    return Party(name, f"{scheme}://{host}", visit.house.settings.team or "Horarium")


def ask_anybody(visit: Visit) -> Ask | None:
    """Return the question for whichever passkey this browser has, None where passkeys do not work."""
    party = party_of(visit)
    return visit.house.passkeys.ask(party, visit.visit_mark) if party.is_possible else None


def ask_half_way(visit: Visit, user: User) -> Ask | None:
    """Return the question for a passkey of somebody half-way, None where that cannot be answered."""
    party = party_of(visit)
    if not party.is_possible or not visit.house.factors.of(user.id).passkeys:
        return None
    return visit.house.passkeys.ask(party, visit.visit_mark, user=user)


def ask_owner(visit: Visit) -> Ask | None:
    """Return the question for a passkey of who is signed in, None where passkeys do not work."""
    party = party_of(visit)
    return visit.house.passkeys.ask(party, _of_person(visit), user=visit.user) if party.is_possible else None


def ask_for_new(visit: Visit) -> Ask | None:
    """Return the question for a new passkey of who is signed in, None where passkeys do not work."""
    party = party_of(visit)
    return visit.house.passkeys.ask_for_new(visit.user, party) if party.is_possible else None


def answer_of_browser(visit: Visit) -> Answer:
    """Return the answer in a form from a browser that nobody is signed in with."""
    sealed, text = visit.form.whole(ASKED), visit.form.whole(CREDENTIAL)
    return Answer(text, sealed, party_of(visit), visit.jar.get(cookies.VISIT) or "")


def answer_of_owner(visit: Visit, text: str, sealed: str) -> Answer:
    """Return the answer of somebody signed in to a question that was sealed for them."""
    return Answer(text, sealed, party_of(visit), _of_person(visit))


def _of_person(visit: Visit) -> str:
    return f"user {visit.user.id}"
