"""Find a heartbeat for a visitor: what they do not see is not there, what they may not do is refused."""

from __future__ import annotations

from horarium.accounts.roles import Permission, may_edit_check, may_with
from horarium.errors import Denied, NotFound
from horarium.records.checks import HeartbeatCheck
from horarium.scheduling.checks import about
from horarium.store.books.checks import CheckBook
from horarium.store.port import Transaction
from horarium.web.visit import Visit


def check_for(visit: Visit, tx: Transaction, check_id: int) -> HeartbeatCheck:
    """Return a heartbeat that a visitor sees. Raises `NotFound`, the same for what is not there and not theirs."""
    found = CheckBook(tx).get(check_id)
    if found is not None and visit.reach.covers(found.place):
        return found
    if found is not None:
        visit.foreign = about(found)
    raise NotFound(f"there is no heartbeat {check_id}")


def may_edit(visit: Visit, check: HeartbeatCheck) -> bool:
    """Tell whether a visitor may change a heartbeat, and so see its address."""
    return may_edit_check(visit.identity, check.place)


def may_pause(visit: Visit, check: HeartbeatCheck) -> bool:
    """Tell whether a visitor may pause and resume a heartbeat."""
    return may_edit(visit, check) or may_with(visit.identity, Permission.TASKS_PAUSE, check.place)


def require_edit(visit: Visit, check: HeartbeatCheck) -> None:
    """Refuse whoever may not change it. Raises `Denied`."""
    if not may_edit(visit, check):
        raise Denied(f"this role may not change {check.name!r}")


def require_pause(visit: Visit, check: HeartbeatCheck) -> None:
    """Refuse whoever may not pause it. Raises `Denied`."""
    if not may_pause(visit, check):
        raise Denied(f"this role may not pause {check.name!r}")
