"""Answer each route of the API in one order: who asks, may they, is the request well-formed; only then the route."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, cast

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from horarium.web.access import Method, Row, row_for
from horarium.web.api.bodies import octets_of, parsed
from horarium.web.api.problems import refusal_of
from horarium.web.errors import Refusal
from horarium.web.forms import query_of
from horarium.web.gate import Gate
from horarium.web.visit import Visit

_VISIT: Final = "horarium.visit"


class _Read(Request):
    """A request whose body has been read, and parsed strictly."""

    def __init__(self, request: Request, octets: bytes, value: Any) -> None:
        super().__init__(request.scope, _nothing_more)
        self._octets = octets
        self._value = value

    async def body(self) -> bytes:
        """Return the body as it came."""
        return self._octets

    async def json(self) -> Any:
        """Return what the body means."""
        return self._value


class GuardedRoute(APIRoute):
    """A route that the access table lets nobody reach but those it names."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request: every error of it becomes an answer in the form of the API."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            gate: Gate = request.app.state.gate
            visit = gate.open_visit(request.scope, request.receive)
            try:
                row = row_for(self.name, cast("Method", request.method))
                await gate.pages.call(gate.admit, visit, row)
                return await answer(await self._read(visit, row))
            except RequestValidationError as error:
                return await gate.refuse(visit, refusal_of(error))
            except Exception as error:  # noqa: BLE001 - every error becomes an answer, here with the visitor known
                return await gate.refuse(visit, error)

        return handle

    async def _read(self, visit: Visit, row: Row) -> Request:
        """Return the request with its query and body looked through. Raises `Refusal`."""
        request = visit.request
        if any(isinstance(number, int) and number >= 1 << 63 for number in request.path_params.values()):
            raise Refusal("not_found")
        visit.query = query_of(request, row.many)
        for name, values in visit.query.values.items():
            if name not in row.fields:
                raise Refusal("unknown_field", f"{name[:80]!r} is not known here.")
            if "\0" in "".join(values):
                raise Refusal("bad_request", f"{name} holds a null character.")
        octets = b"" if row.method == "GET" else await octets_of(request)
        value = parsed(octets)
        if self.body_field is None and value not in (None, {}):
            raise Refusal("unknown_field", "This takes no body.")
        request.scope[_VISIT] = visit
        return _Read(request, octets, value)


async def visit_of(request: Request) -> Visit:
    """Return the visit that a route answers."""
    visit: Visit = request.scope[_VISIT]
    return visit


Asking = Annotated[Visit, Depends(visit_of)]
"""What a route asks for to know who asks."""


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}
