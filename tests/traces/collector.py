"""A collector on loopback that speaks OTLP over HTTP: what it was sent, read by the classes of the protocol."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.journeys.house import await_that
from tests.support.mail import Certificate

ERROR = 2
"""The code of a status that says that something went wrong."""


@dataclass(frozen=True, slots=True)
class Told:
    """A span as it came in; ids are hexadecimal, times in nanoseconds."""

    trace_id: str
    id: str
    parent_id: str
    name: str
    start: int
    end: int
    status: int
    message: str
    attributes: dict[str, Any]


@dataclass
class Collector:
    """What came in. It answers with `status` and `answer`; with `stalls` it answers nothing until the end."""

    address: str = ""
    status: int = 200
    answer: bytes = b""
    stalls: bool = False
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def requests(self) -> list[Any]:
        """Return what came in, decoded."""
        return [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]

    @property
    def spans(self) -> list[Told]:
        """Return all spans, in the order in which they came."""
        return [
            _told(span)
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def roots(self) -> list[Told]:
        """Return the spans of runs themselves."""
        return [span for span in self.spans if not span.parent_id]

    def below(self, root: Told) -> list[Told]:
        """Return the spans below one, in the order in which they began, a wait before what it waited for."""
        found = [span for span in self.spans if span.parent_id == root.id and span.trace_id == root.trace_id]
        return sorted(found, key=lambda span: (span.start, span.end, span.name != "wait"))

    def await_roots(self, many: int) -> list[Told]:
        """Wait until so many runs were told of."""
        await_that(lambda: self.roots, lambda roots: len(roots) >= many)
        return self.roots


@contextmanager
def collecting(known: Certificate | None = None) -> Iterator[Collector]:
    """Run a collector, over TLS where it has a certificate."""
    found = Collector()
    server = _Server(("127.0.0.1", 0), _handler_of(found))
    server.daemon_threads = True
    if known is not None:
        server.socket = known.server.wrap_socket(server.socket, server_side=True)
    found.address = f"{'http' if known is None else 'https'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.over.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Server(ThreadingHTTPServer):
    """A server that says nothing of callers who hang up while they are greeted."""

    def handle_error(self, *_: object) -> None:
        """Leave it at that: the caller says what was wrong."""


def _handler_of(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            collector.paths.append(self.path)
            if collector.stalls:
                collector.over.wait(60)
                self.close_connection = True
                return
            if collector.status == 200:
                collector.bodies.append(body)
            self.send_response(collector.status)
            self.send_header("content-length", str(len(collector.answer)))
            self.end_headers()
            self.wfile.write(collector.answer)

        log_message: Callable[..., None] = _say_nothing

    return Handler


def _say_nothing(*_: object) -> None:
    return None


def _told(span: Any) -> Told:
    return Told(
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        status=span.status.code,
        message=span.status.message,
        attributes={each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes},
    )
