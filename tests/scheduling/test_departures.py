"""People and projects that go: what they own stops at once and becomes what was said, nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from horarium.accounts.people import People
from horarium.accounts.projects import Projects
from horarium.accounts.sessions import Sessions
from horarium.audit.trail import Trail
from horarium.errors import Conflict, HorariumError, InvalidValue, NotFound
from horarium.records.people import Project, Role, User
from horarium.records.reach import NOWHERE, Place
from horarium.scheduling.departures import Departures, Fate, Left, Will
from horarium.scheduling.tasks import TaskDesk
from horarium.states import RunState
from horarium.store.books.leaving import LeavingBook
from horarium.store.books.tokens import Token, TokenBook
from horarium.testing import ManualScheduler
from tests.support.people import LAPTOP, TESTER, add_admin, add_person, cheap_hasher

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class Team:
    """A scheduler with two people: Inês, who administers, and Leïla, who goes."""

    def __init__(self, world: ManualScheduler) -> None:
        self.world = world
        self.people = People(world.store, world.clock, hasher=cheap_hasher())
        self.projects = Projects(world.store, world.clock)
        self.ines: User = add_admin(self.people, "ines")
        self.leila: User = add_person(self.people, "leila", Role.EDITOR)
        self.departures = Departures(world.desk)

    def task(self, name: str, place: Place | None = None, cron: str | None = "* * * * *") -> int:
        """Add a task, Leïla's unless a place is named."""
        task = self.world.add(name, cron)
        self.world.desk.give(task.id, Place(owner_id=self.leila.id) if place is None else place, by=TESTER)
        return task.id

    def states(self, name: str) -> list[RunState]:
        return [run.state for run in self.world.runs(name)]

    def told(self) -> list[str]:
        return [row.action for row in Trail(self.world.store, self.world.clock).page(limit=200)]


@pytest.fixture
def team(world: ManualScheduler) -> Team:
    return Team(world)


@pytest.fixture
def few(small: ManualScheduler) -> Team:
    """Give the same on a store in memory, for what no database decides."""
    return Team(small)


@pytest.mark.parametrize("deletes", [False, True], ids=["close", "delete"])
@pytest.mark.parametrize("cancels", [False, True], ids=["finish", "cancel"])
def test_r56_a_run_under_way_one_queued_and_one_due_in_two_seconds(team: Team, *, deletes: bool, cancels: bool) -> None:
    world = team.world
    start = world.clock.now()
    for name in ("going", "queued", "due"):
        team.task(name)
    world.launcher.holds = True
    world.advance(MINUTE - 2 * SECOND)
    going = world.desk.trigger("going", by=TESTER)
    world.run_due()
    waiting = world.desk.trigger("queued", by=TESTER)
    will = Will(fate=Fate.INSTALLATION, cancel_runs=cancels)
    act = team.departures.delete if deletes else team.departures.close
    departed = act(team.leila.id, will, actor=TESTER)
    assert departed
    assert (departed.tasks, departed.under_way) == (3, (going,))
    assert world.advance(3 * MINUTE) == 0
    assert team.states("due") == []
    assert [run.state for run in world.runs("queued") if run.id == waiting] == [RunState.SKIPPED]
    (run,) = world.runs("going")
    assert run.state is (RunState.CANCELLED if cancels else RunState.RUNNING)
    # Each time that came after is accounted for.
    assert world.totals("due", start, world.clock.now()) == {"paused": 3}


def test_r56_what_was_claimed_ahead_does_not_begin(team: Team) -> None:
    world = team.world
    team.task("soon")
    world.clock.advance(MINUTE - timedelta(milliseconds=100))
    world.loop.turn()
    assert team.states("soon") == [RunState.CLAIMED]
    team.departures.close(team.leila.id, Will(), actor=TESTER)
    assert world.advance(2 * MINUTE) == 0
    assert team.states("soon") == [RunState.SKIPPED]


def test_r56_what_was_due_and_not_looked_at_is_not_made_up(team: Team) -> None:
    world = team.world
    start = world.clock.now()
    team.task("due")
    world.sleep_through(2 * MINUTE + SECOND)
    team.departures.close(team.leila.id, Will(), actor=TESTER)
    assert world.run_due() == 0
    world.advance(MINUTE)
    assert world.totals("due", start, world.clock.now()) == {"missed": 2, "paused": 1}


@pytest.mark.parametrize("fate", [Fate.PERSON, Fate.PROJECT, Fate.INSTALLATION, Fate.REMOVE])
def test_r56_tasks_become_what_was_said_and_history_stays(team: Team, fate: Fate) -> None:
    world = team.world
    night = team.projects.add("Night", actor=TESTER)
    own, shared = team.task("own"), team.task("shared", Place(owner_id=team.leila.id, project_id=night.id))
    world.advance(MINUTE)
    day = team.projects.add("Day", actor=TESTER)
    heirs = {Fate.PERSON: team.ines.id, Fate.PROJECT: day.id}
    team.departures.delete(team.leila.id, Will(fate=fate, heir_id=heirs.get(fate)), actor=TESTER)
    assert [run.task_id for run in world.runs()] == [own, shared]
    with pytest.raises(NotFound):
        team.people.get(team.leila.id)
    if fate is Fate.REMOVE:
        with pytest.raises(NotFound):
            world.desk.find(own)
        assert team.told().count("task.removed") == 2
        return
    places = {
        Fate.PERSON: (Place(owner_id=team.ines.id), Place(owner_id=team.ines.id, project_id=night.id)),
        # What is in a project stays in it.
        Fate.PROJECT: (Place(project_id=day.id), Place(project_id=night.id)),
        Fate.INSTALLATION: (NOWHERE, Place(project_id=night.id)),
    }
    found = [world.desk.find(each) for each in (own, shared)]
    assert tuple(task.place for task in found) == places[fate]
    assert [task.pause.reason for task in found if task.pause] == ["leila was deleted"] * 2
    assert team.told().count("task.given") == 4


def test_deleting_somebody_who_owns_tasks_needs_a_word_about_them(few: Team) -> None:
    few.task("own")
    with pytest.raises(InvalidValue, match="takes them over"):
        few.departures.delete(few.leila.id, Will(), actor=TESTER)
    assert few.people.get(few.leila.id).is_enabled
    few.world.desk.remove("own", by=TESTER)
    few.departures.delete(few.leila.id, Will(), actor=TESTER)
    with pytest.raises(NotFound):
        few.departures.delete(few.leila.id, Will(), actor=TESTER)


@pytest.mark.parametrize(
    ("fate", "heir"),
    [(Fate.PERSON, None), (Fate.PERSON, "self"), (Fate.PERSON, 99), (Fate.PERSON, "closed"), (Fate.PROJECT, 99)],
)
def test_r56_nobody_and_nothing_that_is_not_there_takes_over(few: Team, fate: Fate, heir: object) -> None:
    few.task("own")
    mira = add_person(few.people, "mira")
    few.people.disable(mira.id, actor=TESTER)
    heir_id = {"self": few.leila.id, "closed": mira.id}.get(str(heir), heir)
    with pytest.raises(HorariumError):
        few.departures.close(few.leila.id, Will(fate=fate, heir_id=heir_id), actor=TESTER)  # type: ignore[arg-type]
    assert few.people.get(few.leila.id).is_enabled
    assert few.world.desk.find("own").pause is None


def test_r29_sessions_and_tokens_end_with_the_account(team: Team) -> None:
    sessions = Sessions(team.world.store, team.world.clock)
    cookie = sessions.start(team.leila, LAPTOP, actor=TESTER)
    with team.world.store.transaction() as tx:
        token = Token(0, team.leila.id, "ci", "abcd", ("read",), team.world.clock.now())
        TokenBook(tx).add(token, key="k" * 64)
    team.departures.close(team.leila.id, Will(), actor=TESTER)
    assert sessions.find(cookie) is None
    with team.world.store.reading() as tx:
        assert TokenBook(tx).of_user(team.leila.id) == []
    assert team.people.get(team.leila.id).epoch == team.leila.epoch + 1
    (row,) = [row for row in Trail(team.world.store, team.world.clock).page() if row.action == "person.disabled"]
    assert (row.object_name, row.details["tokens"], row.details["fate"]) == ("leila", 1, "keep")


def test_what_closing_paused_goes_on_when_the_account_opens_again(team: Team) -> None:
    world = team.world
    team.task("hers")
    team.task("held", cron="0 0 1 1 *")
    world.desk.pause("held", by=TESTER, reason="inventory")
    world.clock.advance(SECOND)
    team.departures.close(team.leila.id, Will(), actor=TESTER)
    assert team.departures.close(team.leila.id, Will(), actor=TESTER) is None
    assert world.advance(2 * MINUTE) == 0
    assert team.departures.open_again(team.leila.id, actor=TESTER) == 1
    assert team.departures.open_again(team.leila.id, actor=TESTER) is None
    assert world.advance(MINUTE) == 1
    held = world.desk.find("held").pause
    assert held
    assert held.reason == "inventory"


def test_a_pause_that_ends_by_itself_does_not_end_without_its_owner(few: Team) -> None:
    few.task("hers")
    few.world.desk.pause("hers", by=TESTER, until=few.world.clock.now() + MINUTE)
    few.departures.close(few.leila.id, Will(), actor=TESTER)
    assert few.world.advance(3 * MINUTE) == 0


def test_r55_the_last_administrator_stays_and_so_does_what_they_own(few: Team) -> None:
    few.task("hers", Place(owner_id=few.ines.id))
    for act in (few.departures.close, few.departures.delete):
        with pytest.raises(Conflict, match="last administrator"):
            act(few.ines.id, Will(fate=Fate.REMOVE), actor=TESTER)
    assert few.world.desk.find("hers").pause is None


def test_r55_two_administrators_who_close_or_delete_each_other_never_leave_none(team: Team) -> None:
    otto = add_admin(team.people, "otto")
    desk = TaskDesk(team.world.store, team.world.clock)

    def attempt(number: int, user_id: int) -> bool:
        departures = Departures(desk)
        heir = otto.id if user_id == team.ines.id else team.ines.id
        will = Will(fate=Fate.PERSON, heir_id=heir)
        try:
            return (departures.close if number % 2 else departures.delete)(user_id, will, actor=TESTER) is not None
        except HorariumError:
            return False

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(attempt, number, each) for number in range(2) for each in (otto.id, team.ines.id)]
        done = [each.result() for each in asked]
    assert any(done)
    assert len([user for user in team.people.list() if user.is_admin and user.is_enabled]) == 1


def test_a_task_is_not_given_to_somebody_who_goes_or_has_gone(few: Team) -> None:
    task = few.world.add("t", None)
    few.departures.close(few.leila.id, Will(), actor=TESTER)
    for place in (Place(owner_id=few.leila.id), Place(owner_id=99), Place(project_id=99)):
        with pytest.raises(InvalidValue):
            few.world.desk.give(task.id, place, by=TESTER)
    assert few.world.desk.find("t").place == NOWHERE


def test_what_somebody_would_leave_is_counted(few: Team) -> None:
    few.task("one")
    few.task("two")
    assert few.departures.left_by(few.leila.id) == Left(tasks=2, own_shares=0, credentials=0)
    with pytest.raises(NotFound):
        few.departures.left_by(99)


@pytest.fixture
def night(team: Team) -> Project:
    """Give a project with a task of its own and one of Leïla's."""
    made = team.projects.add("Night", actor=TESTER)
    team.task("loose", Place(project_id=made.id))
    team.task("hers", Place(owner_id=team.leila.id, project_id=made.id))
    return made


def test_r47_tasks_of_a_removed_project_are_nobodys_by_accident(team: Team, night: Project) -> None:
    with pytest.raises(InvalidValue, match="becomes of the tasks"):
        team.departures.remove_project(night.id, Will(), actor=TESTER)
    with pytest.raises(InvalidValue, match="another project"):
        team.departures.remove_project(night.id, Will(fate=Fate.PROJECT, heir_id=night.id), actor=TESTER)
    assert team.projects.get(night.id) == night
    assert team.world.desk.find("loose").place == Place(project_id=night.id)


def test_a_removed_project_gives_its_tasks_where_was_said_and_they_go_on(team: Team, night: Project) -> None:
    team.departures.remove_project(night.id, Will(fate=Fate.INSTALLATION), actor=TESTER)
    assert team.world.desk.find("loose").place == NOWHERE
    assert team.world.desk.find("hers").place == Place(owner_id=team.leila.id)
    assert team.world.advance(MINUTE) == 2
    with pytest.raises(NotFound):
        team.projects.get(night.id)
    assert team.told()[0] == "project.removed"
    with team.world.store.reading() as tx:
        assert LeavingBook(tx).tasks_in(night.id) == []


def test_a_removed_project_takes_its_tasks_along_where_that_was_said(team: Team, night: Project) -> None:
    team.world.advance(MINUTE)
    team.departures.remove_project(night.id, Will(fate=Fate.REMOVE), actor=TESTER)
    with pytest.raises(NotFound):
        team.world.desk.find("loose")
    assert team.world.advance(MINUTE) == 1
