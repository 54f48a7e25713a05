"""One credential: what may be shown of it, who may use it and who did, and what its owner does with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from horarium.errors import Conflict, CredentialUnreadable, InvalidValue
from horarium.records.credentials import Credential, Grant, Subject, Use
from horarium.records.people import User
from horarium.records.tasks import Task
from horarium.store.books.grants import UseBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction
from horarium.vault.credentials import Changes, Described
from horarium.vault.kinds import KINDS
from horarium.vault.trials import TEST, untestable
from horarium.vault.usage import users_of
from horarium.web.charts.day import Day
from horarium.web.frame import shell
from horarium.web.pages.safe import (
    asker_of,
    back_to,
    described_for,
    end_of_day,
    expiry_of,
    icon_of,
    kind_words,
    last_day,
    mark_of,
    owners_of,
    replacing_of,
    sentence,
    task_names,
)
from horarium.web.pages.wording import named
from horarium.web.views.credentials import CredentialPage, GrantRow, Mark, UseRow, ValueRow, VersionRow
from horarium.web.views.parts import Pager
from horarium.web.views.shell import Notice, Undo
from horarium.web.visit import Visit

USES: Final = 20
TASKS: Final = 20
DAYS: Final = 30
LABELS: Final[Mapping[str, str]] = {
    "name": "Name",
    "note": "Note",
    "hosts": "Hosts",
    "rotate_days": "Days",
}
"""What the fields of a credential are called on pages."""
FIELDS: Final[Mapping[str, str]] = {"rotate_days": "rotate"}
"""What the vault's fields are called in forms, where that is something else."""
AHEAD: Final = "use a day that lies ahead"
DAY_WORDS: Final = "Last day: use a day such as 2027-01-31."


def show(visit: Visit) -> Response:
    """Show one credential."""
    return credential_page(visit, described_for(visit), {}, {})


def send_changes(visit: Visit) -> Response:
    """Change what is said about a credential; its values stay."""
    found = described_for(visit, owner=True)
    before = found.credential
    values = {name: visit.form.whole(name) for name in ("name", "note", "hosts", "expires", "rotate")}
    errors: dict[str, str] = {}
    wanted: dict[str, Any] = {
        "name": values["name"],
        "note": values["note"],
        "hosts": hosts_of(values["hosts"]),
        "rotate_days": days_of(values["rotate"], errors),
    }
    # A day that was left as it stood is not sent again: it may have passed, or have an hour.
    if values["expires"] != last_day(before.expires_at, visit):
        wanted["expires_at"] = day_of(values["expires"], visit, errors)
    if not errors:
        try:
            after = visit.house.strongroom.credentials.change(before.id, Changes(**wanted), asker=asker_of(visit))
        except InvalidValue as error:
            errors = told(error)
        else:
            return back_to(visit, f"{after.name} is changed" if after != before else "Nothing was changed")
    return credential_page(visit, found, values, errors)


def send_test(visit: Visit) -> Response:
    """Test a credential, and say what came of it."""
    found = described_for(visit, replaces=True).credential
    there = visit.links.to("credential", credential_id=found.id)
    try:
        trial = visit.house.strongroom.trials.run(found.id, asker=asker_of(visit))
    except (Conflict, CredentialUnreadable) as error:
        return visit.back(there, notice=Notice(status="failed", title="Not tested", text=sentence(error)))
    titles = {True: "works", False: "does not work", None: "could not be tried to the end"}
    status = "failed" if trial.passed is False else "ok"
    notice = Notice(status=status, title=f"{found.name} {titles[trial.passed]}", text=trial.words)  # type: ignore[arg-type]
    return visit.back(there, notice=notice)


def send_stop(visit: Visit) -> Response:
    """Let no run open a credential any more, at once."""
    found = described_for(visit, owner=True).credential
    there = visit.links.to("credential", credential_id=found.id)
    undo = Undo(label="Undo", href=visit.links.to("credential_restore", credential_id=found.id))
    try:
        visit.house.strongroom.credentials.stop(found.id, asker=asker_of(visit))
    except Conflict as error:
        return back_to(visit, sentence(error))
    text = "No run opens it from now on. What is open already stays so until its run ends."
    return visit.go(there, notice=Notice(status="ok", title=f"{found.name} is stopped", text=text, undo=undo))


def send_restore(visit: Visit) -> Response:
    """Bring a removed, stopped or inactive credential back."""
    found = described_for(visit, owner=True).credential
    is_kept = found.is_unused and not found.is_removed
    try:
        visit.house.strongroom.credentials.restore(found.id, asker=asker_of(visit))
    except Conflict as error:
        return back_to(visit, "It was not restored", sentence(error), status="failed")
    if is_kept:
        return back_to(visit, f"{found.name} is kept", "It is active again.")
    return back_to(visit, f"{found.name} is back", "Tasks that may use it get it again, with the grants it had.")


def send_back(visit: Visit) -> Response:
    """Put the values of an earlier version back."""
    found, number = described_for(visit, owner=True).credential, visit.number("version")
    try:
        after = visit.house.strongroom.versions.go_back(found.id, number, asker=asker_of(visit))
    except (Conflict, CredentialUnreadable) as error:
        return back_to(visit, "Nothing was put back", sentence(error), status="failed")
    return back_to(visit, f"Version {after.version} has the values of version {number}")


def send_erase(visit: Visit) -> Response:
    """Erase the values of an earlier version now."""
    found, number = described_for(visit, owner=True).credential, visit.number("version")
    try:
        visit.house.strongroom.versions.retire(found.id, number, asker=asker_of(visit))
    except Conflict as error:
        return back_to(visit, "Nothing was erased", sentence(error), status="failed")
    return back_to(visit, f"The values of version {number} are erased")


def credential_page(
    visit: Visit, found: Described, values: Mapping[str, str], errors: Mapping[str, str], *, status: int = 200
) -> Response:
    """Show a credential, with what was sent and what was wrong with it."""
    credential = found.credential
    knows = found.owns or asker_of(visit).sees_all
    with visit.house.services.store.reading() as tx:
        users = users_of(tx, [credential], visit.reach, visit.now).get(credential.id, ())
        page = CredentialPage(
            shell=shell(visit, tx),
            id=credential.id,
            name=credential.name,
            kind=kind_words(credential),
            icon=icon_of(credential.kind),
            owner=owners_of(tx, [credential])[credential.owner_id],
            note=credential.note,
            mark=mark_of(credential, visit.now) if knows or found.may_replace else _of_user(credential, visit),
            version=credential.version,
            fingerprint=found.fingerprint,
            saved_at=credential.rotated_at,
            fields=_values(found),
            hosts=credential.hosts,
            expires=expiry_of(credential, visit.now),
            replaced=replacing_of(credential, visit.now),
            rule=credential.rotate_days,
            test_words=credential.test_words if found.may_replace else "",
            untestable=untestable(credential.kind, credential.open_fields),
            tasks=task_names(users[:TASKS]),
            task_count=len(users),
            owns=found.owns,
            knows=knows,
            may_replace=found.may_replace,
            is_removed=credential.is_removed,
            is_stopped=credential.inactive_at is not None and not credential.is_unused,
            goes_at=credential.goes_at,
            may_choose_owner=asker_of(visit).manages,
            edit=_edit(credential, visit),
            values=values,
            errors=errors,
            **(_known(tx, found, visit) if knows else {}),
            **_history(found, visit),
        )
    return visit.show(page, status=422 if errors else status)


def _known(tx: Transaction, found: Described, visit: Visit) -> dict[str, Any]:
    """Return who may use a credential and who did, which is for its owner and administrators."""
    grants = visit.house.strongroom.grants
    names, waiting = grants.names(found.grants), grants.waiting(found.grants)
    people = PeopleBook(tx).by_ids({each.subject_id for each in found.grants if each.subject is Subject.PERSON})
    faces = {each.id: people[each.subject_id].words for each in found.grants if _is_person(each, people)}
    uses, pager = _uses(tx, found.credential, visit, visit.query.number("before"))
    return {
        "grants": tuple(
            _grant(each, faces.get(each.id, names[each.id]), visit, waits=each.id in waiting) for each in found.grants
        ),
        "uses": uses,
        "uses_pager": pager,
        "per_day": _per_day(tx, found.credential, visit),
    }


def _is_person(grant: Grant, people: Mapping[int, User]) -> bool:
    return grant.subject is Subject.PERSON and grant.subject_id in people


def _history(found: Described, visit: Visit) -> dict[str, Any]:
    """Return the versions of a credential, and who saved the present one."""
    credential = found.credential
    present = next((each for each in found.versions if each.version == credential.version), None)
    stages = visit.house.strongroom.versions.list(credential.id, asker=asker_of(visit))
    return {
        "saved_by": present.created_by if present else credential.created_by,
        "versions": tuple(
            VersionRow(
                number=each.version.version,
                mark=each.version.fingerprint,
                by=each.version.created_by,
                at=each.version.created_at,
                is_present=each.is_present,
                is_kept=each.is_kept,
                kept_until=each.version.kept_until,
            )
            for each in stages
        ),
    }


def hosts_of(text: str) -> tuple[str, ...]:
    """Return the hosts that a form names, separated by blanks or commas."""
    return tuple(text.replace(",", " ").split())


def days_of(text: str, errors: dict[str, str]) -> int | None:
    """Return after how many days values should be replaced; what is no number is noted in `errors`."""
    tidy = text.strip()
    if not tidy:
        return None
    if not (tidy.isascii() and tidy.isdigit() and len(tidy) <= 6):
        errors["rotate"] = f"Days: “{tidy[:40]}” is no whole number. Use days from 1 to 3650, or nothing."
        return None
    return int(tidy)


def day_of(text: str, visit: Visit, errors: dict[str, str]) -> Any:
    """Return the instant at which a day ends; what is no day is noted in `errors`."""
    try:
        return end_of_day(text.strip(), visit)
    except ValueError:
        errors["expires"] = DAY_WORDS
        return None


def told(error: InvalidValue) -> dict[str, str]:
    """Return what is wrong by the field of a form; of what was given only what everybody may see."""
    if error.field == "expires_at":
        return {"expires": f"Last day: {AHEAD}."}
    label = LABELS.get(error.field, error.field)
    shown = f" “{error.value}”" if error.field in {"name", "hosts"} else ""
    return {FIELDS.get(error.field, error.field): f"{label}{shown}: {error.allowed}."}


def _edit(credential: Credential, visit: Visit) -> dict[str, str]:
    return {
        "name": credential.name,
        "note": credential.note,
        "hosts": " ".join(credential.hosts),
        "expires": last_day(credential.expires_at, visit),
        "rotate": "" if credential.rotate_days is None else str(credential.rotate_days),
    }


def _of_user(credential: Credential, visit: Visit) -> Mark:
    """Return how a credential stands for who may only use it: not what its owner's test came to."""
    return mark_of(replace(credential, tested_at=None), visit.now)


def _values(found: Described) -> tuple[ValueRow, ...]:
    kind = KINDS.get(found.credential.kind)
    labels = {each.name: each.label for each in kind.fields} if kind else {}
    opened = [
        ValueRow(label=labels.get(name, name), text=value) for name, value in found.credential.open_fields.items()
    ]
    return (*opened, *(ValueRow(label=labels.get(name, name), secret=True) for name in found.secret_fields))


def _grant(grant: Grant, name: str, visit: Visit, *, waits: bool) -> GrantRow:
    words = {
        Subject.PERSON: "may use and replace it" if grant.may_replace else "may use it in their tasks",
        Subject.PROJECT: "all tasks of the project may use it",
        Subject.TASK: "the task may use it, as long as it executes what it did",
    }
    there = {
        Subject.PERSON: visit.links.to("user", user_id=grant.subject_id) if asker_of(visit).manages else "",
        Subject.PROJECT: visit.links.to("project", project_id=grant.subject_id),
        Subject.TASK: visit.links.to("task", task_id=grant.subject_id),
    }
    return GrantRow(
        id=grant.id,
        subject=grant.subject.value,
        name=name,
        words=words[grant.subject],
        person=grant.subject is Subject.PERSON,
        there=there[grant.subject],
        until=grant.expires_at,
        waits=waits,
    )


def _uses(
    tx: Transaction, credential: Credential, visit: Visit, before: int | None
) -> tuple[tuple[UseRow, ...], Pager]:
    found = UseBook(tx).of_credential(credential.id, before=before, limit=USES + 1)
    uses = found[:USES]
    tasks = TaskBook(tx).by_ids(sorted({each.task_id for each in uses if each.task_id is not None}))
    people = PeopleBook(tx).by_ids({each.user_id for each in uses if each.user_id is not None})
    there = visit.links.to
    older = there("credential", "uses", credential_id=credential.id, before=uses[-1].id) if len(found) > USES else None
    newer = None if before is None else there("credential", "uses", credential_id=credential.id)
    rows = tuple(_use(each, tasks.get(each.task_id or 0), people.get(each.user_id or 0), visit) for each in uses)
    return rows, Pager(newer=newer, older=older)


def _per_day(tx: Transaction, credential: Credential, visit: Visit) -> tuple[int, ...]:
    """Return how often it was opened on each of the last days, as days are where the person is."""
    today = visit.now.astimezone(visit.zone).date()
    bounds = [Day.of(today - timedelta(days=back), visit.zone).start for back in range(DAYS - 1, -2, -1)]
    return tuple(UseBook(tx).counts_between(credential.id, bounds))


def _use(use: Use, task: Task | None, person: User | None, visit: Visit) -> UseRow:
    is_seen = task is not None and visit.reach.covers(task.place)
    is_test = use.purpose == TEST
    name = person.words if person is not None else use.actor if is_test else ""
    return UseRow(
        id=use.id,
        at=use.opened_at,
        words="Test" if is_test else "A task that you do not see",
        who=name if is_test or is_seen else "",
        version=use.version,
        task=named(task) if task is not None and is_seen else None,
        run=use.run_id if is_seen else None,
        attempt=use.attempt,
        seconds=None if use.closed_at is None else (use.closed_at - use.opened_at).total_seconds(),
        closed=use.closed_at,
    )
