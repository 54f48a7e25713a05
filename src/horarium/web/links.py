"""Know every address of the pages: one table for the routes and for the links, so that they cannot drift apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from horarium.web.assets import asset

API_ROOT: Final = "/api/v1"
"""Where the API begins; what stands below it is no page and has its paths in `access`."""

PATHS: Final[dict[str, str]] = {
    "overview": "/",
    "setup": "/setup",
    "login": "/login",
    "elsewhere": "/login/elsewhere",
    "elsewhere_back": "/login/elsewhere/back",
    "login_second": "/login/second-step",
    "login_passkey": "/login/passkey",
    "second_step": "/second-step",
    "logout": "/logout",
    "forgot": "/forgot",
    "reset": "/reset/{token}",
    "register": "/register",
    "join": "/join/{token}",
    "confirm": "/confirm/{token}",
    "tasks": "/tasks",
    "tasks_act": "/tasks/act",
    "task": "/tasks/{task_id:int}",
    "task_run": "/tasks/{task_id:int}/run",
    "task_pause": "/tasks/{task_id:int}/pause",
    "task_resume": "/tasks/{task_id:int}/resume",
    "task_unpark": "/tasks/{task_id:int}/unpark",
    "runs": "/runs",
    "run": "/runs/{run_id:int}",
    "run_again": "/runs/{run_id:int}/again",
    "run_stop": "/runs/{run_id:int}/stop",
    "run_log": "/runs/{run_id:int}/log",
    "run_log_stream": "/runs/{run_id:int}/log/stream",
    "settings": "/settings",
    "settings_profile": "/settings/profile",
    "settings_email": "/settings/email",
    "settings_email_confirm": "/settings/email/confirm",
    "settings_email_withdraw": "/settings/email/withdraw",
    "settings_signin": "/settings/sign-in",
    "settings_password": "/settings/password",
    "settings_app_new": "/settings/app/new",
    "settings_app": "/settings/app",
    "settings_app_remove": "/settings/app/remove",
    "settings_codes": "/settings/recovery-codes",
    "settings_passkey": "/settings/passkeys",
    "settings_passkey_rename": "/settings/passkeys/rename",
    "settings_passkey_remove": "/settings/passkeys/remove",
    "settings_sessions": "/settings/sessions",
    "settings_session_end": "/settings/sessions/end",
    "settings_sessions_end": "/settings/sessions/end-others",
    "user_reset_second_step": "/users/{user_id:int}/reset-second-step",
    "invitations": "/users/invitations",
    "invitation_withdraw": "/users/invitations/{invitation_id:int}/withdraw",
    "invitation_resend": "/users/invitations/{invitation_id:int}/resend",
    "invitation_link": "/users/invitations/{invitation_id:int}/link",
    "user_reset": "/users/{user_id:int}/reset",
    "settings_tokens": "/settings/tokens",
    "settings_token_revoke": "/settings/tokens/revoke",
    "users": "/users",
    "user": "/users/{user_id:int}",
    "user_role": "/users/{user_id:int}/role",
    "user_session_end": "/users/{user_id:int}/sessions/end",
    "user_sessions_end": "/users/{user_id:int}/sessions/end-all",
    "user_leave": "/users/{user_id:int}/leave",
    "user_open": "/users/{user_id:int}/open",
    "projects": "/projects",
    "project": "/projects/{project_id:int}",
    "project_member": "/projects/{project_id:int}/members",
    "project_member_drop": "/projects/{project_id:int}/members/remove",
    "project_remove": "/projects/{project_id:int}/remove",
    "credentials": "/credentials",
    "credential_new": "/credentials/new",
    "credential": "/credentials/{credential_id:int}",
    "credential_values": "/credentials/{credential_id:int}/values",
    "credential_test": "/credentials/{credential_id:int}/test",
    "credential_stop": "/credentials/{credential_id:int}/stop",
    "credential_restore": "/credentials/{credential_id:int}/restore",
    "credential_give": "/credentials/{credential_id:int}/owner",
    "credential_remove": "/credentials/{credential_id:int}/remove",
    "credential_back": "/credentials/{credential_id:int}/versions/{version:int}/back",
    "credential_erase": "/credentials/{credential_id:int}/versions/{version:int}/erase",
    "credential_grant": "/credentials/{credential_id:int}/grants",
    "credential_revoke": "/credentials/{credential_id:int}/grants/{grant_id:int}/revoke",
    "credential_regrant": "/credentials/{credential_id:int}/grants/{grant_id:int}/again",
    "channels": "/notifications",
    "channel_new": "/notifications/channels/new",
    "channel": "/notifications/channels/{channel_id:int}",
    "channel_test": "/notifications/channels/{channel_id:int}/test",
    "channel_pause": "/notifications/channels/{channel_id:int}/pause",
    "channel_resume": "/notifications/channels/{channel_id:int}/resume",
    "channel_remove": "/notifications/channels/{channel_id:int}/remove",
    "rules": "/notifications/rules",
    "rule_new": "/notifications/rules/new",
    "rule": "/notifications/rules/{rule_id:int}",
    "rule_switch": "/notifications/rules/{rule_id:int}/switch",
    "rule_move": "/notifications/rules/{rule_id:int}/move",
    "rule_remove": "/notifications/rules/{rule_id:int}/remove",
    "rule_back": "/notifications/rules/back/{kept}",
    "messages": "/notifications/sent",
    "message": "/notifications/sent/{message_id:int}",
    "message_resend": "/notifications/sent/{message_id:int}/resend",
    "snoozes": "/notifications/held",
    "snooze_end": "/notifications/held/{snooze_id:int}/end",
    "unsubscribe": "/unsubscribe/{token}",
    "unsubscribe_back": "/unsubscribe/{token}/back",
    "audit": "/audit",
    "audit_verify": "/audit/verify",
    "audit_export": "/audit/export",
    "audit_archives": "/audit/archives",
    "audit_archive": "/audit/archives/download",
    "storage": "/system/storage",
    "storage_clear": "/system/storage/clear",
    "storage_keep": "/system/storage/keep",
    "settings_time": "/settings/time",
    "settings_notices": "/settings/notifications",
    "settings_added": "/settings/applications",
    "settings_rules": "/settings/installation",
    "ping": "/ping/{ping}",
    "ping_start": "/ping/{ping}/start",
    "ping_fail": "/ping/{ping}/fail",
    "ping_code": "/ping/{ping}/{code:int}",
    "checks": "/heartbeats",
    "check_new": "/heartbeats/new",
    "check": "/heartbeats/{check_id:int}",
    "check_edit": "/heartbeats/{check_id:int}/edit",
    "check_pause": "/heartbeats/{check_id:int}/pause",
    "check_resume": "/heartbeats/{check_id:int}/resume",
    "check_renew": "/heartbeats/{check_id:int}/address",
    "check_remove": "/heartbeats/{check_id:int}/remove",
    "system": "/system",
    "system_maintenance": "/system/maintenance",
    "system_support": "/system/support",
    "backups": "/system/backups",
    "backup_verify": "/system/backups/verify",
    "backup_drill": "/system/backups/drill",
    "backup_download": "/system/backups/download",
    "backup_restore": "/system/backups/restore",
    "schedules_release": "/system/backups/release",
    "settings_summary": "/settings/summary",
    "summary": "/summary",
    "summary_mail": "/summary/mail",
    "summary_pdf": "/summary/paper",
    "events": "/events",
}
"""Each page and action by name, as Starlette routes."""

_PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses as seen from outside: `root` is the path of the mount, without a slash at its end."""

    root: str = ""

    def to(self, name: str, fragment: str = "", /, **parameters: object) -> str:
        """Return the address of a page or action; parameters that its path does not name become the query.

        A parameter of None is left out, a list or tuple is repeated. Raises KeyError for an unknown name or a missing
        part of the path.
        """
        path = PATHS[name]
        named = _PARAMETER.findall(path)
        filled = _PARAMETER.sub(lambda found: quote(str(parameters[found[1]]), safe=""), path)
        query = urlencode(
            [(key, value) for key, value in parameters.items() if key not in named and value is not None], doseq=True
        )
        return f"{self.root}{filled}{'?' if query else ''}{query}{'#' if fragment else ''}{fragment}"

    def asset(self, name: str) -> str:
        """Return the address of a static file, with its version."""
        return f"{self.root}{asset(name)}"


def is_api(path: str, root: str) -> bool:
    """Tell whether a path belongs to the API, with or without the path of the mount before it."""
    return path.removeprefix(root).startswith(f"{API_ROOT}/")
