"""What an import would make: names, updates instead of doubles, and the layout of the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePath

import pytest

from horarium.adoption.crontab import (
    Action,
    Circumstances,
    Survey,
    is_system_path,
    move,
    parse_crontab,
    recognise,
    survey,
)
from horarium.adoption.crontab.names import NAME_LENGTH, name_of
from horarium.records.actors import Actor
from horarium.records.tasks import CommandSpec, Task, TaskDefinition

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Household:
    """Two accounts: ana, who is at work, and root."""

    def __init__(self, home: str = "/nowhere/ana") -> None:
        self.present = "ana"
        self.homes = {"ana": home, "root": "/root"}

    def home_of(self, name: str) -> str | None:
        return self.homes.get(name)


def surveyed(text: str, existing: Iterable[Task] = (), *, has_users: bool = False, source: str = "/srv/jobs") -> Survey:
    around = Circumstances(timezone="Europe/Berlin", now=NOW, accounts=Household())
    return survey(parse_crontab(text, has_users=has_users), source, existing, around)


def stored(definitions: Iterable[TaskDefinition]) -> list[Task]:
    return [
        Task(id=number, definition=each, revision=1, created_at=NOW, updated_at=NOW, next_at=None)
        for number, each in enumerate(definitions, start=1)
    ]


def tasks_of(result: Survey) -> list[Task]:
    return stored(planned.definition for planned in result.planned)


def test_a_line_becomes_a_command_task_with_words_and_next_times() -> None:
    (planned,) = surveyed("# Nightly copy\n30 2 * * * /usr/local/bin/copy.sh /srv > /dev/null 2>&1\n").planned
    assert planned.action is Action.ADD
    assert planned.definition.name == "copy.sh /srv"
    assert planned.definition.description == "Nightly copy"
    assert planned.definition.spec == CommandSpec(  # noqa: S604 - cron gives every command to a shell
        argv=("/usr/local/bin/copy.sh /srv > /dev/null 2>&1",),
        shell=True,
    )
    assert planned.definition.timezone == "Europe/Berlin"
    assert planned.words.startswith("Every day at 02:30")
    assert [each.isoformat() for each in planned.next_times] == [
        "2026-03-02T01:30:00+00:00",
        "2026-03-03T01:30:00+00:00",
        "2026-03-04T01:30:00+00:00",
    ]


def test_the_shell_of_the_file_reads_the_command(tmp_path: Path) -> None:
    text = f"SHELL=/bin/bash\nHOME={tmp_path}\nCRON_TZ=Asia/Tokyo\n0 0 * * * x%in\n"
    (planned,) = surveyed(text).planned
    assert planned.definition.spec == CommandSpec(
        argv=("/bin/bash", "-c", "x"), cwd=str(tmp_path), env={"HOME": str(tmp_path)}, stdin="in\n"
    )
    assert planned.definition.timezone == "Asia/Tokyo"
    assert planned.next_times[0] == datetime(2026, 3, 1, 15, 0, tzinfo=UTC)


def test_a_second_import_of_the_same_file_changes_nothing() -> None:
    text = "0 1 * * * /bin/a\n0 2 * * * /bin/a\n0 3 * * * /bin/b -v\n"
    first = surveyed(text)
    assert [each.name for each in first.planned] == ["a", "a (2)", "b -v"]
    second = surveyed(text, tasks_of(first))
    assert [each.action for each in second.planned] == [Action.KEEP] * 3
    assert [each.definition for each in second.planned] == [each.definition for each in first.planned]


def test_a_changed_schedule_updates_its_task_and_new_lines_do_not_take_names_away() -> None:
    before = tasks_of(surveyed("0 1 * * * /bin/a\n0 2 * * * /bin/a\n"))
    result = surveyed("30 9 * * * /bin/a -x\n0 2 * * * /bin/a\n15 1 * * * /bin/a\n", before)
    assert [(each.name, each.action) for each in result.planned] == [
        ("a -x", Action.ADD),
        ("a (2)", Action.KEEP),
        ("a", Action.UPDATE),
    ]


def test_what_people_have_set_on_an_imported_task_stays() -> None:
    (task,) = tasks_of(surveyed("0 1 * * * /bin/a\n"))
    tagged = replace(task, definition=replace(task.definition, tags=("night",)))
    (planned,) = surveyed("0 5 * * * /bin/a\n", [tagged]).planned
    assert (planned.action, planned.definition.tags) == (Action.UPDATE, ("night",))


def test_a_name_that_another_task_has_is_left_alone() -> None:
    (other,) = tasks_of(surveyed("0 1 * * * /bin/a\n", source="/srv/other"))
    (planned,) = surveyed("0 1 * * * /bin/a\n", [other]).planned
    assert (planned.name, planned.action) == ("a (2)", Action.ADD)


def test_tasks_whose_lines_are_gone_are_named() -> None:
    before = tasks_of(surveyed("0 1 * * * /bin/a\n0 2 * * * /bin/b\n"))
    assert surveyed("0 2 * * * /bin/b\n", before).gone == ("a",)


def test_an_account_that_is_not_there_or_cannot_be_become_is_noted() -> None:
    result = surveyed("0 1 * * * root a\n0 2 * * * nobody-here b\n0 3 * * * ana c\n", has_users=True)
    assert [(each.line, each.sentence) for each in result.findings] == [
        (1, "only a server that is started by root can run this as root"),
        (2, "this machine has no account nobody-here; its runs will fail"),
    ]
    assert [
        planned.definition.spec.user for planned in result.planned if isinstance(planned.definition.spec, CommandSpec)
    ] == [
        "root",
        "nobody-here",
        "ana",
    ]


def test_commands_start_in_the_home_folder_as_under_cron_where_there_is_one(tmp_path: Path) -> None:
    household = Household(home=str(tmp_path))
    around = Circumstances(timezone="UTC", now=NOW, accounts=household)
    crontab = parse_crontab("0 0 * * * ./own\n", has_users=False)

    def folder() -> str | None:
        (planned,) = survey(crontab, "-", (), around).planned
        assert isinstance(planned.definition.spec, CommandSpec)
        return planned.definition.spec.cwd

    assert folder() == str(tmp_path)
    household.present = "root"
    assert folder() is None


def test_root_s_lines_need_the_setting_that_allows_them() -> None:
    household = Household()
    household.present = "root"
    crontab = parse_crontab("0 0 * * * root x\n", has_users=True)
    for allows_root, count in ((False, 1), (True, 0)):
        around = Circumstances(timezone="UTC", now=NOW, accounts=household, allows_root=allows_root)
        found = survey(crontab, "-", (), around).findings
        assert len([each for each in found if "HORARIUM_ALLOW_ROOT_TASKS" in each.sentence]) == count


ANA = Actor.of_code("ana")


def test_an_import_makes_all_tasks_in_one_go_and_leaves_kept_ones_alone() -> None:
    class Desk:
        def __init__(self) -> None:
            self.calls: list[tuple[list[str], Actor]] = []

        def define_all(self, definitions: Iterable[TaskDefinition], *, actor: Actor) -> None:
            self.calls.append(([each.name for each in definitions], actor))

    desk = Desk()
    first = surveyed("0 1 * * * /bin/a\n0 2 * * * /bin/b\n")
    assert move(first, desk, actor=ANA).added == ("a", "b")
    second = surveyed("0 1 * * * /bin/a\n0 3 * * * /bin/b\n", tasks_of(first))
    done = move(second, desk, actor=ANA)
    assert (done.added, done.updated, done.kept) == ((), ("b",), ("a",))
    move(surveyed("0 1 * * * /bin/a\n", tasks_of(first)), desk, actor=ANA)
    assert desk.calls == [(["a", "b"], ANA), (["b"], ANA)]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("[ -x /usr/sbin/dma ] && /usr/sbin/dma -q", "dma -q"),
        ("cd / && run-parts --report /etc/cron.hourly", "run-parts --report /etc/cron.hourly"),
        (
            "test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }",
            "run-parts --report /etc/cron.daily",
        ),
        ("test -e /run/x || MODE=1 /sbin/e2scrub_all -A -r", "e2scrub_all -A -r"),
        ("if [ -x /usr/bin/mailman ]; then /usr/bin/mailman digests --periodic; fi", "mailman digests --periodic"),
        ("perl -e 'sleep int(rand(9))' && certbot -q renew", "certbot -q renew"),
        ("command -v debian-sa1 > /dev/null && debian-sa1 1 1", "debian-sa1 1 1"),
        ("nice -n10 /usr/sbin/logcheck", "logcheck"),
        ("d=$(cat a; echo b | sed 's/x/y/'); d=${d:-/var}; find \"$d/\" -delete", "find $d/ -delete"),
        ("/a/b >/dev/null 2>&1", "b"),
        ("a < in > out 2>> err x", "a x"),
        ("mail -s 'a b' joe", "mail -s a b joe"),
        ("[ -f x ]", ""),
        ("x " + "long " * 40, ("x" + " long" * 40)[:56].strip()),
        ("y" * 100, "y" * NAME_LENGTH),
    ],
)
def test_a_task_is_named_after_the_program_that_does_the_work(command: str, name: str) -> None:
    assert name_of(command) == name
    assert len(name) <= NAME_LENGTH


def test_a_line_without_a_program_is_named_after_its_comment_or_its_place() -> None:
    text = "# Is it there? Look. And more\n0 0 * * * [ -f x ]\n0 1 * * * [ -f y ]\n"
    text += "# m h dom mon dow command\n0 2 * * * [ -f z ]\n"
    assert [each.name for each in surveyed(text).planned] == ["Is it there? Look", "jobs line 3", "jobs line 5"]


@pytest.mark.parametrize(
    ("text", "has_users", "is_said"),
    [
        ("0 0 * * * root /bin/x\n", True, True),
        ("X=1\n# c\n*/5 * * * * ana if true; then x; fi\n@daily root y\n", True, True),
        ("0 0 * * * list if [ -x /y ]; then y; fi\n", True, True),
        ("0 0 * * * /bin/x -a\n", False, False),
        ("0 0 * * * mail -s hi joe\n", False, True),
        ("0 0 * * * root /bin/x\n0 1 * * * /bin/y z\n", False, True),
        ("0 0 * * * root\n", False, False),
        ("# nothing\n", False, False),
    ],
)
def test_the_user_column_is_recognised_and_a_guess_is_said_aloud(text: str, has_users: bool, is_said: bool) -> None:
    layout = recognise(text, is_account=lambda word: word in {"ana", "mail", "list"})
    assert (layout.has_users, bool(layout.doubt)) == (has_users, is_said)


def test_files_of_the_system_have_a_user_column_by_their_path() -> None:
    assert is_system_path(PurePath("/etc/crontab"))
    assert is_system_path(PurePath("/tmp/unpacked/etc/cron.d/sysstat"))  # noqa: S108 - a name, not a file
    assert not is_system_path(PurePath("/var/spool/cron/crontabs/ana"))
    assert not is_system_path(PurePath("crontab"))
