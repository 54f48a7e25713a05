"""Say what a row of the access table is: a route and method, what it needs, and what is answered to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from horarium.accounts.roles import Permission
from horarium.web.links import API_ROOT, PATHS

Method = Literal["GET", "POST", "PATCH", "DELETE"]


class Transport(StrEnum):
    """By which way somebody comes: each has its own proof of who they are, and takes no other."""

    PAGES = "pages"
    """A browser with a session."""
    API = "api"
    """A program with a token."""


class Door(StrEnum):
    """Who may pass without a permission of their own."""

    EVERYBODY = "everybody"
    """Signed in or not."""
    SIGNED_IN = "signed in"
    """Whoever is signed in."""


class Who(StrEnum):
    """The kinds of people that the table has an answer for; a disabled person is answered like nobody."""

    ANONYMOUS = "anonymous"
    """Not signed in."""
    STRANGER = "stranger"
    """Signed in, without any right on what it is about: somebody else's, or the installation's."""
    VIEWER = "viewer"
    """May see what it is about."""
    OPERATOR = "operator"
    """May operate what it is about."""
    EDITOR = "editor"
    """May edit, and operates what it is about."""
    OWNER = "owner"
    """Owns what it is about, without any role beside that."""
    ADMIN = "admin"
    """May do everything."""


@dataclass(frozen=True, slots=True)
class Row:
    """One route and method: what it needs, what is answered to whom, and which fields its query or form may have.

    The answers are statuses for a sound request about something that exists. `many` are fields that may come more than
    once. A row that is `fresh` is for what is dangerous: whoever does it has proved a short while ago who they are. The
    API has no sessions: there they prove it with the request itself. One that `asks_outside` waits for another server,
    and keeps no page waiting meanwhile. What is `one_click` is done by a mail program, too, which has no form of ours:
    its path proves enough. One that is used `by_address` takes a token in its address for the whole proof: no session,
    no form, and looking at it is using it.
    """

    route: str
    method: Method
    needs: Permission | Door
    answers: Mapping[Who, int]
    fields: frozenset[str] = frozenset()
    many: frozenset[str] = frozenset()
    fresh: bool = False
    asks_outside: bool = False
    one_click: bool = False
    by_address: bool = False
    transport: Transport = Transport.PAGES

    @property
    def path(self) -> str:
        """Return the path, as Starlette writes it."""
        return ALL_PATHS[self.route]


OWN_PATHS: Final = {"health_live": "/health/live", "health_ready": "/health/ready", "metrics": "/metrics"}
PINGS: Final = ("ping", "ping_start", "ping_fail", "ping_code")
API_PATHS: Final = {
    "api_document": f"{API_ROOT}/openapi.json",
    "api_me": f"{API_ROOT}/me",
    "api_tokens": f"{API_ROOT}/tokens",
    "api_token": f"{API_ROOT}/tokens/{{token_id:int}}",
    "api_tasks": f"{API_ROOT}/tasks",
    "api_task": f"{API_ROOT}/tasks/{{task_id:int}}",
    "api_task_trigger": f"{API_ROOT}/tasks/{{task_id:int}}/trigger",
    "api_task_pause": f"{API_ROOT}/tasks/{{task_id:int}}/pause",
    "api_task_resume": f"{API_ROOT}/tasks/{{task_id:int}}/resume",
    "api_runs": f"{API_ROOT}/runs",
    "api_run": f"{API_ROOT}/runs/{{run_id:int}}",
    "api_run_cancel": f"{API_ROOT}/runs/{{run_id:int}}/cancel",
    "api_run_output": f"{API_ROOT}/runs/{{run_id:int}}/output",
    "api_audit": f"{API_ROOT}/audit",
    "api_checks": f"{API_ROOT}/heartbeats",
    "api_check": f"{API_ROOT}/heartbeats/{{check_id:int}}",
    "api_check_pause": f"{API_ROOT}/heartbeats/{{check_id:int}}/pause",
    "api_check_resume": f"{API_ROOT}/heartbeats/{{check_id:int}}/resume",
    "api_channels": f"{API_ROOT}/channels",
    "api_channel": f"{API_ROOT}/channels/{{channel_id:int}}",
    "api_channel_test": f"{API_ROOT}/channels/{{channel_id:int}}/test",
    "api_channel_pause": f"{API_ROOT}/channels/{{channel_id:int}}/pause",
    "api_channel_resume": f"{API_ROOT}/channels/{{channel_id:int}}/resume",
    "api_rules": f"{API_ROOT}/rules",
    "api_rules_order": f"{API_ROOT}/rules/order",
    "api_rule": f"{API_ROOT}/rules/{{rule_id:int}}",
    "api_deliveries": f"{API_ROOT}/deliveries",
    "api_delivery": f"{API_ROOT}/deliveries/{{message_id:int}}",
    "api_delivery_resend": f"{API_ROOT}/deliveries/{{message_id:int}}/resend",
    "api_muted": f"{API_ROOT}/muted",
    "api_snoozes": f"{API_ROOT}/snoozes",
    "api_snooze": f"{API_ROOT}/snoozes/{{snooze_id:int}}",
}
ALL_PATHS: Final = PATHS | OWN_PATHS | API_PATHS


def answered(anonymous: int, signed_in: int) -> dict[Who, int]:
    """Return the answers of something that is the same for everybody who is signed in."""
    return {who: anonymous if who is Who.ANONYMOUS else signed_in for who in Who}
