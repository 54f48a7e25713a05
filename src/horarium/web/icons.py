"""Draw the product's own icons: 16 px, a stroke of 1.5, in the colour of the text around them.

Strokes of the class `ko` are knocked out in the colour of the ground.
"""

from __future__ import annotations

from typing import Final

from markupsafe import Markup, escape

_STROKED: Final = {
    "overview": '<path d="M2 4h6.5M11 4h3M2 8h2.5M7 8h7M2 12h9M13.5 12h.5"/>',
    "tasks": '<path d="M6 4h8M6 8h8M6 12h8M2.5 4h.5M2.5 8h.5M2.5 12h.5"/>',
    "runs": '<path d="M1.5 8.3h2.8l2-5.3 3.2 10 2-4.7h3"/>',
    "search": '<circle cx="7" cy="7" r="4.5"/><path d="M10.4 10.4 14 14"/>',
    "x": '<path d="m4 4 8 8M12 4l-8 8"/>',
    "check": '<path d="m3 8.5 3.3 3.3L13 4.5"/>',
    "minus": '<path d="M3 8h10"/>',
    "pause": '<path d="M5.5 3.5v9M10.5 3.5v9" stroke-width="2"/>',
    "chev-r": '<path d="M6 3.5 10.5 8 6 12.5"/>',
    "chev-l": '<path d="M10 3.5 5.5 8l4.5 4.5"/>',
    "chev-d": '<path d="M3.5 6 8 10.5 12.5 6"/>',
    "sort": '<path d="m5 6 3-3 3 3M5 10l3 3 3-3"/>',
    "up": '<path d="M8 13V3M4 7l4-4 4 4"/>',
    "down": '<path d="M8 3v10M4 9l4 4 4-4"/>',
    "clock": '<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.4 1.5"/>',
    "alert": '<path d="M8 2.3 14.4 13.3H1.6zM8 6.5v3M8 11.4h.01"/>',
    "info": '<circle cx="8" cy="8" r="6"/><path d="M8 7.3v3.7M8 5h.01"/>',
    "refresh": '<path d="M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3"/>',
    "download": '<path d="M8 2.5v7.5M4.8 7 8 10.2 11.2 7M2.5 13.5h11"/>',
    "copy": (
        '<rect x="5.5" y="5.5" width="8.3" height="8.3" rx="1.6"/>'
        '<path d="M10.5 5.5V3.7c0-.8-.6-1.5-1.5-1.5H3.7c-.9 0-1.5.7-1.5 1.5V9c0 .8.6 1.5 1.5 1.5h1.8"/>'
    ),
    "link": (
        '<path d="M6.7 9.3a3 3 0 0 0 4.3 0l2.2-2.2a3 3 0 0 0-4.3-4.3L8 3.7M9.3 6.7a3 3 0 0 0-4.3 0L2.8 8.9a3 '
        '3 0 0 0 4.3 4.3l.9-.9"/>'
    ),
    "logout": '<path d="M6 2.5H3v11h3M10.5 4.8 13.7 8l-3.2 3.2M13.5 8H6"/>',
    "sun": (
        '<circle cx="8" cy="8" r="2.8"/>'
        '<path d="M8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 '
        '4.3l.9-.9"/>'
    ),
    "moon": '<path d="M13.3 9.6A5.8 5.8 0 0 1 6.4 2.7a5.8 5.8 0 1 0 6.9 6.9z"/>',
    "filter": '<path d="M2 4h12M4.5 8h7M6.7 12h2.6"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "user": (
        '<circle cx="8" cy="5.200" r="2.700"/><path d="M3 13.500c.3-2.700 2.300-4.200 5-4.200s4.700 1.500 5 4.200"/>'
    ),
    "users": (
        '<circle cx="6" cy="5.200" r="2.500"/>'
        '<path d="M1.700 13.200c.3-2.400 2-3.900 4.300-3.900s4 1.500 4.300 3.900M10.800 2.900a2.500 2.500 0 0 1 '
        '0 4.600M12 9.700c1.300.5 2.100 1.700 2.300 3.500"/>'
    ),
    "audit": '<path d="M3.500 2h6l3 3v9h-9zM9.300 2.200v3h3M5.800 8.200h4.400M5.800 10.800h3"/>',
    "box": '<path d="M8 1.800 13.700 4.900v6.200L8 14.200 2.300 11.100V4.900zM2.500 5 8 8l5.500-3M8 8v6"/>',
    "calendar": (
        '<rect x="2.200" y="3.200" width="11.600" height="10.600" rx="1.600"/>'
        '<path d="M2.200 6.500h11.600M5.300 1.800v2.600M10.700 1.800v2.600"/>'
    ),
    "edit": '<path d="m10.800 2.700 2.500 2.500-7.700 7.700-3.100.6.600-3.100zM9.200 4.300l2.500 2.500"/>',
    "trash": '<path d="M2.500 4.300h11M6 4V2.500h4V4M4 4.300l.7 9.200h6.600l.7-9.200M6.700 7v4M9.300 7v4"/>',
    "python": (
        '<path d="M6 2.5c-2 0-2 1-2 2.5S4 8 2.2 8C4 8 4 9.5 4 11s0 2.5 2 2.5M10 2.5c2 0 2 1 2 2.5s0 3 1.8 '
        '3C12 8 12 9.5 12 11s0 2.5-2 2.5"/>'
    ),
    "command": (
        '<rect x="1.8" y="2.8" width="12.4" height="10.4" rx="1.8"/><path d="m4.7 6 2.2 2-2.2 2M8.6 10.3h2.7"/>'
    ),
    "http": (
        '<circle cx="8" cy="8" r="6"/>'
        '<path d="M2 8h12M8 2c1.9 1.8 2.6 3.9 2.6 6S9.9 12.2 8 14c-1.9-1.8-2.6-3.9-2.6-6S6.1 3.8 8 2z"/>'
    ),
    "sync": '<path d="M2 5.5h11M10.3 2.8 13 5.5l-2.7 2.7M14 11H3M5.7 8.3 3 11l2.7 2.7"/>',
    "wrap": '<path d="M2 4h12M2 8h9.5a2.2 2.2 0 0 1 0 4.4H8M10 10.2 7.8 12.4 10 14.6M2 12.4h3"/>',
    "follow": '<path d="M8 2v8M4.8 7 8 10.2 11.2 7M3 13.5h10"/>',
    "shield": '<path d="M8 1.8 13 3.6v4c0 3.2-2 5.4-5 6.6-3-1.2-5-3.4-5-6.6v-4z"/>',
    "lock": '<rect x="3" y="7" width="10" height="6.700" rx="1.500"/><path d="M5 7V5a3 3 0 0 1 6 0v2"/>',
    "webhook": (
        '<circle cx="4" cy="11.300" r="2"/><circle cx="12" cy="11.300" r="2"/><circle cx="8" cy="4.300" r="2"/>'
        '<path d="M6 11.300h4M5 9.600l2-3.600M11 9.600 9 6"/>'
    ),
    "db": (
        '<ellipse cx="8" cy="3.900" rx="5" ry="1.900"/>'
        '<path d="M3 3.900v8.200c0 1 2.200 1.900 5 1.900s5-.9 5-1.900V3.900M3 8c0 1 2.200 1.900 5 1.900S13 9 13 8"/>'
    ),
    "zap": '<path d="M8.800 1.800 3.500 9h4l-.8 5.200L12.500 7h-4z"/>',
    "rotate": (
        '<path d="M3 8a5 5 0 0 1 8.600-3.500L13 6M13 2.800V6H9.800M13 8a5 5 0 0 1-8.600 3.500L3 10M3 13.200V10h3.200"/>'
    ),
    "server": (
        '<rect x="2" y="2.700" width="12" height="4.400" rx="1.200"/>'
        '<rect x="2" y="8.900" width="12" height="4.400" rx="1.200"/><path d="M4.700 4.900h.01M4.700 11.100h.01"/>'
    ),
    "bell": (
        '<path d="M8 2.2a4 4 0 0 0-4 4c0 3.4-1.5 4.6-1.5 4.6h11S12 9.600 12 6.200a4 4 0 0 0-4-4ZM6.600 13.300a1.600 '
        '1.600 0 0 0 2.800 0"/>'
    ),
    "chat": '<path d="M2.200 3h11.600v8H8l-3.300 2.700V11H2.200z"/>',
    "key": '<circle cx="5" cy="11" r="2.8"/><path d="m7 9 6.5-6.5M10.6 5.4l2.2 2.2"/>',
    "file": '<path d="M3.5 2h6l3 3v9h-9zM9.3 2.2v3h3"/>',
    "desktop": '<rect x="1.8" y="2.6" width="12.4" height="8.4" rx="1.4"/><path d="M5.5 13.6h5M8 11v2.6"/>',
    "phone": '<rect x="4.3" y="1.8" width="7.4" height="12.4" rx="1.6"/><path d="M7.3 11.8h1.4"/>',
    "menu": '<path d="M2 4.5h12M2 8h12M2 11.5h12"/>',
    "help": (
        '<circle cx="8" cy="8" r="6"/>'
        '<path d="M6.2 6.3c.1-1 .8-1.6 1.8-1.6s1.8.6 1.8 1.5c0 1.4-1.8 1.4-1.8 2.8M8 11.2h.01"/>'
    ),
    "stop": '<rect x="3.5" y="3.5" width="9" height="9" rx="1.5"/>',
    "eye": '<path d="M1.5 8S4 3.7 8 3.7 14.5 8 14.5 8 12 12.3 8 12.3 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="1.9"/>',
    "history": '<path d="M2.6 8A5.4 5.4 0 1 0 4.3 4M2.5 2v2.7h2.7M8 5v3.2l2.2 1.3"/>',
    "mail": '<rect x="1.8" y="3.3" width="12.4" height="9.4" rx="1.5"/><path d="m2.2 4.5 5.8 4.3 5.8-4.3"/>',
    "st-queued": '<circle cx="8" cy="8" r="5.8" stroke-dasharray="2.3 2.25"/>',
    "st-running": '<circle cx="8" cy="8" r="5.8" opacity=".28"/><path d="M8 2.2A5.8 5.8 0 0 1 13.8 8"/>',
    "st-retrying": '<path d="M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3"/>',
    "st-timeout": '<circle cx="8" cy="8" r="5.8"/><path d="M8 4.6V8l2.3 1.5"/>',
    "st-cancelled": '<circle cx="8" cy="8" r="5.8"/><path d="m4 4 8 8"/>',
    "st-skipped": '<path d="m3.5 4 4 4-4 4M8.5 4l4 4-4 4"/>',
    "st-missed": '<path d="M8 2.3 14.4 13.3H1.6zM8 6.5v3M8 11.4h.01"/>',
    "st-paused": '<circle cx="8" cy="8" r="5.8"/><path d="M6.5 6v4M9.5 6v4"/>',
    "st-active": '<circle cx="8" cy="8" r="5.8"/><circle cx="8" cy="8" r="1.8" fill="currentColor" stroke="none"/>',
    "st-interrupted": '<path d="M10.7 2.9A5.8 5.8 0 1 0 13.7 6.9M14 1.7 10.2 6.2h3.3L9.7 10.7"/>',
    "st-parked": '<circle cx="8" cy="8" r="5.8"/><path d="M6.6 11.2V5h2a1.85 1.85 0 0 1 0 3.7h-2"/>',
}
_FILLED: Final = {
    "play": (
        '<path d="M4.5 2.9v10.2c0 .4.4.6.7.4l8-5.1a.5.5 0 0 0 0-.8l-8-5.1c-.3-.2-.7 0-.7.4z" fill="currentColor"/>'
    ),
    "more": (
        '<g fill="currentColor"><circle cx="3" cy="8" r="1.3"/><circle cx="8" cy="8" r="1.3"/>'
        '<circle cx="13" cy="8" r="1.3"/></g>'
    ),
    "st-ok": '<circle cx="8" cy="8" r="6.5" fill="currentColor"/><path class="ko" d="m5.2 8.3 2 2 3.7-4.3"/>',
    "st-failed": (
        '<path d="M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2z" fill="currentColor"/>'
        '<path class="ko" d="m5.8 5.8 4.4 4.4M10.2 5.8l-4.4 4.4"/>'
    ),
}
NAMES: Final = frozenset({*_STROKED, *_FILLED})
"""Every icon there is."""


def icon(name: str, cls: str = "", label: str | None = None) -> Markup:
    """Draw the icon `name`; with a `label` it is an image of its own, without one it is decoration.

    Raises KeyError for a name that is not in `NAMES`.
    """
    filled = _FILLED.get(name)
    stroke = 'fill="none" stroke-width="1.6"' if filled else 'fill="none" stroke="currentColor" stroke-width="1.5"'
    role = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    classes = escape(f"ico {cls}".strip())
    return Markup(  # noqa: S704 -- the drawings are constants, the rest was escaped above
        f'<svg class="{classes}" viewBox="0 0 16 16" width="16" height="16" {stroke} '
        f'stroke-linecap="round" stroke-linejoin="round" {role}>{filled or _STROKED[name]}</svg>'
    )


def logo(size: int = 22) -> Markup:
    """Draw the mark of the product, a dial of eight hours with one of them lit, `size` pixels wide."""
    return Markup(  # noqa: S704 -- a constant drawing and a number
        f'<svg class="logo" viewBox="0 0 24 24" width="{size:d}" height="{size:d}" fill="none" aria-hidden="true">'
        '<circle cx="12" cy="12" r="9.5" stroke="currentColor" stroke-width="3" stroke-dasharray="5.46 2" '
        'stroke-dashoffset="-1"/><path class="logo-lit" d="M13 2.55A9.5 9.5 0 0 1 17.98 4.61" stroke-width="3"/>'
        '<path class="logo-lit" d="M12 12 14.1 6.9" stroke-width="2.2" stroke-linecap="round"/></svg>'
    )
