"""Hold parts to a time limit that have none of their own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Final

from horarium.notify.channels.base import DeliveryFailed

_GIVEN_UP_SECONDS: Final = 1.0


def within(seconds: float, work: Callable[[], str], *, give_up: Callable[[], None] = lambda: None) -> str:
    """Return what `work` returns. Raises what it raises, and `DeliveryFailed` where it takes longer than `seconds`.

    Then `give_up` is called, from here, to break off what it waits for, and it is left behind.
    """
    ended: queue.Queue[str | BaseException] = queue.Queue()

    def run() -> None:
        try:
            ended.put(work())
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            ended.put(error)

    thread = threading.Thread(target=run, name="horarium-delivery", daemon=True)
    thread.start()
    try:
        found = ended.get(timeout=seconds)
    except queue.Empty:
        give_up()
        thread.join(_GIVEN_UP_SECONDS)
        raise DeliveryFailed(f"it took longer than {seconds:g} s") from None
    if isinstance(found, BaseException):
        raise found
    return found
