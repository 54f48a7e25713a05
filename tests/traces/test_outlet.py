"""The way to a collector: what goes over the line, what its answers mean, and what the variables `OTEL_*` say."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from horarium.states import RunState
from horarium.traces.course import course_of
from horarium.traces.outlet import Outlet
from horarium.traces.scribe import THREAD
from horarium.traces.teller import Refused, Unsent
from tests.support.mail import certificate
from tests.support.places import free_loopback_port
from tests.traces.collector import ERROR, Collector, collecting
from tests.traces.test_course import RUN

COURSE = course_of(RUN, "here")


@contextmanager
def way_to(address: str, **headers: str) -> Iterator[Outlet]:
    """Open a way to a collector."""
    outlet = Outlet(address, headers, version="1")
    try:
        yield outlet
    finally:
        outlet.close()


def test_a_run_arrives_as_one_trace_with_its_times_and_the_headers_of_the_settings(collector: Collector) -> None:
    key = f"Bearer {secrets.token_hex(12)}"
    with way_to(collector.address, authorization=key) as outlet:
        outlet.send([COURSE, course_of(replace(RUN, id=8, state=RunState.FAILED), "here")])
    first, second = collector.roots
    assert (first.name, first.start, first.end) == ("nightly", 1000 * 10**9, 1010 * 10**9)
    assert (first.status, second.status) == (0, ERROR)
    assert first.trace_id == f"{COURSE.trace_id:032x}"
    assert first.id == f"{COURSE.root.id:016x}"
    assert first.attributes == COURSE.root.attributes
    assert [each.name for each in collector.below(first)] == ["wait", "attempt 1"]
    assert {each.trace_id for each in collector.below(first)} == {first.trace_id}
    assert collector.paths == ["/v1/traces"]
    assert collector.headers[0]["authorization"] == key
    assert collector.headers[0]["content-type"] == "application/x-protobuf"


def resource_of(collector: Collector) -> dict[str, str]:
    """Return who the first delivery came from."""
    (found,) = collector.requests[0].resource_spans
    return {each.key: each.value.string_value for each in found.resource.attributes}


def test_it_says_who_sends(collector: Collector) -> None:
    with way_to(collector.address) as outlet:
        outlet.send([COURSE])
    resource = resource_of(collector)
    assert (resource["service.name"], resource["service.version"]) == ("horarium", "1")
    assert resource["telemetry.sdk.name"] == "opentelemetry"


def test_the_variables_of_opentelemetry_hold(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "nights")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.version=2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    # The address is a setting of Horarium alone.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://192.0.2.1:4318")
    with way_to(collector.address) as outlet:
        outlet.send([COURSE])
    resource = resource_of(collector)
    assert (resource["service.name"], resource["service.version"]) == ("nights", "2")
    assert resource["deployment.environment.name"] == "test"
    assert collector.headers[0]["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    "variables",
    [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_SAMPLER": "always_off"}],
    ids=lambda each: next(iter(each)),
)
def test_what_sampling_leaves_out_is_not_sent(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with way_to(collector.address) as outlet:
        outlet.send([COURSE])
    assert collector.paths == []


@pytest.mark.parametrize(("answer", "many"), [(b"\x0a\x02\x08\x03", 3), (b"", 0), (b"<html>thanks</html>", 0)])
def test_what_the_collector_did_not_keep_is_read_from_its_answer(
    collector: Collector, answer: bytes, many: int
) -> None:
    collector.answer = answer
    with way_to(collector.address) as outlet:
        assert outlet.send([COURSE]) == many


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_answer_about_what_was_sent_is_final(collector: Collector, status: int) -> None:
    collector.status = status
    with way_to(collector.address) as outlet, pytest.raises(Refused, match=f"it answers {status}"):
        outlet.send([COURSE])


@pytest.mark.parametrize("status", [301, 401, 404, 500])
def test_any_other_answer_is_worth_another_try(collector: Collector, status: int) -> None:
    collector.status = status
    with way_to(collector.address) as outlet, pytest.raises(Unsent, match=f"it answers {status}") as caught:
        outlet.send([COURSE])
    assert not isinstance(caught.value, Refused)


def test_nobody_there_is_one_sentence_and_no_line_of_the_exporter(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("horarium.traces.outlet.SECONDS", 0.3)
    monkeypatch.setattr(threading.current_thread(), "name", THREAD)
    address = f"http://127.0.0.1:{free_loopback_port()}"
    with way_to(address) as outlet, pytest.raises(Unsent, match="no connection came about"):
        outlet.send([COURSE])
    assert caplog.records == []


def test_a_collector_over_tls_is_reached_where_its_certificate_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = certificate(tmp_path)
    with collecting(known) as collector:
        with monkeypatch.context() as hasty:
            hasty.setattr("horarium.traces.outlet.SECONDS", 0.3)
            with way_to(collector.address) as outlet, pytest.raises(Unsent, match="certificate is not to be trusted"):
                outlet.send([COURSE])
        assert collector.paths == []
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(known.file))
        with way_to(collector.address) as outlet:
            outlet.send([COURSE])
        assert [root.name for root in collector.roots] == ["nightly"]


def test_headers_stand_in_no_log_and_no_error(collector: Collector, caplog: pytest.LogCaptureFixture) -> None:
    canary = secrets.token_hex(12)
    collector.status = 401
    with caplog.at_level(logging.DEBUG), way_to(collector.address, authorization=f"Bearer {canary}") as outlet:
        with pytest.raises(Unsent) as caught:
            outlet.send([COURSE])
        assert collector.headers[0]["authorization"].endswith(canary)
    assert caplog.records
    assert canary not in f"{caplog.text}{caught.value!r}{caught.value}"


def test_the_lines_of_the_exporter_for_other_programs_stay(caplog: pytest.LogCaptureFixture) -> None:
    with way_to("http://127.0.0.1:1"):
        logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").warning("theirs")
    assert "theirs" in caplog.text
