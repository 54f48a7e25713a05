"""Tell machines whether this process lives and whether it can do its work: up or down, and nothing more."""

from __future__ import annotations

import logging

from starlette.responses import JSONResponse, Response

from horarium.accounts.roles import Permission, may
from horarium.server.health import Report, examine
from horarium.web.visit import Visit

log = logging.getLogger("horarium.web")


def show_live(visit: Visit) -> Response:
    """Say that the process answers."""
    del visit
    return JSONResponse({"status": "up"})


def show_ready(visit: Visit) -> Response:
    """Say whether database, scheduler and disk are as they should be; administrators see the figures too."""
    report = report_of(visit)
    told: dict[str, object] = {"status": "up" if report.is_ready else "down"}
    if not report.is_ready:
        log.warning("not ready: %s", "; ".join(check.sentence for check in report.checks))
    if visit.signed_in is not None and may(visit.identity, Permission.SYSTEM_READ):
        told |= {check.name: {"health": check.health.value, "sentence": check.sentence} for check in report.checks}
        told |= {"nodes": report.nodes, "lag_seconds": report.lag_seconds, "overdue_seconds": report.overdue_seconds}
    return JSONResponse(told, 200 if report.is_ready else 503)


def report_of(visit: Visit) -> Report:
    """Look how the installation does."""
    services = visit.house.services
    limit = services.settings.silence_after_seconds
    return examine(services.store, services.clock, folder=services.settings.data, limit_seconds=limit)
