"""Send messages to whatever else Apprise speaks to, by an address of its own making.

Its parts connect by themselves, so nobody can judge where to: such channels are for administrators.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from horarium.notify.channels.base import ChannelKind, DeliveryFailed, Field
from horarium.notify.channels.limits import within
from horarium.notify.fitting import cut_to, listed
from horarium.notify.lines import lifeless, some_lines
from horarium.notify.wording import (
    MARKS,
    Tone,
    facts_of,
    headline,
    house,
    link_of,
    span_of,
    title_of,
    tone,
    tone_of,
    words_of,
)
from horarium.outgoing.caller import Caller
from horarium.records.notices import Message, Topic

ROOM: Final = 20_000
SMALLEST: Final = 50
_PASSING: Final = frozenset({408, 421, 423, 425, 429})
# These show something on the screen of the machine, or write into its log: nobody sits there.
_LOCAL: Final = frozenset({"dbus", "kde", "qt", "glib", "gio", "gnome", "macosx", "windows", "syslog", "blink1"})
_STATUS: Final = re.compile(r"\berror=([1-5][0-9]{2})\b")
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_TYPES: Final[Mapping[Tone, str]] = {
    Tone.BAD: "failure",
    Tone.WARN: "warning",
    Tone.CALM: "info",
    Tone.GOOD: "success",
}
_ONE_AT_A_TIME: Final = threading.Lock()
"""Held while Apprise is loaded: what is warned of belongs to the whole process, so of two threads that change it for a
while the later one would put back what the earlier one had set, for good."""


class _Listener(logging.Handler):
    """Note the statuses that Apprise tells its log of in one thread. What else stands there may hold a secret."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[int] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a line."""
        if record.thread == self._thread:
            self.statuses += [int(found) for found in _STATUS.findall(record.getMessage())]


def body_of(message: Message, room: int) -> str:
    """Return the text of a message, with nothing in it that comes alive."""
    last = lifeless(house(message))
    if len(message.topics) == 1:
        topic = message.topics[0]
        lines = [
            some_lines(topic.words, most=2000, lines=30),
            *(f"{label}: {value}" for label, value in facts_of(topic)),
        ]
        text = lifeless("\n".join(line for line in (*lines, span_of(topic, message.zone)) if line))
        end = f"\n{link_of(topic, message)}\n{last}"
        return f"{cut_to(text, max(room - len(end), 0), len)}{end}" if len(end) < room else cut_to(text, room, len)
    shown, rest = listed(message.topics, _short, lambda line: len(line) + 1, room=room - len(last) - 1)
    # Where there is no room for a single one, the title has counted them.
    return cut_to("\n".join(line for line in (*shown, rest, last) if line), room, len)


def send(message: Message, values: Mapping[str, str], caller: Caller) -> str:
    """Send a message. Raises `DeliveryFailed`."""
    return within(caller.seconds, lambda: _send(message, values["url"]))


def _send(message: Message, url: str) -> str:
    library = _library()
    service = _service(url)
    if service is None:
        raise DeliveryFailed("Apprise does not know what this address means", is_final=True)
    title_room = min(service.title_maxlen, 250) if service.title_maxlen > 0 else 0
    title = lifeless(headline(message))
    room = min(service.body_maxlen, ROOM) - (0 if title_room else len(title) + 2)
    title = cut_to(title, title_room or 250, len)
    log, listener = logging.getLogger("apprise"), _Listener()
    log.addHandler(listener)
    try:
        is_taken = service.notify(
            body=_converted(message, service, max(room, SMALLEST)),
            title=title if title_room else _as_wanted(title, service),
            notify_type=library.NotifyType(_TYPES[tone(message)]),
            body_format=library.NotifyFormat.TEXT,
        )
    except Exception:  # noqa: BLE001 - a hundred parts raise what they like, with addresses in it
        raise DeliveryFailed("Apprise stumbled over it") from None
    finally:
        log.removeHandler(listener)
    if not is_taken:
        raise _refusal(listener.statuses)
    return "taken by Apprise"


def _converted(message: Message, service: Any, room: int) -> str:
    """Return the text as the service wants it: what is escaped for that takes more room."""
    asked = room
    found = _as_wanted(body_of(message, asked), service)
    while len(found) > room and asked > SMALLEST:
        asked = max(SMALLEST, asked // 2)
        found = _as_wanted(body_of(message, asked), service)
    return found


def _as_wanted(text: str, service: Any) -> str:
    library = _library()
    wanted: str = library.conversion.convert_between(library.NotifyFormat.TEXT, service.notify_format, content=text)
    return wanted


def _refusal(statuses: list[int]) -> DeliveryFailed:
    if not statuses:
        return DeliveryFailed("Apprise could not hand it over, and names no status: is it reachable?")
    status = statuses[-1]
    is_final = 300 <= status < 500 and status not in _PASSING
    return DeliveryFailed(f"Apprise could not hand it over: it was answered {status}", is_final=is_final)


def _short(topic: Topic) -> str:
    words = words_of(topic, 100)
    return lifeless(f"{MARKS[tone_of(topic)]} {title_of(topic, 80)}{f': {words}' if words else ''}")


def _library() -> Any:
    with _ONE_AT_A_TIME:
        return _loaded()


@cache
def _loaded() -> Any:
    with warnings.catch_warnings():
        # It loads all its parts at once, some over modules that Python will drop.
        warnings.simplefilter("ignore")
        import apprise  # noqa: PLC0415 - dear, and only needed where there is such a channel

        # What it logs, and what it asks with, holds addresses with tokens.
        for name in ("apprise", "urllib3"):
            log = logging.getLogger(name)
            log.propagate = False
            log.setLevel(logging.WARNING)
        apprise.Apprise.instantiate("json://localhost")
    return apprise


def _service(url: str) -> Any:
    library = _library()
    asset = library.AppriseAsset(app_id="Horarium", app_desc="Horarium", async_mode=False, http_redirects=False)
    return library.Apprise.instantiate(url, asset=asset)


def _address(text: str) -> str:
    if not text.isprintable() or len(text) > 2000 or " " in text:
        raise ValueError("use one address of at most 2,000 printable characters, without blanks")
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise ValueError("use an address that Apprise knows, such as gotify://host/token")
    if scheme[1].lower() in _LOCAL:
        raise ValueError(f"{scheme[1].lower()}:// would reach nobody but this machine")
    service = _service(text)
    if service is None:
        raise ValueError(f"Apprise does not know what this {scheme[1].lower()}:// address means: see its documentation")
    if not service.verify_certificate or service.redirects:
        raise ValueError("leave verify and redirect out: certificates are checked, and redirects not followed")
    return text


KIND: Final = ChannelKind(
    name="apprise",
    label="Other service",
    sentence="Sends to any of the services that Apprise knows, by an address such as gotify://host/token.",
    icon="link",
    fields=(
        Field(
            name="url",
            label="Apprise address",
            sentence="As the documentation of Apprise says for the service. It usually holds a token.",
            is_secret=True,
            check=_address,
        ),
    ),
    send=send,
    for_admins=True,
)
