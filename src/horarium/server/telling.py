"""Tell administrators by a way of their own that the scheduler is silent, or that it is back."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Final
from zoneinfo import ZoneInfo

from horarium.config import Config
from horarium.notify.lines import one_line
from horarium.states import SilenceCause

REASONS: Final[dict[str, str]] = {
    SilenceCause.GONE: "No scheduler has given a sign of life since then.",
    SilenceCause.OVERDUE: "A scheduler is there, but what fell due then has not been started, and nothing moves.",
    SilenceCause.STUCK: "The scheduler found that its own loop stands still.",
    SilenceCause.STORE: "The database has not answered since then.",
}
"""What each cause means, in one sentence."""
ADVICE: Final = (
    "Look whether the server process runs and whether its log says why. After a restart, what was missed meanwhile is"
    " handled by the rule of each task; nothing is lost without a word about it."
)


def letter(
    config: Config, *, to: str, cause: str, began_at: datetime, now: datetime, team: str = "", back: bool = False
) -> EmailMessage:
    """Return the message for one administrator: silent since `began_at`, or with `back` working again at `now`."""
    zone = ZoneInfo(config.timezone)
    began, ended = (_moment(at, zone) for at in (began_at, now))
    name = one_line(team or config.team_name or "Horarium")
    host = socket.gethostname()
    message = EmailMessage()
    message["Subject"] = (
        f"[{name}] The scheduler works again"
        if back
        else f"[{name}] The scheduler is silent since {began_at.astimezone(zone):%H:%M}"
    )
    message["From"] = config.mail_sender
    message["To"] = to
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid("silence", parseaddr(config.mail_sender)[1].rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message["X-Priority"] = "3" if back else "1"
    lines = _back(began, ended) if back else _silent(cause, began)
    lines += ["", f"Page: {config.public_url}/system", f"Seen from: {host}, by the watcher beside the scheduler"]
    message.set_content("\n".join(lines) + "\n")
    return message


def _silent(cause: str, began: str) -> list[str]:
    return [f"The scheduler is silent since {began}.", "", REASONS.get(cause, cause), "", ADVICE]


def _back(began: str, ended: str) -> list[str]:
    return [f"The scheduler works again since {ended}. It was silent from {began} on."]


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%d %B %Y, %H:%M:%S %Z}"


def send(config: Config, messages: Sequence[tuple[str, EmailMessage]]) -> list[str]:
    """Hand messages to the mail server; return a sentence for each that did not go out."""
    from horarium.notify.mail_server import mailer_of  # noqa: PLC0415 - likewise
    from horarium.notify.mailer import MailFailed  # noqa: PLC0415 - only an alarm needs mail and encryption

    mailer = mailer_of(config)
    if mailer is None:
        return ["no mail is sent: SMTP_HOST is not set"]
    sender = parseaddr(config.mail_sender)[1]
    failed = []
    try:
        with mailer.line() as line:
            for to, message in messages:
                try:
                    line.send(message, to=to, sender=sender)
                except MailFailed as error:
                    if error.is_for_all:
                        raise
                    failed.append(str(error))
    except MailFailed as error:
        failed.append(str(error))
    return failed
