"""Heartbeats of people and projects that go: kept, given or removed as tasks are, and never left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from horarium.accounts.people import People
from horarium.accounts.projects import Projects
from horarium.audit.trail import Trail
from horarium.clock import EPOCH
from horarium.errors import InvalidValue, NotFound
from horarium.records.checks import CheckWish, HeartbeatCheck
from horarium.records.people import Role, User
from horarium.records.reach import EVERYTHING, NOWHERE, Place
from horarium.scheduling.checks import CheckDesk, check_in
from horarium.scheduling.departures import Departures, Fate, Left, Will
from horarium.states import CheckState
from horarium.store.books.checks import CheckBook
from horarium.testing import ManualScheduler
from horarium.triggers import IntervalTrigger, to_text
from tests.support.people import TESTER, add_admin, add_person, cheap_hasher


class Team:
    """Two people, of whom Leïla goes, and the checks that they make."""

    def __init__(self, world: ManualScheduler) -> None:
        self.world = world
        self.people = People(world.store, world.clock, hasher=cheap_hasher())
        self.projects = Projects(world.store, world.clock)
        self.desk = CheckDesk(world.store, world.clock)
        self.departures = Departures(world.desk)
        self.ines: User = add_admin(self.people, "ines")
        self.leila: User = add_person(self.people, "leila", Role.EDITOR)

    def check(self, name: str, place: Place | None = None) -> int:
        """Add a check, Leïla's unless a place is named."""
        wish = CheckWish(
            name=name,
            schedule=to_text(IntervalTrigger(3600, EPOCH)),
            place=Place(owner_id=self.leila.id) if place is None else place,
        )
        return self.desk.add(wish, actor=TESTER).id

    def found(self, check_id: int) -> HeartbeatCheck:
        with self.world.store.reading() as tx:
            return check_in(tx, check_id)

    def told(self) -> list[str]:
        return [row.action for row in Trail(self.world.store, self.world.clock).page(limit=200)]


@pytest.fixture
def team(world: ManualScheduler) -> Team:
    return Team(world)


def test_nothing_is_made_for_or_given_to_somebody_who_has_gone(team: Team) -> None:
    old = team.check("old")
    team.departures.close(team.leila.id, Will(), actor=TESTER)
    for place in (Place(owner_id=team.leila.id), Place(owner_id=99), Place(project_id=99)):
        with pytest.raises(InvalidValue):
            team.check("late", place)
    wish = team.found(old).wish
    renamed = team.desk.change(old, replace(wish, name="renamed"), actor=TESTER)
    assert renamed.place == Place(owner_id=team.leila.id)
    mine = team.desk.change(old, replace(renamed.wish, place=Place(owner_id=team.ines.id)), actor=TESTER)
    assert mine.place == Place(owner_id=team.ines.id)
    with pytest.raises(InvalidValue):
        team.desk.change(old, wish, actor=TESTER)
    assert team.found(old) == mine


@pytest.mark.parametrize("deletes", [False, True], ids=["close", "delete"])
@pytest.mark.parametrize("fate", [Fate.PERSON, Fate.PROJECT, Fate.INSTALLATION, Fate.REMOVE])
def test_r56_heartbeats_become_what_was_said_of_tasks(team: Team, fate: Fate, *, deletes: bool) -> None:
    night, day = (team.projects.add(name, actor=TESTER) for name in ("Night", "Day"))
    own, shared = team.check("own"), team.check("shared", Place(owner_id=team.leila.id, project_id=night.id))
    other = team.check("other", Place(owner_id=team.ines.id))
    heirs = {Fate.PERSON: team.ines.id, Fate.PROJECT: day.id}
    act = team.departures.delete if deletes else team.departures.close
    departed = act(team.leila.id, Will(fate=fate, heir_id=heirs.get(fate)), actor=TESTER)
    assert departed
    assert (departed.tasks, departed.checks) == (0, 2)
    assert team.found(other).state is CheckState.NEW
    if fate is Fate.REMOVE:
        with team.world.store.reading() as tx:
            assert [each.id for each in CheckBook(tx).page(EVERYTHING)] == [other]
        assert team.told().count("heartbeat.removed") == 2
        return
    places = {
        Fate.PERSON: (Place(owner_id=team.ines.id), Place(owner_id=team.ines.id, project_id=night.id)),
        # What is in a project stays in it.
        Fate.PROJECT: (Place(project_id=day.id), Place(project_id=night.id)),
        Fate.INSTALLATION: (NOWHERE, Place(project_id=night.id)),
    }
    assert (team.found(own).place, team.found(shared).place) == places[fate]
    assert {team.found(each).state for each in (own, shared)} == {CheckState.PAUSED}
    assert (team.told().count("heartbeat.paused"), team.told().count("heartbeat.changed")) == (2, 2)


def test_deleting_somebody_who_owns_heartbeats_needs_a_word_about_them(team: Team) -> None:
    own = team.check("own")
    assert team.departures.left_by(team.leila.id) == Left(tasks=0, own_shares=0, credentials=0, checks=1)
    with pytest.raises(InvalidValue, match="takes them over"):
        team.departures.delete(team.leila.id, Will(), actor=TESTER)
    assert team.people.get(team.leila.id).is_enabled
    assert team.found(own).state is CheckState.NEW
    team.desk.remove(own, actor=TESTER)
    assert team.departures.delete(team.leila.id, Will(), actor=TESTER).checks == 0


def test_what_closing_paused_waits_again_when_the_account_opens(team: Team) -> None:
    kept, paused, touched = (team.check(name) for name in ("kept", "paused", "touched"))
    team.desk.pause(paused, actor=TESTER)
    team.world.clock.advance(timedelta(hours=1))
    team.departures.close(team.leila.id, Will(), actor=TESTER)
    assert {team.found(each).state for each in (kept, paused, touched)} == {CheckState.PAUSED}
    assert team.found(kept).place == Place(owner_id=team.leila.id)
    team.world.clock.advance(timedelta(hours=1))
    team.desk.pause(touched, actor=TESTER)
    team.departures.open_again(team.leila.id, actor=TESTER)
    assert [team.found(each).state for each in (kept, paused, touched)] == [
        *(CheckState.NEW, CheckState.PAUSED, CheckState.PAUSED)
    ]


def test_r47_heartbeats_of_a_removed_project_are_nobodys_by_accident(team: Team) -> None:
    night = team.projects.add("Night", actor=TESTER)
    loose = team.check("loose", Place(project_id=night.id))
    hers = team.check("hers", Place(owner_id=team.leila.id, project_id=night.id))
    with pytest.raises(InvalidValue, match="becomes of the heartbeats"):
        team.departures.remove_project(night.id, Will(), actor=TESTER)
    team.departures.remove_project(night.id, Will(fate=Fate.INSTALLATION), actor=TESTER)
    # They go on, as tasks that are given by a project do.
    assert (team.found(loose).place, team.found(loose).state) == (NOWHERE, CheckState.NEW)
    assert team.found(hers).place == Place(owner_id=team.leila.id)
    day = team.projects.add("Day", actor=TESTER)
    gone = team.check("gone", Place(project_id=day.id))
    team.departures.remove_project(day.id, Will(fate=Fate.REMOVE), actor=TESTER)
    with pytest.raises(NotFound):
        team.found(gone)
