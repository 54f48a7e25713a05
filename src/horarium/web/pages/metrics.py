"""Show the figures of this installation as Prometheus reads them."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from starlette.responses import Response

from horarium.accounts.roles import Permission, may
from horarium.runs.figures import RunFigures, Spread
from horarium.scheduling.hold import held
from horarium.states import CheckState, RunState
from horarium.store.books.checks import CheckBook
from horarium.store.books.nodes import NodeBook
from horarium.store.books.samples import SampleBook
from horarium.store.books.silences import SilenceBook
from horarium.web.bearer import token_of
from horarium.web.errors import Refusal
from horarium.web.pages.health import report_of
from horarium.web.visit import Visit

KIND: Final = "text/plain; version=0.0.4; charset=utf-8"


def show(visit: Visit) -> Response:
    """Answer a scrape from whoever may read the figures."""
    _admit(visit)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(visit))
    return Response(generate_latest(registry), media_type=KIND)


def _admit(visit: Visit) -> None:
    settings = visit.house.settings
    if settings.metrics == "off":
        raise Refusal("not_found")
    if settings.metrics == "open":
        return
    if visit.signed_in is not None and may(visit.identity, Permission.SYSTEM_READ):
        return
    given = token_of(visit.request) or ""
    if not settings.metrics_token or not hmac.compare_digest(given.encode(), settings.metrics_token.encode()):
        raise Refusal("token_needed", "Send HORARIUM_METRICS_TOKEN as a bearer token.")


class _Collector:
    """Gathers the figures of one scrape; nothing of it counts runs that have ended in the store."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def collect(self) -> Iterator[Metric]:
        """Give each figure."""
        services = self._visit.house.services
        yield InfoMetricFamily(
            "horarium", "The release that answers.", value={"version": services.settings.version or "unknown"}
        )
        yield from _of_runs(services.figures or RunFigures())
        yield from self._of_store()
        yield from self._of_health()
        yield from self._of_traffic()
        made = self._last_backup()
        if made is not None:
            yield _gauge("horarium_backup_last_timestamp_seconds", "When the newest backup was made.", made.timestamp())

    def _of_store(self) -> Iterator[Metric]:
        services = self._visit.house.services
        with services.store.reading() as tx:
            book = SampleBook(tx)
            now = services.clock.micros()
            sample, (_, oldest) = book.look(now), book.due_waiting(now)
            lease_now = services.store.lease_now(tx)
            living, nodes = {each[0]: each[1] for each in NodeBook(tx).living()}, NodeBook(tx).all()
            counts, is_held = CheckBook(tx).counts(), held(tx).maintenance is not None
            newest = SilenceBook(tx).newest(most=1)
        yield _gauge("horarium_runs_waiting", "Runs whose time has come and that wait for a place.", sample.waiting)
        waited = 0.0 if oldest is None else max(0.0, (now - oldest) / 1_000_000)
        yield _gauge("horarium_runs_waiting_oldest_seconds", "How long the oldest of them has waited.", waited)
        yield _gauge("horarium_runs_running", "Runs that nodes hold.", sample.busy)
        yield _gauge("horarium_slots", "Runs that all nodes together can perform side by side.", sample.slots)
        yield _gauge("horarium_store_bytes", "How large the database is.", sample.store_bytes)
        up = GaugeMetricFamily("horarium_node_up", "Whether a node renews its lease.", labels=["node"])
        for node in nodes[:100]:
            up.add_metric([node.name], 1.0 if living.get(node.id, 0.0) > lease_now else 0.0)
        yield up
        silent = bool(newest) and newest[0].ended_at is None
        yield _gauge("horarium_scheduler_silent", "Whether the scheduler counts as silent.", float(silent))
        yield _gauge("horarium_maintenance", "Whether maintenance mode is on.", float(is_held))
        beats = GaugeMetricFamily("horarium_heartbeats", "Heartbeats by state.", labels=["state"])
        for state in (each for each in CheckState if each is not CheckState.LATE):
            beats.add_metric([state.value], float(counts.get(state.value, 0)))
        yield beats

    def _of_health(self) -> Iterator[Metric]:
        report = report_of(self._visit)
        yield _gauge("horarium_ready", "Whether database, scheduler and disk are well.", float(report.is_ready))
        yield _gauge("horarium_nodes", "Nodes that give signs of life.", report.nodes)
        yield _gauge("horarium_scheduler_lag_seconds", "The worst lateness of late.", report.lag_seconds or 0.0)
        yield _gauge(
            "horarium_scheduler_overdue_seconds",
            "How long the earliest planned instant has been waiting to be settled.",
            report.overdue_seconds,
        )
        if report.room is not None:
            free, total = report.room
            yield _gauge("horarium_disk_free_bytes", "Room on the disk of the data folder.", free)
            yield _gauge("horarium_disk_bytes", "Size of the disk of the data folder.", total)

    def _of_traffic(self) -> Iterator[Metric]:
        traffic = self._visit.house.traffic
        answers = CounterMetricFamily("horarium_http_requests", "Requests answered.", labels=["method", "status"])
        for (method, status), count in sorted(traffic.answers.items()):
            answers.add_metric([method, status], float(count))
        yield answers
        yield _histogram("horarium_http_request_seconds", "How long until an answer began.", traffic.seconds)

    def _last_backup(self) -> datetime | None:
        return max((backup.made_at for backup in self._visit.house.backups.all()), default=None)


def _of_runs(figures: RunFigures) -> Iterator[Metric]:
    outcomes = CounterMetricFamily("horarium_runs", "Runs that ended in this process.", labels=["outcome"])
    for state in (RunState.SUCCEEDED, RunState.FAILED, RunState.TIMED_OUT, RunState.CANCELLED, RunState.INTERRUPTED):
        outcomes.add_metric([state.value], float(figures.outcomes[state.value]))
    yield outcomes
    yield _histogram("horarium_run_duration_seconds", "How long attempts took in this process.", figures.durations)
    yield _histogram(
        "horarium_run_lateness_seconds", "How long after their planned instants runs began here.", figures.lateness
    )
    if figures.counts_tasks:
        tasks = CounterMetricFamily("horarium_task_runs", "Runs that ended here by task.", labels=["task", "outcome"])
        for (task, outcome), count in sorted(figures.of_tasks.items()):
            tasks.add_metric([task, outcome], float(count))
        yield tasks


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _histogram(name: str, words: str, spread: Spread) -> Metric:
    return HistogramMetricFamily(name, words, buckets=spread.buckets(), sum_value=spread.total)
