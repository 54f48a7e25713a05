"""Credentials in task code: who gets one, in which way, and that nothing else of the house ever sees it."""

# ruff: noqa: S604 -- the shell is among the things tested

from __future__ import annotations

import copy
import io
import json
import logging
import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from horarium.clock import SystemClock
from horarium.errors import HorariumError, InvalidValue, StoreBusy, VaultSealed
from horarium.execution.accounts import AccountPolicy
from horarium.execution.context import RunContext
from horarium.execution.credentials import Credential, Secrets
from horarium.execution.kinds.command import variable_of
from horarium.execution.limits import IsolationOptions
from horarium.execution.local import local_performers
from horarium.logs.live import LIVE
from horarium.logs.masking import mark_of
from horarium.records.reach import Place
from horarium.records.secrets import Opened
from horarium.records.tasks import CommandSpec, PythonSpec, TaskDefinition
from horarium.runs.launch import Assignment, Completion
from horarium.states import Isolation, RunState
from horarium.store.books.tasks import TaskBook
from horarium.store.opening import open_store
from tests.execution import sample_secrets
from tests.execution.witness import World, assign
from tests.support.encodings import canary, left_of
from tests.support.keyring import HandKeyring

BOTH = pytest.mark.parametrize("isolation", list(Isolation))


class Treasury(World):
    """A world with a store, in which every task stands, and a keyring."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = open_store(folder / "jobs.db")
        self.secret = canary()
        self.keyring = HandKeyring(
            smtp={"user": "postmaster", "password": self.secret}, other={"password": "a" * 10 + canary()}
        )
        performers = local_performers(
            SystemClock(), AccountPolicy(allow_root=True), isolation=IsolationOptions(term_seconds=0.3)
        )
        super().__init__(2, performers=performers, store=self.store, keyring=self.keyring)

    def job(self, spec: PythonSpec | CommandSpec, *names: str, place: Place | None = None) -> Assignment:
        """Keep a task that names these credentials and return an assignment of it."""
        blank = assign(spec)
        definition = TaskDefinition(f"job {blank.run_id}", spec, None, credentials=names)
        with self.store.transaction() as tx:
            number = TaskBook(tx).add(definition, now=0, next_at=None, place=place or Place()).id
        return blank._replace(task_id=number, definition=definition)

    def done(self, assignment: Assignment) -> Completion:
        self.launcher.submit(assignment)
        return self.witness.await_end(assignment)

    def call_of(
        self, isolation: Isolation, function: str, *args: Any, names: tuple[str, ...] = ("smtp",)
    ) -> Completion:
        spec = PythonSpec(f"{sample_secrets.__name__}:{function}", args, isolation=isolation)
        return self.done(self.job(spec, *names))

    def value(self, isolation: Isolation, function: str, *args: Any, names: tuple[str, ...] = ("smtp",)) -> Any:
        done = self.call_of(isolation, function, *args, names=names)
        assert done.state is RunState.SUCCEEDED, done
        return json.loads(done.result or "null")

    def command(self, *argv: str, names: tuple[str, ...] = ("smtp",), **fields: Any) -> tuple[Completion, list[str]]:
        job = self.job(CommandSpec(argv, **fields), *names)
        return self.done(job), self.witness.text(job)


@pytest.fixture
def treasury(tmp_path: Path) -> Iterator[Treasury]:
    made = Treasury(tmp_path)
    yield made
    made.launcher.stop(0)
    made.store.close()


@BOTH
def test_a_function_gets_the_fields_and_shows_only_their_names(treasury: Treasury, isolation: Isolation) -> None:
    about = treasury.value(isolation, "about", names=("smtp", "other"))
    assert about == {
        "names": ["smtp", "other"],
        "fields": ["password", "user"],
        "repr": ["Credential('smtp', fields: password, user)"] * 3,
        "same": True,
        "version": 1,
        "length": len(treasury.secret),
    }


@BOTH
def test_each_attempt_opens_once_and_says_when_it_is_over(treasury: Treasury, isolation: Isolation) -> None:
    job = treasury.job(PythonSpec(f"{sample_secrets.__name__}:about", isolation=isolation), "smtp")
    treasury.done(job)
    (use,) = treasury.keyring.uses
    assert (use.name, use.run_id, use.attempt, use.task.id) == ("smtp", job.run_id, 1, job.task_id)
    assert treasury.keyring.closed == [(job.run_id, 1)]
    treasury.ended(lambda: None)
    assert len(treasury.keyring.closed) == 1


@BOTH
def test_only_what_the_definition_names_can_be_asked_for(treasury: Treasury, isolation: Isolation) -> None:
    said = treasury.value(isolation, "ask", "other")
    assert said == (
        "CredentialDenied: the definition of the task does not name the credential 'other': it names 'smtp'"
    )
    assert treasury.value(isolation, "ask", "smtp", names=()).endswith("it names none")
    assert treasury.keyring.uses == []


@BOTH
def test_what_the_vault_refuses_is_an_error_in_the_run(treasury: Treasury, isolation: Isolation) -> None:
    done = treasury.call_of(isolation, "insist", "absent", names=("absent",))
    assert done.state is RunState.FAILED
    assert done.failure is not None
    assert done.failure.type == "horarium.errors.CredentialDenied"
    assert "may not use the credential 'absent'" in done.failure.message
    treasury.keyring.refusal = VaultSealed("the vault is sealed")
    assert treasury.value(isolation, "ask", "smtp") == "VaultSealed: the vault is sealed"
    assert treasury.keyring.closed == []


@pytest.mark.parametrize("refusal", [StoreBusy("the database is busy"), RuntimeError("a surprise")])
def test_an_isolated_process_survives_what_goes_wrong_outside(treasury: Treasury, refusal: HorariumError) -> None:
    treasury.keyring.refusal = refusal
    done = treasury.call_of(Isolation.PROCESS, "insist", "smtp")
    assert done.failure is not None
    assert done.failure.type == "horarium.errors.HorariumError"
    assert done.failure.message in {"the database is busy", "the credential 'smtp' could not be opened"}
    treasury.keyring.refusal = None
    assert treasury.value(Isolation.PROCESS, "ask", "smtp") == "given"


def test_without_a_vault_the_error_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path / "jobs.db")
    house = World(1, store=store)
    try:
        job = house.assignment(sample_secrets.ask, "smtp")
        definition = replace(job.definition, credentials=("smtp",))
        house.launcher.submit(job._replace(definition=definition))
        said = json.loads(house.witness.await_end(job).result or "")
        assert said == "CredentialDenied: there is no vault here from which the credential 'smtp' could come"
    finally:
        house.launcher.stop(0)
        store.close()


def test_the_vault_is_asked_for_what_runs_now_and_for_whom(treasury: Treasury) -> None:
    job = treasury.job(PythonSpec(f"{sample_secrets.__name__}:ask", ("smtp",)), "smtp", place=Place(3, None, 5))
    other = replace(job.definition, spec=PythonSpec("os:getcwd"), credentials=())
    with treasury.store.transaction() as tx:
        TaskBook(tx).redefine(job.task_id, other, now=1, next_at=None)
    treasury.done(job)
    (use,) = treasury.keyring.uses
    assert use.for_user_id == use.task.place.for_user_id == 5
    assert use.task.place.owner_id == 3
    assert use.task.definition == job.definition


def test_a_task_that_is_gone_gets_nothing(treasury: Treasury) -> None:
    job = treasury.job(PythonSpec(f"{sample_secrets.__name__}:ask", ("smtp",)), "smtp")
    done = treasury.done(job._replace(task_id=10**6))
    assert "there is no task 1000000 any more" in (done.result or "")


@BOTH
def test_the_context_of_a_run_that_is_over_opens_nothing(treasury: Treasury, isolation: Isolation) -> None:
    assert treasury.value(isolation, "keep_context") is None
    assert treasury.value(isolation, "use_kept") == "the run has ended: it cannot open credentials any more"
    assert treasury.keyring.uses == []


@BOTH
def test_threads_of_a_task_open_credentials_together(treasury: Treasury, isolation: Isolation) -> None:
    lengths = treasury.value(isolation, "ask_from_threads", names=("smtp", "other"))
    expected = [len(treasury.keyring.held[name]["password"]) for name in ("smtp", "other")]
    assert sorted(lengths) == sorted(expected * 8)


def test_a_keyring_that_fails_at_the_end_loses_no_result(
    treasury: Treasury, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(run_id: int, attempt: int) -> None:
        raise StoreBusy("the database is busy")

    monkeypatch.setattr(treasury.keyring, "close", fail)
    assert treasury.value(Isolation.THREAD, "ask", "smtp") == "given"
    assert "could not be noted" in caplog.text


@BOTH
@pytest.mark.parametrize("function", ["tell", "stumble", "babble"])
def test_r73_nothing_that_a_run_leaves_shows_what_it_opened(
    treasury: Treasury, isolation: Isolation, function: str
) -> None:
    job = treasury.job(PythonSpec(f"{sample_secrets.__name__}:{function}", isolation=isolation), "smtp")
    done = treasury.done(job)
    texts = [*treasury.witness.text(job), done.result or "", done.cause]
    if done.failure is not None:
        texts += [done.failure.message, done.failure.traceback]
        assert mark_of("smtp") in done.failure.message
        assert mark_of("smtp") in done.failure.traceback
    else:
        assert mark_of("smtp") in (done.result or "")
        assert f"slowly {mark_of('smtp')}" in texts
        assert f"{'x' * (4096 - 20)}{mark_of('smtp')}" in texts
    assert left_of(treasury.secret, texts) == []
    assert not LIVE


def test_plain_fields_are_shown(treasury: Treasury) -> None:
    treasury.keyring.plain = frozenset({"user"})
    done, texts = treasury.command("sh", "-c", "echo $SMTP_USER $SMTP_PASSWORD")
    assert done.state is RunState.SUCCEEDED
    assert texts == [f"postmaster {mark_of('smtp')}"]


def test_what_a_task_logs_reaches_the_handlers_of_the_host_masked(treasury: Treasury) -> None:
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(logging.Formatter("%(message)s %(login)s", defaults={"login": ""}))
    logger = logging.getLogger("careless")
    logger.addHandler(handler)

    def leak(context: RunContext) -> None:
        secret = context.credential("smtp").password
        logger.warning("with %s", secret, extra={"login": f"post:{secret}"})
        logger.warning({"event": "structured"})
        logger.warning("nothing %s", "here")
        try:
            int(secret)
        except ValueError:
            logger.exception("in vain")

    treasury.registry.register("leak", leak)
    try:
        treasury.done(treasury.job(PythonSpec("leak", local=True), "smtp"))
    finally:
        logger.removeHandler(handler)
    text = said.getvalue()
    assert text.startswith(
        f"with {mark_of('smtp')} post:{mark_of('smtp')}\n{{'event': 'structured'}} \nnothing here \n"
    )
    assert "ValueError: invalid literal" in text
    assert left_of(treasury.secret, [text]) == []


def test_r74_a_command_gets_its_credentials_in_its_environment_and_nowhere_else(treasury: Treasury) -> None:
    look = (
        # Processes end meanwhile; what the shell says of that may come after all that was printed.
        "exec 2>/dev/null;"
        ' test "$SMTP_PASSWORD" = "$(cat "$EXPECTED")" && echo as it should be;'
        ' test "$SMTP_USER" = postmaster && echo too;'
        " for p in /proc/[1-9]*; do for f in cmdline environ; do"
        ' if tr "\\0" "\\n" < $p/$f 2>/dev/null | grep -qF -f "$EXPECTED"; then echo "${p#/proc/} $f"; fi; done; done;'
        " echo me $$"
    )
    expected = treasury.folder / "expected"
    expected.write_text(treasury.secret, encoding="utf-8")
    done, texts = treasury.command(look, shell=True, env={"EXPECTED": str(expected)})
    assert done.state is RunState.SUCCEEDED, texts
    assert texts[:2] == ["as it should be", "too"]
    me = texts[-1].removeprefix("me ")
    # The program itself, and what it has started; the guardian, the warden and this process are not among them.
    assert f"{me} environ" in texts
    assert not [text for text in texts[2:] if text.endswith("cmdline")]
    assert f"{os.getpid()} environ" not in texts
    assert f"{done.pid} environ" not in texts


@BOTH
def test_r74_a_function_has_it_neither_in_arguments_nor_in_the_environment(
    treasury: Treasury, isolation: Isolation
) -> None:
    assert treasury.value(isolation, "show_processes") == []


def test_r73_a_command_that_shows_its_arguments_shows_no_secret(treasury: Treasury) -> None:
    lines = (
        'set -x; echo "$SMTP_PASSWORD"; printf "%s\\n" "$SMTP_PASSWORD" >&2; printf "%s" "$SMTP_PASSWORD" | base64;'
        ' printf "%s" "$SMTP_PASSWORD" | od -An -v -tx1 | tr -d " \\n"; echo; env'
    )
    for shell in ("sh", "bash"):
        done, texts = treasury.command(shell, "-c", lines)
        assert done.state is RunState.SUCCEEDED, texts
        assert sum(mark_of("smtp") in text for text in texts) >= 7
        assert left_of(treasury.secret, texts) == []


def test_a_command_without_its_grant_is_not_started(treasury: Treasury) -> None:
    done, texts = treasury.command("sh", "-c", "echo started", names=("smtp", "absent"))
    assert (done.state, texts) == (RunState.FAILED, [])
    assert done.failure is not None
    assert done.failure.type == "CredentialDenied"
    assert "may not use the credential 'absent'" in done.cause
    assert not done.can_retry
    assert treasury.keyring.closed == [(done.run_id, 1)]


@pytest.mark.parametrize(("name", "field"), [("lc", "all"), ("horarium", "task"), ("taken", "x")])
def test_a_credential_replaces_no_variable(treasury: Treasury, name: str, field: str) -> None:
    treasury.keyring.held = {name: {field: canary()}}
    done, _ = treasury.command("true", names=(name,), env={"LC_ALL": "C", "TAKEN_X": "1"})
    assert done.state is RunState.FAILED
    variable = variable_of(name, field)
    assert (
        done.cause == f"the field {field!r} of the credential {name!r} would be the variable {variable}, which is taken"
    )


@pytest.mark.parametrize(
    ("name", "field", "variable"),
    [
        ("smtp", "password", "SMTP_PASSWORD"),
        ("my mail-box.2", "api key", "MY_MAIL_BOX_2_API_KEY"),
        ("2fa", "x", "_2FA_X"),
    ],
)
def test_the_name_of_a_variable_follows_from_credential_and_field(name: str, field: str, variable: str) -> None:
    assert variable_of(name, field) == variable


def test_a_credential_is_neither_copied_nor_stored() -> None:
    found = Credential(Opened(1, "smtp", 3, {"password": canary()}))
    for store in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="neither copied nor stored"):
            store(found)
    with pytest.raises(AttributeError, match="has no field 'user', it has password"):
        _ = found.user
    with pytest.raises(KeyError, match="has no field 'user'"):
        _ = found["user"]
    assert (found.name, found.version, list(found), len(found)) == ("smtp", 3, ["password"], 1)


def test_a_value_that_no_environment_can_hold_is_refused_without_being_shown(treasury: Treasury) -> None:
    treasury.keyring.held = {"smtp": {"password": f"{treasury.secret}\0"}}
    done, _ = treasury.command("true")
    assert done.failure is not None
    assert done.failure.type == InvalidValue.__name__
    assert "SMTP_PASSWORD" in done.cause
    assert left_of(treasury.secret, [done.cause]) == []


def test_threads_of_one_run_that_open_a_credential_at_the_same_time_get_the_same_version() -> None:
    both_opened = threading.Barrier(2)
    versions = count(1)

    class Replaced:
        """Gives out another version each time, since somebody replaces the credential meanwhile."""

        def open(self, name: str) -> Opened:
            version = next(versions)
            both_opened.wait(10)
            return Opened(1, name, version, {"password": canary()})

        def close(self) -> None:
            return

    secrets = Secrets(("smtp",), Replaced(), lambda _: None)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(secrets.open, ["smtp"] * 2)
    assert first is second is secrets.open("smtp")
    secrets.close()
    secrets.forget()
