"""Keep, of each task that is there once for each person, one task a person: in the transaction of what changes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from horarium.clock import Clock
from horarium.errors import InvalidSchedule, TaskNotFound
from horarium.preferences.reading import Reading, values
from horarium.records.actors import Actor
from horarium.records.people import User
from horarium.records.tasks import Pause, Task, TaskDefinition
from horarium.scheduling.changes import Changes
from horarium.scheduling.definitions import first_instant
from horarium.scheduling.shares import check_per_user, is_on, settings_of, share_of
from horarium.scheduling.stopping import Means, give_up_waiting
from horarium.states import EventKind, Reason
from horarium.store.books.people import PeopleBook
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
            check_per_user(template.definition, Reading(tx).catalogue)
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
        book = TaskBook(tx)
        persons = PeopleBook(tx).everyone() if people is None else list(PeopleBook(tx).by_ids(people).values())
        chosen = _values(tx, persons, templates)
        shares = book.shares([each.id for each in templates], people)
        have = {(share.template_id, share.place.for_user_id): share for share in shares}
        new: list[tuple[Task, TaskDefinition, int]] = []
        changed: list[tuple[Task, TaskDefinition]] = []
        for template in templates:
            for person in persons:
                share, mine = have.pop((template.id, person.id), None), chosen[person.id]
                wanted = share_of(template, person, mine)
                if share is not None:
                    if share.definition != wanted or (revives and share.is_parked):
                        changed.append((share, wanted))
                elif is_on(template.definition, person, mine):
                    new.append((template, wanted, person.id))
        self._add(tx, new, actor)
        # In the order of their numbers, as everybody does who holds several tasks: so no two wait for each other.
        for share, wanted in sorted(changed, key=_number):
            self._change(tx, share, wanted, actor)
        for share in have.values():
            self._changes.remove(tx, share.id, actor)
        node = self._changes.means.node
        if (new or changed or have) and node is not None:
            tx.after_commit(node.wake)

    def _change(self, tx: Transaction, share: Task, wanted: TaskDefinition, actor: Actor) -> None:
        try:
            self._changes.redefine(tx, share.id, wanted, actor, over_ok=True)
        except TaskNotFound:
            # Removed by somebody else in this moment: there is nothing left to bring up to date.
            return
        if wanted.schedule is None:
            give_up_waiting(tx, share.id, self._clock.micros(), Reason.OFF, manual_too=False)

    def _add(self, tx: Transaction, new: list[tuple[Task, TaskDefinition, int]], actor: Actor) -> None:
        now, book = self._clock.micros(), TaskBook(tx)
        if not new:
            return
        book.add_shares(
            [(definition, _first(definition, now), person, template.id) for template, definition, person in new],
            now=now,
        )
        self._changes.tell(tx, EventKind.TASK_ADDED, None, actor, count=len(new))
        for template, definition, person in new:
            number = book.id_of(definition.name, for_user_id=person) if template.pause is not None else None
            if number is not None and template.pause is not None:
                self._changes.pause(tx, number, template.pause, actor)


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


def _values(tx: Transaction, persons: list[User], templates: Iterable[Task]) -> Mapping[int, Mapping[str, Any]]:
    reading = Reading(tx)
    named = {key for each in templates if each.definition.per_user for key in settings_of(each.definition.per_user)}
    # An application that is not there any more has taken its settings along: then the definition alone counts.
    found = reading.of_all(persons, sorted(named & set(reading.catalogue)))
    return {person: values(standings) for person, standings in found.items()}


def _first(definition: TaskDefinition, now: int) -> int | None:
    try:
        return first_instant(definition, now)
    except InvalidSchedule:
        return None


def _number(change: tuple[Task, TaskDefinition]) -> int:
    return change[0].id


def _nothing() -> None:
    return None
