"""The part of a rule's form that says while what it is muted: tasks and heartbeats, one a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from horarium.errors import TaskNotFound
from horarium.notify.rule_words import Naming
from horarium.records.telling import Cause, On, Rule
from horarium.store.books.checks import CheckBook, CheckFinder
from horarium.web.visit import Visit

FIELDS: Final = {"mute_tasks": On.TASK, "mute_checks": On.CHECK}
MOST: Final = 8000
GONE: Final = "gone"
_NONE: Final = "there is none of this name that you see"
_SEVERAL: Final = "several have this name: use # and the number of one"


def read(
    visit: Visit, texts: Mapping[str, str], base: Rule, own_task: int | None, say: Callable[[str, object, str], None]
) -> tuple[Cause, ...]:
    """Return what a form names; `say` is told what is wrong with it. What the rule named before stays, gone or not."""
    found: list[Cause] = []
    for name, of in FIELDS.items():
        for line in filter(None, map(str.strip, texts[name].splitlines())):
            numbers = _numbers(visit, of, line, base)
            if len(numbers) != 1:
                say(name, line, _SEVERAL if numbers else _NONE)
            elif of is On.TASK and numbers[0] == own_task:
                say(name, line, "a task does not depend on itself: name another one")
            else:
                found.append(Cause(of, numbers[0]))
    return tuple(dict.fromkeys(found))


def values(rule: Rule, naming: Naming) -> dict[str, str]:
    """Return what the form shows of a saved rule."""
    return {
        name: "\n".join(f"#{each.id} {naming.causes.get(each, GONE)}" for each in rule.mute_while if each.of is of)
        for name, of in FIELDS.items()
    }


def field_of(text: str) -> str:
    """Return the field that names what `text` gives as a rule keeps it."""
    return next((name for name, of in FIELDS.items() if text.startswith(f"{of.value}:")), next(iter(FIELDS)))


def task_number(visit: Visit, text: str) -> int | None:
    """Return the task that somebody names who sees it: by its name, or as the form does, `#12 backup`."""
    number = number_in(text)
    try:
        task = visit.house.services.desk.find(text if number is None else number)
    except TaskNotFound:
        return None
    return task.id if visit.reach.covers(task.place) else None


def number_in(text: str) -> int | None:
    """Return the number at the beginning of `#12 backup`, None where there is none."""
    number = text.partition(" ")[0].removeprefix("#") if text.startswith("#") else ""
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else None


def _numbers(visit: Visit, of: On, line: str, base: Rule) -> list[int]:
    number = number_in(line)
    if number is not None and Cause(of, number) in base.mute_while:
        return [number]
    if of is On.TASK:
        task = task_number(visit, line)
        return [] if task is None else [task]
    with visit.house.services.store.reading() as tx:
        if number is None:
            return [each.id for each in CheckFinder(tx).called(line, visit.reach)]
        check = CheckBook(tx).get(number)
    return [number] if check is not None and visit.reach.covers(check.place) else []
