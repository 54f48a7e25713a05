"""From an exception to the record of a failure, and whether another attempt is worth it."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from horarium.records.policies import Retry
from horarium.records.runs import Failure

if TYPE_CHECKING:
    from horarium.logs.masking import Masker

MESSAGE_LIMIT = 4 * 1024
TRACEBACK_LIMIT = 64 * 1024
# asyncio is not imported for its place: most programs never need it.
_OUR_FOLDERS = (str(Path(__file__).parent), str(Path(traceback.__file__).with_name("asyncio")))


def describe(error: BaseException, masker: Masker | None = None) -> Failure:
    """Return class name, message and traceback, without the frames of this room and of asyncio above the task's own.

    Secrets are masked before the texts are shortened, which could leave a part of one.
    """
    message, trace = _message(error), _trace(error)
    if masker is not None:
        message, trace = masker.text(message), masker.text(trace)
    return Failure(class_name(type(error)), _capped(message, MESSAGE_LIMIT), _capped(trace, TRACEBACK_LIMIT))


def class_name(kind: type[BaseException]) -> str:
    """Return the bare name of a built-in exception, the dotted one of any other."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def names_of(error: BaseException) -> tuple[str, ...]:
    """Return every name that the error answers to: its class and the base classes, bare and dotted."""
    return tuple(
        name for kind in type(error).__mro__ for name in (kind.__name__, f"{kind.__module__}.{kind.__qualname__}")
    )


def is_worth_retry(retry: Retry, names: Iterable[str]) -> bool:
    """Tell whether the policy names one of these classes; a policy that names none means all."""
    return not retry.on or not set(retry.on).isdisjoint(names)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as other:  # noqa: BLE001 -- people's own code
        return f"<its message could not be read: {type(other).__name__}>"


def _trace(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(type(error), error, _theirs(error.__traceback__)))
    except Exception as other:  # noqa: BLE001 -- people's own code is asked for its message again
        return f"<the traceback could not be written: {type(other).__name__}>"


def _theirs(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_next is not None and _is_ours(trace):
        trace = trace.tb_next
    return trace


def _is_ours(trace: TracebackType) -> bool:
    return trace.tb_frame.f_code.co_filename.startswith(_OUR_FOLDERS)


def _capped(text: str, limit: int) -> str:
    """Keep the head and the larger tail: the end of a traceback says what happened."""
    text = text.replace("\0", "\u2400").encode("utf-8", "replace").decode("utf-8")
    if len(text) <= limit:
        return text
    head = limit // 4
    return f"{text[:head]}\n… {len(text) - limit:,} characters left out …\n{text[head - limit :]}"
