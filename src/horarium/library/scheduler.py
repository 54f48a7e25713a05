"""`TaskScheduler`: what a program holds. Each method is a line or two; the rooms below do the work."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, Unpack

from horarium.clock import Clock, SystemClock
from horarium.errors import InvalidValue, RunNotFound, TaskNotFound
from horarium.execution.context import CURRENT
from horarium.execution.rescue import await_end
from horarium.library.functions import name_of, spec_of
from horarium.library.options import (
    TaskOptions,
    check_names,
    count_of,
    per_user_of,
    policies_of,
    seconds_of,
    text_of,
    texts_of,
)
from horarium.library.places import place_of
from horarium.library.status import history_entry, task_status
from horarium.library.triggers import begins_anew, every_of, same_grid, trigger_from, zone_of
from horarium.records.tasks import Task, TaskDefinition
from horarium.runs.launch import Launcher, Reporter
from horarium.runs.registry import Registry
from horarium.scheduling.service import SchedulerService
from horarium.scheduling.tasks import PROGRAM, TaskDesk
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.output import OutputBook
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.opening import open_store
from horarium.triggers import CronTrigger, DateTrigger, IntervalTrigger, Trigger, to_text

if TYPE_CHECKING:
    from horarium.library.settings import UserSettings
    from horarium.records.secrets import Keyring
    from horarium.runs.history import Accounting, History

Function = TypeVar("Function", bound=Callable[..., Any])
MOST_WORKERS = 1000
MOST_HISTORY = 100_000


class _Process(NamedTuple):
    pid: int
    starting: Lock
    service: SchedulerService
    desk: TaskDesk


class TaskScheduler:
    """Schedules functions of this program, with a history that outlives it.

    `store` is a path or address (default: the environment's `DATABASE_URL`, else the file `horarium.db` here);
    `timezone` is the zone of schedules that name none; `max_workers` is how many runs go side by side, of which one
    person's own take at most `max_workers_each` (default: half); `keyring` opens the credentials that tasks ask for.
    Several processes may use one store: each occurrence runs once.
    """

    def __init__(
        self,
        store: str | Path | None = None,
        *,
        timezone: str = "UTC",
        max_workers: int = 10,
        max_workers_each: int | None = None,
        clock: Clock | None = None,
        keyring: Keyring | None = None,
    ) -> None:
        """Open the store, making it if it is new. Raises `StoreError`, `InvalidValue`, `InvalidSchedule` (zone)."""
        self._clock = clock or SystemClock()
        self._keyring = keyring
        self._timezone = timezone
        CronTrigger("@daily", timezone)
        self._slots = count_of("max_workers", max_workers, 1, MOST_WORKERS)
        if max_workers_each is not None:
            count_of("max_workers_each", max_workers_each, 1, MOST_WORKERS)
        self._slots_each = max_workers_each
        self._store = open_store(place_of(store), clock=self._clock)
        self._registry = Registry()
        self._following = Lock()
        self._present = self._begin_process()

    def add_cron_task(
        self,
        name: str,
        func: Callable[..., Any] | str,
        expression: str,
        *,
        timezone: str | None = None,
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Run `func` by a cron expression on the clock of `timezone`. Raises `InvalidSchedule`, `InvalidValue`.

        A task of this name that exists already gets the new definition and keeps its history and pause.
        """
        return self._add(name, func, CronTrigger(expression, timezone or self._timezone), options)

    def add_interval_task(
        self,
        name: str,
        func: Callable[..., Any] | str,
        seconds: float | timedelta | None = None,
        *,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
        start: datetime | None = None,
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Run `func` every so often, in real elapsed time on a fixed grid that begins at `start` (default: now)."""
        every = every_of(seconds, minutes=minutes, hours=hours, days=days)
        trigger = IntervalTrigger(every, start or self._clock.now() + every)
        return self._add(name, func, trigger, options, keeps_grid=start is None)

    def add_date_task(
        self,
        name: str,
        func: Callable[..., Any] | str,
        when: datetime,
        *,
        run_if_late: bool = False,
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Run `func` once, at `when` (aware). A time that has passed is refused unless `run_if_late`."""
        return self._add(name, func, DateTrigger(when), options, late_ok=run_if_late)

    def add_task(
        self,
        name: str,
        func: Callable[..., Any] | str,
        trigger: Any = None,
        *,
        timezone: str | None = None,
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Run `func` by any trigger, ours or one of APScheduler's; without one it only runs by hand.

        `timezone` is that of a cron text; a trigger object has its own.
        """
        made = None if trigger is None else trigger_from(trigger, timezone or self._timezone)
        return self._add(name, func, made, options, keeps_grid=begins_anew(trigger, self._clock.now()))

    def add_tasks(self, tasks: Iterable[TaskDefinition]) -> int:
        """Add many new tasks at once, all or none; return how many. See `definition` for making them."""
        return self._desk.define_many(tasks)

    def definition(
        self, name: str, func: Callable[..., Any] | str, trigger: Any = None, **options: Unpack[TaskOptions]
    ) -> TaskDefinition:
        """Return the definition of a task without adding it."""
        made = None if trigger is None else trigger_from(trigger, self._timezone)
        return self._define(name, func, made, options)

    def cron(
        self, expression: str, *, name: str | None = None, timezone: str | None = None, **options: Unpack[TaskOptions]
    ) -> Callable[[Function], Function]:
        """Decorate a function to run it by a cron expression; its task is called `name` or like the function."""
        trigger = CronTrigger(expression, timezone or self._timezone)

        def decorate(function: Function) -> Function:
            self._add(name or name_of(function), function, trigger, options)
            return function

        return decorate

    def every(
        self,
        seconds: float | timedelta | None = None,
        *,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
        name: str | None = None,
        **options: Unpack[TaskOptions],
    ) -> Callable[[Function], Function]:
        """Decorate a function to run it every so often; its task is called `name` or like the function."""
        span = every_of(seconds, minutes=minutes, hours=hours, days=days)

        def decorate(function: Function) -> Function:
            self.add_interval_task(name or name_of(function), function, span, **options)
            return function

        return decorate

    def remove_task(self, name: str) -> None:
        """Remove a task; its history stays. Raises `TaskNotFound`."""
        self._desk.remove(name, by=PROGRAM)

    def pause_task(
        self, name: str, *, reason: str = "", until: datetime | None = None, user: int | None = None
    ) -> None:
        """Pause a task, also over restarts, until `resume_task` or `until`; with `user` only that person's own.

        Raises `TaskNotFound`, `InvalidValue`.
        """
        if until is not None and (getattr(until, "tzinfo", None) is None):
            raise InvalidValue("until", until, "give a datetime with a time zone")
        self._desk.pause(self._ref(name, user), by=PROGRAM, reason=reason, until=until)

    def resume_task(self, name: str, *, user: int | None = None) -> None:
        """Let a paused task go on; with `user` only that person's own. Raises `TaskNotFound`."""
        self._desk.resume(self._ref(name, user), by=PROGRAM)

    def trigger_task_now(self, name: str, **params: Any) -> int:
        """Run a task now, once, with some keyword arguments replaced; return the number of the run."""
        return self._desk.trigger(name, by=PROGRAM, params=params)

    def trigger_task_for(self, name: str, user: int, **params: Any) -> int:
        """Run one person's own of a task for each person now, once; return the number of the run."""
        return self._desk.trigger(self._ref(name, user), by=PROGRAM, params=params)

    def get_task_status(self, name: str, *, user: int | None = None) -> dict[str, Any]:
        """Return what a task is and how it stands, as plain values; with `user` that person's own.

        Raises `TaskNotFound`.
        """
        task = self._desk.find(self._ref(name, user))
        with self._store.reading() as tx:
            runs = HistoryBook(tx).latest_of([task.id], each=1)[task.id]
        return task_status(task, runs[0] if runs else None)

    def get_all_tasks(self) -> list[dict[str, Any]]:
        """Return the status of all tasks, by name."""
        with self._store.reading() as tx:
            tasks = TaskBook(tx).page(TaskFilter(), limit=1_000_000)
            runs = HistoryBook(tx).latest_of([task.id for task in tasks], each=1)
        return [task_status(task, next(iter(runs[task.id]), None)) for task in tasks]

    def get_task_history(self, name: str, limit: int = 50, *, user: int | None = None) -> list[dict[str, Any]]:
        """Return the newest runs of a task, newest first, as plain values; also of one that was removed.

        With `user` those of that person's own. Raises `TaskNotFound`, `InvalidValue`.
        """
        count_of("limit", limit, 0, MOST_HISTORY)
        with self._store.reading() as tx:
            book = TaskBook(tx)
            number = book.id_of(name, for_user_id=user or 0) or book.id_of_removed(name, for_user_id=user or 0)
            if number is None:
                raise TaskNotFound(name)
            return [history_entry(run) for run in HistoryBook(tx).page(RunFilter(task_id=number), limit=limit)]

    def why(self, name: str, instant: datetime) -> str:
        """Say in one sentence why a planned `instant` (aware) of a task did or did not run.

        Raises `TaskNotFound`, `InvalidValue`.
        """
        return self._history.why(name, instant)

    def accounting(self, name: str, start: datetime, end: datetime) -> Accounting:
        """Add up what fell due for a task from `start` up to `end` (aware): occurrences = runs + skipped.

        Raises `TaskNotFound`, `InvalidValue`.
        """
        return self._history.accounting(name, start, end)

    def get_run_output(self, run_id: int) -> str:
        """Return what the newest attempt of a run has printed and logged. Raises `RunNotFound`."""
        with self._store.reading() as tx:
            run = HistoryBook(tx).get(run_id)
            if run is None:
                raise RunNotFound(run_id)
            lines = OutputBook(tx).lines(run_id, run.attempt, most=1_000_000)
        return "".join(f"{line.text}\n" for line in lines)

    def start(self) -> None:
        """Begin to run what falls due, in threads of this program. Harmless when repeated."""
        # Several threads that start it at once would make several of it.
        with self._process.starting:
            if not self.is_running:
                self._service.start()
                atexit.register(self.stop)

    def stop(self, *, grace: float = 30.0) -> None:
        """End: runs under way get `grace` seconds, what is cut off is recorded. Harmless when repeated.

        A task that calls this is under way itself: the end begins then, and the call returns at once.
        """
        seconds = seconds_of("grace", grace)
        atexit.unregister(self.stop)
        _outside_of_tasks(partial(self._service.stop, seconds))

    def close(self) -> None:
        """Stop and let go of the store."""
        atexit.unregister(self.stop)
        _outside_of_tasks(self._close)

    @property
    def settings(self) -> UserSettings:
        """Return the settings of the people of this store; tasks for each person follow what changes there."""
        from horarium.library.settings import UserSettings  # noqa: PLC0415

        return UserSettings(self._store, clock=self._clock)

    @property
    def is_running(self) -> bool:
        """Tell whether it was started and goes round."""
        return self._service.is_running

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _add(
        self,
        name: str,
        func: Callable[..., Any] | str,
        trigger: Trigger | None,
        options: TaskOptions,
        *,
        keeps_grid: bool = False,
        late_ok: bool = False,
    ) -> Task:
        definition = self._define(name, func, trigger, options)
        adapt = _on_old_grid if keeps_grid else None
        return self._desk.define(definition, late_ok=late_ok, adapt=adapt).task

    def _define(
        self, name: str, func: Callable[..., Any] | str, trigger: Trigger | None, options: TaskOptions
    ) -> TaskDefinition:
        check_names(options)
        return TaskDefinition(
            name=text_of("name", name),
            spec=spec_of(name, func, options, self._registry),
            schedule=None if trigger is None else to_text(trigger),
            timezone=zone_of(trigger, self._timezone),
            policies=policies_of(options),
            tags=texts_of("tags", options.get("tags", ())),
            description=text_of("description", options.get("description", "")),
            credentials=texts_of("credentials", options.get("credentials", ())),
            per_user=per_user_of(options.get("per_user")),
        )

    def _ref(self, name: str, user: int | None) -> str | int:
        return name if user is None else self._desk.find(name, for_user_id=user).id

    @property
    def _history(self) -> History:
        from horarium.runs.history import History  # noqa: PLC0415

        return History(self._store, self._clock)

    @property
    def _desk(self) -> TaskDesk:
        return self._process.desk

    @property
    def _service(self) -> SchedulerService:
        return self._process.service

    @property
    def _process(self) -> _Process:
        """Return what belongs to this process alone: after a fork, what the parent started is the parent's to end."""
        if self._present.pid != os.getpid():
            # Taken after a fork alone, so that no child inherits it locked.
            with self._following:
                if self._present.pid != os.getpid():
                    self._present = self._begin_process()
        return self._present

    def _begin_process(self) -> _Process:
        service = SchedulerService(
            self._store,
            self._make_launcher,
            clock=self._clock,
            known=self._registry.local,
            slots=self._slots,
            slots_each=self._slots_each,
            await_end=partial(await_end, clock=self._clock),
        )
        return _Process(os.getpid(), Lock(), service, TaskDesk(self._store, self._clock, node=service))

    def _close(self) -> None:
        self._service.stop()
        self._store.close()

    def _make_launcher(self, reporter: Reporter) -> Launcher:
        from horarium.execution.accounts import AccountPolicy  # noqa: PLC0415
        from horarium.execution.limits import IsolationOptions  # noqa: PLC0415
        from horarium.execution.local import local_performers  # noqa: PLC0415
        from horarium.execution.threads import ThreadLauncher  # noqa: PLC0415

        # The program chose its own functions and runs them as itself, as root too: the policy is for servers.
        isolation = IsolationOptions(environment=dict(os.environ))
        performers = local_performers(self._clock, AccountPolicy(allow_root=True), isolation=isolation)
        return ThreadLauncher(
            self._slots,
            reporter,
            self._clock,
            self._registry,
            performers=performers,
            store=self._store,
            keyring=self._keyring,
        )


def _outside_of_tasks(end: Callable[[], None]) -> None:
    """Call `end`, in a thread of its own if a task does it: it would wait for itself."""
    if CURRENT.get() is None:
        end()
    else:
        Thread(target=end, name="horarium-stop", daemon=True).start()


def _on_old_grid(old: TaskDefinition, new: TaskDefinition) -> TaskDefinition:
    """Keep the grid of an interval that was there before: a restart must not begin the interval anew."""
    return replace(new, schedule=same_grid(old.schedule, new.schedule))
