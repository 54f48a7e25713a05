"""`channel`, `rule` and `notice`: what people are told, kept on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from horarium.cli.exits import ExitCode
from horarium.records.checks import CheckWish
from horarium.records.notices import NoticeKind
from horarium.records.telling import Cause, Note, On, Target
from horarium.store.books.checks import CheckBook
from horarium.store.books.notices import NoteBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.cli.conftest import Program
from tests.support.people import START, made_up

NOWHERE = "server=https://127.0.0.1:9"


@pytest.fixture
def ops(horarium: Program, types: Any) -> str:
    """Make a channel; return its secret."""
    secret = made_up()
    types(f"{secret}\n")
    answer = horarium(
        *("channel", "add", "ops", "--kind", "ntfy", "--set", "topic=ops", "--set", NOWHERE, "--stdin", "token")
    )
    assert answer.code == ExitCode.OK, answer.err
    assert secret not in answer.out + answer.err
    return secret


@pytest.fixture
def store(horarium: Program, home: Path) -> Iterator[Store]:
    """Give the store that the commands work on."""
    assert horarium("rule", "list").code == ExitCode.OK
    opened = open_store(home / "data" / "horarium.db")
    yield opened
    opened.close()


def test_r71_the_secret_of_a_channel_goes_in_and_never_comes_out(horarium: Program, ops: str) -> None:
    for words in (["channel", "list"], ["channel", "show", "ops"], ["channel", "show", "#1", "--json"]):
        answer = horarium(*words)
        assert answer.code == ExitCode.OK
        assert "ops" in answer.out
        assert ops not in answer.out + answer.err
    shown = horarium("channel", "show", "ops")
    assert "token        in the vault, not shown" in shown.out
    assert horarium("channel", "show", "ops", "--json").json["has_secrets"] is True
    refused = horarium("channel", "add", "phones", "--kind", "ntfy", "--set", "topic=x", "--set", f"token={ops}")
    assert refused.code == ExitCode.USAGE
    assert "it is a secret" in refused.err
    assert ops not in refused.err


def test_a_channel_is_changed_paused_tested_and_removed(horarium: Program, ops: str) -> None:
    assert ops
    changed = horarium("channel", "edit", "ops", "--rename", "Ops", "--set", "topic=other", "--most-per-hour", "5")
    assert changed.code == ExitCode.OK, changed.err
    shown = horarium("channel", "show", "OPS", "--json").json
    assert (shown["name"], shown["values"]["topic"], shown["most_per_hour"]) == ("Ops", "other", 5)
    assert shown["has_secrets"] is True
    assert horarium("channel", "edit", "Ops", "--most-per-hour", "0").code == ExitCode.OK
    assert horarium("channel", "show", "Ops", "--json").json["most_per_hour"] is None
    assert horarium("channel", "pause", "Ops").code == ExitCode.OK
    assert horarium("channel", "pause", "Ops").code == ExitCode.REFUSED
    assert "paused" in horarium("channel", "list").out
    assert horarium("channel", "resume", "Ops").code == ExitCode.OK
    tested = horarium("channel", "test", "Ops")
    assert tested.code == ExitCode.FAILED
    assert "did not take the test" in tested.err
    logged = horarium("notice", "log", "--channel", "Ops", "--json").json
    assert [(each["purpose"], each["state"]) for each in logged] == [("test", "given_up")]
    assert horarium("notice", "log", "--state", "given_up").out.count("given up") == 1
    assert horarium("channel", "remove", "Ops").code == ExitCode.OK
    assert horarium("channel", "show", "Ops").code == ExitCode.NOT_FOUND
    assert horarium("channel", "list").out == "No channels.\n"


def test_what_is_wrong_with_a_channel_is_said(horarium: Program) -> None:
    for words, said in (
        (["add", "x", "--kind", "pigeon", "--set", "a=b"], "kind 'pigeon'"),
        (["add", "x", "--kind", "ntfy", "--set", "loft=b"], "there are server, topic, token"),
        (["add", "x", "--kind", "ntfy"], "topic"),
        (["add", " ", "--kind", "ntfy", "--set", "topic=ops"], "1 to 100 characters"),
    ):
        answer = horarium("channel", *words)
        assert answer.code == ExitCode.USAGE
        assert said in answer.err, answer.err


def test_rules_are_made_changed_moved_switched_and_removed(horarium: Program, ops: str) -> None:
    assert ops
    assert "any task fails or works again" in horarium("rule", "list").out
    made = horarium(
        *("rule", "add", "--of", "failed", "--of", "late", "--tag", "critical", "--after-failures", "5"),
        *("--after", "10m", "--tell", "channel:ops", "--tell", "admins", "--often", "at_most", "--json"),
    )
    assert made.code == ExitCode.OK, made.err
    rule = made.json
    assert rule["words"] == (
        "if a task tagged “critical” fails 5 times in a row or is more than 10 minutes late, "
        "tell ops, administrators by e-mail, at most once an hour"
    )
    number = str(rule["id"])
    edited = horarium("rule", "edit", number, "--after-failures", "2", "--any", "--often", "daily", "--goes-on")
    assert edited.code == ExitCode.OK, edited.err
    shown = horarium("rule", "show", number, "--json").json
    assert (shown["after_failures"], shown["scope"], shown["frequency"]) == (2, "installation", "daily")
    assert shown["goes_on"] is True
    assert horarium("rule", "list", "--json").json[0]["id"] == rule["id"]
    assert horarium("rule", "move", number, "--by", "2").code == ExitCode.OK
    assert horarium("rule", "list", "--json").json[2]["id"] == rule["id"]
    assert horarium("rule", "off", number).code == ExitCode.OK
    assert horarium("rule", "show", number, "--json").json["is_on"] is False
    assert horarium("rule", "on", number).code == ExitCode.OK
    assert horarium("rule", "remove", number).code == ExitCode.OK
    assert horarium("rule", "show", number).code == ExitCode.NOT_FOUND
    standard = horarium("rule", "list", "--json").json[0]
    refused = horarium("rule", "remove", str(standard["id"]))
    assert refused.code == ExitCode.REFUSED
    assert "switch it off instead" in refused.err


def test_a_rule_by_mail_alone_is_warned_of_where_no_mail_goes_out(
    horarium: Program, ops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ops
    warning = "It tells by mail alone, and no mail goes out: set SMTP_HOST, and leave SMTP_ENABLED on."
    made = horarium("rule", "add", "--of", "failed", "--tell", "admins")
    assert (made.code, made.err.strip()) == (ExitCode.OK, warning)
    both = horarium("rule", "add", "--of", "failed", "--tell", "admins", "--tell", "channel:ops")
    assert (both.code, both.err) == (ExitCode.OK, "")
    listed = horarium("rule", "list", "--json").json
    assert [each["warnings"] for each in listed[:2]] == [[warning], []]
    assert "on, no mail goes out" in horarium("rule", "list").out
    monkeypatch.setenv("SMTP_HOST", "mail.example.org")
    assert "no mail" not in horarium("rule", "list").out
    assert horarium("rule", "show", str(listed[0]["id"]), "--json").json["warnings"] == []


def test_what_is_wrong_with_a_rule_is_said(horarium: Program) -> None:
    for words, said in (
        (["--of", "rain", "--tell", "owner"], "of 'rain'"),
        (["--tell", "pigeon"], "use owner, admins"),
        (["--tell", "owner", "--often", "never"], "often 'never'"),
        (["--tell", "owner", "--tag", "a", "--any"], "say only one of"),
        (["--of", "failed"], "recipients"),
    ):
        answer = horarium("rule", "add", *words)
        assert answer.code == ExitCode.USAGE
        assert said in answer.err, answer.err
    assert horarium("rule", "add", "--tell", "channel:gone").code == ExitCode.NOT_FOUND
    assert horarium("rule", "add", "--tell", "owner", "--task", "gone").code == ExitCode.NOT_FOUND


def test_a_rule_is_muted_while_tasks_and_checks_fail(horarium: Program, store: Store) -> None:
    assert horarium("task", "add", "vpn", "--cron", "0 6 * * *", "--", "/bin/true").code == 0
    with store.transaction() as tx:
        for name in ("router", "twice", "twice"):
            CheckBook(tx).add(CheckWish(name=name, schedule="every 1h"), token=token_hex(16), now=0)
    mute = ("--mute-while", "task:vpn", "--mute-while", "check:router", "--mute-while", "check:#2")
    made = horarium("rule", "add", "--of", "failed", "--tell", "admins", *mute, "--json")
    assert made.code == ExitCode.OK, made.err
    assert made.json["mute_while"] == ["task:1", "check:1", "check:2"]
    assert made.json["words"].endswith("muted while “vpn”, check “router” or check “twice” is failing")
    assert "muted while" in horarium("rule", "list").out
    number = str(made.json["id"])
    assert horarium("rule", "edit", number, "--after-failures", "2", "--json").json["mute_while"] == [
        "task:1",
        "check:1",
        "check:2",
    ]
    assert horarium("task", "remove", "vpn", "--yes").code == ExitCode.OK
    assert "a task that is gone" in horarium("rule", "show", number).out
    assert horarium("rule", "edit", number, "--mute-while", "none", "--json").json["mute_while"] == []
    for words, code, said in (
        (("check:twice",), ExitCode.REFUSED, "name #2, #3"),
        (("check:gone",), ExitCode.NOT_FOUND, "no check 'gone'"),
        (("check:#9",), ExitCode.NOT_FOUND, "no check '#9'"),
        (("task:gone",), ExitCode.NOT_FOUND, "gone"),
        (("router",), ExitCode.USAGE, "use task:NAME or check:NAME"),
    ):
        answer = horarium("rule", "edit", number, "--mute-while", *words)
        assert (answer.code, said in answer.err) == (code, True), answer.err
    assert horarium("task", "add", "copy", "--cron", "0 6 * * *", "--", "/bin/true").code == 0
    own = horarium("rule", "add", "--tell", "admins", "--task", "copy", "--mute-while", "task:copy")
    assert own.code == ExitCode.USAGE
    assert "does not depend on itself" in own.err


def test_what_is_muted_is_listed_with_what_is_failing(horarium: Program, store: Store) -> None:
    assert horarium("notice", "muted").out == "Nothing is muted.\n"
    with store.transaction() as tx:
        number = CheckBook(tx).add(CheckWish(name="router", schedule="every 1h"), token=token_hex(16), now=0)
        note = Note(
            rule_id=1,
            target=Target(channel_id=7),
            kind=NoticeKind.FAILED,
            subject="task:4",
            name="copy",
            many=3,
            first_at=START,
            last_at=START,
            created_at=START,
            not_before=START,
            muted_while=Cause(On.CHECK, number),
        )
        NoteBook(tx).add(note)
        NoteBook(tx).add(replace(note, subject="task:5", muted_while=Cause(On.TASK, 99), closed_at=START))
    (over, open_one) = horarium("notice", "muted", "--json").json
    assert (open_one["subject"], open_one["many"], open_one["words"]) == ("copy", 3, "muted: router is failing")
    assert (open_one["muted_while"], open_one["over_at"]) == (f"check:{number}", None)
    assert over["words"] == "muted: something that is gone or not yours to see was failing until this was over"
    assert "muted: router is failing" in horarium("notice", "muted").out


def test_something_is_held_back_until_somebody_ends_it(horarium: Program, ops: str) -> None:
    assert ops
    assert horarium("task", "add", "backup", "--cron", "0 6 * * *", "--", "/bin/true").code == 0
    held = horarium("notice", "snooze", "--task", "backup", "--for", "4h", "--reason", "a new disk", "--json").json
    assert held["until"] == "2026-03-02T16:00:00+00:00"
    assert horarium("notice", "snooze", "--channel", "ops", "--until", "2026-03-03 08:00").code == ExitCode.OK
    listed = horarium("notice", "held").out
    assert "task #1" in listed
    assert "a new disk" in listed
    assert "channel #1" in listed
    assert horarium("notice", "wake", str(held["id"])).code == ExitCode.OK
    assert [each["channel_id"] for each in horarium("notice", "held", "--json").json] == [1]
    assert horarium("notice", "wake", "99").code == ExitCode.NOT_FOUND
    assert horarium("notice", "snooze", "--task", "backup").code == ExitCode.USAGE
    assert horarium("notice", "snooze", "--for", "4h").code == ExitCode.USAGE
    assert horarium("notice", "log").out == "No messages.\n"
    assert horarium("notice", "resend", "99").code == ExitCode.NOT_FOUND
