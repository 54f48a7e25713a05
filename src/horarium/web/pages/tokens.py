"""A person's API tokens: which there are, another one, one less."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from horarium.accounts.roles import Scope
from horarium.accounts.tokens import USUAL_DAYS, Made, NewToken
from horarium.errors import Conflict, InvalidValue
from horarium.store.books.tokens import Token
from horarium.web.forms import as_number
from horarium.web.frame import shell
from horarium.web.pages.settings import parts_of
from horarium.web.views.shell import Notice
from horarium.web.views.tokens import DaysChoice, ScopeChoice, TokenRow, TokensPage
from horarium.web.visit import Visit

NEVER: Final = "never"
_SOON: Final = timedelta(days=14)
_SCOPES: Final = {
    Scope.READ: ("Read", "See what you see: tasks, runs and what they print."),
    Scope.TRIGGER: ("Run tasks", "Run, pause, resume and stop them, besides."),
    Scope.WRITE: ("Edit", "Change tasks and use credentials, besides."),
    Scope.ADMIN: ("Everything", "All that you may do yourself, this list of tokens included."),
}
_DAYS: Final = {"7": "7 days", "30": "30 days", "90": "90 days", "180": "180 days", "365": "A year"}


def show(visit: Visit) -> Response:
    """Show the person's tokens."""
    return _page(visit)


def send_new(visit: Visit) -> Response:
    """Make a token and show it, this once: it is in the answer itself and nowhere else."""
    days = visit.form.text("days")
    try:
        made = visit.house.tokens.make(
            visit.user.id,
            NewToken(
                name=visit.form.whole("name"),
                scopes=visit.form.many("scope"),
                days=None if days == NEVER else as_number("days", days),
            ),
            actor=visit.actor,
        )
    except InvalidValue as error:
        return _page(visit, errors={error.field: f"{error.allowed[:1].upper()}{error.allowed[1:]}."})
    except Conflict as error:
        return _page(visit, errors={"name": f"{error}."})
    return _page(visit, made=made)


def send_revoke(visit: Visit) -> Response:
    """Revoke one of the person's tokens; one that was revoked already is as good."""
    number = as_number("token", visit.form.text("token"))
    revoked = visit.house.tokens.revoke(visit.user.id, number, actor=visit.actor)
    title = "The token is revoked" if revoked else "It was revoked already"
    return visit.go(visit.links.to("settings_tokens"), notice=Notice(status="ok", title=title))


def _page(visit: Visit, *, made: Made | None = None, errors: dict[str, str] | None = None) -> Response:
    tokens = visit.house.tokens.of_user(visit.user.id)
    scopes = set(visit.form.many("scope")) if errors else {Scope.READ.value}
    days = visit.form.whole("days") if errors else str(USUAL_DAYS)
    lengths = _DAYS | ({NEVER: "Never"} if visit.house.tokens.endless_ok else {})
    with visit.house.services.store.reading() as tx:
        page = TokensPage(
            shell=shell(visit, tx),
            parts=parts_of(visit, "settings_tokens"),
            rows=tuple(_row(token, visit) for token in tokens),
            scopes=tuple(
                ScopeChoice(value=scope.value, label=label, hint=hint, on=scope.value in scopes)
                for scope, (label, hint) in _SCOPES.items()
            ),
            days=tuple(DaysChoice(value=value, label=label, on=value == days) for value, label in lengths.items()),
            made=made.text if made else "",
            made_name=made.token.name if made else "",
            name=visit.form.whole("name")[:200] if errors else "",
            errors=errors or {},
        )
    return visit.show(page, status=422 if errors else 200)


def _row(token: Token, visit: Visit) -> TokenRow:
    known = {scope.value: label for scope, (label, _) in _SCOPES.items()}
    return TokenRow(
        id=token.id,
        name=token.name,
        hint=token.hint,
        scopes=tuple(known.get(each, each).lower() for each in token.scopes),
        used=token.last_used_at,
        address=token.last_address,
        ends=token.expires_at,
        over=token.is_over(visit.now),
        soon=token.expires_at is not None and token.expires_at - visit.now < _SOON,
    )
