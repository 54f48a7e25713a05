"""Programs of the host: an argument list, or one line for the shell where that is asked for."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from horarium.clock import from_micros
from horarium.errors import Conflict, InvalidValue
from horarium.execution.accounts import Account, AccountPolicy, base_environment, own_account
from horarium.execution.attempt import LiveAttempt, Outcome
from horarium.execution.credentials import Secrets
from horarium.execution.endings import cause_of, sentence_for
from horarium.execution.interrupts import TaskCancelled
from horarium.execution.limits import TERM_SECONDS, Limits
from horarium.execution.supervisor import Child, Launch, StartFailed, Supervisor
from horarium.records.people import Persona
from horarium.records.runs import Failure
from horarium.records.tasks import CommandSpec
from horarium.runs.launch import Assignment
from horarium.states import RunState, Stream

GIVE_UP_SECONDS = 7.5
FAILURE_TYPE = "CommandFailed"


class CommandKind:
    """Perform commands: start, follow, and end with everything they started."""

    def __init__(
        self,
        supervisor: Supervisor,
        policy: AccountPolicy,
        *,
        limits: Limits | None = None,
        environ: Mapping[str, str] | None = None,
        term_seconds: float = TERM_SECONDS,
    ) -> None:
        self._supervisor = supervisor
        self._policy = policy
        self._limits = Limits() if limits is None else limits
        self._environ = os.environ if environ is None else environ
        self._term_seconds = term_seconds

    def perform(self, live: LiveAttempt, spec: CommandSpec) -> Outcome:
        """Run the command and wait for its end, raising `Denied` where the host or the vault does not permit it."""
        account = self._policy.account_for(spec.user)
        environment = self._environment(live, spec, account)
        if spec.cwd is not None:
            return self._perform_in(spec.cwd, live, spec, environment, account)
        scrap = _private_folder(account)
        try:
            return self._perform_in(scrap, live, spec, environment, account)
        finally:
            # The guardian has done so, unless it was killed.
            if Path(scrap).exists():
                shutil.rmtree(scrap, ignore_errors=True)

    def _perform_in(
        self, folder: str, live: LiveAttempt, spec: CommandSpec, environment: dict[str, str], account: Account | None
    ) -> Outcome:
        launch = Launch(
            ["/bin/sh", "-c", *spec.argv] if spec.shell else list(spec.argv),
            environment,
            folder,
            None if account is None else account.identity,
            self._limits,
            scrap=None if spec.cwd is not None else folder,
        )
        stdin = None if spec.stdin is None else _text_to_read(spec.stdin)
        try:
            child = self._supervisor.start(launch, stdin)
        except StartFailed as error:
            user = own_account().name if account is None else account.name
            return _not_started(sentence_for(error, launch.argv[0], launch.cwd, user))
        finally:
            if stdin is not None:
                os.close(stdin)
        with closing(child):
            return self._follow(live, spec, child)

    def _environment(self, live: LiveAttempt, spec: CommandSpec, account: Account | None) -> dict[str, str]:
        assignment = live.assignment
        for name in assignment.params:
            # The task may have been another one when the run was started, and its row may be anybody's.
            if name not in spec.env:
                raise InvalidValue("params", name, "use variables that the task sets itself")
        environment = {
            **base_environment(account, self._environ),
            **spec.env,
            **{name: _as_text(value) for name, value in assignment.params.items()},
            **run_variables(assignment),
            **_person_variables(live.persona()),
        }
        if assignment.definition.credentials:
            add_credentials(environment, live.secrets)
        for name, value in environment.items():
            if not name or "=" in name or "\0" in name or "\0" in value:
                raise InvalidValue("env", name, "use names without '=' and texts without NUL")
        return environment

    def _follow(self, live: LiveAttempt, spec: CommandSpec, child: Child) -> Outcome:
        buffer = live.buffer
        child.listen(partial(buffer.feed, Stream.STDOUT), partial(buffer.feed, Stream.STDERR))
        # A run that was cancelled meanwhile is ended below like any other.
        with suppress(TaskCancelled):
            live.begin(child.guardian)
        live.set_ender(partial(child.end, self._term_seconds))
        is_gone = follow(live, child.step) and child.is_gone
        live.ender = None
        if child.leftovers:
            noun = "process" if child.leftovers == 1 else "processes"
            live.take(Stream.SYSTEM, f"… ended {child.leftovers} {noun} that the command had left behind …\n")
        cause = cause_of(child)
        if not is_gone:
            cause += "; some of its processes could not be ended"
        return _classified(live, spec, child.status, cause)


def follow(live: LiveAttempt, step: Callable[[float | None], bool]) -> bool:
    """Call `step` with the seconds it may take until it returns False, and enforce the time limit.

    Returns False if nothing had helped some seconds after the end was asked for.
    """
    clock = live.services.clock
    give_up_at: float | None = None
    while True:
        now = clock.monotonic()
        if live.ending is None and live.deadline is not None and now >= live.deadline:
            live.ending = live.limit_ending()
            if live.ender is not None:
                live.ender()
        if live.ending is not None and give_up_at is None:
            give_up_at = now + GIVE_UP_SECONDS
        if give_up_at is not None and now >= give_up_at:
            return False
        until = live.deadline if give_up_at is None else give_up_at
        if not step(None if until is None else until - now):
            return True


def run_variables(assignment: Assignment) -> dict[str, str]:
    """Return the environment variables that tell a program which run it is."""
    variables = {
        "HORARIUM_RUN_ID": str(assignment.run_id),
        "HORARIUM_ATTEMPT": str(assignment.attempt),
        "HORARIUM_TASK": assignment.definition.name,
    }
    if assignment.planned_at is not None:
        variables["HORARIUM_PLANNED_AT"] = from_micros(assignment.planned_at).isoformat()
    return variables


def add_credentials(environment: dict[str, str], secrets: Secrets) -> None:
    """Open all credentials that the task names and add their fields to the environment of its program.

    Raises `Conflict` for a variable that is there already, and what opening raises.
    """
    for name in dict.fromkeys(secrets.names):
        for field, value in secrets.open(name).fields.items():
            variable = variable_of(name, field)
            if variable in environment:
                raise Conflict(
                    f"the field {field!r} of the credential {name!r} would be the variable {variable}, which is taken"
                )
            environment[variable] = value


def variable_of(name: str, field: str) -> str:
    """Return the variable for a field of a credential: NAME_FIELD in capitals, other signs as underscores."""
    variable = re.sub(r"[^A-Z0-9]", "_", f"{name}_{field}".upper())
    return f"_{variable}" if variable[0].isdigit() else variable


def _person_variables(persona: Persona | None) -> dict[str, str]:
    if persona is None:
        return {}
    return {
        "HORARIUM_USER": persona.user.name,
        "HORARIUM_USER_ID": str(persona.user.id),
        "HORARIUM_USER_SETTINGS": json.dumps(dict(persona.settings), ensure_ascii=False),
    }


def _classified(live: LiveAttempt, spec: CommandSpec, status: int | None, cause: str) -> Outcome:
    if live.ending is not None:
        state, reason = live.ending
        return live.ended(type(live.ending)(state, f"{reason}; {cause}"), None, status)
    if status in spec.success_codes:
        return Outcome(RunState.SUCCEEDED, exit_code=status, cause=cause)
    can_retry = live.is_retried_on(FAILURE_TYPE)
    return Outcome(RunState.FAILED, Failure(FAILURE_TYPE, cause), None, status, cause, can_retry)


def _not_started(sentence: str) -> Outcome:
    return Outcome(RunState.FAILED, Failure(FAILURE_TYPE, sentence), cause=sentence, can_retry=False)


def _private_folder(account: Account | None) -> str:
    folder = tempfile.mkdtemp(prefix="horarium-")
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    return folder


def _text_to_read(text: str) -> int:
    """Return a descriptor from which the text can be read; it is written nowhere with a name."""
    with tempfile.TemporaryFile() as file:
        file.write(text.encode("utf-8", "replace"))
        file.seek(0)
        return os.dup(file.fileno())


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
