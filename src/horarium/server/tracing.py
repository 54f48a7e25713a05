"""The way to the collector that the settings name, with what it needs; nothing of it is loaded without one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from horarium._version import __version__
from horarium.clock import Clock
from horarium.config import Config
from horarium.errors import ConfigError
from horarium.store.port import Store
from horarium.traces.scribe import Scribe
from horarium.traces.teller import Outgoing

SETTING = "HORARIUM_OTLP_ENDPOINT"
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def way_out(config: Config) -> Callable[[], Outgoing] | None:
    """Return what opens the way to the collector, None where traces are off.

    Raises `ConfigError` where the extra `otel` is missing or a variable of OpenTelemetry means nothing.
    """
    if config.otlp_endpoint is None:
        return None
    try:
        from horarium.traces.outlet import Outlet  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{SETTING} needs the extra `otel`: install horarium[server,otel] ({error.name} is missing)"
        ) from None
    make = partial(Outlet, config.otlp_endpoint, dict(config.otlp_headers), version=__version__)
    try:
        make().close()
    except ValueError as error:
        raise ConfigError(f"{SETTING} is set, and a variable OTEL_* is not understood: {error}") from None
    return make


def scribe_of(make: Callable[[], Outgoing] | None, store: Store, clock: Clock) -> Scribe | None:
    """Return who tells the collector of runs, None where there is none."""
    return None if make is None else Scribe(store, clock, make)


def trace_warnings(config: Config) -> list[str]:
    """Return what an operator should know about these settings, one sentence each."""
    if config.otlp_endpoint is None:
        return [f"HORARIUM_OTLP_HEADERS is set and {SETTING} is not: no traces are sent."] * bool(config.otlp_headers)
    parts = urlsplit(config.otlp_endpoint)
    if config.otlp_headers and parts.scheme == "http" and parts.hostname not in _HERE:
        return [f"HORARIUM_OTLP_HEADERS go to {parts.hostname} without encryption: use an https address."]
    return []
