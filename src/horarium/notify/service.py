"""`NotificationService`: telling people from a program, without the web."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from horarium.accounts.names import checked_email
from horarium.clock import Clock, SystemClock
from horarium.config import Config, load_config
from horarium.errors import ConfigError, Conflict, InvalidValue
from horarium.logs.live import LIVE
from horarium.notify.channels.base import ChannelKind
from horarium.notify.courier import Courier
from horarium.notify.drawing import FINISHED
from horarium.notify.gathering import MOST_PER_DAY
from horarium.notify.happenings import MOST_WORDS
from horarium.notify.lines import one_line
from horarium.notify.mail_server import mailer_of
from horarium.notify.mailer import Mailer
from horarium.notify.mailing import NO_MAIL
from horarium.notify.office import Office, drawing_of, office_of
from horarium.records.notices import NoticeKind
from horarium.states import EventKind
from horarium.store.books.events import EventBook
from horarium.store.books.mail import Letter, OutboxBook, SentBook
from horarium.store.books.tasks import TaskBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.vault.vault import Vault, secrets_of

MOST_RECIPIENTS: Final = 50
MOST_CHARACTERS: Final = 500_000
MOST_PDF_BYTES: Final = 10 * 1024 * 1024
_DAY: Final = timedelta(days=1)
_MOST_FACTS: Final = 20
_TURNS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A finished summary: what its subject says, the same as text and as HTML, and as a PDF where there is one."""

    subject: str
    text: str
    html: str = ""
    pdf: bytes = b""
    pdf_name: str = "report.pdf"
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What became of a letter: its number, the id that stays over all tries, and how it stands.

    `state` is `sent`, `waiting` (it is tried for a day, by the server or the next `deliver`) or `given_up`; `answer` is
    why it did not go out.
    """

    id: int
    to: str
    message_id: str
    state: str
    answer: str = ""


class NotificationService:
    """Tells people: by letters that a program writes, and by what happens to tasks, as the rules say.

    `store` is an open store, a path or an address (default: the one of the settings), `config` the settings (default:
    those of the environment and `.env`). With a running server on the same store nothing more is needed; without one
    `start` sends in threads of this program, and `deliver` does it once. Used as a context it delivers at the end.
    """

    def __init__(
        self,
        store: Store | str | Path | None = None,
        *,
        config: Config | None = None,
        clock: Clock | None = None,
        kinds: Mapping[str, ChannelKind] | None = None,
    ) -> None:
        """Open the store. Raises `ConfigError`, `StoreError`."""
        self._config = config or load_config()
        self._clock = clock or SystemClock()
        where: Store | str | Path = self._config.database if store is None else store
        self._owns_store = isinstance(where, str | Path)
        self._store = open_store(where, clock=self._clock) if isinstance(where, str | Path) else where
        vault = self._vault() if self._config.secret_key else None
        self._mailer = mailer_of(self._config)
        self._courier = None if self._mailer is None else self._new_courier(self._mailer)
        self._office = office_of(self._config, self._store, self._clock, vault=vault, kinds=kinds, gather=timedelta(0))
        self._is_started = False

    @property
    def office(self) -> Office:
        """Return the desks of channels, rules and the log, for programs that keep those."""
        return self._office

    def send_email(
        self, to: str | Iterable[str], subject: str, text: str, *, html: str = "", unsubscribe: str = ""
    ) -> list[Handed]:
        """Write a letter to each recipient and send it now; one that cannot go now is tried for a day.

        Line breaks in the subject become blanks. Raises `InvalidValue` for what is no address or too long, `Conflict`
        where a recipient has got 100 letters in a day, `ConfigError` where no mail server is set.
        """
        return self._send(to, Report(subject=subject, text=text, html=html, unsubscribe=unsubscribe))

    def send_weekly_report(self, to: str | Iterable[str], report: Report) -> list[Handed]:
        """Send a finished summary to each recipient, its PDF attached. Raises as `send_email` does."""
        return self._send(to, report)

    def notify_task_completion(
        self, task: str, *, words: str = "", facts: Mapping[str, str] | None = None, run_id: int | None = None
    ) -> None:
        """Say that a task went well: whom the rules name is told, and whom a failure of it was told.

        `task` is the name of a task of the store or of anything else. Raises `InvalidValue`.
        """
        self._ask(NoticeKind.SUCCEEDED, task, words, facts or {}, run_id)

    def notify_task_failure(
        self,
        task: str,
        error: str | BaseException,
        *,
        facts: Mapping[str, str] | None = None,
        run_id: int | None = None,
    ) -> None:
        """Say that a task failed, and why: whom the rules name is told. Raises `InvalidValue`."""
        words = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        self._ask(NoticeKind.FAILED, task, words, facts or {}, run_id)

    def test_connection(self) -> str:
        """Sign in to the mail server without sending anything; return in one sentence that it works.

        Raises `ConfigError` where none is set, `MailFailed` with the reason where it cannot be used.
        """
        mailer = self._require_mailer()
        with mailer.line():
            settings = mailer.settings
        ways = {"starttls": "encrypted by STARTTLS", "tls": "encrypted", "none": "without encryption"}
        user = f", signed in as {settings.user}" if settings.user else ""
        return f"{settings.host}:{settings.real_port} answers, {ways[settings.security]}{user}."

    def deliver(self) -> int:
        """Send what is due now, in this thread; return how many messages and letters were tried."""
        tried = self._office.work()
        while self._courier is not None and (taken := self._courier.carry()):
            tried += taken
        return tried

    def start(self) -> None:
        """Begin to send in threads of this program, until `stop`."""
        if not self._is_started:
            self._is_started = True
            self._office.start()
            if self._courier is not None:
                self._courier.start()

    def stop(self) -> None:
        """End what `start` began; what waits is sent by whoever comes next."""
        if self._is_started:
            self._is_started = False
            self._office.stop()
            if self._courier is not None:
                self._courier.stop()

    def close(self) -> None:
        """Stop, and let go of the store unless it was given open."""
        self.stop()
        if self._owns_store:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._is_started:
                self.deliver()
        finally:
            self.close()

    def _vault(self) -> Vault:
        secret, old_secret = secrets_of(self._config)
        return Vault(self._store, self._clock, secret=secret, old_secret=old_secret)

    def _new_courier(self, mailer: Mailer) -> Courier:
        config = self._config
        # Letters about accounts have links, which the server makes: this one leaves them to it.
        return Courier(
            self._store,
            self._clock,
            mailer=mailer,
            drawing=drawing_of(config),
            answers={},
            team=config.team_name,
            only=FINISHED,
        )

    def _require_mailer(self) -> Mailer:
        if self._mailer is None:
            raise ConfigError(NO_MAIL)
        return self._mailer

    def _send(self, to: str | Iterable[str], report: Report) -> list[Handed]:
        self._require_mailer()
        addresses = _addresses(to)
        body = _letter(report)
        now = self._clock.now()
        with self._store.transaction() as tx:
            book = OutboxBook(tx)
            for address in addresses:
                if book.count_since(FINISHED, now - _DAY, address=address) >= MOST_PER_DAY:
                    raise Conflict(f"{address} has got {MOST_PER_DAY} letters in a day: this one is not written")
            numbers = [book.add(FINISHED, address, body, at=now) for address in addresses]
        return self._carried(numbers)

    def _carried(self, numbers: list[int]) -> list[Handed]:
        """Send what is due until these letters were tried; return how they stand."""
        for _ in range(_TURNS):
            if self._courier is None or not self._courier.carry():
                break
        with self._store.reading() as tx:
            letters = [SentBook(tx).get(number) for number in numbers]
        return [_handed(letter) for letter in letters if letter is not None]

    def _ask(self, kind: NoticeKind, task: str, words: str, facts: Mapping[str, str], run_id: int | None) -> None:
        name = one_line(task)
        if not name:
            raise InvalidValue("task", task, "give it a name")
        if len(facts) > _MOST_FACTS:
            raise InvalidValue("facts", len(facts), f"use at most {_MOST_FACTS}")
        # What a run under way has opened of the vault does not go out this way either.
        shown = {one_line(LIVE.text(str(key))): one_line(LIVE.text(str(value))) for key, value in facts.items()}
        body: dict[str, Any] = {
            "kind": kind.value,
            "name": name,
            "words": LIVE.text(words)[:MOST_WORDS],
            "facts": shown,
        }
        with self._store.transaction() as tx:
            number = TaskBook(tx).id_of(task)
            EventBook(tx).append(
                EventKind.NOTICE_ASKED, at=self._clock.micros(), task_id=number, run_id=run_id, body=body
            )


def _addresses(to: str | Iterable[str]) -> list[str]:
    given = [to] if isinstance(to, str) else list(to)
    if not 1 <= len(given) <= MOST_RECIPIENTS:
        raise InvalidValue("to", len(given), f"name 1 to {MOST_RECIPIENTS} addresses")
    return list(dict.fromkeys(checked_email(each) for each in given))


def _letter(report: Report) -> dict[str, Any]:
    for name, text in (("text", report.text), ("html", report.html)):
        if len(text) > MOST_CHARACTERS:
            raise InvalidValue(name, f"{len(text):,} characters", f"use at most {MOST_CHARACTERS:,}")
    if len(report.pdf) > MOST_PDF_BYTES:
        raise InvalidValue("pdf", f"{len(report.pdf):,} bytes", f"use at most {MOST_PDF_BYTES:,}")
    if not one_line(report.subject):
        raise InvalidValue("subject", report.subject, "write one")
    if not report.text.strip():
        raise InvalidValue("text", "", "write something: not everybody reads HTML")
    body: dict[str, Any] = {"subject": one_line(LIVE.text(report.subject)), "text": LIVE.text(report.text)}
    if report.html:
        body["html"] = LIVE.text(report.html)
    if report.pdf:
        body |= {"pdf": b64encode(report.pdf).decode(), "pdf_name": one_line(report.pdf_name)}
    if report.unsubscribe:
        body["unsubscribe"] = one_line(report.unsubscribe, 2000)
    return body


def _handed(letter: Letter) -> Handed:
    state = "sent" if letter.sent_at else "given_up" if letter.given_up_at else "waiting"
    return Handed(id=letter.id, to=letter.address, message_id=letter.message_id, state=state, answer=letter.last_error)
