"""Say in words what a browser calls itself: enough to know one's own devices again, never trusted for more."""

from __future__ import annotations

from typing import Final, Literal

_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Vivaldi", "Vivaldi"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
"""Marks in the order in which they decide: most browsers also carry the marks of those that came before them."""
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_HELD: Final = frozenset({"iPhone", "iPad", "Android"})
_MOST: Final = 60


def device_words(agent: str) -> str:
    """Return a user agent as `Firefox on Linux`; one that is not known, as it is but short."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or agent[:_MOST].strip() or "Unknown browser"


def device_icon(agent: str) -> Literal["desktop", "phone"]:
    """Return the icon of what the agent runs on."""
    return "phone" if any(mark in agent for mark in _HELD) else "desktop"
