"""Projects and their members."""

from __future__ import annotations

import pytest

from horarium.accounts.people import People
from horarium.accounts.projects import Projects
from horarium.accounts.sessions import Sessions
from horarium.audit.trail import Trail
from horarium.errors import InvalidValue, NotFound
from horarium.records.people import Role
from horarium.store.books.projects import ProjectBook
from horarium.store.port import Store
from tests.support.people import LAPTOP, TESTER, SetClock, add_person, cheap_hasher


def test_a_project_is_made_found_and_renamed(both: Store, clock: SetClock) -> None:
    projects = Projects(both, clock)
    made = projects.add("Night shift", actor=TESTER, description="What runs at night")
    assert projects.find(" NIGHT  shift ") == made
    with pytest.raises(InvalidValue, match="of this name"):
        projects.add("night Shift", actor=TESTER)
    changed = projects.change(made.id, actor=TESTER, name="Night", description="")
    assert (changed.name, projects.find("night shift")) == ("Night", None)
    other = projects.add("Day", actor=TESTER)
    with pytest.raises(InvalidValue):
        projects.change(other.id, actor=TESTER, name="NIGHT", description="")
    with pytest.raises(NotFound):
        projects.get(99)
    told = [row.action for row in Trail(both, clock).page()]
    assert told == ["project.made", "project.changed", "project.made"]


def test_a_members_role_goes_along_with_their_session(both: Store, clock: SetClock) -> None:
    people = People(both, clock, hasher=cheap_hasher())
    projects, sessions = Projects(both, clock), Sessions(both, clock)
    otto, night = add_person(people, "otto"), projects.add("Night", actor=TESTER)
    token = sessions.start(otto, LAPTOP, actor=TESTER)
    projects.put_member(night.id, otto.id, Role.VIEWER, actor=TESTER)
    projects.put_member(night.id, otto.id, Role.OPERATOR, actor=TESTER)
    projects.put_member(night.id, otto.id, Role.OPERATOR, actor=TESTER)
    found = sessions.find(token)
    assert found
    assert found.projects == {night.id: Role.OPERATOR}
    assert [row.action for row in Trail(both, clock).page(limit=2)] == ["member.changed", "member.added"]
    with both.reading() as tx:
        ((membership, user),) = ProjectBook(tx).members(night.id)
    assert (membership.role, user) == (Role.OPERATOR, otto) or user.id == otto.id
    with pytest.raises(InvalidValue, match="viewer, operator"):
        projects.put_member(night.id, otto.id, Role.USER, actor=TESTER)
    with pytest.raises(NotFound):
        projects.put_member(night.id, 99, Role.VIEWER, actor=TESTER)
    assert projects.drop_member(night.id, otto.id, actor=TESTER)
    assert not projects.drop_member(night.id, otto.id, actor=TESTER)
    found = sessions.find(token)
    assert found
    assert found.projects == {}
