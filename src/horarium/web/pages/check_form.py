"""The form for a heartbeat: a new one, or one that is changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Final

from starlette.responses import Response

from horarium.accounts.roles import IN_PROJECT, Permission, may
from horarium.clock import EPOCH
from horarium.errors import InvalidSchedule, InvalidValue
from horarium.records.checks import CheckWish, HeartbeatCheck
from horarium.records.reach import NOWHERE, Place
from horarium.scheduling.checks import DESCRIPTION_LIMIT, NAME_LIMIT
from horarium.store.books.projects import ProjectBook
from horarium.store.port import Transaction
from horarium.triggers import CronTrigger, IntervalTrigger, from_text, to_text
from horarium.web.frame import shell
from horarium.web.judging_checks import check_for, require_edit
from horarium.web.manner import viewer_zone
from horarium.web.pages.timing import instants
from horarium.web.views.checks import Belonging, CheckFormPage
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

UNITS: Final = {"minutes": 60, "hours": 3600, "days": 86_400}
_FIELDS: Final = ("name", "description", "kind", "every", "unit", "cron", "timezone", "grace", "grace_unit", "belongs")
_USUAL: Final = {"kind": "period", "every": "1", "unit": "days", "grace": "1", "grace_unit": "hours", "belongs": "me"}
_SHOWN_TIMES: Final = 3
_MOST_FIGURES: Final = 6


def show_new(visit: Visit) -> Response:
    """Show the form for a new heartbeat."""
    return _form(visit, None, {**_USUAL, "timezone": visit.user.time_zone}, {})


def send_new(visit: Visit) -> Response:
    """Make a heartbeat."""
    values = _values(visit)
    errors: dict[str, str] = {}
    wish = _wish(visit, values, errors)
    if wish is None:
        return _form(visit, None, values, errors)
    try:
        made = visit.house.checks.add(wish, actor=visit.actor)
    except InvalidValue as error:
        return _form(visit, None, values, {_field(error): _sentence(error)})
    notice = Notice(status="ok", title=f"{made.name} waits for its first call")
    return visit.lead(visit.links.to("check", check_id=made.id), notice=notice)


def show_edit(visit: Visit) -> Response:
    """Show the form for a heartbeat that is there."""
    check = _edited(visit)
    return _form(visit, check, _values_of(check, visit), {})


def send_edit(visit: Visit) -> Response:
    """Change a heartbeat."""
    check = _edited(visit)
    values = _values(visit)
    errors: dict[str, str] = {}
    wish = _wish(visit, values, errors, before=check)
    if wish is None:
        return _form(visit, check, values, errors)
    try:
        changed = visit.house.checks.change(check.id, wish, actor=visit.actor)
    except InvalidValue as error:
        return _form(visit, check, values, {_field(error): _sentence(error)})
    notice = Notice(status="ok", title=f"{changed.name} is changed")
    return visit.lead(visit.links.to("check", check_id=check.id), notice=notice)


def _edited(visit: Visit) -> HeartbeatCheck:
    with visit.house.services.store.reading() as tx:
        check = check_for(visit, tx, visit.number("check_id"))
    require_edit(visit, check)
    return check


def _values(visit: Visit) -> dict[str, str]:
    limits = {"name": 400, "description": DESCRIPTION_LIMIT * 2}
    return {name: visit.form.text(name, most=limits.get(name, 200)) for name in _FIELDS}


def _values_of(check: HeartbeatCheck, visit: Visit) -> dict[str, str]:
    wish = check.wish
    trigger = from_text(wish.schedule)
    values = {"name": wish.name, "description": wish.description, "timezone": wish.timezone, "cron": ""}
    values["grace"], values["grace_unit"] = _in_units(wish.grace_seconds)
    if isinstance(trigger, CronTrigger):
        values |= {"kind": "cron", "cron": trigger.expression.text, "timezone": trigger.tz, "every": "", "unit": "days"}
    elif isinstance(trigger, IntervalTrigger):
        values["every"], values["unit"] = _in_units(round(trigger.every.total_seconds()))
        values["kind"] = "period"
    place = wish.place
    values["belongs"] = f"project:{place.project_id}" if place.project_id else _owner_word(place, visit)
    return values


def _owner_word(place: Place, visit: Visit) -> str:
    if place.owner_id is None:
        return "installation"
    return "me" if place.owner_id == visit.user.id else "owner"


def _in_units(seconds: int) -> tuple[str, str]:
    name, size = next(((name, size) for name, size in reversed(UNITS.items()) if seconds % size == 0), ("minutes", 60))
    return str(max(1, seconds // size)), name


def _wish(
    visit: Visit, values: Mapping[str, str], errors: dict[str, str], before: HeartbeatCheck | None = None
) -> CheckWish | None:
    """Return what the form asks for, None with `errors` by field where it is not understood."""
    name, description = " ".join(values["name"].split()), values["description"]
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        errors["name"] = f"Use 1 to {NAME_LIMIT} printable characters."
    if len(description) > DESCRIPTION_LIMIT or "\0" in description:
        errors["description"] = f"Use at most {DESCRIPTION_LIMIT:,} characters."
    schedule, zone = _schedule(values, errors)
    grace = _seconds(values, "grace", "grace_unit", errors)
    place = _place(visit, values["belongs"], before, errors)
    if errors or schedule is None or grace is None or place is None:
        return None
    return CheckWish(
        name=name, schedule=schedule, timezone=zone, grace_seconds=grace, description=description, place=place
    )


def _schedule(values: Mapping[str, str], errors: dict[str, str]) -> tuple[str | None, str]:
    if values["kind"] == "cron":
        zone = values["timezone"].strip() or "UTC"
        try:
            return to_text(CronTrigger(values["cron"], zone)), zone
        except InvalidSchedule as error:
            errors["timezone" if error.field == "time zone" else "cron"] = _sentence(error)
            return None, zone
    if values["kind"] != "period":
        errors["kind"] = "Use period or cron."
        return None, "UTC"
    seconds = _seconds(values, "every", "unit", errors)
    return None if seconds is None else to_text(IntervalTrigger(seconds, EPOCH)), "UTC"


def _seconds(values: Mapping[str, str], field: str, unit: str, errors: dict[str, str]) -> int | None:
    figures, size = values[field].strip(), UNITS.get(values[unit])
    if size is None:
        errors[field] = f"Use one of {', '.join(UNITS)}."
    elif not (figures.isascii() and figures.isdigit()) or len(figures) > _MOST_FIGURES or int(figures) < 1:
        errors[field] = "Use a whole number from 1."
    else:
        return int(figures) * size
    return None


def _place(visit: Visit, wanted: str, before: HeartbeatCheck | None, errors: dict[str, str]) -> Place | None:
    with visit.house.services.store.reading() as tx:
        allowed = {each.value for each in _belongings(visit, tx, before, wanted)}
    if wanted not in allowed:
        errors["belongs"] = "Choose one of these."
        return None
    if wanted == "me":
        return Place(owner_id=visit.user.id)
    if wanted == "owner" and before is not None:
        return before.place
    return NOWHERE if wanted == "installation" else Place(project_id=int(wanted.partition(":")[2]))


def _belongings(visit: Visit, tx: Transaction, before: HeartbeatCheck | None, wanted: str) -> tuple[Belonging, ...]:
    """Return to whom it may belong: oneself, a project that one edits, for administrators the installation."""
    is_admin = may(visit.identity, Permission.PROJECTS_MANAGE)
    projects = ProjectBook(tx).every(None if is_admin else visit.identity.projects)
    edits = [
        project
        for project in projects
        if is_admin or Permission.TASKS_EDIT in IN_PROJECT[visit.identity.projects[project.id]]
    ]
    found = [("me", "You"), *((f"project:{project.id}", project.name) for project in edits)]
    if is_admin:
        found.append(("installation", "The installation"))
    if before is not None and _owner_word(before.place, visit) == "owner" and not before.place.project_id:
        found.insert(0, ("owner", "Its present owner"))
    return tuple(Belonging(value=value, label=label, on=value == wanted) for value, label in found)


def _form(visit: Visit, check: HeartbeatCheck | None, values: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    zone = viewer_zone("UTC")
    fires: tuple[datetime, ...] = ()
    if values.get("kind") == "cron" and not {"cron", "timezone"} & set(errors):
        trigger = CronTrigger(values["cron"], values["timezone"] or "UTC")
        zone = viewer_zone(trigger.tz, visit.taste.manner)
        fires = tuple(
            islice(instants(trigger, visit.now, visit.now.max.replace(tzinfo=visit.now.tzinfo), most=3), _SHOWN_TIMES)
        )
    with visit.house.services.store.reading() as tx:
        page = CheckFormPage(
            shell=shell(visit, tx),
            id=None if check is None else check.id,
            name="" if check is None else check.name,
            belongings=_belongings(visit, tx, check, values.get("belongs", "me")),
            values=values,
            errors=errors,
            fires=fires,
            fires_zone=zone,
        )
    return visit.show(page, status=422 if errors else 200)


def _field(error: InvalidValue) -> str:
    return error.field if error.field in _FIELDS else "cron" if error.field == "schedule" else "name"


def _sentence(error: Exception) -> str:
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}."
