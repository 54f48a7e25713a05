"""Rules as pages: the list in its order, switching, moving, removing and bringing back."""

from __future__ import annotations

import json
from typing import Final

from starlette.responses import Response

from horarium.accounts.keys import seal, unseal
from horarium.errors import Conflict, InvalidValue
from horarium.notify import rule_acts
from horarium.notify.rule_desk import RuleView
from horarium.notify.rule_words import Naming, condition, frequency, muting, recipients, warnings
from horarium.records.notices import NoticeKind
from horarium.records.telling import Cause, Frequency, Recipient, Rule, Scope
from horarium.web.errors import Refusal
from horarium.web.frame import shell
from horarium.web.pages.notices import INSTALLATION, asker_of, rule_for, tabs
from horarium.web.pages.rule_words import naming_for
from horarium.web.pages.safe import sentence
from horarium.web.views.rules import RuleList, RuleRow, RulesPage
from horarium.web.views.shell import Notice, Undo
from horarium.web.visit import Visit

_LISTS: Final = {
    "installation": ("Rules for everyone", "the first that fits decides; a rule about one task comes before these"),
    "me": ("Your own rules", "they tell you and your channels of what you see"),
}


def show(visit: Visit) -> Response:
    """Show the rules in their order."""
    asker, desk = asker_of(visit), visit.house.telling.rules
    owners = {"installation": INSTALLATION, "me": visit.user.id}
    views = {
        whose: desk.list(asker=asker, owner_id=owner)
        for whose, owner in owners.items()
        if asker.sees_all or whose == "me"
    }
    has_channels = bool(visit.house.telling.channels.list(asker=asker))
    with visit.house.services.store.reading() as tx:
        naming = naming_for(visit, tx, [each.rule for found in views.values() for each in found])
        page = RulesPage(
            shell=shell(visit, tx),
            tabs=tabs(visit, "rules", rules=sum(map(len, views.values()))),
            lists=tuple(
                RuleList(whose=whose, title=_LISTS[whose][0], hint=_LISTS[whose][1], rows=_rows(found, naming))
                for whose, found in views.items()
            ),
            has_channels=has_channels,
        )
    return visit.show(page)


def send_switch(visit: Visit) -> Response:
    """Switch a rule on or off."""
    found, wanted = rule_for(visit), visit.form.text("on")
    if wanted not in {"yes", "no"}:
        raise InvalidValue("on", wanted, "use yes or no")
    visit.house.telling.rules.switch(found.id, on=wanted == "yes", asker=asker_of(visit))
    return _to_list(visit, f"The rule is {'on' if wanted == 'yes' else 'off'}")


def send_move(visit: Visit) -> Response:
    """Let a rule stand one place up or down."""
    found, wanted = rule_for(visit), visit.form.text("by")
    if wanted not in {"up", "down"}:
        raise InvalidValue("by", wanted, "use up or down")
    by = -1 if wanted == "up" else 1
    is_moved = rule_acts.move(visit.house.telling.rules, found.id, by, asker=asker_of(visit))
    return _to_list(
        visit, f"The rule stands one place {'higher' if by < 0 else 'lower'}" if is_moved else "It is there"
    )


def send_removal(visit: Visit) -> Response:
    """Remove a rule; the message about it offers to take that back."""
    found = rule_for(visit)
    try:
        rule, place = rule_acts.remove(visit.house.telling.rules, found.id, asker=asker_of(visit))
    except Conflict as error:
        return _to_list(visit, sentence(error), is_ok=False)
    href = visit.links.to("rule_back", kept=kept(visit.house.form_key, rule, place, visit.user.id))
    notice = Notice(status="ok", title="The rule is removed", undo=Undo(label="Undo", href=href))
    return visit.go(visit.links.to("rules"), notice=notice)


def send_back(visit: Visit) -> Response:
    """Bring a removed rule back, to the place that it had."""
    sealed = str(visit.request.path_params["kept"])
    plain = unseal(visit.house.form_key, sealed, "rule", str(visit.user.id))
    if plain is None:
        raise Refusal("not_found")
    place, rule = _read(json.loads(plain))
    try:
        rule_acts.bring_back(visit.house.telling.rules, rule, place, asker=asker_of(visit))
    except InvalidValue as error:
        return _to_list(visit, "It cannot come back", sentence(error), is_ok=False)
    return _to_list(visit, "The rule is back")


def kept(key: bytes, rule: Rule, place: int, user_id: int) -> str:
    """Return a removed rule as text that only the one who removed it can send back."""
    body = [
        *(place, rule.owner_id, rule.scope.value, rule.scope_id, rule.tag, sorted(each.value for each in rule.kinds)),
        *(rule.after_failures, rule.after_seconds, rule.frequency.value, rule.every_seconds),
        *([each.text for each in rule.recipients], rule.goes_on, rule.is_on),
        [each.text for each in rule.mute_while],
    ]
    return seal(key, json.dumps(body, separators=(",", ":")).encode(), "rule", str(user_id))


def _read(body: list[object]) -> tuple[int, Rule]:
    place, owner, scope, scope_id, tag, kinds, failures, seconds, often, every, told, goes_on, is_on, *more = body
    return int(str(place)), Rule(
        owner_id=int(str(owner)),
        scope=Scope(str(scope)),
        scope_id=int(str(scope_id)),
        tag=str(tag),
        kinds=frozenset(NoticeKind(each) for each in kinds if each in set(NoticeKind)),  # type: ignore[attr-defined]
        after_failures=int(str(failures)),
        after_seconds=None if seconds is None else int(str(seconds)),
        frequency=Frequency(str(often)),
        every_seconds=None if every is None else int(str(every)),
        recipients=tuple(Recipient.read(each) for each in told),  # type: ignore[attr-defined]
        # What an older release kept says nothing of it.
        mute_while=tuple(Cause.read(str(each)) for several in more for each in several),  # type: ignore[attr-defined]
        goes_on=bool(goes_on),
        is_on=bool(is_on),
    )


def _rows(views: list[RuleView], naming: Naming) -> tuple[RuleRow, ...]:
    found = []
    for place, each in enumerate(views, 1):
        before, tag, behind = condition(each.rule, naming)
        found.append(
            RuleRow(
                id=each.rule.id,
                place=place,
                before=before,
                tag=tag,
                behind=behind,
                then=recipients(each.rule, naming),
                often=frequency(each.rule),
                muted=muting(each.rule, naming),
                told=each.told,
                shut_by=each.shut_by,
                is_unsent=bool(warnings(each.rule, naming)) and not each.shut_by,
                is_on=each.rule.is_on,
                goes_on=each.rule.goes_on,
                is_standard=bool(each.rule.standard),
                is_first=place == 1,
                is_last=place == len(views),
            )
        )
    return tuple(found)


def _to_list(visit: Visit, title: str, text: str = "", *, is_ok: bool = True) -> Response:
    notice = Notice(status="ok" if is_ok else "failed", title=title, text=text)
    return visit.go(visit.links.to("rules"), notice=notice)
