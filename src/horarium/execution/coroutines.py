"""Run coroutine functions in an event loop of their own; loaded when the first one is to be run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from horarium.execution.attempt import LiveAttempt
from horarium.runs.registry import Function


def run(live: LiveAttempt, function: Function, *args: Any, **keywords: Any) -> Any:
    """Call a coroutine function as part of an attempt, whose end it is told of as asyncio tells: by a cancellation."""
    try:
        return asyncio.run(_cancellable(live, function(*args, **keywords)))
    finally:
        # The loop is closed: from here on the attempt can only be struck.
        live.ender = None


async def _cancellable(live: LiveAttempt, coroutine: Coroutine[Any, Any, Any]) -> Any:
    task = asyncio.current_task()
    cancel: Callable[[], object] = _nothing if task is None else task.cancel
    loop = asyncio.get_running_loop()
    live.set_ender(lambda: _cancel_soon(loop, cancel))
    return await coroutine


def _cancel_soon(loop: asyncio.AbstractEventLoop, cancel: Callable[[], object]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(cancel)


def _nothing() -> None:
    return None
