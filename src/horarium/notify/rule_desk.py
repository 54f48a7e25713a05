"""Keep rules: add, change, put in order, switch, remove, for whom they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock
from horarium.errors import Denied, InvalidValue, NotFound
from horarium.notify.muting import causes_in, reaches_of
from horarium.notify.standard import FIRST_STANDARD, Gates, found
from horarium.records.credentials import Asker
from horarium.records.notices import NoticeKind
from horarium.records.reach import Place
from horarium.records.telling import Cause, Frequency, On, Recipient, Rule, Scope, To
from horarium.store.books.channels import ChannelBook, RuleBook
from horarium.store.books.notices import NoteBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.projects import ProjectBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store, Transaction

MOST_RULES: Final = 200
MOST_RECIPIENTS: Final = 20
MOST_CAUSES: Final = 20
LONGEST_SECONDS: Final = 366 * 86_400
MOST_FAILURES: Final = 1000
TAG_LIMIT: Final = 50
_COUNTED: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule as a list shows it: how often it told something in 30 days, and the setting that shuts it, if one does."""

    rule: Rule
    told: int
    shut_by: str = ""


class RuleDesk:
    """The rules of one store: administrators keep the installation's, people their own for what they see."""

    def __init__(self, store: Store, clock: Clock, *, gates: Gates | None = None) -> None:
        """Work on `store`; `gates` say which standard rules the settings shut."""
        self._store = store
        self._clock = clock
        self._gates = gates or Gates()
        self._trail = Trail(store, clock)

    def list(self, *, asker: Asker, owner_id: int = 0) -> list[RuleView]:
        """Return the rules of the installation, or of a person, in their order. Raises `NotFound` for others' own."""
        found(self._store, self._clock)
        _check_owner(owner_id, asker, reading=True)
        with self._store.reading() as tx:
            rules = RuleBook(tx).every(owner_ids=[owner_id])
            counts = NoteBook(tx).counts_by_rule(self._clock.now() - _COUNTED)
        return [RuleView(each, counts.get(each.id, 0), self._gates.shut(each)) for each in rules]

    def show(self, rule_id: int, *, asker: Asker) -> Rule:
        """Return a rule. Raises `NotFound`."""
        with self._store.reading() as tx:
            return _seen(tx, rule_id, asker)

    def add(self, wanted: Rule, *, asker: Asker) -> Rule:
        """Save a new rule, behind those that somebody added and before the standard ones.

        Raises `InvalidValue` by field, `Denied` for another owner's.
        """
        found(self._store, self._clock)
        _check_owner(wanted.owner_id, asker)
        with self._store.transaction() as tx:
            book = RuleBook(tx)
            before = book.every(owner_ids=[wanted.owner_id])
            if len(before) >= MOST_RULES:
                raise InvalidValue("rules", len(before), f"there are at most {MOST_RULES}: remove one first")
            checked = _checked(tx, wanted, asker)
            place = next((place for place, each in enumerate(before) if each.standard), len(before))
            draft = replace(checked, id=0, standard="", position=place, created_by=asker.actor.words)
            made = book.add(draft, now=self._clock.now())
            _place(book, [*before[:place], made, *before[place:]])
            self._trail.note(tx, asker.actor, Action.RULE_ADDED, about(made), after=shown(made))
            return _seen(tx, made.id, asker)

    def change(self, rule_id: int, wanted: Rule, *, asker: Asker) -> Rule:
        """Put what `wanted` says in the place of what a rule said; its owner and place stay.

        Raises `NotFound`, `InvalidValue`.
        """
        with self._store.transaction() as tx:
            before = _seen(tx, rule_id, asker)
            kept = replace(wanted, id=before.id, owner_id=before.owner_id, standard=before.standard)
            after = _checked(tx, replace(kept, position=before.position), asker, known=before.mute_while)
            RuleBook(tx).replace(after, now=self._clock.now())
            self._trail.note(
                tx, asker.actor, Action.RULE_CHANGED, about(after), before=shown(before), after=shown(after)
            )
            return _seen(tx, rule_id, asker)

    def switch(self, rule_id: int, *, on: bool, asker: Asker) -> Rule:
        """Switch a rule on or off. Raises `NotFound`."""
        with self._store.reading() as tx:
            before = _seen(tx, rule_id, asker)
        return self.change(rule_id, replace(before, is_on=on), asker=asker)

    def put_in_order(self, ids: Sequence[int], *, asker: Asker, owner_id: int = 0) -> Sequence[Rule]:
        """Let the rules of an owner stand in this order. Raises `InvalidValue` unless each is named once."""
        _check_owner(owner_id, asker)
        with self._store.transaction() as tx:
            book = RuleBook(tx)
            before = {each.id: each for each in book.every(owner_ids=[owner_id])}
            if sorted(ids) != sorted(before):
                raise InvalidValue("order", ", ".join(map(str, ids)), "name each rule once")
            _place(book, [before[each] for each in ids])
            self._trail.note(
                tx, asker.actor, Action.RULE_CHANGED, About("rule", None, "order"), after={"order": list(ids)}
            )
            return book.every(owner_ids=[owner_id])

    def remove(self, rule_id: int, *, asker: Asker) -> Rule:
        """Remove a rule, and what waits to be told by it. Raises `NotFound`."""
        with self._store.transaction() as tx:
            before = _seen(tx, rule_id, asker)
            NoteBook(tx).drop(rule_id=rule_id)
            RuleBook(tx).remove(rule_id)
            self._trail.note(tx, asker.actor, Action.RULE_REMOVED, about(before), before=shown(before))
        return before


def about(rule: Rule) -> About:
    """Return a rule as an audit entry names it."""
    return About("rule", rule.id or None, rule.standard or rule.tag or rule.scope.value)


def shown(rule: Rule) -> dict[str, Any]:
    """Return a rule as an audit entry shows it."""
    return {
        "scope": rule.scope.value,
        "scope_id": rule.scope_id,
        "tag": rule.tag,
        "kinds": sorted(each.value for each in rule.kinds),
        "after_failures": rule.after_failures,
        "after_seconds": rule.after_seconds,
        "frequency": rule.frequency.value,
        "every_seconds": rule.every_seconds,
        "recipients": [each.text for each in rule.recipients],
        "mute_while": [each.text for each in rule.mute_while],
        "goes_on": rule.goes_on,
        "is_on": rule.is_on,
    }


def _place(book: RuleBook, rules: Sequence[Rule]) -> None:
    is_behind = False
    for position, rule in enumerate(rules):
        # What somebody has put behind a standard rule stays there.
        is_behind = is_behind or bool(rule.standard)
        place = FIRST_STANDARD + position if is_behind else position
        if rule.position != place:
            book.place(rule.id, place)


def _check_owner(owner_id: int, asker: Asker, *, reading: bool = False) -> None:
    if asker.sees_all or owner_id == asker.user_id:
        return
    if reading:
        raise NotFound("there are no rules of others to see")
    raise Denied("rules are made for oneself; the installation's are for administrators")


def _seen(tx: Transaction, rule_id: int, asker: Asker) -> Rule:
    found_rule = RuleBook(tx).get(rule_id)
    if found_rule is None or not (asker.sees_all or found_rule.owner_id == asker.user_id):
        raise NotFound(f"there is no rule {rule_id}")
    return found_rule


def _checked(tx: Transaction, rule: Rule, asker: Asker, *, known: Sequence[Cause] = ()) -> Rule:
    """Return a rule as it is kept; `known` are the causes that it has, gone or not. Raises `InvalidValue` by field."""
    if not rule.kinds or NoticeKind.TEST in rule.kinds:
        raise InvalidValue("kinds", "", "choose at least one thing to be told of")
    _check_number("after_failures", rule.after_failures, 1, MOST_FAILURES)
    if rule.after_seconds is not None:
        _check_number("after_seconds", rule.after_seconds, 1, LONGEST_SECONDS)
    if rule.frequency is Frequency.AT_MOST:
        _check_number("every_seconds", rule.every_seconds, 60, LONGEST_SECONDS)
    every = rule.every_seconds if rule.frequency is Frequency.AT_MOST else None
    _check_recipients(tx, rule, asker)
    scope_id, tag = _scope(tx, rule, asker)
    causes = _causes(tx, replace(rule, scope_id=scope_id), asker, known)
    return replace(rule, every_seconds=every, scope_id=scope_id, tag=tag, mute_while=causes)


def _check_number(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidValue(name, value, f"use a whole number from {least} to {most:,}")


def _check_recipients(tx: Transaction, rule: Rule, asker: Asker) -> None:
    if not 1 <= len(rule.recipients) <= MOST_RECIPIENTS:
        raise InvalidValue("recipients", len(rule.recipients), f"name 1 to {MOST_RECIPIENTS}")
    for each in rule.recipients:
        if not _may_tell(tx, each, rule, asker):
            allowed = "use your own channels, or yourself" if rule.owner_id else "use a channel, person or group here"
            raise InvalidValue("recipients", each.text, allowed)


def _causes(tx: Transaction, rule: Rule, asker: Asker, known: Sequence[Cause]) -> tuple[Cause, ...]:
    """Return what mutes a rule, each once; its owner and who asks see what is new of it. Raises `InvalidValue`."""
    causes = tuple(dict.fromkeys(rule.mute_while))
    if len(causes) > MOST_CAUSES:
        raise InvalidValue("mute_while", len(causes), f"name at most {MOST_CAUSES}")
    fresh = [each for each in causes if each not in known]
    seen = causes_in(tx, fresh, asker.reach) if fresh else {}
    if fresh and rule.owner_id != asker.user_id:
        seen = causes_in(tx, list(seen), reaches_of(tx, [rule.owner_id])[rule.owner_id])
    for each in fresh:
        if each not in seen:
            raise InvalidValue("mute_while", each.text, f"there is no such {each.of.value}")
    if rule.scope is Scope.TASK and Cause(On.TASK, rule.scope_id) in causes:
        raise InvalidValue("mute_while", f"task:{rule.scope_id}", "a task does not depend on itself: name another one")
    return causes


def _may_tell(tx: Transaction, recipient: Recipient, rule: Rule, asker: Asker) -> bool:
    match recipient.to:
        case To.CHANNEL:
            channel = ChannelBook(tx).get(recipient.id)
            return channel is not None and channel.owner_id == rule.owner_id
        case To.PERSON:
            if rule.owner_id:
                return recipient.id == rule.owner_id
            return PeopleBook(tx).by_id(recipient.id) is not None
        case To.ADMINS:
            return rule.owner_id == 0
        case To.OWNER:
            return asker.sees_all or rule.owner_id == asker.user_id


def _scope(tx: Transaction, rule: Rule, asker: Asker) -> tuple[int, str]:
    """Return the number and the tag that a rule's scope takes. Raises `InvalidValue` for what is not there."""
    match rule.scope:
        case Scope.INSTALLATION:
            return 0, ""
        case Scope.TAG:
            tag = " ".join(rule.tag.split())
            if not 1 <= len(tag) <= TAG_LIMIT:
                raise InvalidValue("tag", rule.tag, f"use 1 to {TAG_LIMIT} characters")
            return 0, tag
        case Scope.TASK:
            task = TaskBook(tx).get(rule.scope_id)
            if task is None or task.removed_at is not None or not asker.reach.covers(task.place):
                raise InvalidValue("task", rule.scope_id, "there is no such task")
        case Scope.PROJECT:
            place = Place(project_id=rule.scope_id)
            if ProjectBook(tx).get(rule.scope_id) is None or not asker.reach.covers(place):
                raise InvalidValue("project", rule.scope_id, "there is no such project")
        case Scope.PERSON:
            is_own = not rule.owner_id or rule.scope_id == rule.owner_id
            if PeopleBook(tx).by_id(rule.scope_id) is None or not is_own:
                raise InvalidValue("person", rule.scope_id, "there is no such person")
    return rule.scope_id, ""
