"""A server that tells a collector of its runs, and one whose collector is gone, stalls or fails."""

from __future__ import annotations

import secrets
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from horarium.clock import SystemClock
from horarium.config import Config
from horarium.errors import ConfigError
from horarium.records.policies import Overlap, Policies, Retry
from horarium.records.runs import Run
from horarium.records.tasks import CommandSpec, PythonSpec, TaskDefinition
from horarium.server.service import Service, assemble, warnings_for
from horarium.server.tracing import way_out
from horarium.states import OverlapPolicy, RunState
from horarium.store.books.history import HistoryBook
from tests.journeys.house import await_that
from tests.support.encodings import canary
from tests.support.people import TESTER
from tests.support.places import free_loopback_port
from tests.traces.collector import ERROR, Collector

KEY = secrets.token_hex(32)
MANY = Policies(overlap=Overlap(OverlapPolicy.ALLOW, 20))


def config_in(folder: Path, **settings: Any) -> Config:
    """Return settings for a server in `folder`, with nothing to do but what a test asks for."""
    plain = Config(secret_key=KEY, data=folder / "data", upkeep=False, allow_root_tasks=True, watcher=False)
    return replace(plain, **settings)


@contextmanager
def running(config: Config) -> Iterator[Service]:
    """Run a server without its pages."""
    service = assemble(config)
    service.start()
    try:
        yield service
    finally:
        service.begin_stop()
        service.finish_stop()


def ended(service: Service, run_id: int) -> Run:
    """Wait until a run has ended."""

    def look() -> Run | None:
        with service.store.reading() as tx:
            return HistoryBook(tx).get(run_id)

    found = await_that(look, lambda run: run is not None and not run.is_open)
    assert found
    return found


def started(service: Service, run_id: int) -> None:
    """Wait until a run is under way and that is recorded."""

    def look() -> str:
        with service.store.reading() as tx:
            run = HistoryBook(tx).get(run_id)
        return "" if run is None else run.state

    await_that(look, lambda state: state == RunState.RUNNING)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give the setting that names a database."""
    return {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("postgres_url")}


JOBS = """
    import sys

    def give(word):
        print(word)
        return {"given": word}

    def burst(word):
        print(word, file=sys.stderr)
        raise ValueError("it was " + word)
"""


def test_runs_that_went_well_failed_and_were_killed_arrive_and_no_secret_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collector: Collector, database: dict[str, Any]
) -> None:
    secret = canary()
    name = f"jobs_{secrets.token_hex(4)}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(JOBS), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    key = f"Bearer {secrets.token_hex(12)}"
    traced = {"otlp_endpoint": collector.address, "otlp_headers": (("authorization", key),), "task_modules": (name,)}
    with running(config_in(tmp_path, **database, **traced)) as service:
        retry = Policies(retry=Retry(attempts=2, delay_seconds=0, jitter=0))
        for definition in (
            TaskDefinition("well", PythonSpec(f"{name}:give", (secret,)), None),
            TaskDefinition("bad", PythonSpec(f"{name}:burst", (secret,)), None, policies=retry),
            TaskDefinition("long", CommandSpec(("sleep", "60"), env={"WORD": secret}), None),
        ):
            service.desk.define(definition)
        runs = {each: service.desk.trigger(each, by=TESTER) for each in ("well", "bad", "long")}
        started(service, runs["long"])
        service.desk.cancel(runs["long"], by=TESTER)
        kept = {each: ended(service, number) for each, number in runs.items()}
        roots = {root.name: root for root in collector.await_roots(3)}
    states = {"well": RunState.SUCCEEDED, "bad": RunState.FAILED, "long": RunState.CANCELLED}
    assert {each: run.state for each, run in kept.items()} == states, kept
    assert {each: root.status for each, root in roots.items()} == {"well": 0, "bad": ERROR, "long": 0}
    assert {each: root.attributes["horarium.run.outcome"] for each, root in roots.items()} == {
        each: run.state.value for each, run in kept.items()
    }
    below = [(each.name, each.status) for each in collector.below(roots["bad"])]
    assert below == [("wait", 0), ("attempt 1", ERROR), ("wait", 0), ("attempt 2", ERROR)]
    assert roots["bad"].attributes["error.type"] == "ValueError"
    assert all(span.message == "" for span in collector.spans)
    sent = b"".join(collector.bodies)
    assert b"ValueError" in sent
    assert secret.encode() not in sent
    assert {each["authorization"] for each in collector.headers} == {key}
    assert len(collector.roots) == 3


def test_a_run_that_a_crash_or_a_stop_cut_off_is_an_error_and_is_told_after_the_next_start(
    tmp_path: Path, collector: Collector
) -> None:
    config = config_in(tmp_path, otlp_endpoint=collector.address, shutdown_grace_seconds=0.0)
    once = Policies(rerun_interrupted=0)
    with running(config) as service:
        service.desk.define(TaskDefinition("long", CommandSpec(("sleep", "60")), None, policies=once))
        run_id = service.desk.trigger("long", by=TESTER)
        started(service, run_id)
    with running(config):
        (root,) = collector.await_roots(1)
    assert root.attributes["horarium.run.outcome"] == "interrupted"
    assert root.status == ERROR
    (attempt,) = (each for each in collector.below(root) if each.name == "attempt 1")
    assert attempt.status == ERROR
    assert len(collector.roots) == 1


def test_two_servers_on_one_database_tell_of_each_run_once(
    tmp_path: Path, collector: Collector, database: dict[str, Any]
) -> None:
    config = config_in(tmp_path, otlp_endpoint=collector.address, **database)
    with running(config) as first, running(config) as second:
        first.desk.define(TaskDefinition("quick", CommandSpec(("true",)), None, policies=MANY))
        runs = [each.desk.trigger("quick", by=TESTER) for _ in range(10) for each in (first, second)]
        for number in runs:
            ended(first, number)
        collector.await_roots(len(runs))
    assert sorted(root.attributes["horarium.run.id"] for root in collector.roots) == runs


def gone(collector: Collector) -> str:
    del collector
    return f"http://127.0.0.1:{free_loopback_port()}"


def stalling(collector: Collector) -> str:
    collector.stalls = True
    return collector.address


def failing(collector: Collector) -> str:
    collector.status = 500
    return collector.address


def busy(collector: Collector) -> str:
    collector.status = 503
    return collector.address


@pytest.mark.parametrize("trouble", [gone, stalling, failing, busy])
def test_a_collector_in_trouble_delays_no_run_and_no_stop_and_is_told_later(
    tmp_path: Path,
    collector: Collector,
    caplog: pytest.LogCaptureFixture,
    trouble: Callable[[Collector], str],
) -> None:
    clock = SystemClock()
    config = config_in(tmp_path, otlp_endpoint=trouble(collector))
    service = assemble(config)
    service.start()
    service.desk.define(TaskDefinition("quick", CommandSpec(("true",)), None))
    first = ended(service, service.desk.trigger("quick", by=TESTER))
    if trouble is not gone:
        await_that(lambda: collector.paths, bool)
    runs = [first, *(ended(service, service.desk.trigger("quick", by=TESTER)) for _ in range(5))]
    assert {run.state for run in runs} == {RunState.SUCCEEDED}
    waits = [(run.started_at - run.created_at).total_seconds() for run in runs if run.started_at]
    # A delivery may take five seconds: none of them was waited for.
    assert max(waits) < 4
    begun = clock.monotonic()
    assert service.scribe
    service.scribe.stop()
    assert clock.monotonic() - begun < 3
    service.begin_stop()
    service.finish_stop()
    assert len([each for each in caplog.records if each.name.startswith(("horarium.traces", "opentelemetry"))]) <= 1
    collector.status, collector.stalls = 200, False
    with running(replace(config, otlp_endpoint=collector.address)):
        collector.await_roots(6)
    assert len(collector.roots) == 6


NOTHING_LOADED = """
    import secrets, sys
    from dataclasses import replace
    from pathlib import Path
    from horarium.config import Config
    from horarium.server.service import assemble
    service = assemble(Config(secret_key=secrets.token_hex(32), data=Path(sys.argv[1]), upkeep=False))
    service.start()
    service.begin_stop()
    service.finish_stop()
    import horarium.dashboard.serving
    sending = ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.proto", "google", "horarium.traces.outlet")
    print(sorted(name for name in sys.modules if name.startswith(sending)))
"""


def test_nothing_that_sends_is_loaded_when_it_is_off(tmp_path: Path) -> None:
    # FastAPI loads the interface of OpenTelemetry wherever that is installed, which sends nothing by itself.
    program = textwrap.dedent(NOTHING_LOADED)
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "data")], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_without_the_extra_the_start_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "horarium.traces.outlet", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigError, match=r"needs the extra `otel`: install horarium\[server,otel\]") as caught:
        assemble(config_in(tmp_path, otlp_endpoint="http://127.0.0.1:4318"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_a_variable_of_opentelemetry_that_means_nothing_is_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many")
    with pytest.raises(ConfigError, match=r"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"):
        way_out(config_in(tmp_path, otlp_endpoint="http://127.0.0.1:4318"))


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({}, ""),
        ({"otlp_headers": (("x-key", "k"),)}, "no traces are sent"),
        ({"otlp_headers": (("x-key", "k"),), "otlp_endpoint": "http://otel.example:4318"}, "without encryption"),
        ({"otlp_headers": (("x-key", "k"),), "otlp_endpoint": "https://otel.example"}, ""),
        ({"otlp_headers": (("x-key", "k"),), "otlp_endpoint": "http://localhost:4318"}, ""),
    ],
)
def test_headers_that_go_nowhere_or_unencrypted_are_warned_about(settings: dict[str, Any], part: str) -> None:
    found = [each for each in warnings_for(config_in(Path(), **settings)) if "HORARIUM_OTLP" in each]
    assert [part in each for each in found] == [True] * bool(part)
