"""Run what waits for the store in threads, a bounded number for each purpose, so that one crowd holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """A few threads of one purpose; what finds none free stands in line."""

    def __init__(self, many: int, name: str) -> None:
        """Keep at most `many` threads, called `name`; none is started before it is needed."""
        self._pool = ThreadPoolExecutor(many, thread_name_prefix=f"horarium-{name}")

    async def call(self, function: Callable[..., T], *args: object, **kwargs: object) -> T:
        """Call `function` in one of the threads and wait for what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(function, *args, **kwargs))

    def close(self) -> None:
        """Let the threads go when they are done."""
        self._pool.shutdown(wait=False)
