"""What a person may say about a task on the command line, and the definition that comes of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from horarium.cli.asking import Zone
from horarium.errors import InvalidSchedule, InvalidTarget, InvalidValue
from horarium.records.keeping import Keep
from horarium.records.policies import Misfire, Overlap, Policies, Retry
from horarium.records.tasks import CommandSpec, PythonSpec, TaskDefinition
from horarium.states import Isolation, MisfirePolicy, OverlapPolicy
from horarium.triggers import CronTrigger, DateTrigger, IntervalTrigger, Trigger, from_text, to_text

SOURCE: Final = "command line"

_SPAN: Final = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m(?:in)?)?\s*(?:(\d+(?:\.\d+)?)s?)?")
_TARGET: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_LENGTH: Final = "use a length of time such as 90s, 15m, 1h30m or 2d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options of `task add` and `task edit`; None is what was not said."""

    argv: Annotated[
        list[str] | None, typer.Argument(metavar="[-- PROGRAM ARG...]", help="The program to run and its arguments.")
    ] = None
    command: Annotated[
        bool, typer.Option("--command", help="Say that a program follows after --; it may be left out.")
    ] = False
    shell: Annotated[
        str | None, typer.Option("--shell", metavar="LINE", help="A line for /bin/sh instead of a program.")
    ] = None
    python: Annotated[
        str | None,
        typer.Option("--python", metavar="MODULE:FUNCTION", help="A function that HORARIUM_TASK_MODULES allows."),
    ] = None
    args: Annotated[
        str | None, typer.Option("--args", metavar="JSON", help="Its arguments: a JSON list, or an object of names.")
    ] = None
    isolated: Annotated[
        bool | None,
        typer.Option("--isolated/--in-thread", help="Run the function in a process of its own, or in a thread."),
    ] = None
    cron: Annotated[
        str | None, typer.Option("--cron", metavar="EXPRESSION", help='When: a cron expression such as "0 6 * * 1-5".')
    ] = None
    every: Annotated[
        str | None, typer.Option("--every", metavar="LENGTH", help="When: again after each length, such as 5m.")
    ] = None
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help='When: once, such as "2027-01-31 18:00".')] = (
        None
    )
    by_hand: Annotated[bool, typer.Option("--by-hand", help="When: never by itself, only when it is triggered.")] = (
        False
    )
    timezone: Zone = None
    env: Annotated[
        list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="A variable for the program; repeatable.")
    ] = None
    cwd: Annotated[str | None, typer.Option("--cwd", metavar="FOLDER", help="The folder to start the program in.")] = (
        None
    )
    user: Annotated[
        str | None, typer.Option("--user", metavar="ACCOUNT", help="The account to run the program as; needs root.")
    ] = None
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="LENGTH", help="End a run after this long; none for never.")
    ] = None
    retries: Annotated[
        int | None, typer.Option("--retries", min=0, max=99, help="How often to try again after a failure.")
    ] = None
    retry_delay: Annotated[
        str | None, typer.Option("--retry-delay", metavar="LENGTH", help="How long to wait before the first new try.")
    ] = None
    misfire: Annotated[
        MisfirePolicy | None, typer.Option("--misfire", help="What to do with times missed while nobody was there.")
    ] = None
    overlap: Annotated[
        str | None,
        typer.Option("--overlap", metavar="skip|queue|replace|allow:N", help="If the run before is still going."),
    ] = None
    keep_days: Annotated[
        str | None, typer.Option("--keep-days", metavar="DAYS", help="Keep runs this long; usual: as elsewhere.")
    ] = None
    keep_runs: Annotated[
        str | None, typer.Option("--keep-runs", metavar="COUNT", help="Keep so many at most; usual: as elsewhere.")
    ] = None
    credential: Annotated[
        list[str] | None,
        typer.Option("--credential", metavar="NAME", help="A credential that it may use; repeatable, empty for none."),
    ] = None
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag; repeatable.")] = None
    description: Annotated[str | None, typer.Option("--description", help="What it is for.")] = None


def definition_of(
    name: str,
    wishes: Wishes,
    *,
    zone: str,
    now: datetime,
    base: TaskDefinition | None = None,
    grid: str | None = None,
) -> TaskDefinition:
    """Return the definition that is wished for; what is not said comes from `base`, or from the usual values.

    `grid` is the stored schedule of the task until now: an interval of the same length keeps its place in time.
    Raises `InvalidValue`, `InvalidSchedule`, `InvalidTarget`.
    """
    spec = _spec(wishes, base.spec if base else None)
    timezone = wishes.timezone or (base.timezone if base else zone)
    before = base.schedule if base else grid
    schedule = _schedule(wishes, timezone, now, from_text(before) if before else None)
    if schedule is None and base and not wishes.by_hand:
        schedule = _moved(base.schedule, timezone)
    policies = _policies(wishes, base.policies if base else Policies())
    if base is None:
        base = TaskDefinition(name=name, spec=spec, schedule=schedule, source=SOURCE)
    return replace(
        base,
        spec=spec,
        schedule=schedule,
        timezone=timezone,
        policies=policies,
        credentials=base.credentials if wishes.credential is None else tuple(filter(None, wishes.credential)),
        tags=base.tags if wishes.tag is None else tuple(wishes.tag),
        description=base.description if wishes.description is None else wishes.description,
    )


def length_of(field: str, text: str) -> float:
    """Return the seconds of a length of time such as `90s`, `15m`, `1h30m` or `2d`. Raises `InvalidValue`."""
    found = _SPAN.fullmatch(text.strip().lower())
    if not text.strip() or found is None or len(text) > 40:
        raise InvalidValue(field, text, _LENGTH)
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def instant_of(text: str, zone: str) -> datetime:
    """Return the instant of a date and time, on the clock of `zone` if it has no offset. Raises `InvalidSchedule`."""
    try:
        read = datetime.fromisoformat(text.strip())
        if read.tzinfo is not None:
            return read.astimezone(UTC)
        found = read.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidSchedule("at", text, "use a date and time such as 2027-01-31 18:00") from None
    if found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != read:
        raise InvalidSchedule("at", text, f"the clock of {zone} leaves that time out")
    return found


def _spec(wishes: Wishes, base: PythonSpec | CommandSpec | None) -> PythonSpec | CommandSpec:
    said = [
        name for name, value in (("--shell", wishes.shell), ("--python", wishes.python), ("--", wishes.argv)) if value
    ]
    if len(said) > 1:
        raise typer.BadParameter(f"say only one of {', '.join(said)}")
    if wishes.command and not wishes.argv:
        raise typer.BadParameter("write the program and its arguments after --")
    if wishes.python or (not said and isinstance(base, PythonSpec)):
        return _python(wishes, base if isinstance(base, PythonSpec) else None)
    if not said and base is None:
        raise typer.BadParameter("say what to run: -- PROGRAM ARG..., --shell or --python")
    return _command(wishes, base if isinstance(base, CommandSpec) else None)


def _python(wishes: Wishes, base: PythonSpec | None) -> PythonSpec:
    target = wishes.python or (base.target if base else "")
    if wishes.python and not _TARGET.fullmatch(target):
        raise InvalidTarget("python", target, "use package.module:function")
    for option, value in (("--env", wishes.env), ("--cwd", wishes.cwd), ("--user", wishes.user)):
        if value:
            raise InvalidValue(option, value, "it is for programs; give a function its --args")
    args: tuple[Any, ...] = base.args if base else ()
    kwargs: Any = base.kwargs if base else {}
    if wishes.args is not None:
        args, kwargs = _arguments(wishes.args)
    isolation = base.isolation if base else Isolation.PROCESS
    if wishes.isolated is not None:
        isolation = Isolation.PROCESS if wishes.isolated else Isolation.THREAD
    return PythonSpec(target, args, kwargs, isolation, local=bool(base and base.local and not wishes.python))


def _arguments(text: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list):
        return tuple(found), {}
    if isinstance(found, dict):
        return (), found
    raise InvalidValue("--args", text, 'use a JSON list such as [1, "a"], or an object such as {"name": 1}')


def _command(wishes: Wishes, base: CommandSpec | None) -> CommandSpec:
    if wishes.args is not None or wishes.isolated is not None:
        raise InvalidValue("--args", wishes.args or "", "it is for Python functions; write a program's after it")
    spec = base or CommandSpec(argv=())
    if wishes.shell:
        spec = replace(spec, argv=(wishes.shell,), shell=True)  # noqa: S604 - the person asks for a shell
    elif wishes.argv:
        spec = replace(spec, argv=tuple(wishes.argv), shell=False)
    return replace(
        spec,
        cwd=spec.cwd if wishes.cwd is None else wishes.cwd or None,
        user=spec.user if wishes.user is None else wishes.user or None,
        env=spec.env if wishes.env is None else dict(map(_variable, wishes.env)),
    )


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise InvalidValue("--env", name, "use NAME=VALUE")
    return name, value


def _schedule(wishes: Wishes, timezone: str, now: datetime, old: Trigger | None) -> str | None:
    said = [name for name in ("cron", "every", "at", "by_hand") if getattr(wishes, name)]
    if len(said) > 1:
        raise typer.BadParameter("say only one of --cron, --every, --at and --by-hand")
    if wishes.cron:
        return to_text(CronTrigger(wishes.cron, timezone))
    if wishes.every:
        return to_text(_interval(wishes.every, now, old))
    if wishes.at:
        return to_text(DateTrigger(instant_of(wishes.at, timezone)))
    return None


def _moved(schedule: str | None, timezone: str) -> str | None:
    """Return a kept schedule on the clock of the zone; intervals and dates have none."""
    old = from_text(schedule) if schedule else None
    return to_text(CronTrigger(old.expression, timezone)) if isinstance(old, CronTrigger) else schedule


def _interval(text: str, now: datetime, old: Trigger | None) -> Trigger:
    every = timedelta(seconds=length_of("--every", text))
    if every < timedelta(seconds=1):
        raise InvalidSchedule("--every", text, "use at least one second")
    # The same length once more keeps the grid: nothing fires earlier or later because it was said again.
    return old if isinstance(old, IntervalTrigger) and old.every == every else IntervalTrigger(every, now)


def _policies(wishes: Wishes, base: Policies) -> Policies:
    retry, misfire, overlap, timeout = base.retry, base.misfire, base.overlap, base.timeout_seconds
    if wishes.retries is not None:
        retry = replace(retry, attempts=wishes.retries + 1)
    if wishes.retry_delay is not None:
        retry = _slower(retry, length_of("--retry-delay", wishes.retry_delay))
    if wishes.misfire is not None:
        misfire = Misfire(wishes.misfire, misfire.grace_seconds, misfire.window_seconds, misfire.cap)
    if wishes.overlap is not None:
        overlap = _overlap(wishes.overlap)
    if wishes.timeout is not None:
        timeout = None if wishes.timeout.lower() == "none" else length_of("--timeout", wishes.timeout)
    keep = _keep(wishes, base.keep)
    return replace(base, retry=retry, misfire=misfire, overlap=overlap, timeout_seconds=timeout, keep=keep)


def _keep(wishes: Wishes, base: Keep) -> Keep:
    if wishes.keep_days is not None:
        base = replace(base, days=_number_or_usual("--keep-days", wishes.keep_days))
    if wishes.keep_runs is not None:
        count = _number_or_usual("--keep-runs", wishes.keep_runs)
        if count is not None and not count.is_integer():
            raise InvalidValue("--keep-runs", wishes.keep_runs, "use a whole number, or usual")
        base = replace(base, runs=None if count is None else int(count))
    return base


def _number_or_usual(option: str, text: str) -> float | None:
    if text.lower() == "usual":
        return None
    if not re.fullmatch(r"\d{1,9}(?:\.\d{1,6})?", text):
        raise InvalidValue(option, text, "use a number, or usual for what the installation keeps")
    return float(text)


def _slower(retry: Retry, delay: float) -> Retry:
    return replace(retry, delay_seconds=delay, max_delay_seconds=max(delay, retry.max_delay_seconds))


def _overlap(text: str) -> Overlap:
    word, colon, limit = text.partition(":")
    if word not in set(OverlapPolicy) or (colon and not (limit.isascii() and limit.isdigit())):
        raise InvalidValue("--overlap", text, "use skip, queue, replace, or allow:N such as allow:3")
    return Overlap(OverlapPolicy(word), int(limit[:9]) if limit else 1)
