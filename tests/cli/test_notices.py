"""`channel`, `rule` and `notice`: what people are told, kept on the command line."""

from __future__ import annotations

from typing import Any

import pytest

from horarium.cli.exits import ExitCode
from tests.cli.conftest import Program
from tests.support.people import made_up

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
