"""Give an installation its maintenance tasks: each once, so that what somebody has removed stays removed."""

from __future__ import annotations

import json
import logging
from typing import Final

from horarium.records.actors import Actor
from horarium.scheduling.tasks import TaskDesk
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store
from horarium.store.schema import read_meta, write_meta
from horarium.upkeep.defaults import default_definitions

log = logging.getLogger("horarium.server")

KEY: Final = "upkeep"


def add_maintenance_tasks(store: Store, desk: TaskDesk, timezone: str) -> list[str]:
    """Add those that this installation never had, with schedules in `timezone`; return their names.

    A task that has such a name already is somebody's own and stays as it is. Harmless when repeated or killed.
    """
    with store.reading() as tx:
        had = set(json.loads(read_meta(tx, KEY) or "[]"))
        wanted = [each for each in default_definitions(timezone) if each.name not in had]
        new = [each for each in wanted if TaskBook(tx).by_name(each.name) is None]
    if not wanted:
        return []
    desk.define_all(new, actor=Actor.of_server())
    with store.transaction() as tx:
        write_meta(tx, KEY, json.dumps(sorted(had | {each.name for each in wanted})))
    log.info("Added the maintenance tasks %s", ", ".join(each.name for each in new), extra={"word": "upkeep.added"})
    return [each.name for each in new]
