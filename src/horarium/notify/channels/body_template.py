"""Fill bodies that people wrote: fixed names are replaced, and nothing in a template or a value is ever worked out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from horarium.notify.lines import some_lines
from horarium.notify.wording import counts, headline, house, link_of, rest, title_of, tone
from horarium.records.notices import Message

MOST: Final = 20_000
VARIABLES: Final[Mapping[str, str]] = {
    "id": "the message's own id, the same over all tries",
    "title": "what it tells of, in one line",
    "text": "all titles and what came of them, a line each",
    "tone": "bad, warn, calm or good",
    "count": "how many topics it has",
    "counts": "how many of which kind",
    "link": "where the first topic leads",
    "team": "the name of the place",
    "created_at": "when it was written, in UTC",
}
_SLOT: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_TEXT_MOST: Final = 20_000
# As a bare word it is no JSON, so that a name outside of quotes is found out when the template is saved.
_SAMPLE: Final = 'a "sample"\n'


def a_template(text: str) -> str:
    """Take a template. Raises `ValueError` for unknown names and what does not come to JSON."""
    if len(text) > MOST:
        raise ValueError(f"use at most {MOST:,} characters")
    names = ", ".join(f"{{{{{name}}}}}" for name in VARIABLES)
    for found in _SLOT.findall(text):
        if found.strip() not in VARIABLES:
            raise ValueError(f"between braces only these names mean something: {names}")
    try:
        json.loads(_filled(text, dict.fromkeys(VARIABLES, _SAMPLE) | {"count": "1"}))
    except (ValueError, RecursionError):
        raise ValueError("write JSON, with the names in braces inside of quotes") from None
    return text


def filled(template: str, message: Message) -> bytes:
    """Return the body that a template comes to for a message."""
    lines = [
        f"{title_of(topic)}: {some_lines(topic.words, most=1000, lines=20)}".rstrip(": ") for topic in message.topics
    ]
    text, left, used = [], 0, 0
    for at, line in enumerate(lines):
        used += len(line) + 1
        if used > _TEXT_MOST:
            left = len(lines) - at
            break
        text.append(line)
    text += [rest(message.topics[len(lines) - left :])] if left else []
    first = message.topics[0] if message.topics else None
    values = {
        "id": message.id,
        "title": headline(message),
        "text": "\n".join(text),
        "tone": tone(message).value,
        "count": str(len(message.topics)),
        "counts": counts(message.topics),
        "link": link_of(first, message) if first else message.base_url,
        "team": house(message),
        "created_at": message.created_at.isoformat(),
    }
    return _filled(template, values).encode("utf-8", "replace")


def _filled(template: str, values: Mapping[str, str]) -> str:
    return _SLOT.sub(lambda found: json.dumps(values[found[1].strip()], ensure_ascii=False)[1:-1], template)
