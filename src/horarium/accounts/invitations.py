"""Invite people: a link by mail or by hand, good for a week, that makes an account with the role that was chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from horarium.accounts.letters import Draft, LetterKind
from horarium.accounts.links import LinkMaker, Purpose, number_in
from horarium.accounts.names import checked_email, key_of
from horarium.accounts.people import NewPerson, People
from horarium.accounts.projects import about as about_project
from horarium.accounts.registering import Rules
from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock
from horarium.errors import Conflict, InvalidValue, LinkRefused, NotFound
from horarium.records.actors import Actor
from horarium.records.people import Project, Role, User
from horarium.store.books.invitations import Invitation, InvitationBook
from horarium.store.books.mail import Letter, OutboxBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.projects import ProjectBook
from horarium.store.port import Store, Transaction

LASTS: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whom to invite, with which role on the installation, and in which project with which role there, if in one."""

    email: str
    role: Role = Role.USER
    project_id: int | None = None
    project_role: Role = Role.VIEWER


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What an invited person says of themselves."""

    name: str
    password: str
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Found:
    """What a link to join leads to: the invitation, its project, and whether the link came by mail."""

    invitation: Invitation
    project: Project | None
    by_mail: bool


class Invitations:
    """The invitations of one store."""

    def __init__(self, store: Store, clock: Clock, *, people: People, links: LinkMaker, rules: Rules) -> None:
        """Work on `store`; accounts are made by `people`. What people asked for themselves follows `rules`."""
        self._store = store
        self._clock = clock
        self._people = people
        self._links = links
        self._rules = rules
        self._trail = Trail(store, clock)

    def invite(self, wanted: Wanted, *, actor: Actor, by_mail: bool) -> Invitation:
        """Invite somebody; with `by_mail` a letter goes out, else `link` gives what to hand over.

        Raises `InvalidValue` for an address that is malformed, invited already or has an account, and for a project
        that is not there.
        """
        email, now = checked_email(wanted.email), self._clock.now()
        if wanted.project_id is not None and wanted.project_role is Role.USER:
            raise InvalidValue("project_role", wanted.project_role.value, "use viewer, operator, editor or admin")
        invitation = Invitation(
            email=email,
            email_key=key_of(email),
            role=wanted.role,
            project_id=wanted.project_id,
            project_role=None if wanted.project_id is None else wanted.project_role,
            inviter_id=actor.user_id,
            inviter=actor.words or "somebody",
            created_at=now,
            expires_at=now + LASTS,
        )
        with self._store.transaction() as tx:
            self._check(tx, invitation)
            made = InvitationBook(tx).add(invitation)
            self._send(tx, made, actor=actor, by_mail=by_mail)
        return made

    def waiting(self) -> list[Invitation]:
        """Return invitations that nobody has accepted or withdrawn, the newest first, expired ones too."""
        with self._store.reading() as tx:
            return InvitationBook(tx).waiting()

    def resend(self, invitation_id: int, *, actor: Actor, by_mail: bool) -> Invitation:
        """Give an invitation another week; links made before are void. Raises `NotFound`, `Conflict`."""
        with self._store.transaction() as tx:
            _found(tx, invitation_id)
            # Whoever sends it again answers for it, also where the inviter has left.
            inviter = actor.words or "somebody"
            until = self._clock.now() + LASTS
            book = InvitationBook(tx)
            if not book.renew(invitation_id, expires_at=until, inviter_id=actor.user_id, inviter=inviter):
                raise Conflict("this invitation was accepted or withdrawn")
            renewed = _found(tx, invitation_id)
            self._send(tx, renewed, actor=actor, by_mail=by_mail)
        return renewed

    def withdraw(self, invitation_id: int, *, actor: Actor) -> bool:
        """Withdraw an invitation; return False if it was accepted or withdrawn before. Raises `NotFound`."""
        with self._store.transaction() as tx:
            invitation = _found(tx, invitation_id)
            gone = InvitationBook(tx).withdraw(invitation_id, self._clock.now())
            if gone:
                self._trail.note(tx, actor, Action.INVITATION_WITHDRAWN, about(invitation))
        return gone

    def link(self, invitation_id: int, *, actor: Actor) -> str:
        """Return a link to hand over; it is kept nowhere. Raises `NotFound`, `Conflict` for one that is over."""
        with self._store.transaction() as tx:
            invitation = _found(tx, invitation_id)
            if not invitation.is_open(self._clock.now()):
                raise Conflict("this invitation is over; send it again first")
            self._trail.note(tx, actor, Action.INVITATION_SENT, about(invitation), by_mail=False)
        return self._links.link(Purpose.JOIN_BY_HAND, invitation)

    def answer(self, letter: Letter) -> Draft | None:
        """Say what the letter of an invitation says; None for one that is over."""
        with self._store.reading() as tx:
            invitation = InvitationBook(tx).get(int(letter.body["invitation"]))
            is_open = invitation is not None and invitation.is_open(self._clock.now())
            if invitation is None or not is_open or not self._stands(tx, invitation):
                return None
            project = self._project(tx, invitation)
        values = {
            "inviter": invitation.inviter,
            "role": invitation.role.value,
            "project": "" if project is None else project.name,
            "until": invitation.expires_at,
            "link": self._links.link(Purpose.JOIN, invitation),
        }
        return Draft(kind=LetterKind.INVITATION, to=invitation.email, values=values)

    def look(self, token: str) -> Found:
        """Return what a link to join leads to; looking uses nothing up. Raises `LinkRefused`."""
        with self._store.reading() as tx:
            return self._read(tx, token)

    def accept(self, token: str, person: Joining, *, actor: Actor) -> User:
        """Make the account; of many calls at once with one link exactly one succeeds.

        The address counts as confirmed where the link came by mail. Raises `LinkRefused`, `InvalidValue`,
        `WeakPassword`, `TooBusy`.
        """
        found = self.look(token)
        invitation, now = found.invitation, self._clock.now()
        wanted = NewPerson(
            name=invitation.email,
            email=invitation.email,
            display_name=person.name,
            time_zone=person.time_zone,
            role=invitation.role,
            password=person.password,
            email_confirmed_at=now if found.by_mail else None,
        )
        user, hashed = self._people.prepare(wanted)
        with self._store.transaction() as tx:
            book = InvitationBook(tx)
            if not book.use(invitation.id, invitation.nonce, now) or not self._stands(tx, invitation):
                raise LinkRefused
            if _is_taken(tx, invitation.email):
                raise LinkRefused
            newcomer = replace(actor, name=user.words)
            made = self._people.insert(tx, user, hashed, actor=newcomer)
            book.note_person(invitation.id, made.id)
            self._join_project(tx, found, made, actor=newcomer)
            self._trail.note(
                tx, newcomer, Action.INVITATION_ACCEPTED, about(invitation), user_id=made.id, by_mail=found.by_mail
            )
        return made

    def _send(self, tx: Transaction, invitation: Invitation, *, actor: Actor, by_mail: bool) -> None:
        if by_mail:
            body = {"invitation": invitation.id}
            OutboxBook(tx).add(LetterKind.INVITATION.value, invitation.email, body, at=self._clock.now())
        self._trail.note(
            tx, actor, Action.INVITATION_SENT, about(invitation), after=_shown(invitation), by_mail=by_mail
        )

    def _check(self, tx: Transaction, wanted: Invitation) -> None:
        if _is_taken(tx, wanted.email):
            raise InvalidValue("email", wanted.email, "somebody with this address has an account already")
        before = InvitationBook(tx).to(wanted.email_key, self._clock.now())
        if before is not None and before.inviter:
            raise InvalidValue("email", wanted.email, "this address is invited already; send that invitation again")
        if wanted.project_id is not None and ProjectBook(tx).get(wanted.project_id) is None:
            raise InvalidValue("project", wanted.project_id, "there is no such project")

    def _read(self, tx: Transaction, token: str) -> Found:
        invitation = InvitationBook(tx).get(number_in(token))
        if invitation is None or not invitation.is_open(self._clock.now()) or not self._stands(tx, invitation):
            raise LinkRefused
        project = self._project(tx, invitation)
        for purpose in (Purpose.JOIN, Purpose.JOIN_BY_HAND):
            if self._links.is_sound(token, purpose, invitation):
                return Found(invitation, project, by_mail=purpose is Purpose.JOIN)
        raise LinkRefused

    def _stands(self, tx: Transaction, invitation: Invitation) -> bool:
        """Tell whether whoever is behind an invitation may still invite: a link outlives nobody's rights."""
        if not invitation.inviter:
            return self._rules.admits(invitation.email)
        if invitation.inviter_id is None:
            return True
        inviter = PeopleBook(tx).by_id(invitation.inviter_id)
        return inviter is not None and inviter.is_enabled and inviter.is_admin

    def _project(self, tx: Transaction, invitation: Invitation) -> Project | None:
        return None if invitation.project_id is None else ProjectBook(tx).get(invitation.project_id)

    def _join_project(self, tx: Transaction, found: Found, user: User, *, actor: Actor) -> None:
        project, role = found.project, found.invitation.project_role
        if project is None or role is None:
            return
        ProjectBook(tx).put_member(project.id, user.id, role, self._clock.now())
        after = {"role": role.value}
        self._trail.note(
            *(tx, actor, Action.MEMBER_ADDED, about_project(project)), after=after, user=user.name, user_id=user.id
        )


def about(invitation: Invitation) -> About:
    """Return an invitation as an audit entry names it."""
    return About("invitation", invitation.id, invitation.email)


def _is_taken(tx: Transaction, email: str) -> bool:
    return PeopleBook(tx).by_login(key_of(email)) is not None


def _found(tx: Transaction, invitation_id: int) -> Invitation:
    found = InvitationBook(tx).get(invitation_id)
    # What somebody asked for themselves is nobody else's to look after.
    if found is None or not found.inviter:
        raise NotFound(f"there is no invitation {invitation_id}")
    return found


def _shown(invitation: Invitation) -> dict[str, Any]:
    return {
        "email": invitation.email,
        "role": invitation.role.value,
        "project_id": invitation.project_id,
        "project_role": None if invitation.project_role is None else invitation.project_role.value,
    }
