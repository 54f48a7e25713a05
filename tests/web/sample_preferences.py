"""Make sample pages of settings: a person's own, applications', and what holds for everybody."""

from __future__ import annotations

from dataclasses import replace

from horarium.preferences.catalogue import STANDARD, TIME
from horarium.web.views.preferences import AddedPage, Choice, Control, Group, RulesPage, TimePage
from tests.web.sample_parts import shell
from tests.web.sample_settings import parts

ZONES = tuple(Choice(value=zone, label=f"{zone} (UTC+2 now)") for zone in ("Africa/Cairo", "Europe/Berlin"))
STANDARDS = {
    each.key: Control(
        key=each.key,
        label=each.label,
        hint=each.to_you or each.sentence,
        value=str(each.default),
        choices=tuple(Choice(value=choice, label=each.word_for(choice)) for choice in each.choices),
    )
    for each in STANDARD
}
INTERVAL = Control(
    key="sync_interval",
    label="Sync interval",
    hint="Seconds between two syncs.",
    value="3600",
    is_number=True,
    least=60,
    most=86_400,
)
SWITCH = Control(
    key="sync_media",
    label="Sync media",
    hint="Whether pictures go along.",
    value="on",
    choices=(Choice(value="on", label="On"), Choice(value="off", label="Off")),
)
EMAIL = Control(key="mail", label="Mail for problems", hint="Where problems are told of.", value="", is_required=False)


def time() -> TimePage:
    """Return the page about time and language, with a locked clock and a zone that is not there."""
    controls = {each.key: STANDARDS[each.key] for each in STANDARD if each.group == TIME}
    controls |= {"clock": replace(STANDARDS["clock"], is_locked=True)}
    controls["timezone"] = replace(controls["timezone"], value="Europe/Berlin", choices=ZONES)
    errors = {"timezone": "Time zone: use a name of the IANA list."}
    return TimePage(shell=shell(), parts=parts("settings_time"), **controls, there="14:32", errors=errors)


def time_plain() -> TimePage:
    """Return the same page without a fault."""
    return replace(time(), errors={}, clock=STANDARDS["clock"])


def added() -> AddedPage:
    """Return the page of applications' settings, with one that is locked and one that is wrong."""
    groups = (Group(name="Sync", controls=(INTERVAL, replace(SWITCH, is_locked=True), EMAIL)),)
    errors = {"sync_interval": "Sync interval: use a whole number from 60 to 86400."}
    return AddedPage(shell=shell(), parts=parts("settings_added"), groups=groups, errors=errors)


def added_none() -> AddedPage:
    """Return the page where no application has any."""
    return AddedPage(shell=shell(), parts=parts("settings_added"), groups=())


def rules() -> RulesPage:
    """Return the page of what holds for everybody."""
    own = Group(name="Time and language", controls=tuple(each for key, each in STANDARDS.items() if key != "timezone"))
    locked = Group(name="Sync", controls=(INTERVAL, replace(SWITCH, is_locked=True), EMAIL))
    errors = {"sync_interval": "Sync interval: use a whole number from 60 to 86400."}
    return RulesPage(shell=shell(), parts=parts("settings_rules"), groups=(own, locked), errors=errors)
