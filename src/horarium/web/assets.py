"""Name and serve the static files: one hash over all of them is in every address, so browsers may keep them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER: Final = Path(__file__).parent / "static"
"""Where the static files lie."""
KEPT: Final = "public, max-age=31536000, immutable"
"""How long a browser may keep them: their address changes when they do."""


@cache
def version() -> str:
    """Return twelve digits that change whenever any static file changes."""
    digest = hashlib.sha256()
    for file in sorted(FOLDER.rglob("*")):
        if file.is_file():
            digest.update(str(file.relative_to(FOLDER)).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


@cache
def asset(name: str) -> str:
    """Return the path of a static file below the root of the pages, `/static/<version>/app.css`.

    Files that name each other, as the stylesheet its fonts, do so relatively and stay inside the version.
    Raises FileNotFoundError for a file that is not there.
    """
    if not (FOLDER / name).is_file():
        raise FileNotFoundError(f"there is no static file {name!r}")
    return f"/static/{version()}/{name}"


class StaticAssets(StaticFiles):
    """Serve the static files below `/static/{version}`, to be kept for long; other versions are not found."""

    def __init__(self) -> None:
        """Serve the package's own folder."""
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file and the headers that let it be kept."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = KEPT if response.status_code in {200, 304} else "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
