"""List every route with who may use it: the pages are built from this table, and a test replays all of it.

A route without a row cannot be built. What is not allowed here is refused before anything of the request is read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from horarium.accounts.roles import Permission
from horarium.preferences.catalogue import ON_TELLING
from horarium.vault.kinds import KINDS
from horarium.web.access_notices import NOTICE_API_ROWS, NOTICE_ROWS
from horarium.web.rows import ALL_PATHS, PINGS, Door, Method, Row, Transport, Who, answered

__all__ = [
    "ALL_PATHS",
    "API_ROWS",
    "BEFORE_SECOND_STEP",
    "ROWS",
    "Door",
    "Method",
    "Row",
    "Transport",
    "Who",
    "row_for",
]

_LIST: Final = frozenset({"tag", "kind", "state"})
_PAIRS: Final = frozenset({"key", "value"})
_RULES: Final = _PAIRS | {"lock"}
_OWN_VALUES: Final = frozenset({"custom.name", "custom.value"})
_VALUES: Final = (
    _OWN_VALUES | {f"{kind.name}.{field.name}" for kind in KINDS.values() for field in kind.fields} | {"ssh_key.make"}
)
_ABOUT: Final = ("name", "note", "hosts", "expires", "rotate")
_CHECK: Final = ("name", "description", "kind", "every", "unit", "cron", "timezone", "grace", "grace_unit", "belongs")
_RANKS: Final = (Who.VIEWER, Who.OPERATOR, Who.EDITOR)


def _page(route: str, needs: Permission | Door, *, many: frozenset[str] = frozenset()) -> Row:
    """Return the row of a list, which everybody may look at and finds in it what they see."""
    return Row(route, "GET", needs, answered(302, 200), many=many)


def _of_task(route: str, method: Method, needs: Permission, done: int, *fields: str, anonymous: int = 401) -> Row:
    """Return the row of something about one task or run: not found by who does not see it, refused to who may not."""
    least = {Permission.TASKS_READ: 0, Permission.RUNS_READ: 0}.get(needs, 1)
    answers = {
        Who.ANONYMOUS: anonymous,
        Who.STRANGER: 404,
        **{who: done if rank >= least else 403 for rank, who in enumerate(_RANKS)},
        Who.OWNER: done,
        Who.ADMIN: done,
    }
    return Row(route, method, needs, answers, frozenset(fields))


def _look(route: str, needs: Permission) -> Row:
    return _of_task(route, "GET", needs, 200, anonymous=302)


def _act(route: str, needs: Permission, *fields: str) -> Row:
    return _of_task(route, "POST", needs, 303, "back", *fields)


def _own(
    route: str, method: Method, done: int, *fields: str, many: frozenset[str] = frozenset(), fresh: bool = False
) -> Row:
    """Return the row of something that everybody signed in has for themselves, and nobody for anyone else."""
    return Row(
        *(route, method, Door.SIGNED_IN),
        answers=answered(302 if method == "GET" else 401, done),
        fields=frozenset(fields),
        many=many,
        fresh=fresh,
    )


def _administer(
    route: str,
    method: Method,
    needs: Permission,
    *fields: str,
    many: frozenset[str] = frozenset(),
    fresh: bool = False,
) -> Row:
    """Return the row of something for administrators alone."""
    done = 200 if method == "GET" else 303
    refused = 302 if method == "GET" else 401
    answers = {**answered(refused, 403), Who.ADMIN: done}
    return Row(route, method, needs, answers, frozenset(fields), many, fresh=fresh)


def _api(route: str, method: Method, needs: Permission, done: int, *fields: str, fresh: bool = False) -> Row:
    """Return the row of something that every token of enough scope is answered, for the API."""
    return Row(route, method, needs, answered(401, done), frozenset(fields), fresh=fresh, transport=Transport.API)


def _api_of_task(route: str, method: Method, needs: Permission, done: int, *fields: str) -> Row:
    """Return the row of something about one task or run, for the API."""
    return replace(_of_task(route, method, needs, done, *fields), transport=Transport.API)


def _of_project(route: str, method: Method, least: Who, done: int, *fields: str, fresh: bool = False) -> Row:
    """Return the row of something about one project: not found by who is no member, refused below the role `least`.

    Its owner here is whoever administers the project.
    """
    ranks = (*_RANKS, Who.OWNER)
    answers = {
        Who.ANONYMOUS: 302 if method == "GET" else 401,
        Who.STRANGER: 404,
        **{who: done if rank >= ranks.index(least) else 403 for rank, who in enumerate(ranks)},
        Who.ADMIN: done,
    }
    return Row(route, method, Door.SIGNED_IN, answers, frozenset(fields), fresh=fresh)


def _api_of_check(method: Method, done: int, least: Who, *fields: str, act: str = "") -> Row:
    """Return the row of something about one heartbeat, for the API."""
    row = _of_project(f"api_check{act}", method, least, done, *fields)
    needs = Permission.CHECKS_READ if least is Who.VIEWER else Permission.CHECKS_MANAGE
    return replace(row, needs=needs, answers={**row.answers, Who.ANONYMOUS: 401}, transport=Transport.API)


def _of_credential(
    route: str, method: Method, least: Who, *fields: str, many: frozenset[str] = frozenset(), fresh: bool = False
) -> Row:
    """Return the row of something about one credential: not found by who may not know of it, refused below `least`.

    Here a viewer and an operator are let use it, and an editor is let replace its values.
    """
    done, ranks = 200 if method == "GET" else 303, (*_RANKS, Who.OWNER)
    answers = {
        Who.ANONYMOUS: 302 if method == "GET" else 401,
        Who.STRANGER: 404,
        **{who: done if rank >= ranks.index(least) else 403 for rank, who in enumerate(ranks)},
        Who.ADMIN: done,
    }
    return Row(route, method, Permission.CREDENTIALS_USE, answers, frozenset(fields), many, fresh=fresh)


def _project_ends(method: Method, *fields: str) -> Row:
    """Return the row of removing a project, which decides over tasks: for administrators of the installation alone."""
    answers = {
        **answered(302 if method == "GET" else 401, 403),
        Who.STRANGER: 404,
        Who.ADMIN: 200 if method == "GET" else 303,
    }
    return Row("project_remove", method, Door.SIGNED_IN, answers, frozenset(fields), fresh=method == "POST")


_MANAGE: Final = Permission.USERS_MANAGE
_SYSTEM: Final = Permission.SYSTEM_MANAGE
_AUDIT: Final = frozenset({"who", "did", "result", "way"})
_KEPT: Final = ("run_days", "failure_days", "runs", "output_days", "event_days", "audit_days")

ROWS: Final = (
    Row("setup", "GET", Door.EVERYBODY, answered(404, 404)),
    Row(
        *("setup", "POST", Door.EVERYBODY, answered(404, 404)),
        fields=frozenset({"code", "team", "name", "email", "password"}),
    ),
    Row("login", "GET", Door.EVERYBODY, answered(200, 302)),
    Row(
        *("login", "POST", Door.EVERYBODY, answered(401, 401)),
        fields=frozenset({"email", "password", "next", "stay"}),
    ),
    # Where no provider is set, there is nothing behind these.
    Row("elsewhere", "GET", Door.EVERYBODY, answered(404, 404), asks_outside=True),
    Row("elsewhere_back", "GET", Door.EVERYBODY, answered(404, 404), asks_outside=True),
    Row("login_second", "GET", Door.EVERYBODY, answered(302, 302)),
    Row(
        *("login_second", "POST", Door.EVERYBODY, answered(303, 303)),
        fields=frozenset({"code", "by", "trust", "cancel", "asked", "credential"}),
    ),
    Row(
        *("login_passkey", "POST", Door.EVERYBODY, answered(401, 401)),
        fields=frozenset({"next", "asked", "credential"}),
    ),
    Row("logout", "POST", Door.SIGNED_IN, answered(401, 303)),
    _own("second_step", "GET", 302),
    Row("forgot", "GET", Door.EVERYBODY, answered(200, 200)),
    Row("forgot", "POST", Door.EVERYBODY, answered(303, 303), fields=frozenset({"login"})),
    Row("reset", "GET", Door.EVERYBODY, answered(200, 200)),
    Row("reset", "POST", Door.EVERYBODY, answered(303, 303), fields=frozenset({"password"})),
    Row("register", "GET", Door.EVERYBODY, answered(200, 200)),
    Row("register", "POST", Door.EVERYBODY, answered(303, 303), fields=frozenset({"email"})),
    Row("join", "GET", Door.EVERYBODY, answered(200, 200)),
    Row("join", "POST", Door.EVERYBODY, answered(303, 303), fields=frozenset({"name", "password", "time_zone"})),
    Row("confirm", "GET", Door.EVERYBODY, answered(200, 200)),
    Row("confirm", "POST", Door.EVERYBODY, answered(303, 303)),
    _page("overview", Permission.TASKS_READ),
    _page("tasks", Permission.TASKS_READ, many=_LIST),
    _look("task", Permission.TASKS_READ),
    Row(
        *("tasks_act", "POST", Permission.TASKS_PAUSE, answered(401, 303)),
        fields=frozenset({"back", "id", "action"}),
        many=frozenset({"id"}),
    ),
    _act("task_run", Permission.TASKS_TRIGGER),
    _act("task_pause", Permission.TASKS_PAUSE, "reason"),
    _act("task_resume", Permission.TASKS_PAUSE),
    _act("task_unpark", Permission.TASKS_PAUSE),
    _page("runs", Permission.RUNS_READ, many=_LIST),
    _look("run", Permission.RUNS_READ),
    _act("run_again", Permission.TASKS_TRIGGER),
    _act("run_stop", Permission.RUNS_CANCEL),
    _look("run_log", Permission.RUNS_READ),
    _of_task("run_log_stream", "GET", Permission.RUNS_READ, 200),
    _own("settings", "GET", 302),
    _own("settings_profile", "GET", 200),
    _own("settings_profile", "POST", 303, "display_name"),
    _own("settings_email", "POST", 303, "email", "current", "keep_tokens"),
    _own("settings_email_confirm", "POST", 303),
    _own("settings_email_withdraw", "POST", 303),
    _own("settings_signin", "GET", 200),
    _own("settings_password", "POST", 303, "current", "new", "keep_tokens"),
    _own("settings_app_new", "POST", 200, fresh=True),
    _own("settings_app", "POST", 422, "key", "code", fresh=True),
    _own("settings_app_remove", "POST", 303, fresh=True),
    _own("settings_codes", "POST", 409, fresh=True),
    _own("settings_passkey", "POST", 422, "name", "asked_new", "credential", fresh=True),
    _own("settings_passkey_rename", "POST", 303, "passkey", "name"),
    _own("settings_passkey_remove", "POST", 303, "passkey", fresh=True),
    _own("settings_sessions", "GET", 200),
    _own("settings_session_end", "POST", 303, "session"),
    _own("settings_sessions_end", "POST", 303),
    _administer("user_reset_second_step", "POST", Permission.USERS_MANAGE, "back", fresh=True),
    _administer("invitations", "GET", Permission.USERS_MANAGE),
    _administer(
        *("invitations", "POST", Permission.USERS_MANAGE),
        *("email", "role", "project", "project_role"),
        fresh=True,
    ),
    _administer("invitation_withdraw", "POST", Permission.USERS_MANAGE),
    _administer("invitation_resend", "POST", Permission.USERS_MANAGE, fresh=True),
    replace(
        _administer("invitation_link", "POST", Permission.USERS_MANAGE, fresh=True),
        answers={**answered(401, 403), Who.ADMIN: 200},
    ),
    _administer("user_reset", "POST", Permission.USERS_MANAGE, "by_hand", "back", fresh=True),
    _own("settings_tokens", "GET", 200),
    Row(
        *("settings_tokens", "POST", Door.SIGNED_IN, answered(401, 200)),
        fields=frozenset({"name", "scope", "days"}),
        many=frozenset({"scope"}),
        fresh=True,
    ),
    _own("settings_token_revoke", "POST", 303, "token"),
    Row("users", "GET", _MANAGE, {**answered(302, 403), Who.ADMIN: 200}, many=frozenset({"role"})),
    _administer("user", "GET", _MANAGE),
    _administer("user_role", "POST", _MANAGE, "role", fresh=True),
    _administer("user_session_end", "POST", _MANAGE, "session"),
    _administer("user_sessions_end", "POST", _MANAGE, "back"),
    _administer("user_leave", "GET", _MANAGE),
    _administer("user_leave", "POST", _MANAGE, "act", "fate", "heir", "project", "runs", "confirm", fresh=True),
    _administer("user_open", "POST", _MANAGE, fresh=True),
    _own("projects", "GET", 200),
    _administer("projects", "POST", Permission.PROJECTS_MANAGE, "name", "description"),
    _of_project("project", "GET", Who.VIEWER, 200),
    _of_project("project", "POST", Who.OWNER, 303, "name", "description"),
    _of_project("project_member", "POST", Who.OWNER, 303, "who", "role", fresh=True),
    _of_project("project_member_drop", "POST", Who.OWNER, 303, "user"),
    _project_ends("GET"),
    _project_ends("POST", "fate", "heir", "project", "runs", "confirm"),
    _page("credentials", Permission.CREDENTIALS_USE, many=frozenset({"kind", "owner", "state"})),
    _page("credential_new", Permission.CREDENTIALS_USE),
    Row(
        *("credential_new", "POST", Permission.CREDENTIALS_USE, answered(401, 303)),
        fields=frozenset({"kind", "owner", "act", *_ABOUT}) | _VALUES,
        many=_OWN_VALUES,
        fresh=True,
        asks_outside=True,
    ),
    _of_credential("credential", "GET", Who.VIEWER),
    _of_credential("credential", "POST", Who.OWNER, *_ABOUT),
    _of_credential("credential_values", "GET", Who.EDITOR),
    replace(
        _of_credential("credential_values", "POST", Who.EDITOR, "keep", "act", *_VALUES, many=_OWN_VALUES, fresh=True),
        asks_outside=True,
    ),
    replace(_of_credential("credential_test", "POST", Who.EDITOR, "back"), asks_outside=True),
    _of_credential("credential_stop", "POST", Who.OWNER),
    _of_credential("credential_restore", "POST", Who.OWNER),
    _of_credential("credential_give", "POST", Who.OWNER, "heir", "installation", fresh=True),
    _of_credential("credential_remove", "GET", Who.OWNER),
    _of_credential("credential_remove", "POST", Who.OWNER, "confirm", fresh=True),
    _of_credential("credential_back", "POST", Who.OWNER, fresh=True),
    _of_credential("credential_erase", "POST", Who.OWNER),
    _of_credential("credential_grant", "POST", Who.OWNER, "to", "who", "replace", "until", fresh=True),
    _of_credential("credential_revoke", "POST", Who.OWNER),
    _of_credential("credential_regrant", "POST", Who.OWNER),
    Row("audit", "GET", Permission.AUDIT_READ, {**answered(302, 403), Who.ADMIN: 200}, many=_AUDIT),
    _administer("audit_verify", "POST", Permission.AUDIT_READ),
    Row(
        *("audit_export", "POST", Permission.AUDIT_READ, {**answered(401, 403), Who.ADMIN: 200}),
        fields=_AUDIT | {"format", "q", "from", "to"},
        many=_AUDIT,
        fresh=True,
    ),
    _administer("audit_archives", "GET", Permission.AUDIT_READ),
    # Where nothing was archived, there is nothing to download.
    replace(
        _administer("audit_archive", "POST", Permission.AUDIT_READ, "archive", fresh=True),
        answers={**answered(401, 403), Who.ADMIN: 404},
    ),
    _administer("storage", "GET", Permission.SYSTEM_READ),
    # What would go is counted for it, which may take a moment.
    replace(_administer("storage_clear", "GET", Permission.SYSTEM_MANAGE), asks_outside=True),
    _administer("storage_clear", "POST", Permission.SYSTEM_MANAGE, "kind", "days", fresh=True),
    _administer("storage_keep", "POST", Permission.SYSTEM_MANAGE, *_KEPT, fresh=True),
    _own("settings_time", "GET", 200),
    _own("settings_time", "POST", 303, "timezone", "date_language", "clock", "week_start", "look", "page_size"),
    _own("settings_summary", "GET", 200),
    _own("settings_summary", "POST", 303, *_PAIRS, many=_PAIRS),
    _page("summary", Permission.TASKS_READ),
    _page("summary_mail", Permission.TASKS_READ),
    _page("summary_pdf", Permission.TASKS_READ),
    _own("settings_added", "GET", 200),
    _own("settings_added", "POST", 303, *_PAIRS, many=_PAIRS),
    _administer("settings_rules", "GET", Permission.SYSTEM_MANAGE),
    _administer("settings_rules", "POST", Permission.SYSTEM_MANAGE, *_RULES, many=_RULES, fresh=True),
    *(Row(each, "GET", Door.EVERYBODY, answered(200, 200), by_address=True) for each in PINGS),
    *(Row(each, "POST", Door.EVERYBODY, answered(200, 200), by_address=True) for each in PINGS),
    _page("checks", Permission.CHECKS_READ),
    _own("check_new", "GET", 200),
    _own("check_new", "POST", 303, *_CHECK),
    _of_project("check", "GET", Who.VIEWER, 200),
    _of_project("check_edit", "GET", Who.EDITOR, 200),
    _of_project("check_edit", "POST", Who.EDITOR, 303, *_CHECK),
    _of_project("check_pause", "POST", Who.OPERATOR, 303),
    _of_project("check_resume", "POST", Who.OPERATOR, 303),
    _of_project("check_renew", "POST", Who.EDITOR, 303),
    _of_project("check_remove", "POST", Who.EDITOR, 303),
    _administer("system", "GET", Permission.SYSTEM_READ),
    _administer("system_maintenance", "POST", Permission.SYSTEM_MANAGE, "do", "reason", fresh=True),
    Row("system_support", "POST", Permission.SYSTEM_READ, {**answered(401, 403), Who.ADMIN: 200}),
    Row("metrics", "GET", Door.EVERYBODY, {**answered(401, 401), Who.ADMIN: 200}),
    _administer("backups", "GET", _SYSTEM),
    _administer("backups", "POST", _SYSTEM),
    _administer("backup_verify", "POST", _SYSTEM, "file"),
    _administer("backup_drill", "POST", _SYSTEM, "file"),
    replace(
        _administer("backup_download", "POST", _SYSTEM, "file", fresh=True),
        answers={**answered(401, 403), Who.ADMIN: 200},
    ),
    _administer("backup_restore", "GET", _SYSTEM),
    # Sound as it is, without the word that has to be typed.
    replace(
        _administer("backup_restore", "POST", _SYSTEM, "file", "confirm", fresh=True),
        answers={**answered(401, 403), Who.ADMIN: 422},
    ),
    _administer("schedules_release", "POST", _SYSTEM, "missed"),
    *NOTICE_ROWS,
    _own("settings_notices", "GET", 200),
    _own("settings_notices", "POST", 303, *(each.key for each in ON_TELLING)),
    Row("events", "GET", Permission.TASKS_READ, answered(401, 200)),
    Row("health_live", "GET", Door.EVERYBODY, answered(200, 200)),
    Row("health_ready", "GET", Door.EVERYBODY, answered(200, 200)),
)
"""Every route of the pages. The static files are the one thing beside it: they are the same for all, without data."""

BEFORE_SECOND_STEP: Final = frozenset(
    {"logout", "second_step", "settings_signin", "settings_app_new", "settings_app", "settings_codes"}
    | {"settings_passkey", "settings_password"}
)
"""What somebody may still do who had to set up a second step by now: just that, or leave."""

_PAGED: Final = ("limit", "cursor")
API_ROWS: Final = (
    _api("api_document", "GET", Permission.PROFILE_READ, 200),
    _api("api_me", "GET", Permission.PROFILE_READ, 200),
    _api("api_tokens", "GET", Permission.PROFILE_READ, 200),
    _api("api_tokens", "POST", Permission.PROFILE, 201, fresh=True),
    _api("api_token", "DELETE", Permission.PROFILE, 204),
    _api("api_tasks", "GET", Permission.TASKS_READ, 200, "view", "q", "tag", "kind", "sort", *_PAGED),
    _api_of_task("api_task", "GET", Permission.TASKS_READ, 200),
    _api_of_task("api_task_trigger", "POST", Permission.TASKS_TRIGGER, 201),
    _api_of_task("api_task_pause", "POST", Permission.TASKS_PAUSE, 200),
    _api_of_task("api_task_resume", "POST", Permission.TASKS_PAUSE, 200),
    _api("api_runs", "GET", Permission.RUNS_READ, 200, "view", "q", "task", "state", *_PAGED),
    _api_of_task("api_run", "GET", Permission.RUNS_READ, 200),
    _api_of_task("api_run_cancel", "POST", Permission.RUNS_CANCEL, 200),
    _api_of_task("api_run_output", "GET", Permission.RUNS_READ, 200, "attempt", "after", "limit"),
    _api("api_checks", "GET", Permission.CHECKS_READ, 200, *_PAGED),
    _api("api_checks", "POST", Permission.CHECKS_MANAGE, 201),
    _api_of_check("GET", 200, Who.VIEWER),
    _api_of_check("POST", 200, Who.EDITOR),
    _api_of_check("DELETE", 204, Who.EDITOR),
    _api_of_check("POST", 200, Who.OPERATOR, act="_pause"),
    _api_of_check("POST", 200, Who.OPERATOR, act="_resume"),
    replace(
        _administer("api_audit", "GET", Permission.AUDIT_READ, "q", "action", "source", "result", *_PAGED),
        answers={**answered(401, 403), Who.ADMIN: 200},
        transport=Transport.API,
    ),
    *NOTICE_API_ROWS,
)
"""Every route of the API. Each needs a permission, so that the scopes of a token count for all of them."""

BY_ROUTE: Final = {(row.route, row.method): row for row in (*ROWS, *API_ROWS)}


def row_for(route: str, method: Method) -> Row:
    """Return the row of a route. Raises KeyError for one that is not listed: then it must not be built."""
    return BY_ROUTE[route, method]
