"""Keep, of each task that is there once for each person, one task a person: in the transaction of what changes them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from horarium.clock import Clock
from horarium.records.actors import Actor
from horarium.records.tasks import Pause, Task
from horarium.scheduling.changes import Changes
from horarium.scheduling.stopping import Means
from horarium.store.books.tasks import TaskBook
from horarium.store.port import EVERYBODY, Store, Transaction
from horarium.store.schema import write_meta

FOLLOWER: Final = "tasks for each person"
_TURN: Final = "per_user"
SERVER: Final = Actor.of_server()


class PersonalTasks:
    """The shares that people have of tasks."""

    def __init__(self, store: Store, clock: Clock, changes: Changes) -> None:
        """Work on `store` by the steps of `changes`."""
        self._store = store
        self._clock = clock
        self._changes = changes

    def follow(self, tx: Transaction, people: Collection[int]) -> None:
        """Bring the shares of people up to date who have changed; `EVERYBODY` stands for all."""
        _take_turn(tx)
        templates = TaskBook(tx).templates()
        if templates:
            self._bring(tx, templates, None if EVERYBODY in people else people, SERVER)

    def define(self, tx: Transaction, template: Task, actor: Actor) -> None:
        """Bring the shares of a task up to date whose definition was given; parked ones are tried again.

        One that is no longer for each person loses them. Raises `InvalidValue` for settings that are not there.
        """
        if template.definition.per_user is not None:
            from horarium.scheduling.bringing import check  # noqa: PLC0415

            check(tx, template.definition)
            _take_turn(tx)
            self._bring(tx, [template], None, actor, revives=True)
        else:
            self.remove(tx, template, actor)

    def remove(self, tx: Transaction, template: Task, actor: Actor) -> None:
        """Remove all shares of a task."""
        for share in TaskBook(tx).shares([template.id]):
            self._changes.remove(tx, share.id, actor)

    def pause(self, tx: Transaction, template: Task, pause: Pause, actor: Actor) -> None:
        """Pause the shares of a task with it; those that are paused already keep their own pause."""
        for share in TaskBook(tx).shares([template.id]):
            if not share.is_paused:
                self._changes.pause(tx, share.id, pause, actor)

    def resume(self, tx: Transaction, template: Task, actor: Actor) -> None:
        """Let the shares go on that were paused with their task."""
        if template.pause is None:
            return
        for share in TaskBook(tx).shares([template.id]):
            if share.pause is not None and share.pause.at == template.pause.at:
                self._changes.resume(tx, self._changes.find(tx, share.id, lock=True), actor)

    def sweep(self) -> None:
        """Look at everybody once, for what was changed past us, such as by a program of an older release."""
        with self._store.reading() as tx:
            is_there = bool(TaskBook(tx).templates())
        if is_there:
            with self._store.transaction() as tx:
                self.follow(tx, {EVERYBODY})

    def _bring(
        self,
        tx: Transaction,
        templates: list[Task],
        people: Collection[int] | None,
        actor: Actor,
        *,
        revives: bool = False,
    ) -> None:
        from horarium.scheduling.bringing import Bringing  # noqa: PLC0415

        Bringing(self._clock, self._changes).bring(tx, templates, people, actor, revives=revives)


def follow_people(store: Store, clock: Clock) -> None:
    """Have the tasks of people follow every change of people that is made through `store`, unless they do already."""
    if FOLLOWER not in store.followers:
        store.followers[FOLLOWER] = _apart(store, clock).follow


def sweep_people(store: Store, clock: Clock) -> None:
    """Bring the tasks of all people up to date once, for what was changed past us."""
    _apart(store, clock).sweep()


def _apart(store: Store, clock: Clock) -> PersonalTasks:
    """Return the tasks of people, apart from any scheduler of this process."""
    return PersonalTasks(store, clock, Changes(Means(store, clock, None, _nothing)))


def _take_turn(tx: Transaction) -> None:
    """Wait for whoever brings shares up to date now, where writers work side by side.

    Else two who add a person and a task at once would not see each other, and that person's share would be missing.
    """
    if tx.capabilities.skips_locked:
        write_meta(tx, _TURN, "")


def _nothing() -> None:
    return None
