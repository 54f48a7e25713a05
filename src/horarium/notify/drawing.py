"""Draw a letter: its words as text and as HTML, with headers that hold on one line."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any, Final

from horarium.accounts.letters import LetterKind
from horarium.letterhead.templating import templates_of
from horarium.notify.lines import one_line
from horarium.notify.mailer import MailFailed
from horarium.notify.notices import headers_of, headers_of_way_out, name_of, notice_of
from horarium.notify.words import Values, Words, words_for
from horarium.records.notices import Message

PRODUCT: Final = "Horarium"
FINISHED: Final = "finished"
"""The kind of a letter that a program has written: subject, text, HTML and a PDF stand in its row."""
_IN_ONE_PIECE: Final = frozenset({"in-reply-to", "references", "list-unsubscribe"})


class _Headers(EmailPolicy):
    """Write letters, with headers that hold addresses in one piece each: encoded or broken, nobody reads them."""

    def fold(self, name: str, value: str) -> str:
        """Return the lines of a header."""
        return _whole(name, value) or super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        """Return the lines of a header as they are sent."""
        whole = _whole(name, value)
        return whole.encode("ascii") if whole else super().fold_binary(name, value)


def _whole(name: str, value: str) -> str:
    is_whole = name.lower() in _IN_ONE_PIECE and value.isascii() and value.isprintable() and len(value) < 900
    return f"{name}: {value}\r\n" if is_whole else ""


# Seven bits get through every mail server.
_POLICY: Final = _Headers(linesep="\r\n", raise_on_defect=False, cte_type="7bit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What tells one letter from all others, and when it was written. `message_id` stays over all tries."""

    message_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Drawn:
    """A letter ready to go: the message, its recipient, and the address that answers of servers go to."""

    message: EmailMessage
    to: str
    sender: str


class Drawing:
    """Letters in the name of one installation."""

    def __init__(self, *, sender: str, base_url: str, zone: str) -> None:
        """Write as `sender`, an address or a name and an address; show times in `zone`."""
        name, self._address = parseaddr(sender)
        self._name = one_line(name) or PRODUCT
        self._base_url = base_url
        self._zone = zone

    def draw(self, kind: LetterKind, values: Mapping[str, Any], *, to: str, stamp: Stamp, team: str = "") -> Drawn:
        """Return a letter of a kind. Raises `MailFailed`, for good, where it cannot be written at all.

        Values with `html` are a letter that is drawn already: `subject`, `text` and `html`.
        """
        if "html" in values:
            return self.finished(values, to=to, stamp=stamp)
        shown = {name: one_line(value) if isinstance(value, str) else value for name, value in values.items()}
        # A link is ours, and longer than a line may be.
        shown |= {"link": values["link"]} if "link" in values else {}
        found = Values(shown, stamp.at, one_line(team), self._base_url, self._zone)
        try:
            words = words_for(kind, found)
        except (KeyError, ValueError):
            raise MailFailed("what it says is incomplete", is_final=True, is_for_all=False) from None
        return self.put(words, to=to, stamp=stamp, team=found.team)

    def put(self, words: Words, *, to: str, stamp: Stamp, team: str = "") -> Drawn:
        """Return a letter with these words. Raises `MailFailed`, for good, for what is not one address."""
        shown = {"words": words, "subject": words.subject, "preview": words.lead, "team": team}
        return self._put("letter", shown, to=to, stamp=stamp)

    def notice(self, told: Message, *, to: str) -> Drawn:
        """Return a letter with a message. Raises `MailFailed`, for good, for what is not one address."""
        found = notice_of(told)
        shown = {
            "notice": found,
            "subject": one_line(found.subject),
            "preview": found.preview,
            "team": one_line(told.team),
        }
        stamp = Stamp(message_id=name_of(told.id), at=told.created_at)
        drawn = self._put("notice", shown, to=to, stamp=stamp)
        for name, value in headers_of(told, self._domain).items():
            drawn.message[name] = value
        return drawn

    def finished(self, body: Mapping[str, Any], *, to: str, stamp: Stamp) -> Drawn:
        """Return a letter that somebody has written. Raises `MailFailed`, for good, for what is not one address."""
        message = self._headed(str(body["subject"]), to, stamp)
        message.set_content(str(body["text"]).strip() + "\n")
        if body.get("html"):
            message.add_alternative(str(body["html"]), subtype="html")
        for name, value in headers_of_way_out(str(body.get("unsubscribe") or "")).items():
            message[name] = value
        if body.get("pdf"):
            name = one_line(str(body.get("pdf_name") or "report.pdf"))
            message.add_attachment(b64decode(body["pdf"]), maintype="application", subtype="pdf", filename=name)
        return Drawn(message, to, self._address)

    @property
    def _domain(self) -> str:
        return self._address.rpartition("@")[2]

    def _put(self, template: str, shown: Mapping[str, Any], *, to: str, stamp: Stamp) -> Drawn:
        message = self._headed(str(shown["subject"]), to, stamp)
        message.set_content(templates_of(__package__).get_template(f"{template}.txt").render(**shown).strip() + "\n")
        message.add_alternative(
            templates_of(__package__).get_template(f"{template}.html").render(**shown), subtype="html"
        )
        return Drawn(message, to, self._address)

    def _headed(self, subject: str, to: str, stamp: Stamp) -> EmailMessage:
        """Return a letter with its headers and nothing in it. Raises `MailFailed`."""
        message = EmailMessage(policy=_POLICY)
        try:
            message["From"] = Address(display_name=self._name, addr_spec=self._address)
            message["To"] = to
            message["Subject"] = one_line(subject)
            message["Date"] = format_datetime(stamp.at)
            message["Message-ID"] = f"<{stamp.message_id}@{self._domain}>"
            message["Auto-Submitted"] = "auto-generated"
            recipients = [each.addr_spec for each in message["To"].addresses]
        except (ValueError, IndexError, MessageError):
            recipients = []
        if recipients != [to] or not all(to.rpartition("@")):
            raise MailFailed("that is not one address", is_final=True, is_for_all=False)
        return message
