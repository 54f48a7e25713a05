"""The form of a rule: what it offers, what was typed, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import Response

from horarium.accounts.names import key_of
from horarium.errors import InvalidValue
from horarium.notify.rule_words import FREQUENCIES, KINDS, LABELS, Naming
from horarium.records.notices import NoticeKind
from horarium.records.telling import Frequency, Recipient, Rule, Scope, To
from horarium.store.books.people import PeopleBook
from horarium.store.books.projects import ProjectBook
from horarium.store.port import Transaction
from horarium.web.frame import shell
from horarium.web.pages import rule_muting
from horarium.web.pages.notices import INSTALLATION, asker_of, rule_for
from horarium.web.pages.rule_words import naming_for, words_of
from horarium.web.views.rules import Option, RuleFormPage
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

TEXTS: Final = ("tag", "task", "project", "person", "after_failures", "after_minutes", "every_minutes", "people")
_LABELS: Final = {
    "scope": "About",
    "tag": "Tag",
    "task": "Task",
    "project": "Project",
    "person": "Person",
    "kind": "What happens",
    "after_failures": "Failures in a row",
    "after_minutes": "After minutes",
    "every_minutes": "Minutes",
    "frequency": "How often",
    "to": "Then tell",
    "people": "People",
    "mute_tasks": "Tasks",
    "mute_checks": "Heartbeats",
}
_FIELDS: Final = {
    "kinds": "kind",
    "after_seconds": "after_minutes",
    "every_seconds": "every_minutes",
    "recipients": "to",
    "rules": "kind",
}
_MINUTES: Final = "use minutes, such as 10 or 1.5, up to a year"
_MOST_MINUTES: Final = 366 * 1440
_SCOPES: Final = {
    Scope.INSTALLATION: ("Anything", "tasks, and whatever else happens here"),
    Scope.TAG: ("Tasks with a tag", "such as critical"),
    Scope.PROJECT: ("What is a project's", "its tasks and heartbeats, by its name"),
    Scope.TASK: ("One task", "comes before all other rules"),
    Scope.PERSON: ("What is a person's", "what they own, and tasks that run for them"),
}


@dataclass(slots=True)
class _Typed:
    """A form as it came, and what is wrong with it by field."""

    visit: Visit
    texts: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def number(self, name: str, usual: int) -> int:
        text = self.texts[name].strip()
        if not text:
            return usual
        if not (text.isascii() and text.isdigit() and len(text) <= 6):
            self.say(name, text, "use a whole number")
            return usual
        return int(text)

    def seconds(self, name: str) -> int | None:
        text = self.texts[name].strip().replace(",", ".")
        if not text:
            return None
        try:
            minutes = float(text)
        except ValueError:
            minutes = -1.0
        if not 0 < minutes <= _MOST_MINUTES:
            self.say(name, text, _MINUTES)
            return None
        return max(1, round(minutes * 60))

    def say(self, name: str, value: object, allowed: str) -> None:
        shown = f" “{str(value)[:60]}”" if value not in {"", None} else ""
        self.errors.setdefault(name, f"{_LABELS.get(name, name)}{shown}: {allowed}.")


def show_new(visit: Visit) -> Response:
    """Show the form of a new rule."""
    is_own = not asker_of(visit).sees_all or visit.query.text("whose") == "me"
    task = visit.query.text("task")
    owner_id = visit.user.id if is_own else INSTALLATION
    scope = Scope.TASK if task else Scope.PERSON if is_own else Scope.INSTALLATION
    first = Rule(owner_id=owner_id, kinds=frozenset({NoticeKind.FAILED, NoticeKind.RECOVERED}), scope=scope)
    told = Recipient(To.PERSON, visit.user.id) if is_own else Recipient(To.OWNER)
    return _page(visit, first, {"task": task}, {}, told={told.text})


def send_new(visit: Visit) -> Response:
    """Save a new rule."""
    is_all = visit.form.text("owner") == "installation"
    owner_id = INSTALLATION if is_all else visit.user.id
    typed = _read(visit)
    rule = _rule(typed, Rule(owner_id=owner_id))
    if not typed.errors:
        try:
            visit.house.telling.rules.add(rule, asker=asker_of(visit))
        except InvalidValue as error:
            typed.say(_field_of(error), error.value, error.allowed)
        else:
            return visit.go(visit.links.to("rules"), notice=Notice(status="ok", title="The rule is saved"))
    return _page(visit, rule, typed.texts, typed.errors, told=set(visit.form.many("to")))


def show(visit: Visit) -> Response:
    """Show the form of a rule."""
    rule = rule_for(visit)
    return _page(visit, rule, {}, {}, told={each.text for each in rule.recipients})


def send_changes(visit: Visit) -> Response:
    """Change a rule; its place stays."""
    before = rule_for(visit)
    typed = _read(visit)
    rule = _rule(typed, before)
    if not typed.errors:
        try:
            visit.house.telling.rules.change(before.id, rule, asker=asker_of(visit))
        except InvalidValue as error:
            typed.say(_field_of(error), error.value, error.allowed)
        else:
            return visit.go(visit.links.to("rules"), notice=Notice(status="ok", title="The rule is changed"))
    return _page(visit, rule, typed.texts, typed.errors, told=set(visit.form.many("to")))


def _field_of(error: InvalidValue) -> str:
    """Return the field of the form beside which an error stands."""
    if error.field == "mute_while":
        return rule_muting.field_of(str(error.value))
    return _FIELDS.get(error.field, error.field)


def _read(visit: Visit) -> _Typed:
    texts = {name: visit.form.text(name, most=400) for name in TEXTS}
    return _Typed(visit, texts | {name: visit.form.text(name, most=rule_muting.MOST) for name in rule_muting.FIELDS})


def _rule(typed: _Typed, base: Rule) -> Rule:
    """Return the rule that a form says; what is wrong with it is noted."""
    form = typed.visit.form
    try:
        scope, often = Scope(form.text("scope")), Frequency(form.text("frequency"))
        kinds = frozenset(NoticeKind(each) for each in form.many("kind"))
    except ValueError as error:
        raise InvalidValue("form", str(error), "use what the form offers") from None
    if not kinds:
        typed.say("kind", "", "choose at least one thing")
    scope_id = _scope_id(typed, scope, base)
    return Rule(
        id=base.id,
        owner_id=base.owner_id,
        standard=base.standard,
        position=base.position,
        scope=scope,
        scope_id=scope_id,
        tag=typed.texts["tag"] if scope is Scope.TAG else "",
        kinds=kinds,
        after_failures=typed.number("after_failures", 1),
        after_seconds=typed.seconds("after_minutes"),
        frequency=often,
        every_seconds=typed.seconds("every_minutes") or (3600 if often is Frequency.AT_MOST else None),
        recipients=_told(typed, base),
        mute_while=rule_muting.read(
            typed.visit, typed.texts, base, scope_id if scope is Scope.TASK else None, typed.say
        ),
        goes_on=form.text("goes_on") == "yes",
        is_on=form.text("is_on") == "yes",
    )


def _scope_id(typed: _Typed, scope: Scope, base: Rule) -> int:
    if scope in {Scope.INSTALLATION, Scope.TAG}:
        return 0
    if scope is Scope.PERSON and base.owner_id:
        return base.owner_id
    name = scope.value
    text = typed.texts[name].strip()
    found = _number_of(typed.visit, scope, text) if text else None
    if found is None:
        typed.say(name, text, "there is none of this name that you see" if text else "fill this in")
    return found or 0


def _number_of(visit: Visit, scope: Scope, text: str) -> int | None:
    if scope is Scope.TASK:
        return rule_muting.task_number(visit, text)
    with visit.house.services.store.reading() as tx:
        if scope is Scope.PROJECT:
            project = ProjectBook(tx).by_key(key_of(text)[:400])
            return None if project is None else project.id
        # Who the people here are is for administrators to know.
        person = PeopleBook(tx).by_login(key_of(text)) if asker_of(visit).sees_all else None
    return None if person is None else person[0].id


def _told(typed: _Typed, base: Rule) -> tuple[Recipient, ...]:
    found: list[Recipient] = []
    for text in typed.visit.form.many("to"):
        try:
            found.append(Recipient.read(text))
        except ValueError:
            typed.say("to", text, "choose from the list")
    names = [each.strip() for each in typed.texts["people"].split(",") if each.strip()]
    for name in names if not base.owner_id else ():
        number = _number_of(typed.visit, Scope.PERSON, name)
        if number is None:
            typed.say("people", name, "nobody has this name or address")
        else:
            found.append(Recipient(To.PERSON, number))
    if not found and not typed.errors.keys() & {"to", "people"}:
        typed.say("to", "", "choose at least one")
    return tuple(dict.fromkeys(found))


def _page(visit: Visit, rule: Rule, texts: Mapping[str, str], errors: Mapping[str, str], *, told: set[str]) -> Response:
    is_own = bool(rule.owner_id)
    with visit.house.services.store.reading() as tx:
        naming = naming_for(visit, tx, [rule])
        projects = _projects(visit, tx)
        page = RuleFormPage(
            shell=shell(visit, tx),
            id=rule.id or None,
            words=words_of(rule, naming) if rule.id and not errors else "",
            is_own=is_own,
            is_standard=bool(rule.standard),
            scopes=_scopes(rule, is_own=is_own, has_projects=bool(projects)),
            kinds=tuple(
                Option(value=kind.value, label=LABELS[kind][0], hint=LABELS[kind][1], on=kind in rule.kinds)
                for kind in KINDS
            ),
            frequencies=tuple(
                Option(value=each.value, label=f"{words[:1].upper()}{words[1:]}", on=each is rule.frequency)
                for each, words in FREQUENCIES.items()
            ),
            recipients=_recipients(visit, rule, told),
            projects=projects,
            values={**_values(tx, rule, naming), **texts},
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _scopes(rule: Rule, *, is_own: bool, has_projects: bool) -> tuple[Option, ...]:
    words = (
        {**_SCOPES, Scope.INSTALLATION: ("Anything that you see", "tasks, heartbeats, and your own credentials")}
        if is_own
        else _SCOPES
    )
    if is_own:
        words |= {Scope.PERSON: ("What is yours", "what you own, and tasks that run for you")}
    return tuple(
        Option(value=scope.value, label=label, hint=hint, on=scope is rule.scope)
        for scope, (label, hint) in words.items()
        if scope is not Scope.PROJECT or has_projects or scope is rule.scope
    )


def _recipients(visit: Visit, rule: Rule, told: set[str]) -> tuple[Option, ...]:
    found: list[tuple[Recipient, str, str]] = []
    if rule.owner_id:
        whom = "You" if rule.owner_id == visit.user.id else "Its owner"
        found.append((Recipient(To.PERSON, rule.owner_id), whom, "by e-mail"))
    else:
        found.append((Recipient(To.OWNER), "Its owner", "by e-mail; where nobody owns it, administrators"))
        found.append((Recipient(To.ADMINS), "Administrators", "all of them, by e-mail"))
    kinds = visit.house.telling.kinds
    for each in visit.house.telling.channels.list(asker=asker_of(visit)):
        if each.owner_id == rule.owner_id:
            label = kinds[each.kind].label if each.kind in kinds else each.kind
            found.append((Recipient(To.CHANNEL, each.id), each.name, label))
    return tuple(
        Option(value=recipient.text, label=label, hint=hint, on=recipient.text in told)
        for recipient, label, hint in found
    )


def _projects(visit: Visit, tx: Transaction) -> tuple[str, ...]:
    ids = None if asker_of(visit).sees_all else list(visit.identity.projects)
    return tuple(each.name for each in ProjectBook(tx).every(ids))


def _values(tx: Transaction, rule: Rule, naming: Naming) -> dict[str, str]:
    """Return what the form shows of a saved rule; people by the names that they sign in with."""
    named = [] if rule.owner_id else [each.id for each in rule.recipients if each.to is To.PERSON]
    about = rule.scope_id if rule.scope is Scope.PERSON else 0
    logins = {key: each.name for key, each in PeopleBook(tx).by_ids({*named, about} - {0}).items()}
    task = naming.tasks.get(rule.scope_id) if rule.scope is Scope.TASK else None
    return {
        "tag": rule.tag,
        "task": f"#{rule.scope_id} {task}" if task else "",
        "project": naming.projects.get(rule.scope_id, "") if rule.scope is Scope.PROJECT else "",
        "person": logins.get(about, ""),
        "after_failures": str(rule.after_failures),
        "after_minutes": _minutes(rule.after_seconds),
        "every_minutes": _minutes(rule.every_seconds),
        **rule_muting.values(rule, naming),
        "people": ", ".join(logins[each] for each in named if each in logins),
        "goes_on": "yes" if rule.goes_on else "",
        "is_on": "yes" if rule.is_on else "",
    }


def _minutes(seconds: int | None) -> str:
    return "" if seconds is None else f"{seconds / 60:.3f}".rstrip("0").rstrip(".")
