"""Draw QR codes in the page itself: nothing of what they say leaves the server by another way."""

from __future__ import annotations

from typing import Final

import segno
from markupsafe import Markup

_BORDER: Final = 4
_PIXELS: Final = 208


def qr(text: str, label: str) -> Markup:
    """Draw `text` as a QR code, dark on white whatever the theme, named `label` for those who do not see it."""
    rows = segno.make(text, error="m", micro=False).matrix
    size = len(rows) + 2 * _BORDER
    path = "".join(
        f"M{x + _BORDER} {y + _BORDER}h1v1h-1z" for y, row in enumerate(rows) for x, module in enumerate(row) if module
    )
    return Markup(
        '<svg class="qr-c" viewBox="0 0 {size} {size}" width="{pixels}" height="{pixels}" role="img" '
        'aria-label="{label}" shape-rendering="crispEdges"><rect width="{size}" height="{size}" fill="#fff"/>'
        '<path d="{path}" fill="#000"/></svg>'
    ).format(size=size, pixels=_PIXELS, label=label, path=path)
