"""Say who may do what: the one place that decides. Doors ask here, books filter by the reach that comes from here.

A permission is `resource:action`. Three things give it: the role on the installation (for what belongs to the
installation as a whole), the role in a project (for the project's tasks), and owning a thing. A token gives no more
than its scopes, and never more than its owner has at that moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from horarium.records.people import Role, User
from horarium.records.reach import EVERYTHING, Place, Reach


class Permission(StrEnum):
    """One thing that a person may be allowed to do."""

    TASKS_READ = "tasks:read"
    """See tasks, their schedules and their ledger."""
    TASKS_PAUSE = "tasks:pause"
    """Pause and resume tasks."""
    TASKS_TRIGGER = "tasks:trigger"
    """Run a task now."""
    TASKS_EDIT = "tasks:edit"
    """Change when and how a task runs, and what is said about it."""
    TASKS_DEFINE = "tasks:define"
    """Say what a task executes: a command or a function of this machine."""
    RUNS_READ = "runs:read"
    """See runs and their output."""
    RUNS_CANCEL = "runs:cancel"
    """Stop runs, and start a finished one again."""
    CHECKS_READ = "checks:read"
    """See heartbeats: what waits to be called, and the calls that came."""
    CHECKS_MANAGE = "checks:manage"
    """Make heartbeats of one's own, and change those that one may edit."""
    CREDENTIALS_USE = "credentials:use"
    """Keep credentials of one's own and use what was granted."""
    CREDENTIALS_MANAGE = "credentials:manage"
    """Manage the credentials of the installation, and see of those of others that they are there."""
    NOTICES_READ = "notices:read"
    """See the channels and rules that are one's to keep, and what was told by them."""
    NOTICES_USE = "notices:use"
    """Keep channels and rules of one's own, send again and hold back what one is told."""
    PROFILE_READ = "profile:read"
    """See who one is and which tokens one has."""
    PROFILE = "profile:own"
    """Change one's own settings, proofs, sessions and tokens."""
    USERS_MANAGE = "users:manage"
    """Invite people, give roles, close accounts."""
    PROJECTS_MANAGE = "projects:manage"
    """Make projects and say who belongs to them."""
    AUDIT_READ = "audit:read"
    """Read the audit log."""
    SYSTEM_READ = "system:read"
    """See how the server does in detail."""
    SYSTEM_MANAGE = "system:manage"
    """Change settings of the installation."""


class Scope(StrEnum):
    """What a token may be used for."""

    READ = "read"
    """See what its owner sees."""
    TRIGGER = "trigger"
    """Run, pause, resume and stop tasks, besides."""
    WRITE = "write"
    """Change tasks and credentials, besides."""
    ADMIN = "admin"
    """Do everything that its owner may, besides."""


_LOOKING: Final = frozenset({Permission.TASKS_READ, Permission.RUNS_READ})
_OPERATING: Final = _LOOKING | {Permission.TASKS_PAUSE, Permission.TASKS_TRIGGER, Permission.RUNS_CANCEL}
_EDITING: Final = _OPERATING | {Permission.TASKS_EDIT}
_CHECKS: Final = frozenset({Permission.CHECKS_READ, Permission.CHECKS_MANAGE})
_NOTICES: Final = frozenset({Permission.NOTICES_READ, Permission.NOTICES_USE})
_OWN: Final = frozenset({Permission.PROFILE_READ, Permission.PROFILE, Permission.CREDENTIALS_USE}) | _CHECKS | _NOTICES

_TOLD: Final = frozenset({Permission.PROFILE_READ, Permission.NOTICES_READ, Permission.CHECKS_READ})

ON_TASKS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.USER: frozenset(),
    Role.VIEWER: _LOOKING,
    Role.OPERATOR: _OPERATING,
    Role.EDITOR: _EDITING,
    Role.ADMIN: frozenset(Permission),
}
"""What a role gives on the tasks that it is about: the installation's, or those of one project."""

IN_PROJECT: Final[Mapping[Role, frozenset[Permission]]] = {
    **ON_TASKS,
    # Who looks after a project says who belongs to it, and still not what the machine executes.
    Role.ADMIN: _EDITING | {Permission.PROJECTS_MANAGE},
}

OF_SCOPE: Final[Mapping[Scope, frozenset[Permission]]] = {
    Scope.READ: _LOOKING | _TOLD,
    Scope.TRIGGER: _OPERATING | _TOLD,
    Scope.WRITE: _EDITING | _TOLD | {Permission.CREDENTIALS_USE, Permission.NOTICES_USE} | _CHECKS,
    Scope.ADMIN: frozenset(Permission),
}
"""What a token of each scope may be used for at most; each scope holds the ones before it."""

_RANKS: Final = tuple(Role)


def rank(role: Role) -> int:
    """Return how much a role gives, for comparing two of them: each gives all that the ones below it do."""
    return _RANKS.index(role)


FOR_ALL: Final = _LOOKING | _OWN
"""What everybody with an account may try; on which things, their reach says."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who asks: the person, their roles in projects, and the scopes of the token they came with.

    `scopes` is None for a person who is there themselves.
    """

    user: User
    projects: Mapping[int, Role] = field(default_factory=dict)
    scopes: frozenset[Scope] | None = None

    @property
    def reach(self) -> Reach:
        """Return the tasks that they can see."""
        user = self.user
        if not user.is_enabled:
            return Reach()
        if user.is_admin:
            return EVERYTHING
        seen = tuple(sorted(project for project, role in self.projects.items() if ON_TASKS[role]))
        return Reach(user_id=user.id, projects=seen, shared=bool(ON_TASKS[user.role]))


def may(identity: Identity, permission: Permission) -> bool:
    """Decide whether somebody may do this at all; where it is about one task, `may_with` decides."""
    user = identity.user
    if not user.is_enabled or not _in_scope(identity, permission):
        return False
    if permission in FOR_ALL or permission in ON_TASKS[user.role]:
        return True
    # Operating and editing may come from a project, or from owning a task.
    if permission in _OPERATING:
        return True
    return permission in _EDITING and any(permission in IN_PROJECT[role] for role in identity.projects.values())


def may_with(identity: Identity, permission: Permission, place: Place) -> bool:
    """Decide whether somebody may do this with a task at this place."""
    user = identity.user
    if not may(identity, permission) or not identity.reach.covers(place):
        return False
    if user.is_admin:
        return True
    if place.for_user_id:
        # Their own share of a task that is there for each person: when it runs follows their settings.
        return permission in _OPERATING
    given: frozenset[Permission] = frozenset()
    if place.project_id is not None:
        given |= IN_PROJECT[identity.projects.get(place.project_id, Role.USER)]
    if place.owner_id == user.id:
        given |= _EDITING if user.role is Role.EDITOR else _OPERATING
    if place.is_shared:
        # Editing is for one's own tasks, or a project's: what is everybody's, administrators change.
        given |= ON_TASKS[user.role] & _OPERATING
    return permission in given


def may_edit_check(identity: Identity, place: Place) -> bool:
    """Decide whether somebody may change a heartbeat at this place: their own, a project's that they edit, or any."""
    if not may(identity, Permission.CHECKS_MANAGE) or not identity.reach.covers(place):
        return False
    if identity.user.is_admin or place.owner_id == identity.user.id:
        return True
    role = identity.projects.get(place.project_id or 0, Role.USER)
    return Permission.TASKS_EDIT in IN_PROJECT[role]


def may_manage(identity: Identity, project_id: int) -> bool:
    """Decide whether somebody may say who belongs to a project."""
    if may(identity, Permission.PROJECTS_MANAGE):
        return True
    role = identity.projects.get(project_id)
    is_theirs = role is not None and Permission.PROJECTS_MANAGE in IN_PROJECT[role]
    return is_theirs and identity.user.is_enabled and _in_scope(identity, Permission.PROJECTS_MANAGE)


def least_scope(permission: Permission) -> Scope:
    """Return the narrowest scope whose tokens may be used for this."""
    return next(scope for scope in Scope if permission in OF_SCOPE[scope])


def is_out_of_scope(identity: Identity, permission: Permission) -> bool:
    """Tell whether it is the token, and not its owner, that may not be used for this."""
    return not _in_scope(identity, permission) and may(replace(identity, scopes=None), permission)


def _in_scope(identity: Identity, permission: Permission) -> bool:
    scopes = identity.scopes
    return scopes is None or any(permission in OF_SCOPE[scope] for scope in scopes)
