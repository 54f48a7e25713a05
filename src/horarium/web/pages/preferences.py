"""Settings as pages: a person's own time and look, those that applications add, and what holds for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from horarium.errors import Conflict, InvalidValue
from horarium.notify.people import may_get_mail
from horarium.preferences.catalogue import (
    ON_TELLING,
    STANDARD,
    STANDARD_GROUPS,
    SUMMARIES,
    TIME,
    TIME_ZONE,
    Catalogue,
)
from horarium.preferences.reading import Reading, Rule, Standing
from horarium.preferences.setting import Setting, SettingType
from horarium.store.port import Transaction
from horarium.triggers import zone_names
from horarium.web.filters import clock_time
from horarium.web.frame import shell
from horarium.web.manner import viewer_zone
from horarium.web.pages.settings import parts_of
from horarium.web.views.preferences import (
    AddedPage,
    Choice,
    Control,
    Group,
    NoticesPage,
    RulesPage,
    SummarySettingsPage,
    TimePage,
)
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

_OWN: Final = tuple(each.key for each in STANDARD if each.group == TIME)
_SUMMARY: Final = tuple(each.key for each in STANDARD if each.group == SUMMARIES)
_TELLING: Final = tuple(each.key for each in ON_TELLING)
_MOST: Final = 2000
_SAVED: Final = Notice(status="ok", title="Your settings are saved")
_SAVED_FOR_ALL: Final = Notice(status="ok", title="The settings of the installation are saved")
_LOCKED: Final = "An administrator has set this for everybody."
_MEANWHILE: Final = "An administrator has set this for everybody meanwhile."
_ON_OFF: Final = (Choice(value="on", label="On"), Choice(value="off", label="Off"))


def show_time(visit: Visit) -> Response:
    """Show in which zone, manner and look the person sees pages."""
    return _time_page(visit, {}, {})


def save_time(visit: Visit) -> Response:
    """Keep what the person chose; what they left as it was stays not chosen."""
    typed = {key: visit.form.text(key, most=_MOST) for key in _OWN if key in visit.form.values}
    errors = _keep(visit, typed)
    if errors:
        return _time_page(visit, typed, errors)
    return visit.go(visit.links.to("settings_time"), notice=_SAVED)


def show_notices(visit: Visit) -> Response:
    """Show what the person is told by mail, and when."""
    return _notices_page(visit, {}, {})


def save_notices(visit: Visit) -> Response:
    """Keep what the person wants to be told."""
    typed = {key: visit.form.text(key, most=_MOST) for key in _TELLING if key in visit.form.values}
    errors = _keep(visit, typed)
    if errors:
        return _notices_page(visit, typed, errors)
    return visit.go(visit.links.to("settings_notices"), notice=_SAVED)


def show_added(visit: Visit) -> Response:
    """Show the person's settings for applications."""
    return _added_page(visit, {}, {})


def save_added(visit: Visit) -> Response:
    """Keep what the person chose for applications."""
    typed = _pairs(visit)
    with visit.house.services.store.reading() as tx:
        known = {each.key for each in _added(Reading(tx).catalogue)}
    for key in typed.keys() - known:
        raise InvalidValue("setting", key, "no application has a setting of this name here")
    errors = _keep(visit, typed)
    if errors:
        return _added_page(visit, typed, errors)
    return visit.go(visit.links.to("settings_added"), notice=_SAVED)


def show_summary(visit: Visit) -> Response:
    """Show how often the person gets a summary by mail."""
    return _summary_page(visit, {}, {})


def save_summary(visit: Visit) -> Response:
    """Keep how often, on which day and at which hour."""
    typed = _pairs(visit)
    for key in typed.keys() - set(_SUMMARY):
        raise InvalidValue("setting", key, "it is no setting of the summary")
    errors = _keep(visit, typed)
    if errors:
        return _summary_page(visit, typed, errors)
    return visit.go(visit.links.to("settings_summary"), notice=_SAVED)


def show_rules(visit: Visit) -> Response:
    """Show what holds for the installation."""
    return _rules_page(visit, None, {})


def save_rules(visit: Visit) -> Response:
    """Keep what holds for the installation, and what is locked."""
    typed, locks = _pairs(visit), set(visit.form.many("lock"))
    rules = visit.house.preferences.rules()
    for key in (typed.keys() | locks) - rules.keys():
        raise InvalidValue("setting", key, "there is none of this name for the installation")
    values, errors = _read(typed, {key: rule.setting for key, rule in rules.items()})
    if errors:
        return _rules_page(visit, (typed, locks), errors)
    wanted = {key: (value, key in locks) for key, value in values.items()}
    visit.house.preferences.change_rules(wanted, actor=visit.actor)
    return visit.go(visit.links.to("settings_rules"), notice=_SAVED_FOR_ALL)


def _keep(visit: Visit, typed: Mapping[str, str]) -> dict[str, str]:
    """Keep what differs from what holds already; return what is wrong, by key. Then nothing is kept."""
    preferences, user = visit.house.preferences, visit.user
    standing = preferences.standing(user.id)
    values, errors = _read(typed, {key: each.setting for key, each in standing.items()})
    fresh = {key: value for key, value in values.items() if value != standing[key].value}
    errors |= {key: _LOCKED for key in fresh if standing[key].is_locked}
    if not errors and fresh:
        try:
            preferences.update_bulk(user.id, fresh, actor=visit.actor)
        except Conflict:
            return dict.fromkeys(fresh, _MEANWHILE)
    return errors


def _read(typed: Mapping[str, str], settings: Mapping[str, Setting]) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for key, text in typed.items():
        setting = settings[key]
        try:
            values[key] = setting.from_text(text.strip())
        except InvalidValue as error:
            errors[key] = f"{setting.label}: {error.allowed}."
    return values, errors


def _pairs(visit: Visit) -> dict[str, str]:
    """Return the fields `key` and `value` that came in step. Raises `InvalidValue` where they do not."""
    keys, values = visit.form.many("key"), visit.form.many("value")
    if len(keys) != len(values) or len(set(keys)) != len(keys):
        raise InvalidValue("key", f"{len(keys)} of them", "send each key once, with one value")
    for value in values:
        if len(value) > _MOST:
            raise InvalidValue("value", value, f"use at most {_MOST} characters")
    return dict(zip(keys, values, strict=True))


def _added(catalogue: Catalogue) -> list[Setting]:
    return [each for name, group in catalogue.groups().items() if name not in STANDARD_GROUPS for each in group]


def _notices_page(visit: Visit, typed: Mapping[str, str], errors: dict[str, str]) -> Response:
    with visit.house.services.store.reading() as tx:
        found = Reading(tx).of(visit.user, _TELLING)
        controls = tuple(_control(each.setting, each.value, typed, is_locked=each.is_locked) for each in found.values())
        page = NoticesPage(
            shell=shell(visit, tx),
            parts=parts_of(visit, "settings_notices"),
            switches=tuple(each for each in controls if each.choices == _ON_OFF),
            times=tuple(each for each in controls if each.choices != _ON_OFF),
            address=visit.user.email or "",
            gets_mail=visit.house.settings.sends_mail and may_get_mail(visit.user),
            zone=visit.user.time_zone,
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _time_page(visit: Visit, typed: Mapping[str, str], errors: dict[str, str]) -> Response:
    with visit.house.services.store.reading() as tx:
        reading = Reading(tx)
        found = reading.of(visit.user, _OWN)
        controls = {
            key: _control(each.setting, each.value, typed, is_locked=each.is_locked) for key, each in found.items()
        }
        controls[TIME_ZONE] = _zone_control(visit, found[TIME_ZONE], typed)
        page = TimePage(
            shell=shell(visit, tx),
            parts=parts_of(visit, "settings_time"),
            **controls,
            there=clock_time(visit.now, visit.zone),
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _added_page(visit: Visit, typed: Mapping[str, str], errors: dict[str, str]) -> Response:
    with visit.house.services.store.reading() as tx:
        reading = Reading(tx)
        settings = _added(reading.catalogue)
        found = reading.of(visit.user, [each.key for each in settings])
        controls = [_control(each.setting, each.value, typed, is_locked=each.is_locked) for each in found.values()]
        page = AddedPage(
            shell=shell(visit, tx),
            parts=parts_of(visit, "settings_added"),
            groups=_grouped(settings, controls),
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _summary_page(visit: Visit, typed: Mapping[str, str], errors: dict[str, str]) -> Response:
    with visit.house.services.store.reading() as tx:
        found = Reading(tx).of(visit.user, _SUMMARY)
        page = SummarySettingsPage(
            shell=shell(visit, tx),
            parts=parts_of(visit, "settings_summary"),
            controls=tuple(
                _control(each.setting, each.value, typed, is_locked=each.is_locked) for each in found.values()
            ),
            address=visit.user.email,
            is_confirmed=visit.user.is_admin or visit.user.email_confirmed_at is not None,
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _rules_page(visit: Visit, sent: tuple[Mapping[str, str], set[str]] | None, errors: dict[str, str]) -> Response:
    with visit.house.services.store.reading() as tx:
        rules = _rules(tx)
        typed, locks = sent or ({}, {key for key, rule in rules.items() if rule.is_locked})
        controls = [
            _rule_control(rule.setting, rule.value, typed, is_locked=key in locks) for key, rule in rules.items()
        ]
        page = RulesPage(
            shell=shell(visit, tx),
            parts=parts_of(visit, "settings_rules"),
            groups=_grouped([rule.setting for rule in rules.values()], controls),
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _rules(tx: Transaction) -> dict[str, Rule]:
    reading = Reading(tx)
    return {key: reading.rule(key) for key in reading.catalogue if key != TIME_ZONE}


def _grouped(settings: Iterable[Setting], controls: Iterable[Control]) -> tuple[Group, ...]:
    found: dict[str, list[Control]] = {}
    for setting, control in zip(settings, controls, strict=True):
        found.setdefault(setting.group, []).append(control)
    return tuple(Group(name=name, controls=tuple(group)) for name, group in found.items())


def _control(setting: Setting, value: Any, typed: Mapping[str, str], *, is_locked: bool) -> Control:
    is_number = setting.type is SettingType.NUMBER
    return Control(
        key=setting.key,
        label=setting.label,
        hint=setting.to_you or setting.sentence,
        value=typed.get(setting.key, setting.to_text(value)),
        choices=_choices(setting),
        is_number=is_number,
        is_required=setting.default is not None,
        least=setting.least if is_number else None,
        most=setting.most if is_number else None,
        is_locked=is_locked,
    )


def _rule_control(setting: Setting, value: Any, typed: Mapping[str, str], *, is_locked: bool) -> Control:
    """Return a setting as it holds for everybody, which speaks of people and not to one."""
    return replace(_control(setting, value, typed, is_locked=is_locked), hint=setting.sentence)


def _choices(setting: Setting) -> tuple[Choice, ...]:
    found = tuple(Choice(value=each, label=setting.word_for(each)) for each in setting.choices)
    if setting.type is SettingType.SWITCH:
        found = _ON_OFF
    is_optional = setting.default is None and bool(found)
    return (Choice(value="", label="Not set"), *found) if is_optional else found


def _zone_control(visit: Visit, each: Standing, typed: Mapping[str, str]) -> Control:
    control = _control(each.setting, each.value, typed, is_locked=False)
    names = sorted(zone_names() | {control.value})
    choices = tuple(Choice(value=name, label=_zone_label(visit, name)) for name in names)
    return Control(key=control.key, label=control.label, hint=control.hint, value=control.value, choices=choices)


def _zone_label(visit: Visit, name: str) -> str:
    if name not in zone_names():
        return name
    offset = visit.now.astimezone(viewer_zone(name)).strftime("%z")
    hours, minutes = int(offset[1:3]), offset[3:5]
    words = f"UTC{offset[0]}{hours}" + ("" if minutes == "00" else f":{minutes}")
    return f"{name} ({'UTC' if offset == '+0000' else words} now)"
