"""How administrators let people in: invitations, and new passwords for who has forgotten theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from horarium.accounts.invitations import Wanted
from horarium.accounts.resets import LASTS
from horarium.errors import Conflict, InvalidValue
from horarium.records.people import Role
from horarium.store.books.invitations import Invitation
from horarium.store.books.mail import SentBook
from horarium.store.books.projects import ProjectBook
from horarium.store.port import Transaction
from horarium.web.forms import as_number
from horarium.web.frame import ROLE_WORDS, shell
from horarium.web.pages.joining import sentence
from horarium.web.views.invitations import Choice, HandoverPage, InvitationRow, InvitationsPage
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit, safe_path

_SOON: Final = timedelta(hours=24)
_FIELDS: Final = ("email", "role", "project", "project_role")
_MOST_TYPED: Final = 300
_ROLES: Final = (
    (Role.USER, "has only what is their own, and what projects give them"),
    (Role.VIEWER, "sees tasks, runs, reports"),
    (Role.OPERATOR, "also runs and pauses tasks"),
    (Role.EDITOR, "also makes and edits tasks"),
    (Role.ADMIN, "also users, system, audit log"),
)


def show(visit: Visit) -> Response:
    """Show the invitations that wait, and the form."""
    return _page(visit)


def send(visit: Visit) -> Response:
    """Invite somebody: by mail where it is set up, else by a link that is shown this once."""
    typed = {name: visit.form.whole(name)[:_MOST_TYPED] for name in _FIELDS}
    by_mail = visit.house.settings.sends_mail
    try:
        invitation = visit.house.by_link.invitations.invite(_wanted(typed), actor=visit.actor, by_mail=by_mail)
    except InvalidValue as error:
        return _page(visit, values=typed, errors={error.field: sentence(error.allowed)}, status=422)
    if by_mail:
        return _to_list(visit, "The invitation is on its way", f"To {invitation.email}, good for 7 days.")
    text = "Mail is not set up: copy the link from the list and hand it over."
    return _to_list(visit, f"{invitation.email} is invited", text)


def resend(visit: Visit) -> Response:
    """Give an invitation another week; links made before are void."""
    by_mail = visit.house.settings.sends_mail
    found = visit.house.by_link.invitations.resend(visit.number("invitation_id"), actor=visit.actor, by_mail=by_mail)
    text = "The link in the first letter is void." if by_mail else "Copy the new link; the one before is void."
    return _to_list(visit, f"The invitation of {found.email} is good for 7 days again", text)


def withdraw(visit: Visit) -> Response:
    """Withdraw an invitation."""
    gone = visit.house.by_link.invitations.withdraw(visit.number("invitation_id"), actor=visit.actor)
    return _to_list(visit, "The invitation is withdrawn" if gone else "It was accepted or withdrawn already")


def show_link(visit: Visit) -> Response:
    """Show a link to hand over; it is kept nowhere, and each copy that is asked for stands in the audit log."""
    number = visit.number("invitation_id")
    try:
        link = visit.house.by_link.invitations.link(number, actor=visit.actor)
    except Conflict:
        notice = Notice(status="failed", title="This invitation is over", text="Send it again first.")
        return visit.go(visit.links.to("invitations"), notice=notice)
    return _page(visit, link=link, link_for=number)


def start_reset(visit: Visit) -> Response:
    """Start a new password for somebody: by mail, or with a link to hand over. Nobody but them learns the password."""
    user = visit.house.users.get(visit.number("user_id"))
    by_mail = visit.house.settings.sends_mail and bool(user.email) and visit.form.whole("by_hand") != "yes"
    link = visit.house.by_link.resets.start(user.id, actor=visit.actor, by_mail=by_mail)
    if link is None:
        notice = Notice(status="ok", title=f"A letter to {user.words} is on its way", text="The link is good once.")
        return visit.back(visit.links.to("invitations"), notice=notice)
    back = safe_path(visit.form.whole("back"), visit.links, visit.links.to("invitations"))
    with visit.house.services.store.reading() as tx:
        page = HandoverPage(
            shell=shell(visit, tx), name=user.words, link=link, minutes=LASTS // timedelta(minutes=1), back=back
        )
    return visit.show(page)


def _wanted(typed: dict[str, str]) -> Wanted:
    project = as_number("project", typed["project"]) if typed["project"] else None
    return Wanted(
        email=typed["email"],
        role=_role("role", typed["role"]),
        project_id=project,
        project_role=Role.VIEWER if project is None else _role("project_role", typed["project_role"]),
    )


def _role(field: str, text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise InvalidValue(field, text, "choose one of the roles") from None


def _page(
    visit: Visit,
    *,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    link: str = "",
    link_for: int = 0,
    status: int = 200,
) -> Response:
    waiting = visit.house.by_link.invitations.waiting()
    with visit.house.services.store.reading() as tx:
        projects = {project.id: project.name for project in ProjectBook(tx).every()}
        page = InvitationsPage(
            shell=shell(visit, tx),
            rows=tuple(_row(visit, each, projects) for each in waiting),
            roles=tuple(Choice(value=role.value, label=ROLE_WORDS[role], words=words) for role, words in _ROLES),
            projects=tuple(Choice(value=str(number), label=name) for number, name in projects.items()),
            project_roles=tuple(Choice(value=role.value, label=ROLE_WORDS[role]) for role, _ in _ROLES[1:]),
            sends_mail=visit.house.settings.sends_mail,
            lost=_lost(visit, tx),
            link=link,
            link_for=next((each.email for each in waiting if each.id == link_for), ""),
            values=values or {},
            errors=errors or {},
        )
    return visit.show(page, status=status)


def _row(visit: Visit, invitation: Invitation, projects: dict[int, str]) -> InvitationRow:
    left = invitation.expires_at - visit.now
    return InvitationRow(
        id=invitation.id,
        email=invitation.email,
        role=ROLE_WORDS[invitation.role],
        project=projects.get(invitation.project_id or 0, ""),
        inviter=invitation.inviter,
        until=invitation.expires_at,
        is_over=left <= timedelta(),
        soon=timedelta() < left < _SOON,
    )


def _lost(visit: Visit, tx: Transaction) -> int:
    return SentBook(tx).count_given_up(visit.now - timedelta(days=7))


def _to_list(visit: Visit, title: str, text: str = "") -> Response:
    return visit.go(visit.links.to("invitations"), notice=Notice(status="ok", title=title, text=text))
