"""Tell machines whether this process lives and whether it can do its work: up or down, and nothing more."""

from __future__ import annotations

import logging

from starlette.responses import JSONResponse, Response

from horarium.accounts.roles import Permission, may
from horarium.errors import StoreError
from horarium.store.books.nodes import NodeBook
from horarium.upkeep.damage import damage_of
from horarium.web.frame import is_alive
from horarium.web.visit import Visit

log = logging.getLogger("horarium.web")


def show_live(visit: Visit) -> Response:
    """Say that the process answers."""
    del visit
    return JSONResponse({"status": "up"})


def show_ready(visit: Visit) -> Response:
    """Say whether the store answers and a scheduler renews its lease; administrators see the figures too."""
    store = visit.house.services.store
    told: dict[str, object] = {"status": "down"}
    try:
        with store.reading() as tx:
            ready = is_alive(store, tx) and not damage_of(store)
            lag = NodeBook(tx).lag()
            nodes = len(NodeBook(tx).living())
    except StoreError as error:
        log.warning("not ready: %s", error)
        return JSONResponse(told, 503)
    told["status"] = "up" if ready else "down"
    if visit.signed_in is not None and may(visit.identity, Permission.SYSTEM_READ):
        database = "damaged" if damage_of(store) else "up"
        told |= {"database": database, "scheduler": "up" if ready else "down", "nodes": nodes, "lag_seconds": lag}
    return JSONResponse(told, 200 if ready else 503)
