"""`horarium task`: define, look at and steer tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import typer

from horarium.cli.asking import Command, Json, TaskName, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.shapes import condition_of, run_shape, schedule_words, task_shape
from horarium.cli.spread import spread
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_facts, say_json, tell
from horarium.cli.wishes import Wishes, definition_of, instant_of
from horarium.cli.words import absolute, both, count_of, relative, span
from horarium.cli.workplace import Workplace, workplace
from horarium.errors import InvalidTarget, TaskNotFound
from horarium.records.tasks import CommandSpec, Task
from horarium.scheduling.tasks import Defined
from horarium.server.targets import targets_of
from horarium.store.books.history import HistoryBook
from horarium.store.books.tasks import TaskBook, TaskFilter, sort_key
from horarium.triggers import from_text

app = new_app("Define, look at and steer tasks.")

_PAGE = 500
_View = Literal["all", "failing", "running", "paused", "parked"]


@app.callback()
def task() -> None:
    """Define, look at and steer tasks."""


@app.command("list", cls=Command)
def list_tasks(
    context: typer.Context,
    view: Annotated[_View, typer.Option("--view", help="Which tasks.")] = "all",
    tag: Annotated[str, typer.Option("--tag", help="Only tasks with this tag.")] = "",
    search: Annotated[str, typer.Option("--search", "-s", help="Words in name, target or tags.")] = "",
    *,
    user: Annotated[
        str | None, typer.Option("--user", "-u", metavar="NAME", help="What this person has of tasks for each person.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List tasks with their schedules and their last outcomes.

    Examples:
      horarium task list
      horarium task list --view failing --json
      horarium task list --user ana
    """
    with workplace(context) as work:
        whose = 0 if user is None else work.find_user(user).id
        found = all_tasks(work, TaskFilter(view=view, tag=tag, text=search, for_user_id=whose))
        if as_json:
            say_json([task_shape(each) for each in found])
            return
        if not found:
            say("No tasks.")
            return
        rows = [
            (
                str(each.id),
                each.name,
                schedule_words(each.definition),
                condition_of(each) if condition_of(each) != "active" else _soon(each, work),
                "" if each.last_state is None else each.last_state.value.replace("_", " "),
            )
            for each in found
        ]
        say_table(("#", "task", "schedule", "next", "last"), rows)


@app.command(cls=Command)
def show(context: typer.Context, name: TaskName, *, as_json: Json = False) -> None:
    """Show a task: what it does, when, how it is run, and its latest runs.

    Example:
      horarium task show backup
    """
    with workplace(context) as work:
        found = work.find_task(name)
        with work.store.reading() as tx:
            runs = HistoryBook(tx).latest_of([found.id], each=5)[found.id]
        if as_json:
            say_json({**task_shape(found), "latest_runs": [run_shape(run) for run in runs]})
            return
        _show(found, work)
        for run in runs:
            at = both(run.started_at or run.created_at, work.now, work.zone)
            say(f"run {run.id}  {run.state.value.replace('_', ' ')}  {at}  {span(run.duration)}")


@app.command(cls=Command)
@spread("wishes", Wishes)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the task is called.")],
    wishes: Wishes,
    *,
    paused: Annotated[bool, typer.Option("--paused", help="Add it paused.")] = False,
    run_if_late: Annotated[bool, typer.Option("--run-if-late", help="Run at once if --at has passed.")] = False,
    as_json: Json = False,
) -> None:
    """Add a task, or replace the definition of the one that has this name.

    History, pause and outcomes of a task that is there already stay.

    Examples:
      horarium task add backup --cron "30 2 * * *" -- /usr/local/bin/backup --all
      horarium task add report --cron "0 6 * * 1-5" --timezone Europe/Berlin --shell "make report | mail -s report me"
      horarium task add poll --every 5m --python shop.stock:poll --args '{"limit": 10}'
    """
    with workplace(context) as work:
        definition = definition_of(name, wishes, zone=work.zone, now=work.now, grid=_schedule_of(work, name))
        _check_target(work, wishes)
        defined = work.desk.define(definition, actor=work.actor, late_ok=run_if_late)
        if paused:
            work.desk.pause(defined.task.id, by=work.actor)
        _acknowledge(defined, work.desk.find(defined.task.id), work, as_json=as_json)


@app.command(cls=Command)
@spread("wishes", Wishes)
def edit(context: typer.Context, name: TaskName, wishes: Wishes, *, as_json: Json = False) -> None:
    """Change what is said and leave the rest of a task as it is.

    Examples:
      horarium task edit backup --cron "0 3 * * *"
      horarium task edit backup --timeout 2h --retries 2
    """
    with workplace(context) as work:
        found = work.find_task(name)
        definition = definition_of(found.name, wishes, zone=work.zone, now=work.now, base=found.definition)
        _check_target(work, wishes)
        defined = work.desk.define(definition, actor=work.actor)
        _acknowledge(defined, defined.task, work, as_json=as_json)


@app.command(cls=Command)
def pause(
    context: typer.Context,
    name: TaskName,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the others.")] = "",
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="When it goes on by itself.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Pause a task: its times are recorded as skipped until it is resumed. Runs under way go on.

    Example:
      horarium task pause backup --reason "disk is being replaced" --until "2027-01-31 18:00"
    """
    with workplace(context) as work:
        found = work.find_task(name)
        end = None if until is None else instant_of(until, work.zone)
        paused = work.desk.pause(found.id, by=work.actor, reason=reason, until=end)
        if as_json:
            say_json({**task_shape(paused.task), "runs_under_way": list(paused.under_way)})
            return
        say(f"Paused {found.name!r}{'' if end is None else f' until {absolute(end, work.zone)}'}.")
        for run_id in paused.under_way:
            say(f"Run {run_id} is under way and goes on; `horarium run cancel {run_id}` ends it.")


@app.command(cls=Command)
def resume(context: typer.Context, name: TaskName, *, as_json: Json = False) -> None:
    """Let a paused task go on with its next time; a parked one is tried again.

    Example:
      horarium task resume backup
    """
    with workplace(context) as work:
        found = work.find_task(name)
        if found.is_parked:
            work.desk.unpark(found.id, by=work.actor)
        resumed = work.desk.resume(found.id, by=work.actor)
        if as_json:
            say_json(task_shape(resumed))
        else:
            say(f"Resumed {found.name!r}. Next: {_soon(resumed, work)}.")


@app.command(cls=Command)
def remove(
    context: typer.Context,
    name: TaskName,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a task: waiting runs are given up, running ones are asked to end, its history stays.

    Example:
      horarium task remove backup --yes
    """
    with workplace(context) as work:
        found = work.find_task(name)
        if not (yes or as_json) and not typer.confirm(f"Remove the task {found.name!r}?", err=True):
            raise typer.Exit(ExitCode.REFUSED)
        removed = work.desk.remove(found.id, by=work.actor)
        if as_json:
            say_json(task_shape(removed))
        else:
            say(f"Removed {found.name!r}.")


@app.command(cls=Command)
def trigger(context: typer.Context, name: TaskName, *, as_json: Json = False) -> None:
    """Run a task now, once, beside its schedule. A server has to be running for it to start.

    Example:
      horarium task trigger backup
    """
    with workplace(context) as work:
        found = work.find_task(name)
        run_id = work.desk.trigger(found.id, by=work.actor)
        if as_json:
            say_json({"task_id": found.id, "task": found.name, "run_id": run_id})
        else:
            say(f"Run {run_id} of {found.name!r} is queued; `horarium run follow {run_id}` shows it.")


@app.command("next", cls=Command)
def next_times_of(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[TASK]", help="The task; all tasks if left out.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many times.")] = 5,
    *,
    as_json: Json = False,
) -> None:
    """Show when a task runs next, or which tasks run next.

    Examples:
      horarium task next backup -n 10
      horarium task next
    """
    with workplace(context) as work:
        if name is None:
            _next_of_all(work, count, as_json=as_json)
        else:
            _next_of_one(work, work.find_task(name), count, as_json=as_json)


def all_tasks(work: Workplace, wanted: TaskFilter, most: int | None = None) -> list[Task]:
    """Return the tasks that a filter lets through, in its order, page by page."""
    found: list[Task] = []
    while most is None or len(found) < most:
        with work.store.reading() as tx:
            after = sort_key(wanted, found[-1]) if found else None
            page = TaskBook(tx).page(wanted, after=after, limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            break
    return found[:most]


def _check_target(work: Workplace, wishes: Wishes) -> None:
    """Refuse a function that the server would not import. Raises `InvalidTarget`."""
    targets = targets_of(work.config)
    if wishes.python and not targets.allows(wishes.python):
        module = wishes.python.partition(":")[0].partition(".")[0]
        raise InvalidTarget("python", wishes.python, f"{targets.words}; whoever keeps the server names {module} there")


def _schedule_of(work: Workplace, name: str) -> str | None:
    """Return the stored schedule of the task that has this name already."""
    try:
        return work.desk.find(name).definition.schedule
    except TaskNotFound:
        return None


def _acknowledge(defined: Defined, found: Task, work: Workplace, *, as_json: bool) -> None:
    done = "added" if defined.is_new else "updated" if defined.is_changed else "unchanged"
    if as_json:
        say_json({**task_shape(found), "result": done})
        return
    say(f"Task {found.name!r} {done}: {schedule_words(found.definition)}.")
    if found.is_paused:
        say("It is paused.")
    elif found.next_at is not None:
        say(f"Next: {_soon(found, work)}.")


def _soon(found: Task, work: Workplace) -> str:
    return both(found.next_at, work.now, work.zone, nothing="")


def _show(found: Task, work: Workplace) -> None:
    definition, pause_, now, zone = found.definition, found.pause, work.now, work.zone
    policies = definition.policies
    spec = definition.spec
    say_facts(
        (
            ("task", f"{found.name} (#{found.id})"),
            ("what", spec.words),
            ("folder", (spec.cwd or "") if isinstance(spec, CommandSpec) else ""),
            ("account", (spec.user or "") if isinstance(spec, CommandSpec) else ""),
            ("variables", ", ".join(sorted(spec.env)) if isinstance(spec, CommandSpec) else ""),
            ("schedule", schedule_words(definition)),
            ("zone", definition.timezone),
            ("next", _soon(found, work)),
            (
                "paused",
                "" if pause_ is None else f"{both(pause_.at, now, zone)} by {pause_.by} {pause_.reason}".strip(),
            ),
            ("parked", "" if found.parking is None else found.parking.reason),
            ("time limit", "none" if policies.timeout_seconds is None else f"{policies.timeout_seconds:g} s"),
            ("attempts", str(policies.retry.attempts)),
            ("keeps", policies.keep.words),
            ("misfire", policies.misfire.policy.value),
            ("overlap", policies.overlap.policy.value),
            ("credentials", ", ".join(definition.credentials)),
            ("tags", ", ".join(definition.tags)),
            ("about", definition.description),
            ("from", definition.source),
            ("failures", count_of(found.failures_in_row, "in a row", "in a row") if found.failures_in_row else ""),
        )
    )


def _next_of_all(work: Workplace, count: int, *, as_json: bool) -> None:
    found = all_tasks(work, TaskFilter(sort="next"), most=None)
    due = [each for each in found if each.next_at is not None and not (each.is_paused or each.is_parked)][:count]
    if as_json:
        say_json([{"task_id": each.id, "task": each.name, "next_at": _iso(each)} for each in due])
        return
    say_table(
        ("next", "task", "schedule"), [(_soon(each, work), each.name, schedule_words(each.definition)) for each in due]
    )


def _next_of_one(work: Workplace, found: Task, count: int, *, as_json: bool) -> None:
    times: list[datetime] = []
    moment = work.now if found.definition.schedule else None
    trigger_ = from_text(found.definition.schedule) if found.definition.schedule else None
    while trigger_ is not None and moment is not None and len(times) < count:
        moment = trigger_.next_after(moment)
        if moment is not None:
            times.append(moment)
    if as_json:
        instants = [each.isoformat() for each in times]
        say_json({"task_id": found.id, "task": found.name, "condition": condition_of(found), "next_times": instants})
        return
    if found.is_paused or found.is_parked:
        tell(f"{found.name!r} is {condition_of(found)}: these times are skipped unless it is resumed.")
    say(schedule_words(found.definition))
    for each in times:
        say(f"  {absolute(each, found.definition.timezone)}, {relative(each, work.now)}")


def _iso(found: Task) -> str | None:
    return None if found.next_at is None else found.next_at.isoformat()
