"""Give each person their own of the tasks that are there once for each: added, brought up to date, taken away.

Loaded where there is such a task: what settings mean is dear to know for a program that has none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from horarium.clock import Clock
from horarium.errors import InvalidSchedule, TaskNotFound
from horarium.preferences.reading import Reading, values
from horarium.records.actors import Actor
from horarium.records.people import User
from horarium.records.tasks import Task, TaskDefinition
from horarium.scheduling.changes import Changes
from horarium.scheduling.definitions import first_instant
from horarium.scheduling.shares import check_per_user, is_on, settings_of, share_of
from horarium.scheduling.stopping import give_up_waiting
from horarium.states import EventKind, Reason
from horarium.store.books.people import PeopleBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction


def check(tx: Transaction, definition: TaskDefinition) -> None:
    """Refuse a definition that goes by settings which are not there or are of another type. Raises `InvalidValue`."""
    check_per_user(definition, Reading(tx).catalogue)


class Bringing:
    """What bringing the shares of people up to date consists of."""

    def __init__(self, clock: Clock, changes: Changes) -> None:
        """Work by the steps of `changes`."""
        self._clock = clock
        self._changes = changes

    def bring(
        self,
        tx: Transaction,
        templates: list[Task],
        people: Collection[int] | None,
        actor: Actor,
        *,
        revives: bool = False,
    ) -> None:
        """Bring up to date what `people` (None: everybody) have of these tasks; `revives` tries parked ones again."""
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
