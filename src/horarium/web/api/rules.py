"""Rules: look at them, make, change and remove them, put them in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from horarium.errors import InvalidValue
from horarium.notify import rule_acts
from horarium.records.notices import NoticeKind
from horarium.records.telling import Cause, Frequency, Recipient, Rule, Scope
from horarium.web.api.notice_shapes import RuleShape, RulesShape, listed_rule_shape, rule_shape
from horarium.web.api.routing import Asking
from horarium.web.pages.notices import INSTALLATION, asker_of
from horarium.web.pages.rule_words import naming_for
from horarium.web.visit import Visit

_BODY: Final = ConfigDict(extra="forbid", strict=True)
_MOST: Final = (1 << 53) - 1
_MOST_RULES: Final = 500
Whose = Literal["", "me", "installation"]
Number = Annotated[int, Field(ge=0, le=_MOST)]
Kind = Literal[
    "failed",
    "recovered",
    "succeeded",
    "late",
    "stuck",
    "too_long",
    "never_started",
    "parked",
    "credential_expiring",
    "credential_inactive",
    "backup_failed",
    "disk_low",
    "store_damaged",
    "scheduler_silent",
    "heartbeat_missed",
    "channel_disabled",
]
Kinds = Annotated[list[Kind], Field(min_length=1, max_length=20)]
Recipients = Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=20)]

Causes = Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=20)]


class RulesQuery(BaseModel):
    """Whose rules to list: `me`, or `installation`, which is usual for who keeps those."""

    owner: Whose = ""


class RuleBody(BaseModel):
    """What a rule says; `recipients` are texts such as `channel:3`, `person:7`, `owner` and `admins`.

    `mute_while` are texts such as `task:12` and `check:3`: while one of these is failing, no trouble is told.
    """

    model_config = _BODY

    owner: Literal["me", "installation"] = "me"
    scope: Literal["installation", "project", "tag", "task", "person"] = "installation"
    scope_id: Number = 0
    tag: Annotated[str, Field(max_length=50)] = ""
    kinds: Kinds
    after_failures: Number = 1
    after_seconds: Number | None = None
    frequency: Literal["each", "once", "daily", "at_most"] = "once"
    every_seconds: Number | None = None
    recipients: Recipients
    mute_while: Causes = []
    goes_on: bool = False
    is_on: bool = True


class RulePatch(BaseModel):
    """What is to be other about a rule; what is left out stays."""

    model_config = _BODY

    scope: Literal["installation", "project", "tag", "task", "person"] = "installation"
    scope_id: Number = 0
    tag: Annotated[str, Field(max_length=50)] = ""
    kinds: Kinds = []
    after_failures: Number = 1
    after_seconds: Number | None = None
    frequency: Literal["each", "once", "daily", "at_most"] = "once"
    every_seconds: Number | None = None
    recipients: Recipients = []
    mute_while: Causes = []
    goes_on: bool = False
    is_on: bool = True


class OrderBody(BaseModel):
    """In which order rules are to stand: each number of the owner's once."""

    model_config = _BODY

    owner: Literal["me", "installation"] = "me"
    ids: Annotated[list[Number], Field(max_length=_MOST_RULES)]


def list_rules(visit: Asking, wanted: Annotated[RulesQuery, Query()]) -> RulesShape:
    """List rules in their order, with how often each told something."""
    usual = "installation" if asker_of(visit).sees_all else "me"
    return _listed(visit, _owner_id(visit, wanted.owner or usual))


def add_rule(visit: Asking, body: RuleBody) -> RuleShape:
    """Make a rule, behind those that somebody added and before the standard ones."""
    wanted = _with(Rule(owner_id=_owner_id(visit, body.owner)), body.model_dump(exclude={"owner"}))
    return _shape(visit, visit.house.telling.rules.add(wanted, asker=asker_of(visit)))


def order_rules(visit: Asking, body: OrderBody) -> RulesShape:
    """Put rules in order."""
    owner_id = _owner_id(visit, body.owner)
    visit.house.telling.rules.put_in_order(body.ids, asker=asker_of(visit), owner_id=owner_id)
    return _listed(visit, owner_id)


def get_rule(visit: Asking, rule_id: int) -> RuleShape:
    """Show one rule."""
    return _shape(visit, visit.house.telling.rules.show(rule_id, asker=asker_of(visit)))


def change_rule(visit: Asking, rule_id: int, body: RulePatch) -> RuleShape:
    """Change a rule; its place and owner stay."""
    desk, asker = visit.house.telling.rules, asker_of(visit)
    wanted = _with(desk.show(rule_id, asker=asker), body.model_dump(exclude_unset=True))
    return _shape(visit, desk.change(rule_id, wanted, asker=asker))


def remove_rule(visit: Asking, rule_id: int) -> None:
    """Remove a rule; one that every installation has can only be switched off."""
    rule_acts.remove(visit.house.telling.rules, rule_id, asker=asker_of(visit))


def _owner_id(visit: Visit, whose: str) -> int:
    return INSTALLATION if whose == "installation" else visit.user.id


def _with(rule: Rule, given: dict[str, Any]) -> Rule:
    """Return a rule with what was sent in the place of what it said. Raises `InvalidValue`."""
    kept = dict(given)
    if "scope" in kept:
        kept["scope"] = Scope(kept["scope"])
    if "frequency" in kept:
        kept["frequency"] = Frequency(kept["frequency"])
    if "kinds" in kept:
        kept["kinds"] = frozenset(NoticeKind(each) for each in kept["kinds"])
    if "recipients" in kept:
        kept["recipients"] = tuple(_recipient(each) for each in kept["recipients"])
    if "mute_while" in kept:
        kept["mute_while"] = tuple(_cause(each) for each in kept["mute_while"])
    return replace(rule, **kept)


def _recipient(text: str) -> Recipient:
    try:
        return Recipient.read(text)
    except ValueError:
        raise InvalidValue("recipients", text, "use channel:3, person:7, owner or admins") from None


def _cause(text: str) -> Cause:
    try:
        return Cause.read(text)
    except ValueError:
        raise InvalidValue("mute_while", text, "use task:12 or check:3, with the number of one") from None


def _shape(visit: Visit, rule: Rule) -> RuleShape:
    with visit.house.services.store.reading() as tx:
        return rule_shape(rule, naming_for(visit, tx, [rule]))


def _listed(visit: Visit, owner_id: int) -> RulesShape:
    views = visit.house.telling.rules.list(asker=asker_of(visit), owner_id=owner_id)
    with visit.house.services.store.reading() as tx:
        naming = naming_for(visit, tx, [each.rule for each in views])
    return RulesShape(rules=[listed_rule_shape(each, naming) for each in views])
