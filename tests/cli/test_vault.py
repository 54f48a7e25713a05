"""`vault`: secrets come in by a prompt, standard input or a file, and none comes out."""

from __future__ import annotations

import getpass
import io
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from horarium.cli.exits import ExitCode
from horarium.upkeep import cleanup_inactive_credentials
from tests.cli.conftest import Program, StillClock
from tests.support.loopback import web_server
from tests.support.people import made_up

FIELDS = ["--set", "host=db.example.org", "--set", "username=report"]


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function by which a test types on standard input."""

    def typed(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return typed


@pytest.fixture
def save(horarium: Program, types: Any) -> Any:
    """Give a function that saves a token and returns it."""

    def saved(name: str, *words: str, value: str = "") -> str:
        value = value or made_up()
        types(f"{value}\n")
        answer = horarium("vault", "add", name, "--kind", "token", "--stdin", "token", *words)
        assert answer.code == ExitCode.OK, answer.err
        assert value not in answer.out + answer.err
        return value

    return saved


def add_task(horarium: Program, name: str) -> None:
    assert horarium("task", "add", name, "--cron", "0 6 * * *", "--", "/bin/true").code == 0


def test_r63_r72_a_secret_goes_in_and_never_comes_out(horarium: Program, save: Any, home: Path) -> None:
    canary = save("shop", "--set", "url=https://shop.example", "--note", "ask ana", "--rotate-days", "90")
    listed = horarium("vault", "list")
    assert "shop" in listed.out
    assert "never" in listed.out
    shown = horarium("vault", "show", "shop")
    assert "token          set, not shown" in shown.out
    assert "https://shop.example" in shown.out
    as_json = [horarium("vault", *words, "--json") for words in (["list"], ["show", "shop"], ["check"])]
    assert as_json[1].json["secret_fields"] == ["token"]
    told = [listed, shown, *as_json, horarium("audit", "list"), horarium("audit", "list", "--json"), horarium("doctor")]
    for answer in told:
        assert canary not in answer.out + answer.err
    for path in (home / "data").iterdir():
        assert canary.encode() not in path.read_bytes()


def test_r64_what_is_done_by_command_is_told_with_the_account(horarium: Program, save: Any) -> None:
    save("shop")
    newest = horarium("audit", "list", "--action", "credential", "--json").json[0]
    assert (newest["action"], newest["source"], newest["object_name"]) == ("credential.added", "cli", "shop")
    assert newest["actor"] == f"{getpass.getuser()} (command line)"


def test_r63_a_secret_on_the_command_line_is_refused_and_not_repeated(horarium: Program) -> None:
    canary = made_up()
    for words in (["--set", f"token={canary}"], ["--set", canary]):
        refused = horarium("vault", "add", "shop", "--kind", "token", *words)
        assert (refused.code, refused.out) == (ExitCode.USAGE, "")
        assert canary not in refused.err
    assert horarium("vault", "list").out == "No credentials.\n"


def test_needed_secrets_are_asked_for_and_files_are_read_as_they_are(
    horarium: Program, home: Path, monkeypatch: pytest.MonkeyPatch, types: Any
) -> None:
    types("")
    blind = horarium("vault", "add", "db", "--kind", "database", *FIELDS)
    assert blind.code == ExitCode.USAGE
    assert "--stdin or --file" in blind.err
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return made_up()

    monkeypatch.setattr(getpass, "getpass", typed)
    assert horarium("vault", "add", "db", "--kind", "database", *FIELDS).code == ExitCode.OK
    assert horarium("vault", "add", "own", "--kind", "custom", "--ask", "pin", "--ask", "puk").code == ExitCode.OK
    assert asked == ["Password: ", "pin: ", "puk: "]
    (home / "key").write_text("-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n", encoding="utf-8")
    words = ["--kind", "ssh_key", "--set", "username=deploy", "--file", "private_key=key"]
    assert horarium("vault", "add", "deploy", *words).code == ExitCode.OK
    for name, code in (("gone", ExitCode.NOT_FOUND), ("data", ExitCode.FAILED)):
        refused = horarium("vault", "add", "x", "--kind", "ssh_key", "--file", f"private_key={name}")
        assert refused.code == code
        assert refused.err.count("\n") == 1
    assert horarium("vault", "add", "x", "--kind", "magic").code == ExitCode.USAGE
    assert "there are token, url" in horarium("vault", "add", "x", "--kind", "token", "--stdin", "key").err


def test_values_are_replaced_and_short_ones_warned_about(horarium: Program, save: Any, types: Any) -> None:
    save("shop", "--set", "url=https://shop.example")
    types("1234567\n")
    replaced = horarium("vault", "replace", "shop", "--stdin", "token", "--keep", "1h")
    assert replaced.out == "Replaced the values of shop (#1), version 2.\n"
    assert "token has less than 8 characters" in replaced.err
    assert "1234567" not in replaced.out + replaced.err
    assert horarium("vault", "show", "shop", "--json").json["open_fields"] == {"url": "https://shop.example"}


def test_a_credential_is_changed_handed_on_removed_and_restored(horarium: Program, save: Any, types: Any) -> None:
    types(f"{made_up()}\n")
    assert horarium("user", "create-admin", "ana", "--password-stdin").code == 0
    save("shop")
    words = ["--note", "new", "--host", "shop.example", "--expires", "2027-01-31", "--rename", "store"]
    assert horarium("vault", "change", "shop", *words, "--give-to", "ana").out == "Changed store (#1).\n"
    assert horarium("vault", "list", "--owner", "ana", "--json").json[0]["name"] == "store"
    save("store")
    assert horarium("vault", "show", "store", "--json").json["id"] == 2
    assert horarium("vault", "show", "store", "--owner", "ana", "--json").json["id"] == 1
    assert horarium("vault", "remove", "#1").out == "Removed store (#1).\n"
    assert horarium("vault", "show", "store", "--owner", "ana").code == ExitCode.NOT_FOUND
    assert [each["id"] for each in horarium("vault", "list", "--removed", "--json").json] == [1]
    assert horarium("vault", "restore", "store", "--owner", "ana").out == "Restored store (#1).\n"
    assert horarium("vault", "restore", "#2").code == ExitCode.REFUSED
    for words in (["show", "gone"], ["remove", "#99"], ["list", "--owner", "nobody"]):
        refused = horarium("vault", *words)
        assert (refused.code, refused.err.count("\n")) == (ExitCode.NOT_FOUND, 1)


def test_a_grant_is_made_shown_and_revoked(horarium: Program, save: Any, types: Any) -> None:
    types(f"{made_up()}\n")
    assert horarium("user", "create-admin", "ana", "--password-stdin").code == 0
    save("shop")
    add_task(horarium, "report")
    made = horarium("vault", "grant", "shop", "--task", "report")
    assert made.out == "Grant #1: the task report may use shop.\n"
    person = horarium("vault", "grant", "shop", "--person", "ana", "--may-replace", "--expires", "2027-01-31", "--json")
    assert (person.json["subject_name"], person.json["may_replace"]) == ("ana", True)
    assert horarium("task", "edit", "report", "--", "/bin/false").code == 0
    shown = horarium("vault", "show", "shop").out
    assert "grant #1 to the task report, waits: the task was changed" in shown
    assert "grant #2 to the person ana, may replace it" in shown
    assert horarium("vault", "revoke", "shop", "1").out == "Grant #1 of shop has ended.\n"
    assert horarium("vault", "revoke", "shop", "1").code == ExitCode.NOT_FOUND
    assert [each["id"] for each in horarium("vault", "show", "shop", "--json").json["grants"]] == [2]
    for words in ([], ["--task", "report", "--person", "ana"]):
        assert horarium("vault", "grant", "shop", *words).code == ExitCode.USAGE
    assert horarium("vault", "grant", "shop", "--project", "none").code == ExitCode.NOT_FOUND


def test_r69_another_key_is_told_by_check_doctor_and_each_save(
    horarium: Program, save: Any, types: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("shop")
    assert horarium("vault", "check").out == "Everything opens: 1 set of values.\n"
    monkeypatch.setenv("SECRET_KEY", secrets.token_hex(32))
    checked = horarium("vault", "check")
    assert checked.code == ExitCode.FAILED
    assert checked.out.startswith("vault sealed: SECRET_KEY is not the key that 1 saved value set")
    assert "bad   vault     vault sealed" in horarium("doctor").out
    types(f"{made_up()}\n")
    refused = horarium("vault", "replace", "shop", "--stdin", "token")
    assert refused.code == ExitCode.CONFIG
    assert "SECRET_KEY" in refused.err
    assert horarium("vault", "show", "shop", "--json").json["version"] == 1
    assert horarium("vault", "rotate").code == ExitCode.CONFIG


def test_r68_the_vault_moves_to_another_key(
    horarium: Program, save: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("shop")
    save("mail")
    old = (home / ".env").read_text(encoding="utf-8").partition("SECRET_KEY=")[2].split()[0]
    monkeypatch.setenv("SECRET_KEY", secrets.token_hex(32))
    monkeypatch.setenv("SECRET_KEY_OLD", old)
    assert horarium("vault", "check").code == ExitCode.OK
    rotated = horarium("vault", "rotate")
    assert rotated.code == ExitCode.OK
    assert rotated.out.startswith("2 sets of values were moved to key ")
    assert rotated.out.endswith("SECRET_KEY_OLD can go.\n")
    assert "warn  vault     SECRET_KEY_OLD is set" in horarium("doctor").out
    monkeypatch.delenv("SECRET_KEY_OLD")
    assert horarium("vault", "check", "--json").json == {"versions": 2, "sealed": None, "unopened": []}
    again = horarium("vault", "rotate", "--json").json
    assert (again["moved"], again["as_before"], again["is_complete"]) == (0, 2, True)
    assert old not in rotated.out


def test_r63_variables_of_a_file_move_in_by_name(horarium: Program, home: Path, clock: StillClock) -> None:
    canary = made_up()
    text = f"SECRET_KEY={secrets.token_hex(32)}\nSHOP_TOKEN={canary}\nPIN=1234\nEMPTY=\nSMTP_HOST=x\n"
    (home / "old.env").write_text(text, encoding="utf-8")
    dry = horarium("vault", "import-env", "old.env", "--dry-run")
    assert dry.code == ExitCode.OK
    assert "SHOP_TOKEN: to be saved\n" in dry.out
    assert "PIN: to be saved (under 8 characters" in dry.out
    assert "SECRET_KEY: left out, a setting of Horarium" in dry.out
    assert "SMTP_HOST: left out" in dry.out
    assert "EMPTY" not in dry.out
    assert dry.out.endswith("Nothing was changed.\n")
    assert horarium("vault", "list").out == "No credentials.\n"
    taken = horarium("vault", "import-env", "old.env", "--only", "SHOP_TOKEN")
    assert taken.out.endswith("1 credential was saved.\n")
    rest = horarium("vault", "import-env", "old.env", "--json").json
    assert rest["saved"] == 1
    assert {each["name"]: each["fate"] for each in rest["variables"]} == {
        "SECRET_KEY": "ours",
        "SHOP_TOKEN": "there",
        "PIN": "new",
        "SMTP_HOST": "ours",
    }
    assert (home / "old.env").read_text(encoding="utf-8") == text
    assert canary not in dry.out + taken.out
    assert horarium("vault", "import-env", "old.env", "--only", "GONE").code == ExitCode.USAGE
    assert horarium("vault", "import-env", "gone.env").code == ExitCode.NOT_FOUND
    assert horarium("vault", "import-env", "data").code == ExitCode.USAGE
    (home / "odd.env").write_text("no sign\n", encoding="utf-8")
    odd = horarium("vault", "import-env", "odd.env")
    assert odd.code == ExitCode.FAILED
    assert "line 1 is not understood" in odd.err


def test_a_credential_is_tested_from_the_machine_wherever_it_leads(horarium: Program, types: Any) -> None:
    canary = made_up()
    with web_server() as server:
        types(f"{canary}\n")
        words = ["--kind", "token", "--stdin", "token", "--set", f"url={server.address}/me"]
        assert horarium("vault", "add", "shop", *words).code == ExitCode.OK
        answer = horarium("vault", "test", "shop")
        assert (answer.code, answer.out) == (ExitCode.OK, "Works: It answered 200: the secret is taken.\n")
        assert server.asked[0].headers["authorization"] == f"Bearer {canary}"
        shown = horarium("vault", "show", "shop").out
        assert "tested by" in shown
        assert "works, " in shown
        too_soon = horarium("vault", "test", "shop")
        assert too_soon.code != ExitCode.OK
        assert "a moment ago" in too_soon.err


def test_r72_a_new_key_is_made_and_only_its_public_half_is_told(horarium: Program) -> None:
    words = ["vault", "add", "deploy", "--kind", "ssh_key", "--set", "username=deploy"]
    made = horarium(*words, "--make-key")
    assert made.code == ExitCode.OK, made.err
    shown = horarium("vault", "show", "deploy", "--json")
    public = shown.json["open_fields"]["public_key"]
    assert f"Its public key, for the server: {public}\n" in made.out
    assert public.startswith("ssh-ed25519 ")
    assert "PRIVATE KEY" not in made.out + shown.out
    refused = horarium("vault", "add", "other", "--kind", "token", "--make-key")
    assert refused.code != ExitCode.OK
    assert "for credentials of kind ssh_key" in refused.err
    again = horarium("vault", "replace", "deploy", "--make-key")
    assert public not in again.out
    assert "ssh-ed25519 " in again.out


def test_a_credential_is_stopped_and_restored(horarium: Program, save: Any) -> None:
    save("shop")
    assert horarium("vault", "stop", "shop").out == "Stopped shop (#1).\n"
    assert "stopped" in horarium("vault", "show", "shop").out
    assert "is stopped already" in horarium("vault", "stop", "shop").err
    assert horarium("vault", "restore", "shop").code == ExitCode.OK
    assert "stopped" not in horarium("vault", "show", "shop").out


def test_r76_an_inactive_one_says_until_when_it_can_be_kept_and_is_kept(
    horarium: Program, save: Any, home: Path, clock: StillClock
) -> None:
    save("shop")
    clock.instant += timedelta(days=200)
    assert cleanup_inactive_credentials(store=home / "data" / "horarium.db", clock=clock)["marked"] == 1
    shown = horarium("vault", "show", "shop").out
    assert "inactive " in shown
    assert "erased after " in shown
    assert horarium("vault", "restore", "shop").out == "Restored shop (#1).\n"
    assert "inactive" not in horarium("vault", "show", "shop").out


def test_a_test_that_fails_ends_with_one_and_what_cannot_be_tested_says_why(
    horarium: Program, types: Any, save: Any
) -> None:
    with web_server() as server:
        server.answer = lambda _: (401, {}, "")
        types(f"{made_up()}\n")
        words = ["--kind", "token", "--stdin", "token", "--set", f"url={server.address}"]
        assert horarium("vault", "add", "shop", *words).code == ExitCode.OK
        answer = horarium("vault", "test", "shop", "--json")
    assert answer.code == ExitCode.FAILED
    assert answer.json == {"id": 1, "name": "shop", "passed": False, "words": "It answered 401: the secret is refused."}
    save("bare")
    refused = horarium("vault", "test", "bare")
    assert "it takes an address to ask" in refused.err
