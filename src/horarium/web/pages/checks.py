"""Heartbeats: the list, one of them with its calls and how to call it, and what people do with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from starlette.responses import Response

from horarium.records.checks import Call, CallKind, HeartbeatCheck
from horarium.states import CheckState
from horarium.store.books.checks import CallBook, CheckBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.projects import ProjectBook
from horarium.store.port import Transaction
from horarium.triggers import CronTrigger, from_text, in_words
from horarium.web.filters import duration
from horarium.web.frame import shell
from horarium.web.judging_checks import check_for, may_edit, may_pause, require_edit, require_pause
from horarium.web.views.checks import CallLine, CheckPage, CheckRow, ChecksPage, Example
from horarium.web.views.parts import Fact
from horarium.web.views.shell import Notice
from horarium.web.views.status import Status
from horarium.web.visit import Visit

SHOWN: Final = 500
SHOWN_CALLS: Final = 50
STATUS: Final[dict[CheckState, tuple[Status, str]]] = {
    CheckState.NEW: ("queued", "Waiting for the first call"),
    CheckState.UP: ("ok", "Up"),
    CheckState.LATE: ("late", "Late"),
    CheckState.DOWN: ("failed", "Down"),
    CheckState.PAUSED: ("paused", "Paused"),
}
_SAID: Final[dict[CallKind, tuple[Status, str]]] = {
    CallKind.DONE: ("ok", "Went well"),
    CallKind.START: ("running", "Began"),
    CallKind.FAIL: ("failed", "Failed"),
}
_ORDER: Final = (CheckState.DOWN, CheckState.LATE, CheckState.NEW, CheckState.UP, CheckState.PAUSED)


def show_all(visit: Visit) -> Response:
    """List the heartbeats that somebody sees."""
    with visit.house.services.store.reading() as tx:
        book = CheckBook(tx)
        found = book.page(visit.reach, most=SHOWN)
        whose = _whose(tx, found, visit)
        page = ChecksPage(
            shell=shell(visit, tx),
            rows=tuple(_row(check, visit.now, whose[check.id]) for check in sorted(found, key=_by_state(visit.now))),
            more=max(0, book.count(visit.reach) - len(found)),
        )
    return visit.show(page)


def show(visit: Visit) -> Response:
    """Show one heartbeat."""
    with visit.house.services.store.reading() as tx:
        check = check_for(visit, tx, visit.number("check_id"))
        edits = may_edit(visit, check)
        address = address_of(visit, check) if edits else ""
        state = check.state_at(visit.now)
        status, words = STATUS[state]
        page = CheckPage(
            shell=shell(visit, tx),
            id=check.id,
            name=check.name,
            description=check.wish.description,
            status=status,
            words=words,
            facts=_facts(check, _whose(tx, [check], visit)[check.id]),
            calls=tuple(_line(call) for call in CallBook(tx).newest(check.id, most=SHOWN_CALLS)),
            address=address,
            examples=examples(address, check) if edits else (),
            due=check.due_at,
            down=check.down_at,
            may_edit=edits,
            may_pause=may_pause(visit, check),
            is_paused=state is CheckState.PAUSED,
        )
    return visit.show(page)


def pause(visit: Visit) -> Response:
    """Pause a heartbeat."""
    check = _held(visit)
    visit.house.checks.pause(check.id, actor=visit.actor)
    return _to(visit, check, f"{check.name} is paused", "Nobody is told anything about it until it is resumed.")


def resume(visit: Visit) -> Response:
    """Resume a heartbeat."""
    check = _held(visit)
    visit.house.checks.resume(check.id, actor=visit.actor)
    return _to(visit, check, f"{check.name} waits for calls again", "")


def renew(visit: Visit) -> Response:
    """Give a heartbeat another address."""
    check = _edited(visit)
    visit.house.checks.renew(check.id, actor=visit.actor)
    return _to(visit, check, f"{check.name} has a new address", "The old one is not known any more.")


def remove(visit: Visit) -> Response:
    """Remove a heartbeat with its calls."""
    check = _edited(visit)
    visit.house.checks.remove(check.id, actor=visit.actor)
    return visit.lead(visit.links.to("checks"), notice=Notice(status="ok", title=f"{check.name} is removed"))


def address_of(visit: Visit, check: HeartbeatCheck) -> str:
    """Return the address that is called, as it is known from outside."""
    base = visit.house.settings.base_url.rstrip("/")
    return base + visit.links.to("ping", ping=check.token).removeprefix(visit.links.root)


def schedule_words(check: HeartbeatCheck) -> str:
    """Return when a call is expected, in words."""
    trigger = from_text(check.wish.schedule)
    if not isinstance(trigger, CronTrigger):
        return trigger.description
    words = in_words(trigger.expression)
    return words if trigger.tz == "UTC" else f"{words} ({trigger.tz})"


def examples(address: str, check: HeartbeatCheck) -> tuple[Example, ...]:
    """Return ways to call, ready to be copied."""
    trigger = from_text(check.wish.schedule)
    times = trigger.expression.text if isinstance(trigger, CronTrigger) else "0 * * * *"
    curl = "curl -fsS -m 10 --retry 5 -o /dev/null"
    return (
        Example(key="curl", label="When it went well", text=f"{curl} {address}"),
        Example(key="crontab", label="In a crontab", text=f"{times} /usr/local/bin/job && {curl} {address}"),
        Example(
            key="both",
            label="With its length and its exit code",
            text=f"{curl} {address}/start; /usr/local/bin/job; {curl} {address}/$?",
        ),
        Example(
            key="python",
            label="From Python",
            text=f'import urllib.request; urllib.request.urlopen("{address}", timeout=10)',
        ),
    )


def _facts(check: HeartbeatCheck, whose: str) -> tuple[Fact, ...]:
    return (
        Fact(label="Expected", text=schedule_words(check)),
        Fact(label="Grace", text=duration(check.wish.grace_seconds)),
        Fact(label="Belongs to", text=whose),
        Fact(label="Missed so far", text=str(check.misses)),
    )


def _row(check: HeartbeatCheck, now: datetime, whose: str) -> CheckRow:
    status, words = STATUS[check.state_at(now)]
    return CheckRow(
        id=check.id,
        name=check.name,
        status=status,
        words=words,
        schedule=schedule_words(check),
        whose=whose,
        last=check.last_at,
        due=check.due_at,
    )


def _by_state(now: datetime) -> Callable[[HeartbeatCheck], tuple[int, str, int]]:
    return lambda check: (_ORDER.index(check.state_at(now)), check.name.casefold(), check.id)


def _whose(tx: Transaction, checks: list[HeartbeatCheck], visit: Visit) -> dict[int, str]:
    """Return in words to whom each belongs."""
    people = PeopleBook(tx).by_ids({check.place.owner_id for check in checks if check.place.owner_id is not None})
    projects = {project.id: project.name for project in ProjectBook(tx).every(None)}
    found = {}
    for check in checks:
        place = check.place
        if place.project_id is not None:
            found[check.id] = projects.get(place.project_id, "a project that is gone")
        elif place.owner_id is None:
            found[check.id] = "the installation"
        elif place.owner_id == visit.user.id:
            found[check.id] = "you"
        else:
            owner = people.get(place.owner_id)
            found[check.id] = "somebody who is gone" if owner is None else owner.words
    return found


def _line(call: Call) -> CallLine:
    status, words = _SAID[call.kind]
    if call.exit_code is not None:
        words = f"Exit code {call.exit_code}"
    return CallLine(
        at=call.at, status=status, words=words, address=call.address, agent=call.agent, seconds=call.seconds
    )


def _held(visit: Visit) -> HeartbeatCheck:
    with visit.house.services.store.reading() as tx:
        check = check_for(visit, tx, visit.number("check_id"))
    require_pause(visit, check)
    return check


def _edited(visit: Visit) -> HeartbeatCheck:
    with visit.house.services.store.reading() as tx:
        check = check_for(visit, tx, visit.number("check_id"))
    require_edit(visit, check)
    return check


def _to(visit: Visit, check: HeartbeatCheck, title: str, text: str) -> Response:
    notice = Notice(status="ok", title=title, text=text)
    return visit.go(visit.links.to("check", check_id=check.id), notice=notice)
