"""Who asks, and their tokens."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from horarium.accounts.login import Knock
from horarium.accounts.tokens import LONGEST_DAYS, NAME_LIMIT, USUAL_DAYS, Holder, NewToken
from horarium.errors import Denied, NotFound, SignInRefused
from horarium.records.actors import Source
from horarium.web.api.routing import Asking
from horarium.web.api.shapes import (
    MeShape,
    NewTokenShape,
    TokensShape,
    me_shape,
    new_token_shape,
    token_shape,
)
from horarium.web.errors import Refusal
from horarium.web.visit import Visit

_MOST_PASSWORD: Final = 1024


class TokenBody(BaseModel):
    """What a new token is to be; `days` is null for one that never ends, `password` proves once more who asks."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)]
    scopes: Annotated[list[Literal["read", "trigger", "write", "admin"]], Field(min_length=1, max_length=4)]
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] | None = USUAL_DAYS
    password: Annotated[str, Field(max_length=_MOST_PASSWORD, repr=False)] = ""


def get_me(visit: Asking) -> MeShape:
    """Say who asks, with which token, and what they may do with it."""
    return me_shape(visit, _holder(visit).token)


def list_tokens(visit: Asking) -> TokensShape:
    """List the tokens of the person who asks, the newest first."""
    return TokensShape(tokens=[token_shape(each) for each in visit.house.tokens.of_user(visit.user.id)])


def make_token(visit: Asking, body: TokenBody) -> NewTokenShape:
    """Make a token for the person who asks.

    A token alone mints no token: it takes one with the scope `admin`, and the password of its owner.
    """
    _prove(visit, body.password)
    wanted = NewToken(name=body.name, scopes=body.scopes, days=body.days)
    made = visit.house.tokens.make(visit.user.id, wanted, actor=visit.actor)
    return new_token_shape(made.token, made.text)


def revoke_token(visit: Asking, token_id: int) -> None:
    """Revoke a token of the person who asks; it opens nothing from then on."""
    if not visit.house.tokens.revoke(visit.user.id, token_id, actor=visit.actor):
        raise NotFound(f"there is no token {token_id}")


def _holder(visit: Visit) -> Holder:
    if visit.holder is None:
        raise Denied("nobody asks")
    return visit.holder


def _prove(visit: Visit, password: str) -> None:
    if not password:
        raise Refusal("prove_again", "This needs your password as well, in the field `password`.")
    knock = Knock(address=visit.incoming.address, request=visit.incoming.number, source=Source.API)
    try:
        visit.house.login.confirm(visit.user, password, knock)
    except SignInRefused:
        raise Refusal("prove_again", "That is not your password.") from None
