"""The form by which a channel comes in, and what its fields hold. No secret comes out again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from horarium.errors import InvalidValue
from horarium.notify.channel_desk import NewChannel, checked_limit, checked_name
from horarium.notify.channels.base import ChannelKind
from horarium.notify.gathering import MOST_PER_DAY, MOST_PER_HOUR
from horarium.web.access_notices import CHANNEL_VALUES
from horarium.web.frame import shell
from horarium.web.pages.channel_cards import sample
from horarium.web.pages.notices import INSTALLATION, asker_of
from horarium.web.views.channels import ChannelField, ChannelFormPage, ChannelKindChoice
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

USUAL: Final = (MOST_PER_HOUR, MOST_PER_DAY)
LIMITS: Final = {"most_per_hour": "Messages an hour", "most_per_day": "Messages a day"}
_ABOUT: Final = ("name", "owner", *LIMITS)
_MOST: Final = 4000


def show_new(visit: Visit) -> Response:
    """Show the form of a new channel."""
    kinds = _kinds(visit)
    kind, first = visit.query.text("kind"), next(iter(kinds), "")
    values = {name: visit.query.whole(name)[:200] for name in _ABOUT}
    return _page(visit, {**values, "kind": kind if kind in kinds else first}, {})


def send_new(visit: Visit) -> Response:
    """Save a new channel. What was wrong is all said at once; only secrets have to be typed again."""
    kinds = _kinds(visit)
    values = {name: visit.form.whole(name) for name in ("kind", *_ABOUT)}
    kind = kinds.get(values["kind"])
    if kind is None:
        allowed = f"use one of {', '.join(kinds)}" if kinds else "there are no kinds of channels here"
        raise InvalidValue("kind", values["kind"][:80], allowed)
    typed = typed_values(visit, kind)
    errors = _name_errors(values["name"])
    errors |= {f"{kind.name}.{name}": _words(kind, name, allowed) for name, allowed in kind.faults(typed).items()}
    limits = limits_of(visit, errors)
    owner_id = INSTALLATION if values["owner"] == "installation" else visit.user.id
    if not errors:
        wanted = NewChannel(name=values["name"], kind=kind.name, values=typed, owner_id=owner_id, **limits)
        try:
            made = visit.house.telling.channels.add(wanted, asker=asker_of(visit))
        except InvalidValue as error:
            errors = told(error, kind)
        else:
            there = visit.links.to("channel", channel_id=made.id, saved="yes")
            text = "Send a test to see whether messages arrive."
            return visit.go(there, notice=Notice(status="ok", title=f"{made.name} is saved", text=text))
    opened = {name: visit.form.whole(name)[:_MOST] for name in CHANNEL_VALUES}
    return _page(visit, {**values, **opened}, errors)


def typed_values(visit: Visit, kind: ChannelKind) -> dict[str, str]:
    """Return what was typed for the fields of a kind."""
    return {each.name: visit.form.whole(f"{kind.name}.{each.name}").replace("\r\n", "\n") for each in kind.fields}


def limits_of(visit: Visit, errors: dict[str, str]) -> dict[str, Any]:
    """Return the limits that were typed, None for the usual ones; what is wrong is noted in `errors`."""
    found: dict[str, int | None] = {}
    for name, label in LIMITS.items():
        text = visit.form.whole(name).strip()
        is_number = text.isascii() and text.isdigit() and len(text) <= 6
        try:
            # 0 is refused like what is no number at all.
            found[name] = checked_limit(name, int(text) if is_number else 0 if text else None)
        except InvalidValue as error:
            errors[name] = f"{label} “{text[:40]}”: {error.allowed}."
    return found


def told(error: InvalidValue, kind: ChannelKind) -> dict[str, str]:
    """Return what is wrong by the field of the form; of what was given only what everybody may see."""
    if error.field in {each.name for each in kind.fields}:
        return {f"{kind.name}.{error.field}": _words(kind, error.field, error.allowed)}
    if error.field in LIMITS:
        return {error.field: f"{LIMITS[error.field]} “{error.value}”: {error.allowed}."}
    return {"name": f"Name “{str(error.value)[:100]}”: {error.allowed}."}


def choice_of(
    name: str, kind: ChannelKind | None, values: Mapping[str, str], *, on: bool, is_set: bool = False
) -> ChannelKindChoice:
    """Return a kind with its fields; `is_set` says that its secrets have values."""
    if kind is None:
        return ChannelKindChoice(value=name, label=name, hint="This release does not know the kind.", icon="bell")
    return ChannelKindChoice(
        value=kind.name,
        label=kind.label,
        hint=kind.sentence,
        icon=kind.icon,
        on=on,
        fields=tuple(
            ChannelField(
                name=f"{kind.name}.{each.name}",
                label=each.label,
                hint=each.sentence,
                value="" if each.is_secret else values.get(f"{kind.name}.{each.name}", each.initial)[:_MOST],
                secret=each.is_secret,
                required=each.is_required,
                lines=each.has_lines,
                is_set=is_set and each.is_secret,
            )
            for each in kind.fields
        ),
    )


def _kinds(visit: Visit) -> dict[str, ChannelKind]:
    return {each.name: each for each in visit.house.telling.channels.kinds(asker=asker_of(visit))}


def _name_errors(name: str) -> dict[str, str]:
    try:
        checked_name(name)
    except InvalidValue as error:
        return {"name": f"Name “{name[:100]}”: {error.allowed}."}
    return {}


def _words(kind: ChannelKind, name: str, allowed: str) -> str:
    label = next((each.label for each in kind.fields if each.name == name), name)
    return f"{label}: {allowed}."


def _page(visit: Visit, values: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    with visit.house.services.store.reading() as tx:
        page = ChannelFormPage(
            shell=shell(visit, tx),
            kinds=tuple(
                choice_of(name, kind, values, on=name == values["kind"]) for name, kind in _kinds(visit).items()
            ),
            sample=sample(visit.now),
            usual=USUAL,
            may_choose_owner=asker_of(visit).manages,
            values=values,
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)
