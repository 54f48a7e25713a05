"""Turn every error into an answer: one table from stable codes to status, title and a text that is safe to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from horarium.errors import HorariumError, TooManyTries

Art = Literal["lost", "locked", "broken", "still"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said about a code. An empty `text` lets the error speak for itself: its sentence is made for people."""

    status: int
    title: str
    text: str = ""
    art: Art = "still"
    retry_seconds: int | None = None


_LATER: Final = "Nothing was changed. Your tasks keep running as long as their server can; try again in a moment."
_BROKEN: Final = (
    "It was noted, and the administrators can find it under the number below. "
    "Your tasks keep running: the scheduler does not depend on this page."
)
_LOST: Final = "The task or run may have been removed, or the link was cut short."
_SPENT: Final = "Links from letters work once, and not for long. Ask for a new one."
_BACK: Final = "Go back, load the page again and repeat what you did."

ANSWERS: Final[dict[str, Answer]] = {
    "error": Answer(500, "Something broke on our side", _BROKEN, "broken"),
    "invalid_value": Answer(422, "That value cannot be used"),
    "invalid_schedule": Answer(422, "That schedule cannot be used"),
    "invalid_target": Answer(422, "That target cannot be used"),
    "weak_password": Answer(422, "That password is too easy to guess"),
    "not_found": Answer(404, "There is nothing at this address", _LOST, "lost"),
    "task_not_found": Answer(404, "There is nothing at this address", _LOST, "lost"),
    "run_not_found": Answer(404, "There is nothing at this address", _LOST, "lost"),
    "setup_closed": Answer(404, "There is nothing at this address", _LOST, "lost"),
    "link_refused": Answer(404, "This link does not work, or not any more", _SPENT, "lost"),
    "conflict": Answer(409, "That is not possible now"),
    "denied": Answer(403, "You may not do this", "Only administrators may. Nothing was changed.", "locked"),
    "credential_denied": Answer(403, "You may not use this", "Nothing was opened.", "locked"),
    "credential_unreadable": Answer(409, "That credential cannot be opened", "Its owner can replace its values."),
    "vault_sealed": Answer(
        503,
        "The vault is sealed",
        "Its key is not the one that credentials were sealed with: none can be opened or saved. Nothing was changed.",
        "locked",
    ),
    "sign_in_refused": Answer(401, "That did not match", "Name and password do not match.", "locked"),
    "sign_in_first": Answer(401, "Sign in first", "You are not signed in here, or not any more.", "locked"),
    "token_needed": Answer(
        401, "That needs a token", "Send `Authorization: Bearer` with a token that has not ended.", "locked"
    ),
    "prove_again": Answer(403, "Confirm that it is you", "This needs your password once more.", "locked"),
    "provider_failed": Answer(502, "Signing in there did not work", "Try again, or sign in with your password."),
    "second_step_first": Answer(403, "Set up two-step sign-in first", "Your administrators ask for it.", "locked"),
    "too_many_tries": Answer(429, "Too many tries"),
    "too_many_streams": Answer(429, "Too many open pages", "Close some and try again.", retry_seconds=30),
    "too_busy": Answer(503, "A moment, please", "Many people sign in at this moment.", retry_seconds=3),
    "maintenance": Answer(
        503,
        "A backup is being restored",
        "Nothing runs and nobody can work here meanwhile. This page comes back by itself; then all sign in again.",
        retry_seconds=5,
    ),
    "store_busy": Answer(503, "The database is busy", _LATER, retry_seconds=5),
    "store_unavailable": Answer(503, "The database does not answer", _LATER, retry_seconds=15),
    "store_full": Answer(503, "The disk is full", "Nothing was changed. Make room on the server's disk.", "broken", 60),
    "store_damaged": Answer(
        503,
        "The database is damaged",
        "Nothing is written to it any more, and nothing was changed. The server's log says which backup is good.",
        "broken",
    ),
    "bad_request": Answer(400, "That request cannot be read", _BACK),
    "unknown_host": Answer(
        400,
        "This address is not known here",
        "The server answers under its own name only; HORARIUM_BASE_URL says which.",
    ),
    "forged": Answer(403, "That form cannot be trusted", _BACK, "locked"),
    "method_not_allowed": Answer(405, "That cannot be done here", _BACK),
    "too_large": Answer(413, "That is too much at once", "At most 1 MiB can be sent."),
    "wrong_type": Answer(415, "That kind of content is not read here", "Forms are."),
    "unknown_field": Answer(422, "That form has a field that is not known here", _BACK),
}
"""What is answered to each code; a code that is not listed is answered like `error`."""

_BY_STATUS: Final = {400: "bad_request", 401: "sign_in_first", 403: "denied", 404: "not_found"} | {
    405: "method_not_allowed",
    413: "too_large",
    415: "wrong_type",
}


class Refusal(HorariumError):
    """Report that a request is refused at the door, under one of the codes of the table."""

    def __init__(self, code: str, text: str = "") -> None:
        """Refuse under `code`; `text` replaces the usual words."""
        self.web_code = code
        self.text = text
        super().__init__(text or ANSWERS[code].text)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer ready to be shown: its code and the words that go with it."""

    code: str
    answer: Answer
    text: str
    retry_seconds: int | None = None

    @property
    def is_ours(self) -> bool:
        """Tell whether it is our fault and belongs into the log with its traceback."""
        return self.answer.status >= 500


def said_of(error: BaseException) -> Said:
    """Return what to say about an error; one that nobody raised on purpose is `error`, whatever its text."""
    if isinstance(error, Refusal):
        answer = ANSWERS[error.web_code]
        return Said(error.web_code, answer, error.text or answer.text, answer.retry_seconds)
    code = error.code if isinstance(error, HorariumError) and error.code in ANSWERS else "error"
    answer = ANSWERS[code]
    wait = answer.retry_seconds
    if isinstance(error, TooManyTries):
        wait = round(error.wait_seconds)
    words = str(error)
    return Said(code, answer, answer.text or f"{words[:1].upper()}{words[1:]}.", wait)


def said_of_status(status: int) -> Said:
    """Return what to say where only a status is known, as from the router."""
    code = _BY_STATUS.get(status, "bad_request" if status < 500 else "error")
    return Said(code, ANSWERS[code], ANSWERS[code].text, ANSWERS[code].retry_seconds)
