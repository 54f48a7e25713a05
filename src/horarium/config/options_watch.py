"""The settings about what looks after an installation: maintenance, the watcher, monitors, Prometheus, traces."""

from __future__ import annotations

from typing import Final

from horarium.config import values
from horarium.config.option import Option

WATCHING: Final[tuple[Option, ...]] = (
    Option(
        "HORARIUM_UPKEEP",
        "upkeep",
        values.as_switch,
        default=True,
        allowed="use on or off",
        sentence="Whether a server that starts adds the maintenance tasks that the installation never had: backups, "
        "figures, archives, cleaning up. What somebody has removed stays removed.",
    ),
    Option(
        "HORARIUM_WATCHER",
        "watcher",
        values.as_switch,
        default=True,
        allowed="use on or off",
        sentence="Whether the server starts a small second process that looks whether the scheduler works, and writes "
        "to the administrators when it does not.",
    ),
    Option(
        "HORARIUM_SILENCE_AFTER",
        "silence_after_seconds",
        values.as_seconds(10, 3600),
        30.0,
        "use seconds from 10 to 3600",
        "How many seconds nothing may move that should before the scheduler counts as silent.",
    ),
    Option(
        "HORARIUM_PING_URL",
        "ping_url",
        values.as_ping_url,
        None,
        "use an http or https address, without user, query or fragment",
        "The address of an outside monitor that the watcher calls while the scheduler is well; in trouble it calls the "
        "same address with /fail behind it.",
        secret=True,
    ),
    Option(
        "HORARIUM_PING_EVERY",
        "ping_every_seconds",
        values.as_seconds(10, 3600),
        60.0,
        "use seconds from 10 to 3600",
        "How many seconds lie between two calls of the outside monitor.",
    ),
    Option(
        "HORARIUM_METRICS",
        "metrics",
        values.as_choice("off", "token", "open"),
        "token",
        "use off, token or open",
        "Who may read /metrics: nobody, administrators and who sends HORARIUM_METRICS_TOKEN, or everybody.",
    ),
    Option(
        "HORARIUM_METRICS_TOKEN",
        "metrics_token",
        values.as_token,
        None,
        "use 20 to 200 printable characters without blanks",
        "What Prometheus sends as its bearer token to read /metrics.",
        secret=True,
    ),
    Option(
        "HORARIUM_METRICS_TASKS",
        "metrics_tasks",
        values.as_switch,
        default=False,
        allowed="use on or off",
        sentence="Whether /metrics counts runs for each task by name besides, for the 200 that ran most.",
    ),
    Option(
        "HORARIUM_OTLP_ENDPOINT",
        "otlp_endpoint",
        values.as_collector,
        None,
        "use the http or https address of a collector, such as http://localhost:4318, without /v1/traces, user, query "
        "or fragment",
        "The collector of OpenTelemetry that is told of each run, by OTLP over HTTP. Needs the extra `otel`.",
    ),
    Option(
        "HORARIUM_OTLP_HEADERS",
        "otlp_headers",
        values.as_headers,
        (),
        "use pairs such as authorization=Bearer%20key, separated by commas, with values that are percent-encoded",
        "What is sent to the collector beside the traces, so that it lets Horarium in.",
        secret=True,
    ),
)
