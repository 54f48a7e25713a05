"""Who is told of one task, as its page shows it: the rules that fit, and until when it is held back."""

from __future__ import annotations

from horarium.notify import rule_acts
from horarium.notify.rule_desk import RuleView
from horarium.notify.rules import OF_TASKS, Happening, fits
from horarium.records.notices import NoticeKind
from horarium.records.tasks import Task
from horarium.records.telling import Rule, Scope
from horarium.store.port import Transaction
from horarium.web.pages.held import LENGTHS
from horarium.web.pages.notices import INSTALLATION, asker_of
from horarium.web.pages.rule_words import words_of
from horarium.web.views.channels import RuleLine
from horarium.web.views.rules import Option
from horarium.web.views.task import Told
from horarium.web.visit import Visit

_ENDLESS = 10**9


def rules_of(visit: Visit) -> list[RuleView]:
    """Return the rules that somebody may see and that tell anything: one's own, an administrator's everybody's, too."""
    asker, desk = asker_of(visit), visit.house.telling.rules
    owners = (INSTALLATION, visit.user.id) if asker.sees_all else (visit.user.id,)
    found = [each for owner in owners for each in desk.list(asker=asker, owner_id=owner)]
    return [each for each in found if each.rule.is_on and not each.shut_by]


def told_of(visit: Visit, tx: Transaction, task: Task, views: list[RuleView]) -> Told:
    """Return who is told of a task."""
    asker = asker_of(visit)
    rules = [each.rule for each in views if is_about(each.rule, task)]
    rules.sort(key=lambda each: each.scope is not Scope.TASK)
    naming = rule_acts.naming(tx, rules, asker=asker)
    held = [
        each
        for each in visit.house.telling.log.snoozes(asker=asker)
        if each.task_id == task.id and not each.channel_id and not each.rule_id and each.user_id in {0, visit.user.id}
    ]
    last = max(held, key=lambda each: each.until, default=None)
    return Told(
        rules=tuple(RuleLine(id=each.id, words=words_of(each, naming), is_on=True) for each in rules),
        lengths=tuple(Option(value=value, label=label) for value, label in LENGTHS.items() if value != "until"),
        held_until=None if last is None else last.until,
        held_id=last.id if last is not None and (asker.sees_all or last.user_id) else None,
        is_all=asker.sees_all,
    )


def is_about(rule: Rule, task: Task) -> bool:
    """Tell whether a rule could tell something of a task, if that only happened often and long enough."""
    for kind in rule.kinds & OF_TASKS - {NoticeKind.RECOVERED}:
        happening = Happening(
            kind=kind,
            subject=f"task:{task.id}",
            name=task.name,
            at=task.created_at,
            task_id=task.id,
            place=task.place,
            tags=frozenset(task.definition.tags),
            streak=_ENDLESS,
            seconds=_ENDLESS,
            is_unusual=True,
        )
        if fits(rule, happening):
            return True
    return False
