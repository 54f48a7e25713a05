"""What tasks print and log in threads of this program, told apart by the attempt that is under way.

Standard output and error are replaced by proxies that ask the context variable of the present attempt, and pass
through what belongs to none. For `logging`, the method that hands a record to its handlers is wrapped. A handler on
the root logger would do harm in a host program: `basicConfig` would do nothing, the handler of last resort would fall
silent, and frameworks would believe that logging is set up.
"""

from __future__ import annotations

import copy
import logging
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TextIO

from horarium.execution.context import CURRENT
from horarium.logs.live import LIVE
from horarium.states import Stream

LEVEL = logging.INFO

# While a record that was taken goes to the host's handlers, what they write to a captured stream is the same line.
_muted: ContextVar[bool] = ContextVar("horarium_muted", default=False)
_formatter = logging.Formatter("%(levelname)s %(name)s: %(message)s")
_bare = logging.Formatter("%(message)s")


class StreamProxy:
    """Stand in for `sys.stdout` or `sys.stderr`: what a running attempt writes goes to it, the rest passes through."""

    def __init__(self, inner: TextIO, stream: Stream) -> None:
        self.inner = inner
        self._stream = stream

    def write(self, text: str) -> int:
        """Take or pass on `text`; return its length."""
        scope = CURRENT.get()
        if scope is None:
            return self.inner.write(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if not _muted.get():
            scope.take(self._stream, text)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write each of the lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass the flush on."""
        self.inner.flush()

    def isatty(self) -> bool:
        """Tell whether a terminal is behind it; for a task there is none."""
        return CURRENT.get() is None and self.inner.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Capture:
    """Install and remove the proxies and the hook into logging, once for a program however many users it has."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._call_handlers: Callable[[logging.Logger, logging.LogRecord], None] | None = None

    def install(self) -> None:
        """Begin to take output; each call wants its `remove`."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._hook_logging()
            self._wrap()

    def remove(self) -> None:
        """Put everything back when the last user is gone, as far as it is still ours."""
        with self._lock:
            self._users -= 1
            if self._users:
                return
            if isinstance(sys.stdout, StreamProxy):
                sys.stdout = sys.stdout.inner
            if isinstance(sys.stderr, StreamProxy):
                sys.stderr = sys.stderr.inner
            self._unhook_logging()

    def check(self, is_alone: Callable[[], bool]) -> None:
        """Wrap the streams again if the host (a notebook, a test runner) has put others in their place.

        Only an attempt that is alone may do so: another one may have redirected a stream for itself for a while.
        """
        if (type(sys.stdout) is not StreamProxy or type(sys.stderr) is not StreamProxy) and is_alone():
            with self._lock:
                self._wrap()

    def _wrap(self) -> None:
        # Without a console (a service on some systems) the streams are None and there is nothing to stand in for.
        if not isinstance(sys.stdout, StreamProxy | None):
            sys.stdout = _proxy(sys.stdout, Stream.STDOUT)
        if not isinstance(sys.stderr, StreamProxy | None):
            sys.stderr = _proxy(sys.stderr, Stream.STDERR)

    def _hook_logging(self) -> None:
        original = logging.Logger.callHandlers

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            scope = CURRENT.get()
            shown = _masked(record) if LIVE else record
            if scope is None or record.levelno < LEVEL:
                original(logger, shown)
                return
            scope.take(Stream.LOG, _text(record))
            token = _muted.set(True)
            try:
                original(logger, shown)
            finally:
                _muted.reset(token)

        self._call_handlers = original
        _put_call_handlers(call_handlers)

    def _unhook_logging(self) -> None:
        if self._call_handlers is not None:
            _put_call_handlers(self._call_handlers)
            self._call_handlers = None


CAPTURE = Capture()
"""The one capture of this program."""


def _put_call_handlers(function: Any) -> None:
    logging.Logger.callHandlers = function  # type: ignore[method-assign]


def _proxy(inner: TextIO, stream: Stream) -> TextIO:
    proxy: Any = StreamProxy(inner, stream)
    stand_in: TextIO = proxy
    return stand_in


def _text(record: logging.LogRecord, formatter: logging.Formatter = _formatter) -> str:
    try:
        return formatter.format(record) + "\n"
    except Exception as error:  # noqa: BLE001 -- a record with wrong arguments is the task's mistake, not an end
        return f"{record.levelname} {record.name}: {record.msg!r} ({type(error).__name__}: {error})\n"


def _masked(record: logging.LogRecord) -> logging.LogRecord:
    """Return the record as the host's handlers may show it: without what a run under way has opened."""
    if not isinstance(record.msg, str):
        # An event of structured logging: the last step of that masks it.
        return record
    text = _text(record, _bare).removesuffix("\n")
    safe = LIVE.text(text)
    shown = copy.copy(record)
    for name, value in vars(record).items():
        if isinstance(value, str):
            setattr(shown, name, LIVE.text(value))
    if safe != text:
        # Message and traceback as one text: an exception would be asked for its own words again.
        shown.msg, shown.args, shown.exc_info, shown.exc_text = safe, None, None, None
    return shown
