"""Read and write projects and who belongs to them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from horarium.clock import from_micros, to_micros
from horarium.records.people import Membership, Project, Role, User
from horarium.store.books.people import changed, user_of
from horarium.store.port import Transaction
from horarium.store.tables.people import project_members, projects, users
from horarium.store.tables.work import scheduled_tasks

_USER = tuple(column for column in users.columns if column.name != "password_hash")
m = project_members


class ProjectBook:
    """Projects and their members."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, name: str, *, name_key: str, description: str, at: datetime) -> Project:
        """Write a new project. Raises `DuplicateKey` if the name is taken."""
        made = insert(projects).values(name=name, name_key=name_key, description=description, created_at=to_micros(at))
        return _project(self._tx.execute(made.returning(*projects.c)).one())

    def get(self, project_id: int, *, lock: bool = False) -> Project | None:
        """Return a project by number; `lock` keeps others from changing or removing it meanwhile."""
        query = select(projects).where(projects.c.id == project_id)
        row = self._tx.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else _project(row)

    def by_key(self, name_key: str) -> Project | None:
        """Return the project whose name has this key."""
        row = self._tx.execute(select(projects).where(projects.c.name_key == name_key)).one_or_none()
        return None if row is None else _project(row)

    def every(self, ids: Collection[int] | None = None) -> list[Project]:
        """Return projects by name: all, or those with these numbers."""
        query = select(projects).order_by(projects.c.name_key)
        rows = self._tx.execute(query if ids is None else query.where(projects.c.id.in_(ids)))
        return [_project(row) for row in rows]

    def count(self) -> int:
        """Return how many projects there are."""
        return int(self._tx.execute(select(func.count()).select_from(projects)).scalar_one())

    def change(self, project_id: int, **columns: Any) -> bool:
        """Set columns of a project; return False if it is not there. Raises `DuplicateKey`."""
        return bool(changed(self._tx, update(projects).where(projects.c.id == project_id).values(columns)))

    def remove(self, project_id: int) -> bool:
        """Delete a project with its memberships. What becomes of its tasks has been settled before."""
        return bool(changed(self._tx, delete(projects).where(projects.c.id == project_id)))

    def task_counts(self) -> dict[int, int]:
        """Return how many tasks each project has."""
        t = scheduled_tasks
        query = select(t.c.project_id, func.count()).where(t.c.project_id.is_not(None), t.c.removed_at.is_(None))
        return {int(row[0]): int(row[1]) for row in self._tx.execute(query.group_by(t.c.project_id))}

    def member_counts(self) -> dict[int, int]:
        """Return how many members each project has."""
        query = select(m.c.project_id, func.count()).group_by(m.c.project_id)
        return {int(row[0]): int(row[1]) for row in self._tx.execute(query)}

    def roles_of(self, user_id: int) -> dict[int, Role]:
        """Return the role of a person in each project they belong to."""
        return self.roles_of_all([user_id]).get(user_id, {})

    def roles_of_all(self, user_ids: Collection[int]) -> dict[int, dict[int, Role]]:
        """Return the same for several people at once."""
        found: dict[int, dict[int, Role]] = {}
        for row in self._tx.execute(select(m).where(m.c.user_id.in_(user_ids))):
            found.setdefault(row.user_id, {})[row.project_id] = Role(row.role)
        return found

    def members(self, project_id: int) -> list[tuple[Membership, User]]:
        """Return who belongs to a project, by name."""
        joined = [column.label(f"member_{column.name}") for column in m.columns]
        query = select(*joined, *_USER).join_from(m, users, m.c.user_id == users.c.id)
        rows = self._tx.execute(query.where(m.c.project_id == project_id).order_by(users.c.name_key))
        return [
            (
                Membership(
                    row.member_project_id, row.member_user_id, Role(row.member_role), from_micros(row.member_added_at)
                ),
                user_of(row),
            )
            for row in rows
        ]

    def put_member(self, project_id: int, user_id: int, role: Role, at: datetime) -> Role | None:
        """Take a person into a project or give them another role there; return the role they had."""
        which = (m.c.project_id == project_id, m.c.user_id == user_id)
        before: str | None = self._tx.execute(select(m.c.role).where(*which)).scalar_one_or_none()
        if before is None:
            values = {"project_id": project_id, "user_id": user_id, "role": role.value, "added_at": to_micros(at)}
            self._tx.execute(insert(m).values(values))
            return None
        self._tx.execute(update(m).where(*which).values(role=role.value))
        return Role(before)

    def drop_member(self, project_id: int, user_id: int) -> bool:
        """Take a person out of a project; return False if they were not in it."""
        return bool(changed(self._tx, delete(m).where(m.c.project_id == project_id, m.c.user_id == user_id)))


def _project(row: Row[Any]) -> Project:
    return Project(row.id, row.name, row.description, from_micros(row.created_at))
