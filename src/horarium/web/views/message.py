"""Say what a page shows when there is nothing else to show: an error, or one plain sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from horarium.web.views.shell import Porch, Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """A code or none, a title and a sentence; `number` is the request's number, by which the log can be searched.

    With a `Porch` it is shown to people who are not signed in. `retry` is the address to try again.
    """

    template: ClassVar[str] = "message.html"

    shell: Shell | Porch
    title: str
    text: str
    code: int | None = None
    art: Literal["lost", "locked", "broken", "still"] = "still"
    number: str = ""
    retry: str = ""
    hint: str = ""

    @property
    def signed_in(self) -> bool:
        """Whether the frame of the signed-in pages stands around it."""
        return isinstance(self.shell, Shell)


def not_found(shell: Shell | Porch) -> MessagePage:
    """Return the page for an address with nothing behind it."""
    text = "The task or run may have been removed, or the link was cut short."
    return MessagePage(shell=shell, code=404, title="There is nothing at this address", text=text, art="lost")


def forbidden(shell: Shell | Porch, text: str, *, hint: str = "") -> MessagePage:
    """Return the page for something that the viewer may not do; `hint` says whom to ask."""
    return MessagePage(shell=shell, code=403, title="You may not do this", text=text, art="locked", hint=hint)


def broken(shell: Shell | Porch, number: str, retry: str) -> MessagePage:
    """Return the page for an error of ours, with the number under which it was noted."""
    text = (
        "It was noted, and the administrators can find it under the number below. "
        "Your tasks keep running: the scheduler does not depend on this page."
    )
    return MessagePage(
        shell=shell, code=500, title="Something broke on our side", text=text, art="broken", number=number, retry=retry
    )
