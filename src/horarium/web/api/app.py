"""Build the API as one application: every route with its row of the access table, and the document about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI
from fastapi.datastructures import Default
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match

from horarium.accounts.roles import Permission, least_scope
from horarium.web.access import ALL_PATHS, Method, Row, row_for
from horarium.web.api import audit, channels, checks, deliveries, me, rules, runs, tasks
from horarium.web.api.bodies import KIND
from horarium.web.api.routing import Asking, GuardedRoute
from horarium.web.api.shapes import Problem
from horarium.web.gate import Gate
from horarium.web.links import API_ROOT

VERSION: Final = "1"
_ABOUT: Final = (
    "What the pages show and do, for programs. Send a token as `Authorization: Bearer hor_…`; it does what its scopes "
    "and the present rights of its owner both allow."
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What answers a route; `answers` says what comes back where it is not JSON of one shape."""

    method: Method
    call: Callable[..., Any]
    tag: str
    status: int = 200
    answers: dict[int | str, dict[str, Any]] | None = None


def get_document(visit: Asking, request: Request) -> Response:
    """Describe the API as an OpenAPI document."""
    api: FastAPI = request.app
    document = api.openapi()
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return JSONResponse(document | {"servers": [{"url": f"{visit.links.root}{API_ROOT}"}]})


_TEXT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The lines", "content": {"text/plain": {}, runs.LINES: {}}}
}
_DOCUMENT: Final[dict[int | str, dict[str, Any]]] = {200: {"description": "The document", "content": {KIND: {}}}}

ENDPOINTS: Final[dict[str, tuple[Endpoint, ...]]] = {
    "api_document": (Endpoint("GET", get_document, "about", answers=_DOCUMENT),),
    "api_me": (Endpoint("GET", me.get_me, "about"),),
    "api_tokens": (
        Endpoint("GET", me.list_tokens, "tokens"),
        Endpoint("POST", me.make_token, "tokens", 201),
    ),
    "api_token": (Endpoint("DELETE", me.revoke_token, "tokens", 204),),
    "api_tasks": (Endpoint("GET", tasks.list_tasks, "tasks"),),
    "api_task": (Endpoint("GET", tasks.get_task, "tasks"),),
    "api_task_trigger": (Endpoint("POST", tasks.trigger_task, "tasks", 201),),
    "api_task_pause": (Endpoint("POST", tasks.pause_task, "tasks"),),
    "api_task_resume": (Endpoint("POST", tasks.resume_task, "tasks"),),
    "api_runs": (Endpoint("GET", runs.list_runs, "runs"),),
    "api_run": (Endpoint("GET", runs.get_run, "runs"),),
    "api_run_cancel": (Endpoint("POST", runs.cancel_run, "runs"),),
    "api_run_output": (Endpoint("GET", runs.get_output, "runs", answers=_TEXT),),
    "api_checks": (
        Endpoint("GET", checks.list_heartbeats, "heartbeats"),
        Endpoint("POST", checks.make_heartbeat, "heartbeats", 201),
    ),
    "api_check": (
        Endpoint("GET", checks.get_heartbeat, "heartbeats"),
        Endpoint("POST", checks.change_heartbeat, "heartbeats"),
        Endpoint("DELETE", checks.remove_heartbeat, "heartbeats", 204),
    ),
    "api_check_pause": (Endpoint("POST", checks.pause_heartbeat, "heartbeats"),),
    "api_check_resume": (Endpoint("POST", checks.resume_heartbeat, "heartbeats"),),
    "api_channels": (
        Endpoint("GET", channels.list_channels, "notifications"),
        Endpoint("POST", channels.add_channel, "notifications", 201),
    ),
    "api_channel": (
        Endpoint("GET", channels.get_channel, "notifications"),
        Endpoint("PATCH", channels.change_channel, "notifications"),
        Endpoint("DELETE", channels.remove_channel, "notifications", 204),
    ),
    "api_channel_test": (Endpoint("POST", channels.test_channel, "notifications"),),
    "api_channel_pause": (Endpoint("POST", channels.pause_channel, "notifications"),),
    "api_channel_resume": (Endpoint("POST", channels.resume_channel, "notifications"),),
    "api_rules": (
        Endpoint("GET", rules.list_rules, "notifications"),
        Endpoint("POST", rules.add_rule, "notifications", 201),
    ),
    "api_rules_order": (Endpoint("POST", rules.order_rules, "notifications"),),
    "api_rule": (
        Endpoint("GET", rules.get_rule, "notifications"),
        Endpoint("PATCH", rules.change_rule, "notifications"),
        Endpoint("DELETE", rules.remove_rule, "notifications", 204),
    ),
    "api_deliveries": (Endpoint("GET", deliveries.list_deliveries, "notifications"),),
    "api_delivery": (Endpoint("GET", deliveries.get_delivery, "notifications"),),
    "api_delivery_resend": (Endpoint("POST", deliveries.resend_delivery, "notifications"),),
    "api_muted": (Endpoint("GET", deliveries.list_muted, "notifications"),),
    "api_snoozes": (
        Endpoint("GET", deliveries.list_snoozes, "notifications"),
        Endpoint("POST", deliveries.add_snooze, "notifications", 201),
    ),
    "api_snooze": (Endpoint("DELETE", deliveries.end_snooze, "notifications", 204),),
    "api_audit": (Endpoint("GET", audit.list_audit, "audit"),),
}


def create_api(gate: Gate) -> FastAPI:
    """Return the API, to be mounted at `API_ROOT` behind the guards; it shows its document only to who may ask."""
    api = _bare()
    api.state.gate = gate
    api.router.routes.extend(_endpoints())
    return api


def _bare() -> FastAPI:
    api = FastAPI(
        title="Horarium",
        version=VERSION,
        description=_ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _on_http_error},
        responses={"4XX": {"model": Problem, "description": "It is refused"}},
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    api.router.route_class = GuardedRoute
    return api


@cache
def _endpoints() -> tuple[BaseRoute, ...]:
    """Return the routes, which know nothing of the application they are in: working out their shapes is dear."""
    template = _bare()
    for name, endpoints in ENDPOINTS.items():
        for endpoint in endpoints:
            _add(template, name, endpoint)
    return tuple(template.router.routes)


def _add(api: FastAPI, name: str, endpoint: Endpoint) -> None:
    api.add_api_route(
        ALL_PATHS[name].removeprefix(API_ROOT),
        endpoint.call,
        methods=[endpoint.method],
        name=name,
        operation_id=endpoint.call.__name__,
        summary=endpoint.call.__name__.replace("_", " ").capitalize(),
        tags=[endpoint.tag],
        status_code=endpoint.status,
        responses=endpoint.answers,
        openapi_extra=_rights(row_for(name, endpoint.method)),
        response_class=Response if endpoint.answers else Default(JSONResponse),
    )


def _rights(row: Row) -> dict[str, Any]:
    """Return what the document says about who may use a route."""
    needs = cast("Permission", row.needs)
    return {
        "security": [{"token": []}],
        "x-permission": needs.value,
        "x-scope": least_scope(needs).value,
    }


async def _on_http_error(request: Request, error: Exception) -> Response:
    gate: Gate = request.app.state.gate
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # Each method of an address is a route of its own here, and only the first one was asked what it takes.
        error = HTTPException(error.status_code, headers={"Allow": ", ".join(_methods_for(request))})
    return await gate.stray(request.scope, request.receive, error)


def _methods_for(request: Request) -> list[str]:
    """Return the methods that the address of a request takes."""
    routes = [route for route in request.app.routes if isinstance(route, GuardedRoute)]
    fitting = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in fitting for method in route.methods or ()})
