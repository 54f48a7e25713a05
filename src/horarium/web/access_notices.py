"""List the routes of notifications with who may use them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from horarium.accounts.roles import Permission
from horarium.notify.channels.kinds import KINDS
from horarium.web.rows import Door, Method, Row, Transport, Who, answered

_READ: Final = Permission.NOTICES_READ
_USE: Final = Permission.NOTICES_USE
CHANNEL_VALUES: Final = frozenset(f"{kind.name}.{each.name}" for kind in KINDS.values() for each in kind.fields)
"""The fields of a form that hold the values of a channel, of whichever kind."""
_ABOUT: Final = frozenset({"name", "most_per_hour", "most_per_day"})
_RULE: Final = frozenset(
    {
        *("owner", "scope", "tag", "task", "project", "person", "kind", "after_failures", "after_minutes"),
        *("frequency", "every_minutes", "to", "people", "mute_tasks", "mute_checks", "goes_on", "is_on"),
    }
)


def _list(route: str, permission: Permission, *many: str) -> Row:
    return Row(route, "GET", permission, answered(302, 200), many=frozenset(many))


def _of_one(route: str, method: Method, done: int, *fields: str, many: frozenset[str] = frozenset()) -> Row:
    """Return the row of something about one thing that its owner and administrators have: others do not find it."""
    answers = {**dict.fromkeys(Who, 404), Who.OWNER: done, Who.ADMIN: done}
    answers[Who.ANONYMOUS] = 302 if method == "GET" else 401
    needs = _READ if method == "GET" else _USE
    return Row(route, method, needs, answers, frozenset(fields), many)


def _api(route: str, method: Method, done: int, *fields: str) -> Row:
    needs = _READ if method == "GET" else _USE
    return Row(route, method, needs, answered(401, done), frozenset(fields), transport=Transport.API)


def _api_of_one(route: str, method: Method, done: int) -> Row:
    answers = {**dict.fromkeys(Who, 404), Who.ANONYMOUS: 401, Who.OWNER: done, Who.ADMIN: done}
    return replace(_of_one(route, method, done), answers=answers, transport=Transport.API)


NOTICE_ROWS: Final = (
    _list("channels", _READ),
    _list("channel_new", _USE),
    Row(
        *("channel_new", "POST", _USE, answered(401, 303)),
        fields=frozenset({"kind", "owner"}) | _ABOUT | CHANNEL_VALUES,
        fresh=True,
    ),
    _of_one("channel", "GET", 200),
    replace(_of_one("channel", "POST", 303, *_ABOUT, *CHANNEL_VALUES), fresh=True),
    replace(_of_one("channel_test", "POST", 303, "back"), asks_outside=True),
    _of_one("channel_pause", "POST", 303, "back"),
    _of_one("channel_resume", "POST", 303, "back"),
    _of_one("channel_remove", "GET", 200),
    _of_one("channel_remove", "POST", 303),
    _list("rules", _READ),
    _list("rule_new", _USE),
    Row(
        *("rule_new", "POST", _USE, answered(401, 303)),
        fields=_RULE,
        many=frozenset({"kind", "to"}),
    ),
    _of_one("rule", "GET", 200),
    _of_one("rule", "POST", 303, *_RULE - {"owner"}, many=frozenset({"kind", "to"})),
    _of_one("rule_switch", "POST", 303, "on"),
    _of_one("rule_move", "POST", 303, "by"),
    _of_one("rule_remove", "POST", 303),
    _of_one("rule_back", "POST", 303),
    _list("messages", _READ, "state", "channel"),
    _of_one("message", "GET", 200),
    _of_one("message_resend", "POST", 303, "back"),
    Row(
        *("snoozes", "POST", _USE, answered(401, 303)),
        fields=frozenset({"what", "task", "channel", "length", "until", "whom", "reason", "back"}),
    ),
    _of_one("snooze_end", "POST", 303, "back"),
    Row("unsubscribe", "GET", Door.EVERYBODY, answered(200, 200)),
    Row("unsubscribe", "POST", Door.EVERYBODY, answered(200, 200), one_click=True),
    Row("unsubscribe_back", "POST", Door.EVERYBODY, answered(200, 200), frozenset({"was"})),
)
"""The pages of channels, rules, messages, and of what is held back; and the link in a mail that ends such mail."""

_PAGED: Final = ("limit", "cursor")
NOTICE_API_ROWS: Final = (
    _api("api_channels", "GET", 200),
    _api("api_channels", "POST", 201),
    _api_of_one("api_channel", "GET", 200),
    _api_of_one("api_channel", "PATCH", 200),
    _api_of_one("api_channel", "DELETE", 204),
    replace(_api_of_one("api_channel_test", "POST", 200), asks_outside=True),
    _api_of_one("api_channel_pause", "POST", 200),
    _api_of_one("api_channel_resume", "POST", 200),
    _api("api_rules", "GET", 200, "owner"),
    _api("api_rules", "POST", 201),
    _api("api_rules_order", "POST", 200),
    _api_of_one("api_rule", "GET", 200),
    _api_of_one("api_rule", "PATCH", 200),
    _api_of_one("api_rule", "DELETE", 204),
    _api("api_deliveries", "GET", 200, "channel", "state", "task", *_PAGED),
    _api_of_one("api_delivery", "GET", 200),
    _api_of_one("api_delivery_resend", "POST", 200),
    _api("api_muted", "GET", 200, *_PAGED),
    _api("api_snoozes", "GET", 200),
    _api("api_snoozes", "POST", 201),
    _api_of_one("api_snooze", "DELETE", 204),
)
"""The same for programs."""
