"""Turn what somebody can see into conditions: every list and count of tasks and runs passes through here."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, false, or_, select

from horarium.records.reach import Reach
from horarium.store.tables import scheduled_tasks as tasks


def covered(reach: Reach) -> list[ColumnElement[bool]]:
    """Return the conditions on a task that is seen; none where everything is."""
    if reach.everything:
        return []
    t = tasks
    nobody = t.c.for_user_id == 0
    seen: list[ColumnElement[bool]] = [
        t.c.for_user_id == reach.user_id,
        and_(nobody, t.c.owner_id == reach.user_id),
    ]
    if reach.projects:
        seen.append(and_(nobody, t.c.project_id.in_(reach.projects)))
    if reach.shared:
        seen.append(and_(nobody, t.c.owner_id.is_(None), t.c.project_id.is_(None)))
    # An account that is closed has the number -1 here and sees nothing.
    return [or_(*seen) if reach.user_id > 0 else false()]


def covered_ids(reach: Reach, column: ColumnElement[int]) -> list[ColumnElement[bool]]:
    """Return the conditions on something whose `column` names a task, for lists that do not read tasks themselves."""
    conditions = covered(reach)
    return [column.in_(select(tasks.c.id).where(*conditions))] if conditions else []
