"""Say what each kind of letter says, as plain text; how it looks is up to the templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from horarium.accounts.letters import LetterKind
from horarium.clock import from_micros

ROLES: Final = {
    "user": "Member",
    "viewer": "Viewer",
    "operator": "Operator",
    "editor": "Editor",
    "admin": "Administrator",
}
_NOT_YOU: Final = "If that was not you, nothing has happened: delete this letter."
_NEVER: Final = "Nobody at Horarium asks for a password by mail."


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A letter: what its subject and heading say, a sentence under it, paragraphs, one button, facts, and why it came.

    `link` is where the button leads; it stands in full in the text, too.
    """

    subject: str
    title: str
    lead: str
    paragraphs: tuple[str, ...] = ()
    button: str = ""
    link: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    foot: str = ""


@dataclass(frozen=True, slots=True)
class Values:
    """What a letter's words are made of, and where it comes from: the team, the address of the pages, the time zone."""

    given: Mapping[str, Any]
    at: datetime
    team: str
    base_url: str
    zone: str

    def text(self, name: str) -> str:
        """Return a value as text, empty where there is none."""
        return str(self.given.get(name) or "")

    def moment(self, name: str) -> str:
        """Return an instant among the values, in words."""
        return moment(self.given[name], self.zone)

    @property
    def house(self) -> str:
        """Return what people call the place."""
        return f"Horarium of {self.team}" if self.team else "Horarium"

    def asked(self) -> tuple[tuple[str, str], ...]:
        """Return the facts about a request: when, and from where."""
        facts = (("Asked for", moment(self.at, self.zone)),)
        return (*facts, ("From", self.text("from"))) if self.text("from") else facts


def moment(instant: datetime, zone: str) -> str:
    """Return an instant as `Thu 14 May 2026, 14:00 (Europe/Berlin)`."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y}, {local:%H:%M} ({zone})"


def words_for(kind: LetterKind, values: Values) -> Words:
    """Return what a letter of a kind says."""
    return _WORDS[kind](values)


def _password_changed(values: Values) -> Words:
    tokens = int(values.given.get("tokens") or 0)
    ended = f" {tokens} API {'token' if tokens == 1 else 'tokens'} ended with it." if tokens else ""
    return Words(
        subject="Your password was changed",
        title="Your password was changed",
        lead=f"The password of {values.text('name')} is another one now.",
        paragraphs=(
            f"You are signed out everywhere else.{ended}",
            "If that was not you, set a new password at once, and tell an administrator.",
        ),
        button="Set a new password",
        link=f"{values.base_url}/forgot",
        facts=_done(values),
        foot=f"You get this because it is about your account on {values.house}.",
    )


_CHANGES: Final = {
    "app_added": "An authenticator app was set up for signing in to the account of {name}.",
    "app_removed": "The authenticator app of {name} was removed: it is not asked for any more.",
    "passkey_added": "The passkey “{passkey}” was added: whoever has it can sign in as {name}.",
    "passkey_removed": "The passkey “{passkey}” of {name} was removed: it opens nothing any more.",
    "codes_made": "New recovery codes were made for {name}; those before are void.",
    "taken_away": "The second step of {name} was taken away: the password alone signs in, until another is set up.",
}


def _second_step_changed(values: Values) -> Words:
    lead = _CHANGES[values.text("what")].format(name=values.text("name"), passkey=values.text("passkey"))
    by = values.text("by")
    return Words(
        subject="How you sign in was changed",
        title="How you sign in was changed",
        lead=lead,
        paragraphs=(
            *((f"{by} did this for you.",) if by else ()),
            "If you know nothing of it, set a new password at once, and tell an administrator.",
        ),
        button="Look at your sign-in",
        link=f"{values.base_url}/settings/sign-in",
        facts=_done(values),
        foot=f"You get this because it is about your account on {values.house}.",
    )


def _reset(values: Values) -> Words:
    by = values.text("by")
    who = f"{by} started this for you." if by else "Somebody, probably you, asked for it."
    return Words(
        subject="Set a new password",
        title="Set a new password",
        lead=f"{who} The link is good for {values.given['minutes']} minutes, once.",
        paragraphs=(f"{_NOT_YOU} Your password stays as it is until somebody uses the link.",),
        button="Set a new password",
        link=values.text("link"),
        facts=values.asked(),
        foot=f"You get this because it is about your account on {values.house}. {_NEVER}",
    )


def _invitation(values: Values) -> Words:
    project = values.text("project")
    where = f", and into the project {project}" if project else ""
    return Words(
        subject=f"{values.text('inviter')} invites you to {values.house}",
        title=f"Join {values.team or 'Horarium'}",
        lead=f"{values.text('inviter')} invited you as {ROLES[values.text('role')]}{where}.",
        paragraphs=("Horarium runs the recurring work of a team and tells how it went.",),
        button="Join",
        link=values.text("link"),
        facts=(("Good until", values.moment("until")),),
        foot="You get this because somebody entered your address. If you do not know them, delete this letter.",
    )


def _register(values: Values) -> Words:
    return Words(
        subject=f"Your account on {values.house}",
        title=f"Join {values.team or 'Horarium'}",
        lead="Somebody, probably you, wants to make an account with this address.",
        paragraphs=(_NOT_YOU,),
        button="Make the account",
        link=values.text("link"),
        facts=(*values.asked(), ("Good until", values.moment("until"))),
        foot="You get this because somebody entered your address.",
    )


def _register_known(values: Values) -> Words:
    return Words(
        subject=f"You have an account on {values.house}",
        title="You have an account already",
        lead="Somebody, probably you, wanted to make an account with this address. There is one: sign in.",
        paragraphs=("If the password is forgotten, the page to sign in leads to a new one.", _NOT_YOU),
        button="Sign in",
        link=values.text("link"),
        foot=f"You get this because it is about your account on {values.house}.",
    )


def _confirm(values: Values) -> Words:
    return Words(
        subject="Confirm your address",
        title="Confirm your address",
        lead=f"{values.text('name')} uses this address on {values.house}.",
        paragraphs=(_NOT_YOU,),
        button="Confirm the address",
        link=values.text("link"),
        facts=(("Good until", values.moment("until")),),
        foot="You get this because somebody entered your address.",
    )


def _take_address(values: Values) -> Words:
    both = " The old address has to agree as well: there is a letter there, too." if values.given.get("both") else ""
    return Words(
        subject="Confirm your new address",
        title="Confirm your new address",
        lead=f"{values.text('name')} wants to use this address on {values.house}.",
        paragraphs=(f"It takes the place of the old one once it is confirmed.{both}", _NOT_YOU),
        button="Confirm the new address",
        link=values.text("link"),
        facts=(("Good until", values.moment("until")),),
        foot="You get this because somebody entered your address.",
    )


def _leave_address(values: Values) -> Words:
    return Words(
        subject="Agree to your new address",
        title="Is this address to be replaced?",
        lead=f"{values.text('name')} wants to use {values.text('email')} instead of this address.",
        paragraphs=(
            "It changes once both addresses agree.",
            "If that was not you, somebody knows your password: set a new one. Without your word nothing changes.",
        ),
        button="Agree to the change",
        link=values.text("link"),
        facts=(("Good until", values.moment("until")),),
        foot=f"You get this because it is about your account on {values.house}.",
    )


def _address_changed(values: Values) -> Words:
    return Words(
        subject="Your address was changed",
        title="Your address was changed",
        lead=f"{values.text('name')} uses {values.text('email')} on {values.house} from now on.",
        paragraphs=(
            "This is the last letter to this address. Sessions elsewhere have ended.",
            "If that was not you, tell an administrator at once.",
        ),
        button="Open Horarium",
        link=f"{values.base_url}/",
        facts=_done(values),
        foot=f"You get this because it was the address of your account on {values.house}.",
    )


def _credential_inactive(values: Values) -> Words:
    names, more, months = list(values.given["credentials"]), int(values.given["more"]), int(values.given["months"])
    count = len(names) + more
    what, them, each = ("a credential", "it", "it") if count == 1 else (f"{count} credentials", "them", "each")
    whose = "" if values.given["own"] else f" of {values.text('owner') or 'the installation'}"
    since = "a month" if months == 1 else f"{months} months"
    until = moment(from_micros(int(values.given["gone_at"])), values.zone)
    page = f"/{values.given['ids'][0]}" if count == 1 else "?state=inactive"
    return Words(
        subject=f"Nothing uses {what} any more",
        title=f"Nothing uses {what} any more",
        lead=f"Nothing has used {what}{whose} for {since}, and nothing refers to {them}.",
        paragraphs=(
            f"From now on inactive, {each} will be erased after {until}.",
            f"Until then {each} can be kept; a new grant, other values, or a task that uses it do that as well.",
            "What is not needed any more is best taken back where it is valid, too.",
        ),
        button="Keep it or let it go" if count == 1 else "Look at them",
        link=f"{values.base_url}/credentials{page}",
        facts=(("Inactive", ", ".join([*names, f"and {more} more"] if more else names)), ("Erased after", until)),
        foot=f"You get this because you look after credentials on {values.house}.",
    )


def _done(values: Values) -> tuple[tuple[str, str], ...]:
    facts = (("Changed", moment(values.at, values.zone)),)
    return (*facts, ("From", values.text("from"))) if values.text("from") else facts


_WORDS: Final[Mapping[LetterKind, Callable[[Values], Words]]] = {
    LetterKind.PASSWORD_CHANGED: _password_changed,
    LetterKind.SECOND_STEP_CHANGED: _second_step_changed,
    LetterKind.RESET: _reset,
    LetterKind.INVITATION: _invitation,
    LetterKind.REGISTER: _register,
    LetterKind.REGISTER_KNOWN: _register_known,
    LetterKind.CONFIRM: _confirm,
    LetterKind.LEAVE_ADDRESS: _leave_address,
    LetterKind.TAKE_ADDRESS: _take_address,
    LetterKind.ADDRESS_CHANGED: _address_changed,
    LetterKind.CREDENTIAL_INACTIVE: _credential_inactive,
}
