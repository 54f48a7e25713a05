"""What several doors do with rules: names for their words, one place up or down, removing and bringing back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from horarium.errors import Conflict
from horarium.notify.mailing import EMAIL
from horarium.notify.muting import cause_names
from horarium.notify.rule_desk import RuleDesk
from horarium.notify.rule_words import Naming
from horarium.records.credentials import Asker
from horarium.records.telling import Rule, Scope, To
from horarium.store.books.channels import ChannelBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.projects import ProjectBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction


def naming(tx: Transaction, rules: Collection[Rule], *, asker: Asker, sends_mail: bool = True) -> Naming:
    """Return the names of what rules mention; tasks and checks that who asks does not see are not named.

    `sends_mail` tells whether there is a mail server.
    """
    named = [each for rule in rules for each in rule.recipients]
    people = {each.id for each in named if each.to is To.PERSON}
    people |= {rule.scope_id for rule in rules if rule.scope is Scope.PERSON}
    channels = ChannelBook(tx).by_ids({each.id for each in named if each.to is To.CHANNEL})
    tasks = TaskBook(tx).by_ids(sorted({rule.scope_id for rule in rules if rule.scope is Scope.TASK}))
    projects = {rule.scope_id for rule in rules if rule.scope is Scope.PROJECT}
    found = {number: ProjectBook(tx).get(number) for number in projects}
    return Naming(
        channels={key: each.name for key, each in channels.items()},
        people={key: each.words for key, each in PeopleBook(tx).by_ids(people).items()},
        tasks={key: each.name for key, each in tasks.items() if asker.reach.covers(each.place)},
        projects={key: each.name for key, each in found.items() if each is not None},
        causes=cause_names(tx, {each for rule in rules for each in rule.mute_while}, asker=asker),
        mail_channels=frozenset(key for key, each in channels.items() if each.kind == EMAIL),
        sends_mail=sends_mail,
        me=asker.user_id,
    )


def move(desk: RuleDesk, rule_id: int, by: int, *, asker: Asker) -> bool:
    """Let a rule stand `by` places further down (negative: up); return False where it stands at the end already.

    Raises `NotFound`.
    """
    rule = desk.show(rule_id, asker=asker)
    order = [each.rule.id for each in desk.list(asker=asker, owner_id=rule.owner_id)]
    place = order.index(rule_id)
    wanted = min(max(place + by, 0), len(order) - 1)
    if wanted == place:
        return False
    order.insert(wanted, order.pop(place))
    desk.put_in_order(order, asker=asker, owner_id=rule.owner_id)
    return True


def remove(desk: RuleDesk, rule_id: int, *, asker: Asker) -> tuple[Rule, int]:
    """Remove a rule; return it with the place that it had. Raises `NotFound`, `Conflict` for a standard one."""
    rule = desk.show(rule_id, asker=asker)
    if rule.standard:
        raise Conflict("every installation has this rule: switch it off instead")
    order = [each.rule.id for each in desk.list(asker=asker, owner_id=rule.owner_id)]
    return desk.remove(rule_id, asker=asker), order.index(rule_id)


def bring_back(desk: RuleDesk, rule: Rule, place: int, *, asker: Asker) -> Rule:
    """Save a removed rule anew, at the place that it had. Raises `InvalidValue` where what it names is gone."""
    made = desk.add(replace(rule, id=0, standard=""), asker=asker)
    order = [each.rule.id for each in desk.list(asker=asker, owner_id=made.owner_id)]
    move(desk, made.id, min(place, len(order) - 1) - order.index(made.id), asker=asker)
    return made
