"""`horarium settings`: what people have set, what holds for the installation, and which settings are locked."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from horarium.cli.asking import Command, Json, new_app
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_json
from horarium.cli.workplace import Workplace, workplace
from horarium.preferences.reading import Rule, Standing
from horarium.preferences.setting import Setting
from horarium.preferences.settings import Preferences

app = new_app("See and change the settings of people and of the installation.")

Key = Annotated[str, typer.Argument(metavar="KEY", help="The name of the setting, as `settings list` shows it.")]
Person = Annotated[
    str | None,
    typer.Option("--user", "-u", metavar="NAME", help="Whose: a name or an e-mail address. Else the installation's."),
]


@app.callback()
def settings() -> None:
    """See and change the settings of people and of the installation."""


@app.command("list", cls=Command)
def list_settings(context: typer.Context, user: Person = None, *, as_json: Json = False) -> None:
    """List the settings: what holds where a person chose nothing, or with --user what holds for them.

    Examples:
      horarium settings list
      horarium settings list --user ana --json
    """
    with workplace(context) as work:
        preferences = _preferences(work)
        rules = preferences.rules()
        if user is None:
            if as_json:
                say_json([_rule_shape(rule) for rule in rules.values()])
                return
            rows = [
                (key, _shown(rule), "locked" if rule.is_locked else "", rule.setting.sentence)
                for key, rule in rules.items()
            ]
            say_table(("setting", "value", "", "meaning"), rows)
            return
        standing = preferences.standing(work.find_user(user).id)
        if as_json:
            say_json([_standing_shape(each) for each in standing.values()])
            return
        say_table(("setting", "value", "", "meaning"), [_row(key, each) for key, each in standing.items()])


@app.command("set", cls=Command)
def set_setting(
    context: typer.Context,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value; on or off for a switch.")],
    user: Person = None,
    *,
    as_json: Json = False,
) -> None:
    """Set what holds where a person chose nothing, or with --user a person's own choice.

    Examples:
      horarium settings set clock 12h
      horarium settings set timezone Europe/Lisbon --user ana
    """
    with workplace(context) as work:
        preferences = _preferences(work)
        wanted = preferences.catalogue()[key].from_text(value)
        if user is None:
            preferences.set_for_all(key, wanted, actor=work.actor)
        else:
            preferences.set(work.find_user(user).id, key, wanted, actor=work.actor)
        _say_standing(work, key, user, as_json=as_json)


@app.command(cls=Command)
def reset(context: typer.Context, key: Key, user: Person = None, *, as_json: Json = False) -> None:
    """Go back to the setting's own default, or with --user forget what a person chose.

    Examples:
      horarium settings reset clock
      horarium settings reset page_size --user ana
    """
    with workplace(context) as work:
        preferences = _preferences(work)
        if user is None:
            preferences.set_for_all(key, preferences.catalogue()[key].default, actor=work.actor)
        else:
            preferences.reset(work.find_user(user).id, key, actor=work.actor)
        _say_standing(work, key, user, as_json=as_json)


@app.command(cls=Command)
def lock(context: typer.Context, key: Key, *, as_json: Json = False) -> None:
    """Lock a setting: what holds for the installation then holds for everybody.

    What people chose counts again once it is unlocked.

    Example:
      horarium settings lock date_language
    """
    with workplace(context) as work:
        _preferences(work).lock(key, actor=work.actor)
        _say_standing(work, key, None, as_json=as_json)


@app.command(cls=Command)
def unlock(context: typer.Context, key: Key, *, as_json: Json = False) -> None:
    """Let people choose again.

    Example:
      horarium settings unlock date_language
    """
    with workplace(context) as work:
        _preferences(work).lock(key, locked=False, actor=work.actor)
        _say_standing(work, key, None, as_json=as_json)


def _preferences(work: Workplace) -> Preferences:
    return Preferences(work.store, work.clock)


def _say_standing(work: Workplace, key: str, user: str | None, *, as_json: bool) -> None:
    preferences = _preferences(work)
    if user is None:
        rule = preferences.rules()[key]
        if as_json:
            say_json(_rule_shape(rule))
            return
        locked = " and is locked" if rule.is_locked else ""
        say(f"{key} is {_shown(rule)} for the installation{locked}.")
        return
    standing = preferences.standing(work.find_user(user).id)[key]
    if as_json:
        say_json(_standing_shape(standing))
    else:
        say(f"{key} is {_shown(standing)} for {user}.")


def _row(key: str, each: Standing) -> tuple[str, str, str, str]:
    how = "locked" if each.is_locked else "" if each.is_own else "not chosen"
    return key, _shown(each), how, each.setting.sentence


def _shown(each: Rule | Standing) -> str:
    return each.setting.to_text(each.value) or "not set"


def _rule_shape(rule: Rule) -> dict[str, Any]:
    return {
        **_setting_shape(rule.setting),
        "value": rule.value,
        "locked": rule.is_locked,
        "set_by": rule.by or None,
        "set_at": None if rule.at is None else rule.at.isoformat(),
    }


def _standing_shape(each: Standing) -> dict[str, Any]:
    return {**_setting_shape(each.setting), "value": each.value, "locked": each.is_locked, "own": each.is_own}


def _setting_shape(setting: Setting) -> dict[str, Any]:
    return {
        "key": setting.key,
        "type": setting.type.value,
        "default": setting.default,
        "meaning": setting.sentence,
        "allowed": setting.allowed,
        "group": setting.group,
    }
