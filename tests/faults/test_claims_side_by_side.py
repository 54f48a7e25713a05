"""Two nodes claim at the same moment: what one could not see yet must not be taken for free by the other."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from horarium.records.actors import Actor
from horarium.store.books.runs import RunBook
from horarium.testing import ManualClock, ManualScheduler


def test_rp8_a_task_that_was_held_elsewhere_a_moment_ago_is_counted_anew(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    one, other = (ManualScheduler(postgres_url, clock=clock, slots=slots) for slots in (1, 50))
    one.add("shared", None)
    one.add("filler", None)
    # So many between the two that they stand on different pages of what waits.
    wanted = ["shared", *["filler"] * 200, "shared"]
    numbers = [one.desk.trigger(name, by=Actor.of_code("test")) for name in wanted]
    one.loop.wake()
    other.loop.wake()
    look = RunBook.waiting
    with ExitStack() as first:
        taken = one.claimer.claim(first.enter_context(one.store.transaction()), 0)
        assert [job.run_id for _, job in taken] == [numbers[0]]

        def waiting(book: RunBook, now: int, *, most: int, start: int = 0) -> Any:
            if start:
                first.close()
            return look(book, now, most=most, start=start)

        monkeypatch.setattr(RunBook, "waiting", waiting)
        with other.store.transaction() as tx:
            claims = other.claimer.claim(tx, 0)
    assert "shared" not in {job.definition.name for _, job in claims}
    for world in (one, other):
        world.shut_down()
