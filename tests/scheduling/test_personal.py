"""Tasks that are there once for each person: who has one, when it runs, and what becomes of it when things change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from horarium.accounts.people import NewPerson, People
from horarium.audit.trail import Trail
from horarium.clock import to_micros
from horarium.errors import Conflict, InvalidValue, TaskNotFound
from horarium.preferences.setting import Setting, SettingType
from horarium.preferences.settings import Preferences
from horarium.records.people import User
from horarium.records.policies import Misfire, Overlap, Policies
from horarium.records.tasks import PerUser, PythonSpec, Task, TaskDefinition
from horarium.scheduling.personal import sweep_people
from horarium.states import OverlapPolicy, RunState
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.tasks import TaskBook
from horarium.testing import ManualScheduler
from horarium.triggers import CronTrigger, IntervalTrigger, to_text
from tests.support.people import TESTER, cheap_hasher

SETTINGS = (
    Setting(key="sync_enabled", type=SettingType.SWITCH, default=True, sentence="Whether it syncs."),
    Setting(key="sync_interval", type=SettingType.NUMBER, default=3600, least=60, most=86_400, sentence="Seconds."),
    Setting(key="report_at", type=SettingType.CRON, default="0 6 * * *", sentence="When the report comes."),
    Setting(key="amount", type=SettingType.NUMBER, default=0, sentence="No interval: it may be nothing."),
)
BY_SETTINGS = PerUser(enabled="sync_enabled", interval="sync_interval")


class Town:
    """A scheduler, and people with settings."""

    def __init__(self, world: ManualScheduler) -> None:
        self.world = world
        self.people = People(world.store, world.clock, hasher=cheap_hasher())
        self.settings = Preferences(world.store, world.clock)
        self.settings.register("Sync", SETTINGS)

    def person(self, name: str, zone: str = "UTC") -> User:
        return self.people.add(NewPerson(name=name, time_zone=zone), actor=TESTER)

    def define(
        self, name: str = "sync", schedule: Any = None, per_user: PerUser | None = BY_SETTINGS, **rest: Any
    ) -> Task:
        text = None if schedule is None else to_text(schedule)
        return self.world.desk.define(
            TaskDefinition(name, PythonSpec(f"world:{name}"), text, per_user=per_user, **rest)
        ).task

    def share(self, user: User, name: str = "sync") -> Task:
        return self.world.desk.find(name, for_user_id=user.id)

    def shares(self, template: Task) -> list[Task]:
        with self.world.store.reading() as tx:
            return TaskBook(tx).shares([template.id])

    def runs_of(self, task: Task) -> list[datetime | None]:
        return [run.planned_at for run in self.world.runs() if run.task_id == task.id]


@pytest.fixture
def town(world: ManualScheduler) -> Town:
    return Town(world)


@pytest.fixture
def village(small: ManualScheduler) -> Town:
    """On a store in memory, for what no database decides."""
    return Town(small)


def test_each_person_has_one_whoever_comes_first(town: Town) -> None:
    ana = town.person("ana", "Europe/Lisbon")
    template = town.define()
    ben = town.person("ben", "Asia/Tokyo")
    assert template.next_at is None
    for user in (ana, ben):
        share = town.share(user)
        assert share.template_id == template.id
        assert share.place.for_user_id == user.id
        assert share.definition.per_user is None
        assert share.definition.timezone == user.time_zone
        assert share.next_at is not None
        assert share.next_at - town.world.clock.now() <= timedelta(hours=1)
    assert town.world.desk.find("sync").id == template.id


def test_each_person_has_their_own_interval_and_switch(town: Town) -> None:
    ana, ben, cid = (town.person(name) for name in ("ana", "ben", "cid"))
    town.define()
    town.settings.set(ana.id, "sync_interval", 60)
    town.settings.set(ben.id, "sync_enabled", value=False)
    town.world.advance(timedelta(minutes=10))
    assert len(town.runs_of(town.share(ana))) == 10
    assert town.runs_of(town.share(ben)) == []
    assert town.share(ben).next_at is None
    assert len(town.runs_of(town.share(cid))) <= 1
    town.settings.set(ben.id, "sync_enabled", value=True)
    town.settings.set(ben.id, "sync_interval", 120)
    town.world.advance(timedelta(minutes=10))
    assert len(town.runs_of(town.share(ben))) == 5


def test_a_cron_text_counts_on_each_persons_own_clock(village: Town) -> None:
    lisbon, tokyo = village.person("ana", "Europe/Lisbon"), village.person("ben", "Asia/Tokyo")
    village.define("morning", CronTrigger("0 6 * * *", "America/New_York"), PerUser())
    village.define("report", None, PerUser(cron="report_at"))
    village.settings.set(tokyo.id, "report_at", "30 7 * * *")
    day = datetime(2026, 5, 15, tzinfo=UTC)
    assert village.share(lisbon, "morning").next_at == day + timedelta(hours=5)
    assert village.share(tokyo, "morning").next_at == day - timedelta(hours=3)
    assert village.share(lisbon, "report").next_at == day + timedelta(hours=5)
    assert village.share(tokyo, "report").next_at == day - timedelta(hours=1, minutes=30)
    village.settings.set(lisbon.id, "timezone", "Asia/Tokyo")
    assert village.share(lisbon, "morning").next_at == day - timedelta(hours=3)
    village.people.change(lisbon.id, time_zone="Europe/Lisbon", actor=TESTER)
    assert village.share(lisbon, "morning").next_at == day + timedelta(hours=5)


def test_intervals_of_many_people_do_not_fall_on_one_moment(village: Town) -> None:
    people = [village.person(f"p{number}") for number in range(60)]
    village.define("own", IntervalTrigger(60, village.world.clock.now()), PerUser())
    village.define()
    for name in ("own", "sync"):
        seconds = sorted(to_micros(share.next_at) for user in people if (share := village.share(user, name)).next_at)
        gaps = [later - earlier for earlier, later in pairwise(seconds)]
        assert max(gaps) <= 4 * (seconds[-1] - seconds[0]) // len(gaps)


def test_looking_again_changes_nothing(town: Town) -> None:
    ana = town.person("ana")
    town.define(schedule=CronTrigger("*/5 * * * *"), per_user=PerUser(enabled="sync_enabled"))
    before = town.share(ana)
    town.define(schedule=CronTrigger("*/5 * * * *"), per_user=PerUser(enabled="sync_enabled"))
    town.settings.set(ana.id, "look", "dark")
    sweep_people(town.world.store, town.world.clock)
    assert town.share(ana) == before


def test_a_new_definition_reaches_everybody_and_history_stays(town: Town) -> None:
    ana = town.person("ana")
    town.define()
    town.settings.set(ana.id, "sync_interval", 60)
    town.world.advance(timedelta(minutes=3))
    share = town.share(ana)
    town.define(description="Fetch what is new", policies=Policies(timeout_seconds=9))
    again = town.share(ana)
    assert again.id == share.id
    assert (again.definition.description, again.definition.policies.timeout_seconds) == ("Fetch what is new", 9)
    assert again.next_at == share.next_at
    assert len(town.runs_of(again)) == 3


def test_a_closed_account_has_no_times_and_an_open_one_has_them_again(town: Town) -> None:
    ana, ben = town.person("ana"), town.person("ben")
    town.define()
    town.people.disable(ana.id, actor=TESTER)
    assert town.share(ana).next_at is None
    assert town.share(ben).next_at is not None
    town.people.enable(ana.id, actor=TESTER)
    assert town.share(ana).next_at is not None


def test_a_person_who_is_deleted_leaves_none_behind(town: Town) -> None:
    ana, ben = town.person("ana"), town.person("ben")
    town.define()
    share = town.share(ana)
    with town.world.store.transaction() as tx:
        PeopleBook(tx).remove(ana.id)
    with pytest.raises(TaskNotFound):
        town.share(ana)
    with pytest.raises(TaskNotFound):
        town.world.desk.find(share.id)
    assert town.share(ben).next_at is not None


def test_what_is_not_committed_changes_nothing(town: Town) -> None:
    ana = town.person("ana")
    town.define()
    before = town.share(ana)

    def move_and_fail() -> None:
        with town.world.store.transaction() as tx:
            PeopleBook(tx).change(ana.id, time_zone="Asia/Tokyo")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        move_and_fail()
    assert town.share(ana) == before


def test_installation_defaults_and_locks_reach_everybody(town: Town) -> None:
    ana, ben = town.person("ana"), town.person("ben")
    town.define()
    town.settings.set(ana.id, "sync_interval", 600)
    town.settings.set_for_all("sync_interval", 60)
    assert _seconds(town.share(ana)) == 600
    assert _seconds(town.share(ben)) == 60
    town.settings.lock("sync_interval")
    assert _seconds(town.share(ana)) == 60
    town.settings.set_for_all("sync_enabled", value=False)
    assert (town.share(ana).next_at, town.share(ben).next_at) == (None, None)


def _seconds(share: Task) -> int:
    trigger = share.definition.schedule or ""
    return int(trigger.partition('"every_micros":')[2].partition(",")[0]) // 1_000_000


def test_one_person_is_paused_and_the_others_go_on(town: Town) -> None:
    ana, ben = town.person("ana"), town.person("ben")
    town.define(schedule=CronTrigger("* * * * *"), per_user=PerUser())
    town.world.desk.pause(town.share(ana).id, by=TESTER, reason="on holiday")
    town.world.advance(timedelta(minutes=5))
    assert town.runs_of(town.share(ana)) == []
    assert len(town.runs_of(town.share(ben))) == 5
    town.settings.set(ana.id, "timezone", "Asia/Tokyo")
    assert town.share(ana).is_paused
    town.world.desk.resume(town.share(ana).id, by=TESTER)
    town.world.advance(timedelta(minutes=5))
    assert len(town.runs_of(town.share(ana))) == 5


def test_a_pause_of_the_task_is_one_of_everybody_and_ends_for_those_it_began_for(town: Town) -> None:
    ana, ben = town.person("ana"), town.person("ben")
    template = town.define(schedule=CronTrigger("* * * * *"), per_user=PerUser())
    town.world.desk.pause(town.share(ana).id, by=TESTER)
    town.world.clock.advance(timedelta(seconds=1))
    town.world.desk.pause(template.id, by=TESTER, reason="it is broken")
    cid = town.person("cid")
    town.world.advance(timedelta(minutes=3))
    assert [town.runs_of(town.share(user)) for user in (ana, ben, cid)] == [[], [], []]
    with pytest.raises(InvalidValue, match="waits for a resume"):
        town.world.desk.pause(template.id, by=TESTER, until=town.world.clock.now() + timedelta(hours=1))
    town.world.desk.resume(template.id, by=TESTER)
    town.world.advance(timedelta(minutes=3))
    assert [len(town.runs_of(town.share(user))) for user in (ana, ben, cid)] == [0, 3, 3]


def test_the_task_goes_with_everybodys_and_nobodys_alone(town: Town) -> None:
    ana = town.person("ana")
    template = town.define()
    share = town.share(ana)
    with pytest.raises(Conflict, match="pause it for one, or remove it for all"):
        town.world.desk.remove(share.id, by=TESTER)
    with pytest.raises(Conflict, match="runs for each person"):
        town.world.desk.trigger("sync", by=TESTER)
    town.world.desk.trigger(share.id, by=TESTER)
    town.world.run_due()
    assert len(town.runs_of(share)) == 1
    town.world.desk.remove("sync", by=TESTER)
    assert town.shares(template) == []
    assert len(town.runs_of(share)) == 1
    again = town.define()
    assert town.share(ana).id not in {share.id, again.id}


def test_a_task_becomes_one_for_each_person_and_one_for_all_again(town: Town) -> None:
    ana = town.person("ana")
    plain = town.define(schedule=CronTrigger("* * * * *"), per_user=None)
    assert plain.next_at is not None
    template = town.define(schedule=CronTrigger("* * * * *"), per_user=PerUser())
    assert (template.id, template.next_at) == (plain.id, None)
    assert town.share(ana).next_at is not None
    plain = town.define(schedule=CronTrigger("* * * * *"), per_user=None)
    assert plain.next_at is not None
    assert town.shares(plain) == []


@pytest.mark.parametrize(
    ("per_user", "words"),
    [
        (PerUser(enabled="nothing_like_it"), "there is none of this name"),
        (PerUser(enabled="sync_interval"), "name a setting of the type switch"),
        (PerUser(interval="sync_enabled"), "name a setting of the type number"),
        (PerUser(interval="amount"), "whose least value is 1"),
        (PerUser(cron="sync_interval"), "name a setting of the type cron"),
        (PerUser(interval="sync_interval", cron="report_at"), "not both"),
    ],
)
def test_settings_that_do_not_fit_are_refused_and_nothing_is_made(village: Town, per_user: PerUser, words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        village.define(per_user=per_user)
    with pytest.raises(TaskNotFound):
        village.world.desk.find("sync")


def test_an_application_that_takes_its_settings_away_leaves_the_tasks(village: Town) -> None:
    ana = village.person("ana")
    village.define(schedule=CronTrigger("0 6 * * *"), per_user=BY_SETTINGS)
    village.settings.register("Sync", [])
    assert village.share(ana).definition.schedule == to_text(CronTrigger("0 6 * * *"))
    village.settings.register("Sync", SETTINGS)
    assert _seconds(village.share(ana)) == 3600


def test_what_waits_is_given_up_when_it_is_switched_off(village: Town) -> None:
    ana = village.person("ana")
    overlap = Overlap(OverlapPolicy.QUEUE, 5)
    village.define(
        schedule=CronTrigger("* * * * *"), per_user=PerUser(enabled="sync_enabled"), policies=Policies(overlap=overlap)
    )
    village.world.launcher.holds = True
    village.world.advance(timedelta(minutes=3))
    village.settings.set(ana.id, "sync_enabled", value=False)
    states = [(run.state, run.reason) for run in village.world.runs()]
    assert states == [(RunState.RUNNING, ""), (RunState.SKIPPED, "off"), (RunState.SKIPPED, "off")]


def test_times_that_were_missed_are_accounted_for_when_a_setting_changes(village: Town) -> None:
    ana = village.person("ana")
    policies = Policies(misfire=Misfire(grace_seconds=10))
    village.define(schedule=CronTrigger("* * * * *"), per_user=PerUser(enabled="sync_enabled"), policies=policies)
    share = village.share(ana)
    start = village.world.clock.now()
    village.world.sleep_through(timedelta(minutes=10))
    village.settings.set(ana.id, "sync_enabled", value=False)
    assert _totals(village.world, share, start) == {"missed": 10}


def _totals(world: ManualScheduler, share: Task, start: datetime) -> dict[str, int]:
    with world.store.reading() as tx:
        return LedgerBook(tx).totals(share.id, to_micros(start), world.clock.micros() + 1)


def test_everybodys_failure_lock_and_parking_are_their_own(village: Town) -> None:
    ana, ben = village.person("ana"), village.person("ben")

    def behave(job: Any) -> object:
        if job.for_user_id == ana.id:
            raise RuntimeError("no more room")
        return None

    village.world.launcher.behaviours["sync"] = behave
    village.define(schedule=CronTrigger("* * * * *"), per_user=PerUser())
    village.world.advance(timedelta(minutes=3))
    assert (village.share(ana).failures_in_row, village.share(ben).failures_in_row) == (3, 0)
    with village.world.store.transaction() as tx:
        village.world.claimer.park(tx, village.share(ana).id, "its function is not there")
    village.world.advance(timedelta(minutes=3))
    assert village.share(ana).is_parked
    assert len(village.runs_of(village.share(ben))) == 6
    village.define(schedule=CronTrigger("* * * * *"), per_user=PerUser())
    assert not village.share(ana).is_parked


def test_r101_one_persons_hanging_runs_leave_places_for_the_others(village: Town) -> None:
    world = village.world
    ana, ben = village.person("ana"), village.person("ben")
    for number in range(12):
        village.define(f"job{number}", CronTrigger("* * * * *"), PerUser())
    hanging: set[int] = set()
    world.launcher.holds = True

    def end_all_but_hers() -> None:
        for job in list(world.launcher.under_way.values()):
            if job.for_user_id == ana.id:
                hanging.add(job.run_id)
            else:
                world.launcher.end(job)
        world.recorder.flush()

    for _ in range(190):
        world.advance(timedelta(seconds=1))
        end_all_but_hers()
        world.run_due()
    assert [job.for_user_id for job in world.launcher.under_way.values()] == [ana.id] * 5
    assert len(hanging) == 5
    late = [
        run.started_at - run.planned_at
        for number in range(12)
        for run in world.runs()
        if run.task_id == village.share(ben, f"job{number}").id and run.started_at and run.planned_at
    ]
    assert len(late) == 36
    assert max(late) <= timedelta(seconds=3)
    for job in list(world.launcher.under_way.values()):
        world.launcher.end(job)
    world.recorder.flush()
    world.run_due()
    assert [job.for_user_id for job in world.launcher.under_way.values()] == [ana.id] * 5


def test_200_people_with_a_task_a_minute_are_all_on_time(village: Town) -> None:
    world = village.world
    people = [village.person(f"p{number}") for number in range(200)]
    village.settings.set_for_all("sync_interval", 60)
    village.define()
    world.advance(timedelta(minutes=3))
    runs = world.runs()
    assert len(runs) == 600
    assert len({run.task_id for run in runs}) == len(people)
    assert max(run.started_at - run.planned_at for run in runs if run.started_at and run.planned_at) <= timedelta(
        seconds=1
    )


def test_the_task_is_noted_in_the_log_once_and_not_for_each_person(village: Town) -> None:
    for number in range(3):
        village.person(f"p{number}")
    village.define()
    actions = [row.action for row in Trail(village.world.store, village.world.clock).page()]
    assert actions.count("task.added") == 1
