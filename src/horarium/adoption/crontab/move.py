"""Make the tasks of a surveyed crontab: all of them in one transaction, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from horarium.adoption.crontab.survey import Action, Survey
from horarium.records.actors import Actor
from horarium.records.tasks import TaskDefinition


class Desk(Protocol):
    """Who defines tasks."""

    def define_all(self, definitions: Sequence[TaskDefinition], *, actor: Actor) -> Any:
        """Add or replace all of them in one transaction."""
        ...


@dataclass(frozen=True, slots=True)
class Adoption:
    """What an import did, by the names of the tasks."""

    added: tuple[str, ...]
    updated: tuple[str, ...]
    kept: tuple[str, ...]


def move(survey: Survey, desk: Desk, *, actor: Actor) -> Adoption:
    """Do what `survey` says, in the name of `actor`; doing it again changes nothing more."""
    changed = [planned.definition for planned in survey.planned if planned.action is not Action.KEEP]
    if changed:
        desk.define_all(changed, actor=actor)
    names = {action: tuple(planned.name for planned in survey.planned if planned.action is action) for action in Action}
    return Adoption(names[Action.ADD], names[Action.UPDATE], names[Action.KEEP])
