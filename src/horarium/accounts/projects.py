"""Projects: folders of tasks with members, each of whom has a role there."""

from __future__ import annotations

from horarium.accounts.names import checked_name, key_of
from horarium.accounts.people import found_in
from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock
from horarium.errors import DuplicateKey, InvalidValue, NotFound
from horarium.records.actors import Actor
from horarium.records.people import Project, Role
from horarium.store.books.projects import ProjectBook
from horarium.store.port import Store, Transaction

NAME_LIMIT = 100
DESCRIPTION_LIMIT = 4096


class Projects:
    """The projects of one store. Who may do what with them, `accounts.roles` says; doors ask there first."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Work on `store`."""
        self._store = store
        self._clock = clock
        self._trail = Trail(store, clock)

    def add(self, name: str, *, actor: Actor, description: str = "") -> Project:
        """Make a project. Raises `InvalidValue` for a name that is malformed or taken."""
        tidy = checked_name(name, limit=NAME_LIMIT)
        _check_description(description)
        try:
            with self._store.transaction() as tx:
                made = ProjectBook(tx).add(
                    tidy, name_key=key_of(tidy)[:400], description=description, at=self._clock.now()
                )
                self._trail.note(tx, actor, Action.PROJECT_MADE, about(made), after={"description": description})
        except DuplicateKey:
            raise InvalidValue("name", name, "there is a project of this name") from None
        return made

    def get(self, project_id: int) -> Project:
        """Return a project. Raises `NotFound`."""
        with self._store.reading() as tx:
            return project_in(tx, project_id)

    def find(self, name: str) -> Project | None:
        """Return the project of this name, however it is spelt."""
        with self._store.reading() as tx:
            return ProjectBook(tx).by_key(key_of(name)[:400])

    def change(self, project_id: int, *, actor: Actor, name: str, description: str) -> Project:
        """Give a project another name or description. Raises `NotFound`, `InvalidValue`."""
        tidy = checked_name(name, limit=NAME_LIMIT)
        _check_description(description)
        try:
            with self._store.transaction() as tx:
                before = project_in(tx, project_id)
                ProjectBook(tx).change(project_id, name=tidy, name_key=key_of(tidy)[:400], description=description)
                after = project_in(tx, project_id)
                if after != before:
                    self._trail.note(
                        tx, actor, Action.PROJECT_CHANGED, about(after), before=_shown(before), after=_shown(after)
                    )
        except DuplicateKey:
            raise InvalidValue("name", name, "there is a project of this name") from None
        return after

    def put_member(self, project_id: int, user_id: int, role: Role, *, actor: Actor) -> None:
        """Take somebody in, or give them another role. Raises `NotFound`, `InvalidValue` for a role of no project."""
        if role is Role.USER:
            raise InvalidValue("role", role.value, "use viewer, operator, editor or admin")
        with self._store.transaction() as tx:
            project, user = project_in(tx, project_id), found_in(tx, user_id)
            before = ProjectBook(tx).put_member(project_id, user_id, role, self._clock.now())
            if before is role:
                return
            self._trail.note(
                tx,
                actor,
                Action.MEMBER_ADDED if before is None else Action.MEMBER_CHANGED,
                about(project),
                before={} if before is None else {"role": before.value},
                after={"role": role.value},
                user=user.name,
                user_id=user.id,
            )

    def drop_member(self, project_id: int, user_id: int, *, actor: Actor) -> bool:
        """Take somebody out; return False if they were not in it. Raises `NotFound`."""
        with self._store.transaction() as tx:
            project, user = project_in(tx, project_id), found_in(tx, user_id)
            gone = ProjectBook(tx).drop_member(project_id, user_id)
            if gone:
                self._trail.note(tx, actor, Action.MEMBER_REMOVED, about(project), user=user.name, user_id=user.id)
        return gone


def about(project: Project) -> About:
    """Return a project as an audit entry names it."""
    return About("project", project.id, project.name)


def project_in(tx: Transaction, project_id: int, *, lock: bool = False) -> Project:
    """Return the project with this number; with `lock` nobody else changes it meanwhile. Raises `NotFound`."""
    found = ProjectBook(tx).get(project_id, lock=lock)
    if found is None:
        raise NotFound(f"there is no project {project_id}")
    return found


def _check_description(text: str) -> None:
    if len(text) > DESCRIPTION_LIMIT or "\0" in text:
        raise InvalidValue("description", text, f"use at most {DESCRIPTION_LIMIT} characters, none of them NUL")


def _shown(project: Project) -> dict[str, str]:
    return {"name": project.name, "description": project.description}
