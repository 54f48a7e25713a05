"""The table of moves: complete, closed, and the same on its page."""

from __future__ import annotations

import pytest

from horarium.states import FAILURE_STATES, FINAL_STATES, HELD_STATES, OPEN_STATES, RUN_MOVES, RunState, sources_of


def test_every_state_has_its_moves_and_every_move_leads_to_a_state() -> None:
    assert set(RUN_MOVES) == set(RunState)
    assert all(targets <= set(RunState) for targets in RUN_MOVES.values())


def test_a_final_state_is_never_left() -> None:
    assert {state for state, targets in RUN_MOVES.items() if not targets} == FINAL_STATES


def test_every_run_can_come_to_an_end_and_every_state_can_be_reached() -> None:
    reached = {RunState.QUEUED, RunState.CLAIMED}
    while (further := reached.union(*(RUN_MOVES[state] for state in reached))) != reached:
        reached = further
    assert reached == set(RunState)
    for state in OPEN_STATES:
        assert RunState.CANCELLED in RUN_MOVES[state]


def test_open_and_final_states_are_all_there_are() -> None:
    assert set(RunState) == OPEN_STATES | FINAL_STATES
    assert not OPEN_STATES & FINAL_STATES
    assert HELD_STATES < OPEN_STATES
    assert FAILURE_STATES < FINAL_STATES


@pytest.mark.parametrize("state", RunState)
def test_the_sources_of_a_state_are_the_moves_turned_around(state: RunState) -> None:
    assert sources_of(state) == {source for source, targets in RUN_MOVES.items() if state in targets}
