"""Set the server's log up: every line a sentence and an event word, as text or as one JSON object, never a secret."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, Final, TextIO

import structlog

from horarium.logs.harmless import harmless
from horarium.logs.live import LIVE

MASK: Final = "(hidden)"
VALUE_LIMIT: Final = 2000

_URL_PASSWORD: Final = re.compile(r"(?<=://)([^\s/@:]*):([^\s/@]+)@")
_SECRET_NAMES: Final = re.compile(r"secret|password|passwd|token|authorization|cookie", re.IGNORECASE)

EventDict = MutableMapping[str, Any]


class Redaction:
    """A step of the log that hides given secrets, those of runs, passwords inside addresses, and telling names."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Hide each of `secrets` wherever it stands; texts under 6 characters would hide too much and are left."""
        found = sorted({each for each in secrets if len(each) >= 6}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, found))) if found else None

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        """Return the event with every text in it made safe."""
        for key, value in list(event.items()):
            event[key] = MASK if _SECRET_NAMES.search(key) else self._safe(value)
        return event

    def text(self, text: str) -> str:
        """Return one text without secrets."""
        if self._secrets is not None:
            text = self._secrets.sub(MASK, text)
        return _URL_PASSWORD.sub(rf"\1:{MASK}@", LIVE.text(text))

    def _safe(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        text = self.text(value if isinstance(value, str) else repr(value))
        return text if len(text) <= VALUE_LIMIT else f"{text[:VALUE_LIMIT]}… ({len(text)} characters)"


def set_up_logging(
    *, level: str = "info", form: str = "text", secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Send everything that is logged in this process to `stream` (default: standard error) in one form.

    `level` is debug, info, warning or error; `form` is text or json; `secrets` never appear in a line.
    """
    steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=steps,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_twins,
            Redaction(secrets),
            _as_json if form == "json" else _as_text,
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic"):
        # uvicorn brings handlers of its own; its lines take the same way as ours, and the small talk of others none.
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel("DEBUG" if level == "debug" else "WARNING")
    structlog.configure(
        processors=[*steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _without_twins(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Leave out what uvicorn says a second time in colour."""
    event.pop("color_message", None)
    return event


_AS_JSON: Final = structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=True)


def _as_json(logger: Any, method: str, event: EventDict) -> str:
    event["message"] = event.pop("event", "")
    event["event"] = event.pop("word", "log")
    line = _AS_JSON(logger, method, event)
    return line if isinstance(line, str) else line.decode("ascii")


def _as_text(_logger: Any, _method: str, event: EventDict) -> str:
    """Write time, level, event word, sentence, then what else is known; a traceback follows with its lines indented."""
    stamp, level = event.pop("timestamp", ""), str(event.pop("level", "info"))
    trace = str(event.pop("exception", "") or "")
    word = event.pop("word", event.pop("logger", "log"))
    event.pop("logger", None)
    sentence = harmless(str(event.pop("event", "")))
    rest = "".join(f" {key}={harmless(str(value))}" for key, value in sorted(event.items()))
    lines = "".join(f"\n    {harmless(line)}" for line in trace.splitlines())
    return f"{stamp} {level:<7} {harmless(str(word))}: {sentence}{rest}{lines}"
