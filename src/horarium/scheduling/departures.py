"""Let people and projects go: what they own stops at once, and becomes only what somebody said that it should."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from horarium.accounts.mentions import about as about_person
from horarium.accounts.people import close_account, found_in, held_to_leave
from horarium.accounts.projects import about as about_project
from horarium.accounts.projects import project_in
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.clock import from_micros
from horarium.errors import Conflict, InvalidValue
from horarium.records.actors import Actor
from horarium.records.checks import HeartbeatCheck
from horarium.records.people import Project, User
from horarium.records.reach import NOWHERE, Place
from horarium.records.tasks import Pause, Task
from horarium.scheduling.arrears import settle_arrears
from horarium.scheduling.changes import about
from horarium.scheduling.check_fates import CheckFates, held_checks
from horarium.scheduling.definitions import shown
from horarium.scheduling.places import hold_place
from horarium.scheduling.stopping import give_up_waiting
from horarium.scheduling.tasks import TaskDesk
from horarium.states import EventKind, Reason
from horarium.store.books.events import EventBook
from horarium.store.books.leaving import LeavingBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.projects import ProjectBook
from horarium.store.books.runs import HoldingBook
from horarium.store.books.tasks import TaskBook
from horarium.store.books.tokens import TokenBook
from horarium.store.port import Transaction


class Fate(StrEnum):
    """What becomes of tasks and heartbeats whose owner or project goes."""

    KEEP = "keep"
    """They stay whose they are, paused; only for an account that is closed and not deleted."""
    PERSON = "person"
    """They are given to somebody."""
    PROJECT = "project"
    """They are given to a project."""
    INSTALLATION = "installation"
    """They are given to the installation as a whole."""
    REMOVE = "remove"
    """They are removed; the history of tasks stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What is to become of what somebody leaves behind.

    `heir_id` is the number of the person or project that all is given to. Runs under way go on to their end, or
    are cut off with `cancel_runs`.
    """

    fate: Fate = Fate.KEEP
    heir_id: int | None = None
    cancel_runs: bool = False

    @property
    def place(self) -> Place | None:
        """Return where all belongs from then on, None where it stays or is removed."""
        if self.fate is Fate.INSTALLATION:
            return NOWHERE
        if self.fate in {Fate.PERSON, Fate.PROJECT}:
            if self.heir_id is None:
                raise InvalidValue("heir", "", f"say which {self.fate.value}")
            return Place(owner_id=self.heir_id) if self.fate is Fate.PERSON else Place(project_id=self.heir_id)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Departed:
    """What a departure came to: whose, how many tasks and heartbeats it was about, and the runs under way."""

    user: User
    tasks: int = 0
    checks: int = 0
    under_way: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What would be left behind: tasks owned, tasks that run for the person alone, credentials and heartbeats."""

    tasks: int
    own_shares: int
    credentials: int
    checks: int = 0

    @property
    def needs_fate(self) -> bool:
        """Tell whether there is something that somebody else could own."""
        return self.tasks + self.checks > 0


class Departures:
    """Closing and deleting accounts and removing projects, each with all that hangs on them in one transaction."""

    def __init__(self, desk: TaskDesk) -> None:
        """Stop tasks the way `desk` does."""
        self._means = desk.means
        self._store, self._clock = desk.means.store, desk.means.clock
        self._trail = Trail(self._store, self._clock)

    def left_by(self, user_id: int) -> Left:
        """Return what somebody would leave behind. Raises `NotFound`."""
        with self._store.reading() as tx:
            found_in(tx, user_id)
            places = TaskBook(tx).places(LeavingBook(tx).tasks_of(user_id)).values()
            own = sum(place.for_user_id == user_id for place in places)
            credentials = LeavingBook(tx).credentials_of(user_id)
            checks = len(LeavingBook(tx).checks_of(user_id))
        return Left(tasks=len(places) - own, own_shares=own, credentials=credentials, checks=checks)

    def close(self, user_id: int, will: Will, *, actor: Actor) -> Departed | None:
        """Close an account: its sessions, tokens and rights of use end, and nothing of its tasks begins any more.

        Return None if it was closed already. Raises `NotFound`, `InvalidValue`, and `Conflict` for the last
        administrator.
        """
        return self._leave(user_id, will, actor, delete=False)

    def delete(self, user_id: int, will: Will, *, actor: Actor) -> Departed:
        """Delete an account with all that is its own alone; its history stays, under the name it had.

        Raises as `close` does, and `InvalidValue` where what they own is to be kept: nobody would own it.
        """
        if will.fate is Fate.KEEP and self.left_by(user_id).needs_fate:
            raise InvalidValue("tasks", will.fate.value, "say who takes them over, or that they are removed")
        departed = self._leave(user_id, will, actor, delete=True)
        if departed is None:
            raise Conflict("this account is not there any more")
        return departed

    def open_again(self, user_id: int, *, actor: Actor) -> int | None:
        """Open a closed account; what the closing paused goes on. Return how many tasks, None if it is open.

        Raises `NotFound`.
        """
        now = self._clock.micros()
        with self._store.transaction() as tx:
            user = found_in(tx, user_id, lock=True)
            if user.disabled_at is None:
                return None
            PeopleBook(tx).change(user_id, disabled_at=None)
            self._trail.note(tx, actor, Action.PERSON_ENABLED, about_person(user))
            tasks = self._hold(tx, LeavingBook(tx).paused_with(user_id, user.disabled_at))
            for task in tasks:
                settle_arrears(tx, task, now, all_of_it=False)
                TaskBook(tx).resume(task.id, now=now)
                self._tell(tx, EventKind.TASK_RESUMED, task, actor)
                self._trail.note(tx, actor, Action.TASK_RESUMED, about(task))
            fates = CheckFates(trail=self._trail, tx=tx, actor=actor, now=now)
            for check in held_checks(tx, LeavingBook(tx).checks_paused_with(user_id, user.disabled_at)):
                fates.resume(check)
        self._means.on_change()
        return len(tasks)

    def remove_project(self, project_id: int, will: Will, *, actor: Actor) -> Project:
        """Remove a project. Tasks and heartbeats with an owner stay theirs; what becomes of the others, `will` says.

        What is given goes on at its times. Raises `NotFound`, and `InvalidValue` where nothing is said about them.
        """
        now = self._clock.micros()
        place = will.place
        with self._store.transaction() as tx, ExitStack() as stack:
            if place is not None:
                if place.project_id == project_id:
                    raise InvalidValue("heir", project_id, "use another project")
                hold_place(tx, place)
            project = project_in(tx, project_id, lock=True)
            tasks = self._hold(tx, LeavingBook(tx).tasks_in(project_id))
            checks = held_checks(tx, LeavingBook(tx).checks_in(project_id))
            loose = [task for task in tasks if task.place.owner_id is None]
            _refuse_orphans(will, len(loose), sum(check.place.owner_id is None for check in checks))
            stopped = [] if place is not None else [task.id for task in loose]
            stack.enter_context(self._means.recalling(tx, stopped))
            for task in tasks:
                if task.place.owner_id is not None:
                    self._give(tx, task, Place(owner_id=task.place.owner_id), now, actor)
                elif place is not None:
                    self._give(tx, task, place, now, actor)
                else:
                    self._stop(tx, task, Reason.REMOVED, now, actor, cancel=will.cancel_runs)
                    self._remove(tx, task, now, actor)
            _part_checks(CheckFates(trail=self._trail, tx=tx, actor=actor, now=now), checks, place)
            LeavingBook(tx).end_grants_to("project", project_id, from_micros(now))
            ProjectBook(tx).remove(project_id)
            many: dict[str, Any] = {"tasks": len(tasks), "heartbeats": len(checks)}
            self._trail.note(tx, actor, Action.PROJECT_REMOVED, about_project(project), **many)
        self._means.on_change()
        self._means.await_starts(stopped)
        return project

    def _leave(self, user_id: int, will: Will, actor: Actor, *, delete: bool) -> Departed | None:
        now = self._clock.micros()
        at = from_micros(now)
        place = will.place
        with self._store.transaction() as tx, ExitStack() as stack:
            user = self._close(tx, user_id, place, at, delete=delete)
            if user is None:
                return None
            tasks = self._hold(tx, LeavingBook(tx).tasks_of(user_id))
            stack.enter_context(self._means.recalling(tx, [task.id for task in tasks]))
            under_way: list[int] = []
            for task in tasks:
                under_way += self._settle(tx, task, user, will, now, actor=actor, delete=delete)
            checks = held_checks(tx, LeavingBook(tx).checks_of(user_id))
            fates = CheckFates(trail=self._trail, tx=tx, actor=actor, now=now)
            for check in checks:
                _settle_check(fates, check, will, _reason(user, delete=delete))
            ended = _end_rights(tx, user, at, delete=delete)
            if delete:
                PeopleBook(tx).remove(user_id)
            action = Action.PERSON_DELETED if delete else Action.PERSON_DISABLED
            said: dict[str, Any] = {"fate": will.fate.value, "heir": will.heir_id, "runs_cancelled": will.cancel_runs}
            said |= {"tasks": len(tasks), "heartbeats": len(checks)}
            self._trail.note(tx, actor, action, about_person(user), **said, **ended)
        self._means.on_change()
        self._means.await_starts([task.id for task in tasks])
        return Departed(user=user, tasks=len(tasks), checks=len(checks), under_way=tuple(under_way))

    def _close(self, tx: Transaction, user_id: int, place: Place | None, at: datetime, *, delete: bool) -> User | None:
        """Close the account and hold the heir; return whose it is, None where there is nothing left to do."""
        # All administrators first, then people: everybody holds them in this order, so no two wait for each other.
        PeopleBook(tx).hold_admins()
        if place is not None:
            if place.owner_id == user_id:
                raise InvalidValue("heir", user_id, "use somebody else")
            for each in sorted({user_id, place.owner_id or user_id}):
                PeopleBook(tx).by_id(each, lock=True)
            hold_place(tx, place)
        user = held_to_leave(tx, user_id)
        return user if close_account(tx, user_id, at) is not None or delete else None

    def _settle(
        self, tx: Transaction, task: Task, user: User, will: Will, now: int, *, actor: Actor, delete: bool
    ) -> list[int]:
        """Stop one task and give it to whom it belongs from now on; return its runs under way."""
        is_own = task.place.for_user_id == user.id
        removes = will.fate is Fate.REMOVE or (is_own and delete)
        reason = Reason.REMOVED if removes else Reason.PAUSED
        under_way = self._stop(tx, task, reason, now, actor, cancel=will.cancel_runs)
        if removes:
            self._remove(tx, task, now, actor)
            return under_way
        if not task.is_paused or (task.pause is not None and task.pause.until is not None):
            # A pause that ends by itself would let it go on with nobody there.
            why = _reason(user, delete=delete)
            TaskBook(tx).pause(task.id, Pause(from_micros(now), actor.words, why), now=now)
            self._tell(tx, EventKind.TASK_PAUSED, task, actor, reason=why)
            self._trail.note(tx, actor, Action.TASK_PAUSED, about(task), reason=why)
        place = will.place
        if place is not None and not is_own:
            self._give(tx, task, _inherited(task.place, place), now, actor)
        return under_way

    def _stop(self, tx: Transaction, task: Task, reason: Reason, now: int, actor: Actor, *, cancel: bool) -> list[int]:
        """Let nothing more of a task begin; return the runs under way, which are asked to end where that was said."""
        settle_arrears(tx, task, now, all_of_it=True)
        under_way = [run.id for run in give_up_waiting(tx, task.id, now, reason, manual_too=True)]
        if cancel:
            for run_id in under_way:
                HoldingBook(tx).ask_cancel(run_id, actor.words or "a departure")
                self._tell(tx, EventKind.RUN_CANCEL_ASKED, task, actor, run_id=run_id)
        return under_way

    def _give(self, tx: Transaction, task: Task, place: Place, now: int, actor: Actor) -> None:
        if task.place == place:
            return
        TaskBook(tx).move(task.id, place, now=now)
        self._tell(tx, EventKind.TASK_CHANGED, task, actor, name=task.name)
        self._trail.note(tx, actor, Action.TASK_GIVEN, about(task), before=asdict(task.place), after=asdict(place))

    def _remove(self, tx: Transaction, task: Task, now: int, actor: Actor) -> None:
        TaskBook(tx).remove(task.id, now=now)
        self._tell(tx, EventKind.TASK_REMOVED, task, actor, name=task.name)
        self._trail.note(tx, actor, Action.TASK_REMOVED, about(task), before=shown(task.definition))

    def _hold(self, tx: Transaction, task_ids: Sequence[int]) -> list[Task]:
        found = (TaskBook(tx).get(each, lock=True) for each in task_ids)
        return [task for task in found if task is not None and task.removed_at is None]

    def _tell(
        self, tx: Transaction, kind: EventKind, task: Task, actor: Actor, *, run_id: int | None = None, **body: Any
    ) -> None:
        EventBook(tx).append(
            kind, at=self._clock.micros(), task_id=task.id, run_id=run_id, actor=actor.words or None, body=body
        )
        self._store.announce_change(tx)


def _settle_check(fates: CheckFates, check: HeartbeatCheck, will: Will, reason: str) -> None:
    """Stop one check and give it to whom it belongs from now on, as tasks are."""
    if will.fate is Fate.REMOVE:
        fates.remove(check)
        return
    fates.pause(check, reason)
    if will.place is not None:
        fates.give(check, _inherited(check.place, will.place))


def _part_checks(fates: CheckFates, checks: Sequence[HeartbeatCheck], place: Place | None) -> None:
    """Let the checks of a project go where they belong without it; those that only it held are removed or given."""
    for check in checks:
        if check.place.owner_id is not None:
            fates.give(check, Place(owner_id=check.place.owner_id))
        elif place is not None:
            fates.give(check, place)
        else:
            fates.remove(check)


def _refuse_orphans(will: Will, tasks: int, checks: int) -> None:
    """Raise `InvalidValue` where nothing is said about what only a project holds."""
    if will.fate is not Fate.KEEP:
        return
    if tasks:
        raise InvalidValue("tasks", will.fate.value, f"say what becomes of the tasks that only it holds ({tasks})")
    if checks:
        words = f"say what becomes of the heartbeats that only it holds ({checks})"
        raise InvalidValue("heartbeats", will.fate.value, words)


def _inherited(before: Place, place: Place) -> Place:
    """Return where something belongs that is given away: what is in a project stays in it, only its owner changes."""
    kept = before.project_id if before.project_id is not None else place.project_id
    return Place(owner_id=place.owner_id, project_id=kept)


def _reason(user: User, *, delete: bool) -> str:
    return f"{user.words} {'was deleted' if delete else 'was deactivated'}"


def _end_rights(tx: Transaction, user: User, at: datetime, *, delete: bool) -> dict[str, Any]:
    """End what a person could do without being there; return how much of each it was."""
    book = LeavingBook(tx)
    # Links in mails and marks of known browsers carry this number: those made before mean nothing any more.
    PeopleBook(tx).change(user.id, epoch=user.epoch + 1)
    ended = {
        "tokens": TokenBook(tx).revoke_all(user.id, at),
        "grants": book.end_grants_to("person", user.id, at) + book.end_grants_from(user.id, at),
        "invitations": book.withdraw_invitations(user.id, at),
    }
    if delete:
        ended["credentials"] = book.remove_credentials(user.id, at)
    return ended
