"""Make text from others harmless before it reaches a terminal or a log: it moves no cursor and begins no line."""

from __future__ import annotations

import re
from typing import Final

# Colours of a task's output are dropped, the rest of what steers a terminal is shown as an escape.
_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_STEERS: Final = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def harmless(text: str) -> str:
    r"""Return `text` as one line: colours dropped, control and direction characters shown as `\x1b` and the like."""
    return _STEERS.sub(_shown, _COLOUR.sub("", text))


def _shown(found: re.Match[str]) -> str:
    sign = found[0]
    return {"\n": "\\n", "\r": "\\r"}.get(sign) or (f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}")
