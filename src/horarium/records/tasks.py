"""The task record: what is to be done, when, how, and in which condition it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from horarium.records.policies import Policies
from horarium.records.reach import NOWHERE, Place
from horarium.states import Isolation, RunState, TaskKind

NAME_LIMIT = 200
DESCRIPTION_LIMIT = 4096
TAG_LIMIT = 50


@dataclass(frozen=True, slots=True)
class PythonSpec:
    """A function to call: `package.module:function` with JSON arguments.

    A `local` function was handed over as an object and lives only in the program that handed it over; its target is
    then a label.
    """

    target: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    isolation: Isolation = Isolation.THREAD
    local: bool = False

    @property
    def words(self) -> str:
        """Return the target as it is shown to people."""
        return self.target


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A program to run: its argument list, or one line for the shell when `shell` is asked for.

    `user` is kept for the operating system account to run as; None means the configured one. `stdin` is text that the
    program gets on its standard input.
    """

    argv: tuple[str, ...]
    shell: bool = False
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stdin: str | None = None
    success_codes: tuple[int, ...] = (0,)

    @property
    def words(self) -> str:
        """Return the command line as it is shown to people."""
        if self.shell:
            return self.argv[0]
        return " ".join(part if part and not set(part) & set(" \t\n\"'$\\`") else repr(part) for part in self.argv)


@dataclass(frozen=True, slots=True)
class PerUser:
    """How a task that is there once for each person is told for whom and when: by settings of theirs, by name.

    `enabled` names the switch (a person for whom it is off has no occurrences), `interval` the seconds between two runs
    and `cron` a cron text, each empty where the definition's own schedule holds for everybody.
    """

    enabled: str = ""
    interval: str = ""
    cron: str = ""


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """What code, a file or a form says about a task: the part that a redefinition replaces.

    `schedule` is the stored text of a trigger (`horarium.triggers.to_text`), or None for a task that only runs by
    hand. `credentials` are the names under which its code may ask for credentials. With `per_user` it never runs
    itself: each person for whom it is switched on has a task of their own that is made from it.
    """

    name: str
    spec: PythonSpec | CommandSpec
    schedule: str | None
    timezone: str = "UTC"
    policies: Policies = field(default_factory=Policies)
    tags: tuple[str, ...] = ()
    description: str = ""
    source: str = "code"
    credentials: tuple[str, ...] = ()
    per_user: PerUser | None = None

    @property
    def kind(self) -> TaskKind:
        """Return the kind that the spec belongs to."""
        return TaskKind.PYTHON if isinstance(self.spec, PythonSpec) else TaskKind.COMMAND

    @property
    def is_local(self) -> bool:
        """Tell whether only the program that defined it can run it."""
        return isinstance(self.spec, PythonSpec) and self.spec.local


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused a task, when, why, and until when (None: until somebody resumes it)."""

    at: datetime
    by: str
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Parking:
    """Why and since when a task is parked."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it stands in the store.

    `next_at` is the earliest planned instant that has no ledger row yet; None when nothing is to come. `revision`
    grows with every change of the definition or its condition.
    """

    id: int
    definition: TaskDefinition
    revision: int
    created_at: datetime
    updated_at: datetime
    next_at: datetime | None
    pause: Pause | None = None
    parking: Parking | None = None
    removed_at: datetime | None = None
    last_state: RunState | None = None
    last_run_id: int | None = None
    last_finished_at: datetime | None = None
    failures_in_row: int = 0
    place: Place = NOWHERE
    template_id: int | None = None

    @property
    def name(self) -> str:
        """Return the name, unique among tasks that are not removed (and, of those for each person, among theirs)."""
        return self.definition.name

    @property
    def is_paused(self) -> bool:
        """Tell whether somebody paused it."""
        return self.pause is not None

    @property
    def is_parked(self) -> bool:
        """Tell whether its target could not be loaded."""
        return self.parking is not None

    @property
    def is_failing(self) -> bool:
        """Tell whether its last finished run did not succeed."""
        return self.failures_in_row > 0
