"""Who may use a credential: let somebody, end that at once, take it back; and the removal of a credential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from horarium.accounts.roles import Permission, may
from horarium.errors import Conflict, CredentialUnreadable, InvalidValue, NotFound
from horarium.records.credentials import INSTALLATION, Credential, Subject
from horarium.store.books.tasks import TaskBook
from horarium.vault.credentials import Described
from horarium.vault.grants import NewGrant
from horarium.vault.usage import users_of
from horarium.web.frame import shell
from horarium.web.pages.credential import AHEAD, TASKS, credential_page, day_of
from horarium.web.pages.safe import asker_of, back_to, described_for, names_of, sentence, task_names
from horarium.web.views.credentials import CredentialRemovalPage
from horarium.web.views.shell import Notice, Undo
from horarium.web.visit import Visit

_NOBODY: Final[Mapping[Subject, str]] = {
    Subject.PERSON: "Nobody signs in with this name or address.",
    Subject.PROJECT: "There is no such project, or you do not belong to it.",
    Subject.TASK: "There is no such task, or you do not see it.",
}


def send_grant(visit: Visit) -> Response:
    """Let somebody use a credential."""
    found = described_for(visit, owner=True)
    values = {name: visit.form.text(name, most=254).strip() for name in ("to", "who", "replace", "until")}
    errors: dict[str, str] = {}
    try:
        subject = Subject(values["to"])
    except ValueError:
        raise InvalidValue("to", values["to"], f"use one of {', '.join(Subject)}") from None
    number = _number_of(visit, subject, values["who"])
    if number is None:
        errors["who"] = _NOBODY[subject] if values["who"] else "Fill this in."
    until = day_of(values["until"], visit, errors)
    if "expires" in errors:
        errors["until"] = errors.pop("expires")
    if errors or number is None:
        return credential_page(visit, found, values, errors)
    may_replace = subject is Subject.PERSON and values["replace"] == "yes"
    wanted = NewGrant(subject=subject, subject_id=number, may_replace=may_replace, expires_at=until)
    try:
        made = visit.house.strongroom.grants.make(found.credential.id, wanted, asker=asker_of(visit))
    except InvalidValue:
        return credential_page(visit, found, values, {"until": f"Last day: {AHEAD}."})
    except NotFound:
        return credential_page(visit, found, values, {"who": _NOBODY[subject]})
    name = visit.house.strongroom.grants.names((made,))[made.id]
    return back_to(visit, f"{name} may use {found.credential.name}", "Nobody sees its secrets by that.")


def send_revoke(visit: Visit) -> Response:
    """End a right of use at once."""
    found, number = described_for(visit, owner=True), visit.number("grant_id")
    name = _name_of(visit, found, number)
    visit.house.strongroom.grants.revoke(found.credential.id, number, asker=asker_of(visit))
    there = visit.links.to("credential", credential_id=found.credential.id)
    href = visit.links.to("credential_regrant", credential_id=found.credential.id, grant_id=number)
    text = "What is open already stays so until its run ends."
    notice = Notice(status="ok", title=f"{name} may not use it any more", text=text, undo=Undo(label="Undo", href=href))
    return visit.go(there, notice=notice)


def send_again(visit: Visit) -> Response:
    """Take back that a right of use was ended."""
    found, number = described_for(visit, owner=True), visit.number("grant_id")
    try:
        made = visit.house.strongroom.grants.again(found.credential.id, number, asker=asker_of(visit))
    except (Conflict, InvalidValue) as error:
        return back_to(visit, "It was not taken back", sentence(error), status="failed")
    name = visit.house.strongroom.grants.names((made,))[made.id]
    return back_to(visit, f"{name} may use {found.credential.name} again")


def send_give(visit: Visit) -> Response:
    """Make somebody else the owner of a credential, or for administrators the installation."""
    found = described_for(visit, owner=True)
    who, to_all = visit.form.text("heir", most=254).strip(), visit.form.text("installation") == "yes"
    if to_all:
        visit.require(Permission.CREDENTIALS_MANAGE)
    number = INSTALLATION if to_all else _number_of(visit, Subject.PERSON, who)
    if number is None:
        words = _NOBODY[Subject.PERSON] if who else "Fill this in."
        return credential_page(visit, found, {"heir": who}, {"heir": words})
    if number == found.credential.owner_id:
        return back_to(visit, "It belongs there already")
    try:
        visit.house.strongroom.credentials.give(found.credential.id, number, asker=asker_of(visit))
    except (Conflict, CredentialUnreadable) as error:
        return credential_page(visit, found, {"heir": who}, {"heir": sentence(error)})
    with visit.house.services.store.reading() as tx:
        name = names_of(tx, {number})[number]
    text = "What it is shared with stays. Nobody saw its secrets by that."
    notice = Notice(status="ok", title=f"{found.credential.name} belongs to {name}", text=text)
    # Whoever gave it away may not know of it any more.
    return visit.go(visit.links.to("credentials"), notice=notice)


def show_removal(visit: Visit) -> Response:
    """Show the form by which a credential is removed."""
    return _removal(visit, described_for(visit, owner=True).credential, "", {})


def send_removal(visit: Visit) -> Response:
    """Remove a credential; for 30 days it can be restored."""
    found = described_for(visit, owner=True).credential
    typed = visit.form.text("confirm").strip()
    if typed != found.name:
        return _removal(visit, found, typed, {"confirm": f"Type {found.name} exactly as it stands here."})
    visit.house.strongroom.credentials.remove(found.id, asker=asker_of(visit))
    undo = Undo(label="Undo", href=visit.links.to("credential_restore", credential_id=found.id))
    text = "It can be restored for 30 days, then it is erased."
    notice = Notice(status="ok", title=f"{found.name} is removed", text=text, undo=undo)
    return visit.lead(visit.links.to("credentials"), notice=notice)


def _number_of(visit: Visit, subject: Subject, who: str) -> int | None:
    """Return the number of whoever is meant, None where nobody is, or nobody that the person knows of."""
    if not who:
        return None
    if subject is Subject.PERSON:
        user = visit.house.users.find(who)
        return user.id if user is not None and user.is_enabled else None
    if subject is Subject.PROJECT:
        project = visit.house.projects.find(who)
        sees_all = may(visit.identity, Permission.PROJECTS_MANAGE)
        return project.id if project is not None and (sees_all or project.id in visit.identity.projects) else None
    number = who.removeprefix("#")
    with visit.house.services.store.reading() as tx:
        task = TaskBook(tx).by_name(who)
        if task is None and number.isascii() and number.isdigit() and len(number) < 19:
            task = TaskBook(tx).get(int(number))
    is_there = task is not None and task.removed_at is None and visit.reach.covers(task.place)
    return task.id if task is not None and is_there else None


def _name_of(visit: Visit, found: Described, number: int) -> str:
    return visit.house.strongroom.grants.names(found.grants).get(number, "")


def _removal(visit: Visit, found: Credential, typed: str, errors: Mapping[str, str]) -> Response:
    with visit.house.services.store.reading() as tx:
        users = users_of(tx, [found], visit.reach, visit.now).get(found.id, ())
        page = CredentialRemovalPage(
            shell=shell(visit, tx),
            id=found.id,
            name=found.name,
            word=found.name,
            tasks=task_names(users[:TASKS]),
            task_count=len(users),
            errors=errors,
            values={"confirm": typed},
        )
    return visit.show(page, status=422 if errors else 200)
