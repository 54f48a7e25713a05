"""Read a crontab line by line, as Debian's cron does; a line that means nothing is a finding, and the rest goes on.

Where crontab(5) is silent, what cron's own reader accepts counts: variables hold from their line on, nothing in them is
expanded, a command reaches to the end of its line, and no line is continued on the next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from horarium.errors import InvalidSchedule, InvalidValue
from horarium.triggers import CronExpression
from horarium.triggers import parse as parse_schedule

SIZE_LIMIT: Final = 1024 * 1024
DEFAULT_SHELL: Final = "/bin/sh"

_BLANKS = " \t"
_SETTING = re.compile(r"""(?:"([^"]+)"|'([^']+)'|([^\s="']+))\s*=\s*(.*)""")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?")
_FOR_CRON_ALONE: Final = frozenset(
    {"MAILTO", "MAILFROM", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING", "CRON_TZ", "SHELL", "RANDOM_DELAY", "LOGNAME"}
)


class Weight(StrEnum):
    """What a finding means for the import."""

    BAD = "bad"
    """The line is not understood and makes no task."""
    LEFT_OUT = "left out"
    """The line is understood and deliberately makes no task."""
    NOTE = "note"
    """The line is taken; this is worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about a line, counted from 1; line 0 is the file as a whole."""

    line: int
    weight: Weight
    sentence: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that runs a command.

    `raw_command` is the rest of the line as it stands; `command` and `stdin` are what cron makes of its percent signs.
    `env` holds the variables for the command, `shell` the program that reads it, `timezone` the zone that the file asks
    for. `comment` is the text right above the line.
    """

    line: int
    schedule: CronExpression
    raw_command: str
    command: str
    stdin: str | None
    user: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    shell: str = DEFAULT_SHELL
    timezone: str | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Crontab:
    """What a file says: its entries in order, and what is to be said about its lines."""

    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]
    has_users: bool


def decode_crontab(content: bytes) -> str:
    """Return the text of a file's content; raises `InvalidValue` for one that can be no crontab."""
    if len(content) > SIZE_LIMIT:
        raise InvalidValue("crontab", f"{len(content)} bytes", f"it may have {SIZE_LIMIT} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidValue("crontab", "(not shown)", "it must be UTF-8 text") from None
    if "\0" in text:
        raise InvalidValue("crontab", "(not shown)", "it must be text, without NUL characters")
    return text


def parse_crontab(text: str, *, has_users: bool) -> Crontab:
    """Read the `text` of a crontab; `has_users` says whether its lines name an account before the command.

    Never raises for what the lines say: see `findings`.
    """
    reader = _Reader(has_users)
    lines = text.split("\n")
    if lines[-1].strip():
        reader.note(len(lines), "the last line has no end; cron ignores such a file, here it counts")
    if any(line.endswith("\r") for line in lines):
        reader.note(0, "the lines end as on Windows; cron would hand the extra character on, here it is taken away")
    for number, line in enumerate(lines, start=1):
        reader.read(number, line.removesuffix("\r").lstrip(_BLANKS))
    return Crontab(tuple(reader.entries), tuple(sorted(reader.findings, key=lambda each: each.line)), has_users)


class _Reader:
    """The place in a file: which variables hold, and the comment above the next line."""

    def __init__(self, has_users: bool) -> None:  # noqa: FBT001 - the reader has one caller
        self.entries: list[Entry] = []
        self.findings: list[Finding] = []
        self._has_users = has_users
        self._env: dict[str, str] = {}
        self._shell = DEFAULT_SHELL
        self._timezone: str | None = None
        self._comment: list[str] = []

    def note(self, line: int, sentence: str, weight: Weight = Weight.NOTE) -> None:
        self.findings.append(Finding(line, weight, sentence))

    def read(self, number: int, line: str) -> None:
        """Take in one line without its leading blanks."""
        if line.startswith("#"):
            self._comment.append(line.lstrip("#").strip())
            return
        comment, self._comment = self._comment, []
        if not line:
            return
        setting = _SETTING.fullmatch(line)
        try:
            if setting:
                self._set(number, setting[1] or setting[2] or setting[3], setting[4].rstrip())
            else:
                self._take(number, line, "\n".join(comment).strip())
        except InvalidSchedule as error:
            self.note(number, str(error), Weight.BAD)

    def _set(self, number: int, name: str, raw: str) -> None:
        value = _unquoted(raw)
        if value is None:
            self.note(number, f"the quotes around the value of {name} do not match", Weight.BAD)
        elif not _NAME.fullmatch(name):
            self.note(number, f"{name!r} is no name for a variable", Weight.BAD)
        elif name == "CRON_TZ":
            self._set_zone(number, value)
        elif name == "LOGNAME":
            self.note(number, "LOGNAME is set by the system; the line is left out", Weight.LEFT_OUT)
        elif name == "SHELL":
            self._shell = value or DEFAULT_SHELL
        elif name == "MAILTO":
            if value:
                self.note(number, f"output is kept with the runs; no mail goes to {value}")
        elif name not in _FOR_CRON_ALONE:
            if "$" in value:
                self.note(number, f"nothing is expanded in the value of {name}, as in cron: it is {value!r}")
            self._env[name] = value

    def _set_zone(self, number: int, value: str) -> None:
        try:
            self._timezone = ZoneInfo(value).key if value else None
        except (ZoneInfoNotFoundError, OSError, ValueError):
            self.note(number, f"CRON_TZ {value!r} is no name of the IANA time zone list", Weight.BAD)
            return
        self.note(
            number, f"the lines below follow the clock of {value or 'the machine'}; Debian's cron ignores CRON_TZ"
        )

    def _take(self, number: int, line: str, comment: str) -> None:
        if line.startswith("-") and line[1:2] in {*"0123456789*@"}:
            self.note(number, "a leading - means something to other crons, not to Debian's: take it away", Weight.BAD)
            return
        schedule, rest = _split_schedule(line)
        user = None
        if self._has_users:
            user, rest = _first_word(rest)
            if not _ACCOUNT.fullmatch(user):
                self.note(number, f"an account name must follow the schedule, not {user!r}", Weight.BAD)
                return
        if schedule == "@reboot":
            self.note(
                number,
                f"@reboot is not taken: it is no time; let the system's service manager start {rest!r}",
                Weight.LEFT_OUT,
            )
            return
        expression = parse_schedule(schedule)
        if not rest:
            self.note(number, "the line has a schedule and no command", Weight.BAD)
            return
        self._add(number, expression, rest, user, comment)

    def _add(self, number: int, schedule: CronExpression, raw: str, user: str | None, comment: str) -> None:
        command, stdin = split_percent(raw)
        if not command.strip():
            self.note(number, "the command is empty before its first percent sign", Weight.BAD)
            return
        if raw.endswith("\\"):
            self.note(number, "the command ends with a backslash; cron does not join it with the next line")
        if stdin is not None:
            self.note(number, "what follows the first percent sign goes to the command's standard input, as in cron")
        self.entries.append(
            Entry(
                line=number,
                schedule=schedule,
                raw_command=raw,
                command=command,
                stdin=stdin,
                user=user,
                env=MappingProxyType(dict(self._env)),
                shell=self._shell,
                timezone=self._timezone,
                comment=comment,
            )
        )


def split_percent(raw: str) -> tuple[str, str | None]:
    r"""Split a command at its first bare percent sign into the command and its standard input (None without one).

    `\%` is a percent sign in both parts, a bare one in the second is a line break, and the input ends with one. A
    backslash before anything else stays, and also keeps the next character from being special.
    """
    command, rest = _until_percent(raw)
    if rest is None:
        return command, None
    text = []
    escaped = False
    for sign in rest:
        if sign == "%":
            text.append("%" if escaped else "\n")
            escaped = False
            continue
        if escaped:
            text.append("\\")
        escaped = sign == "\\"
        if not escaped:
            text.append(sign)
    if escaped:
        text.append("\\")
    stdin = "".join(text)
    return command, stdin if not stdin or stdin.endswith("\n") else stdin + "\n"


def _until_percent(raw: str) -> tuple[str, str | None]:
    command: list[str] = []
    escaped = False
    for at, sign in enumerate(raw):
        if escaped:
            if sign == "%":
                command[-1] = sign
            else:
                command.append(sign)
            escaped = False
        elif sign == "%":
            return "".join(command), raw[at + 1 :]
        else:
            command.append(sign)
            escaped = sign == "\\"
    return "".join(command), None


def _split_schedule(line: str) -> tuple[str, str]:
    if line.startswith("@"):
        return _first_word(line)
    fields: list[str] = []
    rest = line
    while rest and len(fields) < 5:
        word, rest = _first_word(rest)
        fields.append(word)
    return " ".join(fields), rest


def _first_word(text: str) -> tuple[str, str]:
    found = re.match(r"([^ \t]*)[ \t]*(.*)", text, re.DOTALL)
    return (found[1], found[2]) if found else ("", "")


def _unquoted(raw: str) -> str | None:
    """Take matching quotes away; None when a quote is not closed or something follows it."""
    if raw[:1] not in {'"', "'"}:
        return raw
    inner, closed, after = raw[1:].partition(raw[0])
    return inner if closed and not after.strip() else None
