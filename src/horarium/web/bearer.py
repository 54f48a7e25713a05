"""Find the token that a program sends: in the one header that is made for it, and nowhere else."""

from __future__ import annotations

from starlette.requests import Request


def token_of(request: Request) -> str | None:
    """Return the token of the `Authorization` header; None where there is none, more than one, or another scheme."""
    lines = request.headers.getlist("authorization")
    if len(lines) != 1:
        return None
    scheme, _, token = lines[0].strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
