"""Build the pages and the API as one application: every route with its row of the access table, the guards around."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Scope

from horarium.web import house
from horarium.web.access import ALL_PATHS, Method, row_for
from horarium.web.api.app import create_api
from horarium.web.assets import StaticAssets, version
from horarium.web.gate import Gate, Page
from horarium.web.guards import Guards
from horarium.web.links import API_ROOT
from horarium.web.pages import (
    actions,
    archives,
    audit,
    backups,
    channel_form,
    channels,
    check_form,
    checks,
    credential,
    credential_form,
    credential_rights,
    credentials,
    elsewhere,
    entry,
    factors,
    forgotten,
    health,
    invitations,
    joining,
    leaving,
    log,
    messages,
    metrics,
    overview,
    people,
    person,
    preferences,
    profile,
    projects,
    rule_form,
    rules,
    run,
    runs,
    second_step,
    settings,
    snoozes,
    storage,
    summary,
    system,
    task,
    tasks,
    tokens,
    unsubscribing,
)
from horarium.web.pages.streams import Stream, open_events, open_log
from horarium.web.pings import Ping, Turnstile
from horarium.web.rows import PINGS
from horarium.web.services import Services
from horarium.web.visit import Handler

PAGES: Final[dict[str, dict[Method, Handler]]] = {
    "setup": {"GET": entry.show_setup, "POST": entry.send_setup},
    "login": {"GET": entry.show_login, "POST": entry.send_login},
    "elsewhere": {"GET": elsewhere.begin},
    "elsewhere_back": {"GET": elsewhere.finish},
    "login_second": {"GET": second_step.show, "POST": second_step.send},
    "login_passkey": {"POST": second_step.send_passkey},
    "second_step": {"GET": second_step.show_duty},
    "logout": {"POST": entry.send_logout},
    "forgot": {"GET": forgotten.show_forgot, "POST": forgotten.send_forgot},
    "reset": {"GET": forgotten.show_reset, "POST": forgotten.send_reset},
    "register": {"GET": joining.show_register, "POST": joining.send_register},
    "join": {"GET": joining.show_join, "POST": joining.send_join},
    "confirm": {"GET": profile.show_confirm, "POST": profile.send_confirm},
    "overview": {"GET": overview.show},
    "tasks": {"GET": tasks.show},
    "tasks_act": {"POST": actions.act_on_tasks},
    "task": {"GET": task.show},
    "task_run": {"POST": actions.run_task},
    "task_pause": {"POST": actions.pause_task},
    "task_resume": {"POST": actions.resume_task},
    "task_unpark": {"POST": actions.unpark_task},
    "runs": {"GET": runs.show},
    "run": {"GET": run.show},
    "run_again": {"POST": actions.run_again},
    "run_stop": {"POST": actions.stop_run},
    "run_log": {"GET": log.send},
    "settings": {"GET": settings.show},
    "settings_profile": {"GET": profile.show, "POST": profile.send_name},
    "settings_email": {"POST": profile.send_email},
    "settings_email_confirm": {"POST": profile.ask_to_confirm},
    "settings_email_withdraw": {"POST": profile.withdraw_email},
    "settings_signin": {"GET": settings.show_signin},
    "settings_password": {"POST": settings.send_password},
    "settings_app_new": {"POST": factors.offer_app},
    "settings_app": {"POST": factors.send_app},
    "settings_app_remove": {"POST": factors.remove_app},
    "settings_codes": {"POST": factors.make_codes},
    "settings_passkey": {"POST": factors.send_passkey},
    "settings_passkey_rename": {"POST": factors.rename_passkey},
    "settings_passkey_remove": {"POST": factors.remove_passkey},
    "settings_sessions": {"GET": settings.show_sessions},
    "settings_session_end": {"POST": settings.end_session},
    "settings_sessions_end": {"POST": settings.end_other_sessions},
    "user_reset_second_step": {"POST": factors.reset_somebody},
    "invitations": {"GET": invitations.show, "POST": invitations.send},
    "invitation_withdraw": {"POST": invitations.withdraw},
    "invitation_resend": {"POST": invitations.resend},
    "invitation_link": {"POST": invitations.show_link},
    "user_reset": {"POST": invitations.start_reset},
    "settings_tokens": {"GET": tokens.show, "POST": tokens.send_new},
    "settings_token_revoke": {"POST": tokens.send_revoke},
    "users": {"GET": people.show},
    "user": {"GET": person.show},
    "user_role": {"POST": person.send_role},
    "user_session_end": {"POST": person.end_session},
    "user_sessions_end": {"POST": person.end_sessions},
    "user_leave": {"GET": leaving.show, "POST": leaving.send},
    "user_open": {"POST": person.open_again},
    "projects": {"GET": projects.show_all, "POST": projects.send_new},
    "project": {"GET": projects.show, "POST": projects.send_change},
    "project_member": {"POST": projects.send_member},
    "project_member_drop": {"POST": projects.drop_member},
    "project_remove": {"GET": projects.show_removal, "POST": projects.send_removal},
    "credentials": {"GET": credentials.show},
    "credential_new": {"GET": credential_form.show_new, "POST": credential_form.send_new},
    "credential": {"GET": credential.show, "POST": credential.send_changes},
    "credential_values": {"GET": credential_form.show_values, "POST": credential_form.send_values},
    "credential_test": {"POST": credential.send_test},
    "credential_stop": {"POST": credential.send_stop},
    "credential_restore": {"POST": credential.send_restore},
    "credential_give": {"POST": credential_rights.send_give},
    "credential_remove": {"GET": credential_rights.show_removal, "POST": credential_rights.send_removal},
    "credential_back": {"POST": credential.send_back},
    "credential_erase": {"POST": credential.send_erase},
    "credential_grant": {"POST": credential_rights.send_grant},
    "credential_revoke": {"POST": credential_rights.send_revoke},
    "credential_regrant": {"POST": credential_rights.send_again},
    "channels": {"GET": channels.show_all},
    "channel_new": {"GET": channel_form.show_new, "POST": channel_form.send_new},
    "channel": {"GET": channels.show, "POST": channels.send_changes},
    "channel_test": {"POST": channels.send_test},
    "channel_pause": {"POST": channels.send_pause},
    "channel_resume": {"POST": channels.send_resume},
    "channel_remove": {"GET": channels.show_removal, "POST": channels.send_removal},
    "rules": {"GET": rules.show},
    "rule_new": {"GET": rule_form.show_new, "POST": rule_form.send_new},
    "rule": {"GET": rule_form.show, "POST": rule_form.send_changes},
    "rule_switch": {"POST": rules.send_switch},
    "rule_move": {"POST": rules.send_move},
    "rule_remove": {"POST": rules.send_removal},
    "rule_back": {"POST": rules.send_back},
    "messages": {"GET": messages.show_all},
    "message": {"GET": messages.show},
    "message_resend": {"POST": messages.send_again},
    "snoozes": {"POST": snoozes.send_new},
    "snooze_end": {"POST": snoozes.send_end},
    "unsubscribe": {"GET": unsubscribing.show, "POST": unsubscribing.end},
    "unsubscribe_back": {"POST": unsubscribing.take_back},
    "audit": {"GET": audit.show},
    "audit_verify": {"POST": audit.send_verify},
    "audit_export": {"POST": audit.send_export},
    "backups": {"GET": backups.show, "POST": backups.send_make},
    "backup_verify": {"POST": backups.send_verify},
    "backup_drill": {"POST": backups.send_drill},
    "backup_download": {"POST": backups.send_download},
    "backup_restore": {"GET": backups.show_restore, "POST": backups.send_restore},
    "schedules_release": {"POST": backups.send_release},
    "audit_archives": {"GET": archives.show},
    "audit_archive": {"POST": archives.send_file},
    "storage": {"GET": storage.show},
    "storage_clear": {"GET": storage.show_clear, "POST": storage.send_clear},
    "storage_keep": {"POST": storage.send_keep},
    "settings_time": {"GET": preferences.show_time, "POST": preferences.save_time},
    "settings_notices": {"GET": preferences.show_notices, "POST": preferences.save_notices},
    "settings_added": {"GET": preferences.show_added, "POST": preferences.save_added},
    "settings_summary": {"GET": preferences.show_summary, "POST": preferences.save_summary},
    "summary": {"GET": summary.show},
    "summary_mail": {"GET": summary.show_mail},
    "summary_pdf": {"GET": summary.send_paper},
    "settings_rules": {"GET": preferences.show_rules, "POST": preferences.save_rules},
    "checks": {"GET": checks.show_all},
    "check_new": {"GET": check_form.show_new, "POST": check_form.send_new},
    "check": {"GET": checks.show},
    "check_edit": {"GET": check_form.show_edit, "POST": check_form.send_edit},
    "check_pause": {"POST": checks.pause},
    "check_resume": {"POST": checks.resume},
    "check_renew": {"POST": checks.renew},
    "check_remove": {"POST": checks.remove},
    "system": {"GET": system.show},
    "system_maintenance": {"POST": system.send_maintenance},
    "system_support": {"POST": system.send_support},
    "metrics": {"GET": metrics.show},
    "health_live": {"GET": health.show_live},
    "health_ready": {"GET": health.show_ready},
}
STREAMS: Final = {"events": open_events, "run_log_stream": open_log}


def create_app(services: Services) -> Starlette:
    """Return the pages as an ASGI application. `app.state.hub.stop()` ends all open streams."""
    built = house.build(services)
    gate = Gate(built)

    async def on_error(scope: Scope, error: Exception) -> ASGIApp:
        return await gate.stray(scope, _no_body, error)

    async def on_http_error(request: Request, error: Exception) -> Response:
        return await gate.stray(request.scope, request.receive, error)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        yield
        built.hub.stop()

    app = Starlette(
        routes=_routes(gate),
        middleware=[Middleware(Guards, settings=services.settings, on_error=on_error, traffic=built.traffic)],
        exception_handlers={HTTPException: on_http_error},
        lifespan=lifespan,
        max_body_size=None,
    )
    # A guessed slash would answer with an address made from what the client called us.
    app.router.redirect_slashes = False
    app.state.hub = built.hub
    app.state.house = built
    return app


def _routes(gate: Gate) -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        Mount(f"/static/{version()}", StaticAssets(), name="static"),
        Mount(API_ROOT, create_api(gate), name="api"),
    ]
    for name, handlers in PAGES.items():
        routes.append(_route(name, handlers, Page(gate, name, handlers)))
    for name, opener in STREAMS.items():
        routes.append(_route(name, {"GET": None}, Stream(gate, name, opener)))
    turnstile = Turnstile(gate.house.services.clock)
    # HEAD comes with GET; what calls may know any of the three.
    return [*routes, *(_route(name, {"GET": None, "POST": None}, Ping(gate, name, turnstile)) for name in PINGS)]


def _route(name: str, methods: Mapping[Method, object], endpoint: ASGIApp) -> Route:
    for method in methods:
        row_for(name, method)
    return Route(ALL_PATHS[name], endpoint, methods=list(methods), name=name)


async def _no_body() -> dict[str, str]:
    return {"type": "http.disconnect"}
