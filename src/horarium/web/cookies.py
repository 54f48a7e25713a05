"""Name, set and remove the cookies: out of reach for scripts, sent to this site alone, over HTTPS where it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

SESSION: Final = "horarium"
VISIT: Final = "horarium-visit"
DEVICE: Final = "horarium-device"
NOTE: Final = "horarium-note"
ELSEWHERE: Final = "horarium-elsewhere"
HALF: Final = "horarium-half"
TRUSTED: Final = "horarium-trusted"


@dataclass(frozen=True, slots=True)
class Jar:
    """The cookies of a request. Over HTTPS their names carry a prefix that browsers hold to its promise."""

    request: Request
    is_https: bool
    root: str

    def name(self, plain: str) -> str:
        """Return the name a cookie goes by here."""
        if not self.is_https:
            return plain
        return f"__Secure-{plain}" if self.root else f"__Host-{plain}"

    def get(self, plain: str) -> str | None:
        """Return a cookie that the browser sent."""
        return self.request.cookies.get(self.name(plain)) or None

    def put(self, response: Response, plain: str, value: str, *, seconds: int | None = None) -> None:
        """Set a cookie; without `seconds` it goes when the browser is closed."""
        response.set_cookie(
            self.name(plain),
            value,
            max_age=seconds,
            path=self.root or "/",
            secure=self.is_https,
            httponly=True,
            samesite="lax",
        )

    def drop(self, response: Response, plain: str) -> None:
        """Remove a cookie."""
        response.delete_cookie(
            self.name(plain), path=self.root or "/", secure=self.is_https, httponly=True, samesite="lax"
        )
