"""Put together what somebody who helps needs to know: versions, settings without secrets, health; none of the data."""

from __future__ import annotations

import io
import json
import platform
import sys
import zipfile
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from horarium.clock import to_micros
from horarium.scheduling.zones import zone_data_version
from horarium.store.books.nodes import NodeBook
from horarium.store.books.samples import SampleBook
from horarium.store.books.silences import SilenceBook
from horarium.store.port import Transaction
from horarium.store.schema import revision_in
from horarium.web.pages.health import report_of
from horarium.web.visit import Visit

HIDDEN: Final = frozenset(
    {"SMTP_USER", "SMTP_FROM", "HORARIUM_OIDC_CLIENT_ID", "HORARIUM_OIDC_ISSUER", "HORARIUM_GROUP_ROLES"}
    | {"HORARIUM_BASE_URL", "HORARIUM_TEAM_NAME", "HORARIUM_OUTGOING_ALLOW", "HORARIUM_REGISTRATION_DOMAINS"}
    | {"HORARIUM_OTLP_ENDPOINT"}
)
"""Settings that are no secrets and still name people and places."""
_UNSET: Final = "(not set)"
_README: Final = """\
What this holds: versions, settings (of secrets, names and addresses only whether they are set), health, figures of the
last day, and the schedulers. It holds no tasks, no runs, no output, no people and no credentials. Look through it
before you hand it on.
"""


def support_file(visit: Visit) -> bytes:
    """Return the file, a ZIP archive."""
    with visit.house.services.store.reading() as tx:
        parts = {
            "about.json": _about(visit, tx),
            "figures.json": _figures(visit, tx),
            "schedulers.json": _schedulers(tx),
        }
    report = report_of(visit)
    parts["health.json"] = {check.name: [check.health.value, check.sentence] for check in report.checks}
    parts["settings.json"] = _settings(visit.house.services.shown_settings)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _README)
        for name, value in parts.items():
            archive.writestr(name, json.dumps(value, indent=2, ensure_ascii=False, default=str))
    return held.getvalue()


def _settings(shown: Mapping[str, str]) -> dict[str, str]:
    return {
        name: "(set)" if name in HIDDEN and value not in {_UNSET, ""} else value
        for name, value in sorted(shown.items())
    }


def _about(visit: Visit, tx: Transaction) -> dict[str, Any]:
    services = visit.house.services
    return {
        "made_at": visit.now.isoformat(),
        "version": services.settings.version,
        "started_at": services.started_at,
        "python": sys.version,
        "platform": platform.platform(),
        "engine": tx.dialect.name,
        "schema": revision_in(tx),
        "zone_data": zone_data_version(),
    }


def _figures(visit: Visit, tx: Transaction) -> list[dict[str, Any]]:
    book = SampleBook(tx)
    now = to_micros(visit.now)
    day = book.since(to_micros(visit.now - timedelta(days=1)))
    return [each._asdict() for each in [*day, book.look(now)]]


def _schedulers(tx: Transaction) -> dict[str, Any]:
    """Return the nodes by number, since names are those of machines, and the silences."""
    nodes = [
        {
            "id": node.id,
            "started": node.started_at,
            "seen": node.seen_at,
            "slots": node.workers,
            "release": node.version,
        }
        for node in NodeBook(tx).all()
    ]
    silences = [
        {"cause": each.cause, "began": each.began_at, "noticed": each.noticed_at, "ended": each.ended_at}
        for each in SilenceBook(tx).newest()
    ]
    return {"nodes": nodes, "silences": silences}
