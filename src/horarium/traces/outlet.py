"""The way to a collector: courses of runs become spans of OpenTelemetry and go out by OTLP over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import requests
from google.protobuf.message import DecodeError
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from horarium.traces.course import Course, Piece
from horarium.traces.scribe import THREAD
from horarium.traces.teller import Refused, Unsent

PATH: Final = "/v1/traces"
SECONDS: Final = 5.0
"""How long one delivery may take, all its tries together."""
SERVICE: Final = "horarium"
_UNNAMED: Final = "unknown_service"
_WRONG: Final = frozenset({400, 405, 406, 411, 413, 415, 422})
"""Answers that mean what was sent: sending it again changes nothing."""


class Outlet:
    """Sends to one collector. What the variables `OTEL_*` say of sampling, limits, certificates and names holds."""

    def __init__(self, address: str, headers: Mapping[str, str], *, version: str) -> None:
        """Go to the collector at `address`. Raises `ValueError` for a variable of OpenTelemetry that means nothing."""
        self._ids = _GivenIds()
        self._ended = _Ended()
        self._line = _Line()
        provider = TracerProvider(resource=_resource(version), id_generator=self._ids, shutdown_on_exit=False)
        provider.add_span_processor(self._ended)
        self._tracer: Tracer = provider.get_tracer(SERVICE, version)
        self._exporter = OTLPSpanExporter(
            endpoint=address + PATH, headers=dict(headers), timeout=SECONDS, session=self._line
        )
        # It has a line for each try; what an operator has to know, the scribe says once.
        logging.getLogger(OTLPSpanExporter.__module__).addFilter(_not_of_the_scribe)

    def send(self, courses: Iterable[Course]) -> int:
        """Hand courses over; return how many spans the collector took and did not keep.

        Raises `Refused` where it does not want what it is sent, `Unsent` for any other failure.
        """
        spans = self.spans_of(courses)
        if not spans:
            return 0
        self._line.forget()
        result = self._exporter.export(spans)
        status = self._line.status
        if status in _WRONG:
            raise Refused(self._line.said)
        # The exporter takes a redirection, which it does not follow, for a success.
        if result is not SpanExportResult.SUCCESS or not 200 <= status < 300:
            raise Unsent(self._line.said)
        return _rejected(self._line.body)

    def close(self) -> None:
        """Send nothing more: a wait between two tries ends at once."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def spans_of(self, courses: Iterable[Course]) -> Sequence[ReadableSpan]:
        """Return the spans of some courses, those that sampling lets through."""
        self._ended.spans.clear()
        for course in courses:
            self._ids.trace_id = course.trace_id
            root = self._begin(course.root, Context())
            inside = set_span_in_context(root, Context())
            for piece in course.below:
                _finish(self._begin(piece, inside), piece)
            _finish(root, course.root)
        return list(self._ended.spans)

    def _begin(self, piece: Piece, context: Context) -> Span:
        self._ids.span_id = piece.id
        start = piece.started_at * 1000
        return self._tracer.start_span(piece.name, context, attributes=piece.attributes, start_time=start)


def _finish(span: Span, piece: Piece) -> None:
    if piece.is_bad:
        span.set_status(Status(StatusCode.ERROR))
    span.end(piece.finished_at * 1000)


def _rejected(body: bytes) -> int:
    """Return how many spans an answer says were left out; one that says nothing sensible left out none."""
    try:
        return int(ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans)
    except DecodeError:
        return 0


def _resource(version: str) -> Resource:
    """Return who sends: Horarium, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` say otherwise."""
    found = dict(Resource.create().attributes)
    if str(found.get(SERVICE_NAME, _UNNAMED)).startswith(_UNNAMED):
        found[SERVICE_NAME] = SERVICE
    return Resource({SERVICE_VERSION: version, **found})


class _GivenIds(IdGenerator):
    """Gives out the ids that a course has."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        """Return the id of the trace that is being written."""
        return self.trace_id

    def generate_span_id(self) -> int:
        """Return the id of the span that is being written."""
        return self.span_id


class _Ended(SpanProcessor):
    """Keeps the spans of one delivery."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span."""
        self.spans.append(span)


class _Line(requests.Session):
    """The connection of the exporter. It remembers what became of the last try, in words without a secret."""

    def __init__(self) -> None:
        super().__init__()
        # No proxy and no password out of a file that somebody else's program reads: the settings alone say where to.
        self.trust_env = False
        self.status = 0
        self.said = ""
        self.body = b""

    def forget(self) -> None:
        """Begin anew."""
        self.status, self.said, self.body = 0, "it was not asked", b""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Ask, and keep how it went."""
        self.status = 0
        try:
            answer = super().send(request, **kwargs)
        except requests.exceptions.SSLError:
            self.said = "its certificate is not to be trusted, or no encrypted connection came about"
            raise
        except requests.Timeout:
            self.said = "it does not answer"
            raise
        except (requests.RequestException, OSError, ValueError) as error:
            self.said = f"no connection came about ({type(error).__name__})"
            raise
        self.status, self.said = answer.status_code, f"it answers {answer.status_code}"
        self.body = answer.content
        return answer


def _not_of_the_scribe(record: logging.LogRecord) -> bool:
    return record.threadName != THREAD
