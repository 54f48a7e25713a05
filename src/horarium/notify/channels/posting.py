"""Post messages over HTTP, and tell from the answer whether trying again makes sense."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from horarium.notify.channels.base import DeliveryFailed
from horarium.outgoing.caller import Barred, Caller, Unreached
from horarium.outgoing.web import Answer, ask, checked_address

JSON: Final = "application/json; charset=utf-8"
LONGEST_WAIT_SECONDS: Final = 86_400.0
_PASSING: Final = frozenset({408, 421, 423, 425, 429})
_MEANINGS: Final[Mapping[int, str]] = {
    400: "it does not take messages as they are",
    401: "the token or key is refused",
    403: "the token or key is refused, or may not do this",
    404: "there is nothing at this address, or not any more",
    405: "it takes no messages at this address",
    410: "what was at this address is gone for good",
    413: "the message is too large for it",
    429: "it wants to be left alone for a while",
}


def an_address(text: str) -> str:
    """Take an address that may be asked. Raises `ValueError`, without repeating it."""
    try:
        checked_address(text)
    except Barred as barred:
        raise ValueError(str(barred).replace("its address", "the address", 1)) from None
    return text


def a_server(text: str) -> str:
    """Take the address of a server, without a slash at its end. Raises `ValueError`."""
    bare = an_address(text).rstrip("/")
    if checked_address(bare).query or checked_address(bare).fragment:
        raise ValueError("use the address of a server, such as https://ntfy.example.org")
    return bare


def post(
    caller: Caller,
    address: str,
    body: bytes,
    *,
    headers: Mapping[str, str] | None = None,
    meaning: Callable[[Answer], str | None] = lambda _: None,
    wait: Callable[[Answer], float | None] = lambda _: None,
) -> Answer:
    """Post JSON and return the answer if it is a friendly one.

    Raises `DeliveryFailed`: `meaning` may know better than the status what an answer says, and `wait` for how long it
    wants to be left alone. Nothing that the other side wrote is repeated: it may hold what was sent.
    """
    try:
        answer = ask(caller, "POST", address, headers={"Content-Type": JSON, **(headers or {})}, body=body)
    except Unreached as error:
        raise DeliveryFailed(str(error), is_final=isinstance(error, Barred)) from None
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise _refusal(answer, meaning(answer), wait(answer))
    return answer


def _refusal(answer: Answer, meaning: str | None, wait_seconds: float | None) -> DeliveryFailed:
    status = answer.status
    reason = f"it answered {status}: {meaning or _MEANINGS.get(status) or _class_of(status)}"
    if status not in _PASSING and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return DeliveryFailed(reason, is_final=True)
    return DeliveryFailed(reason, wait_seconds=wait_of(answer) if wait_seconds is None else wait_seconds)


def wait_of(answer: Answer) -> float | None:
    """Return how long the other side asks to be left alone, as its header says in seconds or as an instant."""
    text = answer.headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            # By its own clock: ours may go differently.
            began = parsedate_to_datetime(answer.headers.get("date", ""))
            seconds = (parsedate_to_datetime(text) - began).total_seconds()
        except (ValueError, TypeError):
            return None
    return bounded(seconds)


def bounded(seconds: float) -> float | None:
    """Return a wait within a day; None for what is none."""
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return min(seconds, LONGEST_WAIT_SECONDS)


def encoded(body: object) -> bytes:
    """Return JSON, as short as it can be."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def object_in(answer: Answer) -> dict[str, Any]:
    """Return the object that an answer holds, empty where it is none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def host_of(address: str) -> str:
    """Return the host of an address that is one."""
    return (checked_address(address).hostname or "").rstrip(".")


def _class_of(status: int) -> str:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "it has trouble of its own"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "it leads elsewhere, and messages are not taken along: enter the address at the end of it"
    return "it does not take the message"
