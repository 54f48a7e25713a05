"""The forms by which values come in: a new credential, and other values for one that is there. None comes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from starlette.responses import Response

from horarium.accounts.rates import allow
from horarium.errors import Conflict, InvalidValue
from horarium.records.credentials import INSTALLATION, Credential
from horarium.store.books.credentials import CredentialBook
from horarium.vault.checking import checked_expiry, checked_hosts, checked_kind, checked_name, faults, key_of
from horarium.vault.checking import checked_note as note_of
from horarium.vault.checking import checked_rotation as rotation_of
from horarium.vault.credentials import NewCredential, Saved
from horarium.vault.keypairs import KIND, with_new_key
from horarium.vault.kinds import KINDS, FieldKind, Kind
from horarium.vault.trials import TEST
from horarium.web.access import row_for
from horarium.web.frame import shell
from horarium.web.pages.credential import day_of, days_of, hosts_of, told
from horarium.web.pages.safe import asker_of, described_for, icon_of, sentence
from horarium.web.proof import hold
from horarium.web.views.credentials import CredentialFormPage, FieldInput, KindChoice, TriedValues
from horarium.web.views.shell import Notice
from horarium.web.views.status import Status
from horarium.web.visit import Visit

OWN_ROWS: Final = 20
"""How many values with names of one's own a form takes at once."""
_KEEPS: Final = {"no": timedelta(0), "hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
_ABOUT: Final = ("name", "note", "owner", "expires", "rotate", "hosts")
_FIRST: Final = "database"
_IN_ORDER: Final = (KINDS[_FIRST], *(kind for kind in KINDS.values() if kind.name != _FIRST))
_TAKEN: Final = "there is a credential of this name"


def show_new(visit: Visit) -> Response:
    """Show the form for a new credential."""
    kind = visit.query.text("kind")
    values = {name: visit.query.whole(name)[:2000] for name in _ABOUT}
    return _new_page(visit, {**values, "kind": kind if kind in KINDS else _FIRST}, {})


def send_new(visit: Visit) -> Response:
    """Save a new credential. What was wrong is all said at once; only secrets have to be typed again."""
    values = {name: visit.form.whole(name) for name in ("kind", *_ABOUT)}
    kind = checked_kind(values["kind"])
    typed, errors = _typed(visit, kind)
    owner_id = INSTALLATION if values["owner"] == "installation" else visit.user.id
    problems: dict[str, str] = {}
    expires_at = day_of(values["expires"], visit, problems)
    wanted = NewCredential(
        name=values["name"],
        kind=kind.name,
        fields=typed,
        owner_id=owner_id,
        note=values["note"],
        hosts=hosts_of(values["hosts"]),
        expires_at=expires_at,
        rotate_days=days_of(values["rotate"], problems),
    )
    about = _told_about(wanted, visit) | problems
    # In the order of the form: what is said about it stands around the values.
    errors = {name: about.pop(name) for name in ("name", "note") if name in about} | errors | about
    if not errors and visit.form.text("act") == TEST:
        return _new_page(visit, values | _kept(visit), {}, tried=_tried(visit, wanted, "credential_new"))
    if not errors:
        try:
            saved = visit.house.strongroom.credentials.add(wanted, asker=asker_of(visit))
        except InvalidValue as error:
            errors = told(error)
        else:
            return _saved(visit, saved, f"{saved.credential.name} is saved")
    return _new_page(visit, values | _kept(visit), errors)


def show_values(visit: Visit) -> Response:
    """Show the form by which values are replaced."""
    return _values_page(visit, described_for(visit, replaces=True).credential, {})


def send_values(visit: Visit) -> Response:
    """Put other values into a credential: a new version, whole."""
    found = described_for(visit, replaces=True).credential
    kind = checked_kind(found.kind)
    typed, errors = _typed(visit, kind)
    keep = _KEEPS.get(visit.form.text("keep", "day"))
    if keep is None:
        raise InvalidValue("keep", visit.form.text("keep"), f"use one of {', '.join(_KEEPS)}")
    if errors:
        return _values_page(visit, found, errors)
    if visit.form.text("act") == TEST:
        wanted = NewCredential(name=found.name, kind=found.kind, fields=typed, hosts=found.hosts)
        return _values_page(visit, found, {}, tried=_tried(visit, wanted, "credential_values", found.id))
    saved = visit.house.strongroom.credentials.replace(found.id, typed, asker=asker_of(visit), keep=keep)
    return _saved(visit, saved, f"The values of {found.name} are replaced")


def _tried(visit: Visit, wanted: NewCredential, route: str, credential_id: int | None = None) -> TriedValues:
    """Test what was typed, and hold it sealed so that it need not be typed again to be saved."""
    if visit.form.text("ssh_key.make") == "yes" and wanted.kind == KIND:
        return TriedValues(status="late", title="Not tested", text="The key is made when it is saved.")
    if not allow(visit.house.services.store, visit.house.services.clock, visit.user.id, "credential_test"):
        return TriedValues(status="late", title="Not tested", text="You tested a moment ago: wait a few seconds.")
    try:
        trial = visit.house.strongroom.trials.rehearse(wanted, asker=asker_of(visit), credential_id=credential_id)
    except Conflict as error:
        return TriedValues(status="late", title="Not tested", text=sentence(error))
    titles = {True: "These values work", False: "These values do not work", None: "Not tried to the end"}
    status: dict[bool | None, Status] = {True: "ok", False: "failed", None: "late"}
    held = hold(visit, row_for(route, "POST"), without={"act"})
    return TriedValues(status=status[trial.passed], title=titles[trial.passed], text=trial.words, held=held)


def _saved(visit: Visit, saved: Saved, title: str) -> Response:
    there = visit.links.to("credential", credential_id=saved.credential.id)
    text = " ".join(f"{each}." for each in saved.warnings)
    if visit.form.text("ssh_key.make") == "yes" and saved.credential.kind == KIND:
        text = f"A key was made. Give its public half, which stands among the values, to the server. {text}".strip()
    return visit.go(there, notice=Notice(status="ok", title=title, text=text))


def _typed(visit: Visit, kind: Kind) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values that were typed for a kind, and what is wrong with them by the field of the form."""
    if kind.is_free:
        return _own(visit, kind)
    typed = {each.name: _value_of(visit, kind, each) for each in kind.fields}
    labels = {each.name: each.label for each in kind.fields}
    wrong = faults(kind, typed)
    if kind.name == KIND and visit.form.text("ssh_key.make") == "yes":
        try:
            typed = with_new_key(kind.name, typed)
            wrong = faults(kind, typed)
        except InvalidValue as error:
            wrong[error.field] = error.allowed
    return typed, {f"{kind.name}.{name}": f"{labels.get(name, 'Values')}: {words}." for name, words in wrong.items()}


def _value_of(visit: Visit, kind: Kind, each: FieldKind) -> str:
    text = visit.form.whole(f"{kind.name}.{each.name}")
    # What stands in one line and is no secret has no blanks around it; a browser sends lines as others end them.
    return (text.replace("\r\n", "\n") if each.lines else text) if each.secret else text.strip()


def _own(visit: Visit, kind: Kind) -> tuple[dict[str, str], dict[str, str]]:
    """Return values with names of one's own; what is wrong is told by the number of the row."""
    typed: dict[str, str] = {}
    errors: dict[str, str] = {}
    names, values = visit.form.many("custom.name"), visit.form.many("custom.value")
    for number, (name, value) in enumerate(zip(names, values, strict=False)):
        tidy = name.strip()
        if not tidy and not value:
            continue
        if not tidy or not value:
            errors[f"custom.{number}"] = f"{tidy[:40] or 'A value'}: give both a name and a value."
        elif tidy in typed:
            errors[f"custom.{number}"] = f"{tidy[:40]}: there are two of this name."
        else:
            wrong = faults(kind, {tidy: value})
            if wrong:
                errors[f"custom.{number}"] = f"{tidy[:40]}: {next(iter(wrong.values()))}."
            typed[tidy] = value
    if not typed and not errors:
        errors["custom.0"] = "Values: give at least one, with a name."
    return typed, errors


def _told_about(wanted: NewCredential, visit: Visit) -> dict[str, str]:
    """Return all that is wrong with what is said about a credential, by field."""
    errors: dict[str, str] = {}
    for check in (
        lambda: checked_name(wanted.name),
        lambda: note_of(wanted.note),
        lambda: checked_hosts(wanted.hosts),
        lambda: rotation_of(wanted.rotate_days),
        lambda: checked_expiry(wanted.expires_at, visit.now),
    ):
        try:
            check()
        except InvalidValue as error:
            errors |= told(error)
    if "name" not in errors:
        with visit.house.services.store.reading() as tx:
            if CredentialBook(tx).by_key(wanted.owner_id, key_of(wanted.name)) is not None:
                errors |= told(InvalidValue("name", wanted.name, _TAKEN))
    return errors


def _kept(visit: Visit) -> dict[str, str]:
    """Return the open values that were typed, of whichever kind."""
    names = [f"{kind.name}.{each.name}" for kind in KINDS.values() for each in kind.fields if not each.secret]
    return {name: visit.form.whole(name) for name in names}


def _new_page(
    visit: Visit, values: Mapping[str, str], errors: Mapping[str, str], *, tried: TriedValues | None = None
) -> Response:
    with visit.house.services.store.reading() as tx:
        page = CredentialFormPage(
            shell=shell(visit, tx),
            kinds=tuple(_choice(kind, values, on=kind.name == values["kind"]) for kind in _IN_ORDER),
            own_names=_own_names(visit),
            values=values,
            errors=errors,
            may_choose_owner=asker_of(visit).manages,
            back=visit.links.to("credentials"),
            tried=tried,
        )
    return visit.show(page, status=422 if errors else 200)


def _values_page(
    visit: Visit, found: Credential, errors: Mapping[str, str], *, tried: TriedValues | None = None
) -> Response:
    kind = checked_kind(found.kind)
    present = {f"{kind.name}.{name}": value for name, value in found.open_fields.items()}
    values = {**present, **(_kept(visit) if errors or tried else {}), "keep": visit.form.whole("keep") or "day"}
    described = visit.house.strongroom.credentials.show(found.id, asker=asker_of(visit))
    with visit.house.services.store.reading() as tx:
        page = CredentialFormPage(
            shell=shell(visit, tx),
            kinds=(_choice(kind, values, on=True, secrets=described.secret_fields),),
            own_names=_own_names(visit) if errors or tried else described.secret_fields,
            values=values,
            errors=errors,
            id=found.id,
            name=found.name,
            version=found.version,
            back=visit.links.to("credential", credential_id=found.id),
            tried=tried,
        )
    return visit.show(page, status=422 if errors else 200)


def _own_names(visit: Visit) -> tuple[str, ...]:
    return tuple(name[:100] for name in visit.form.many("custom.name")[:OWN_ROWS])


def _choice(kind: Kind, values: Mapping[str, str], *, on: bool, secrets: tuple[str, ...] = ()) -> KindChoice:
    return KindChoice(
        value=kind.name,
        label=kind.label,
        hint=kind.sentence,
        icon=icon_of(kind.name),
        on=on,
        free=kind.is_free,
        fields=tuple(
            FieldInput(
                name=f"{kind.name}.{each.name}",
                label=each.label,
                hint=each.sentence,
                value="" if each.secret else values.get(f"{kind.name}.{each.name}", "")[:2000],
                secret=each.secret,
                required=each.required,
                lines=each.lines,
                is_set=each.name in secrets,
            )
            for each in kind.fields
        ),
    )
