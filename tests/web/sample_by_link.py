"""Make the pages that letters lead to and that send letters, invitations and the profile."""

from __future__ import annotations

from datetime import timedelta

from horarium.web.views.by_link import AgreePage, ForgotPage, JoinPage, RegisterPage, ResetPage, SentPage
from horarium.web.views.invitations import Choice, HandoverPage, InvitationRow, InvitationsPage
from horarium.web.views.profile import ProfilePage
from horarium.web.views.settings import Part
from horarium.web.views.shell import ViewModel
from tests.web.sample_parts import NOW, porch, shell

PARTS = (
    Part(label="Profile", icon="user", href="/settings/profile", current=True),
    Part(label="Sign-in", icon="shield", href="/settings/sign-in"),
)
ROLES = (
    Choice(value="viewer", label="Viewer", words="sees tasks, runs, reports"),
    Choice(value="editor", label="Editor", words="also makes and edits tasks"),
)
TOKEN = "12.abc"


def rich() -> dict[str, ViewModel]:
    """Return each page with everything on it."""
    wrong = {"name": "Use 1 to 100 printable characters.", "password": "Too short.", "time_zone": "Not on the list."}
    return {
        "forgot": ForgotPage(shell=porch(), login="ines", error="Too many tries: wait 15 min and try again."),
        "sent": SentPage(shell=porch(), text="A link is on its way.", again="/forgot"),
        "reset": ResetPage(
            shell=porch(), token=TOKEN, name="Inês Carvalho", least=10, errors={"password": "Use 10 or more."}
        ),
        "register": RegisterPage(
            shell=porch(), who="Open to addresses at tidewater.example.", email="noor@elsewhere", error="Not one."
        ),
        "join": JoinPage(
            shell=porch(),
            token=TOKEN,
            email="noor.vandijk@tidewater.example",
            inviter="Inês Carvalho",
            role="Editor",
            project="Warehouse",
            until=NOW + timedelta(days=5),
            zones=("UTC", "Europe/Amsterdam"),
            least=10,
            values={"name": "Noor van Dijk", "time_zone": "Europe/Amsterdam"},
            errors=wrong,
        ),
        "agree": AgreePage(
            shell=porch(), token=TOKEN, title="Confirm your address", text="It is ines@x.", button="Confirm"
        ),
        "invitations": invitations(),
        "handover": HandoverPage(
            shell=shell(), name="Otto Weber", link="https://h.example/reset/1." + "x" * 43, minutes=30, back="/users"
        ),
        "profile": ProfilePage(
            shell=shell(),
            parts=PARTS,
            name="ines",
            display_name="Inês Carvalho",
            email="ines.carvalho@tidewater.example",
            is_confirmed=False,
            pending="ines@elsewhere.example",
            values={"email": "ines@elsewhere"},
            errors={"email": "The part after the @ is not complete.", "current": "That is not your current password."},
        ),
    }


def empty() -> dict[str, ViewModel]:
    """Return each page as it is at first, and where no mail is sent."""
    return {
        "forgot-empty": ForgotPage(shell=porch()),
        "forgot-alone": ForgotPage(shell=porch(), sends_mail=False),
        "reset-empty": ResetPage(shell=porch(), token=TOKEN, name="ines", least=10),
        "register-empty": RegisterPage(shell=porch(), who="A link comes by mail."),
        "join-empty": JoinPage(
            shell=porch(),
            token=TOKEN,
            email="noor@tidewater.example",
            inviter="",
            role="Member",
            project="",
            until=NOW + timedelta(hours=5),
            zones=("UTC",),
            least=10,
        ),
        "invitations-empty": InvitationsPage(shell=shell(), rows=(), roles=ROLES, sends_mail=False),
        "profile-empty": ProfilePage(
            shell=shell(), parts=PARTS, name="ines", display_name="", email="", is_confirmed=False, sends_mail=False
        ),
    }


def invitations() -> InvitationsPage:
    """Return the page about invitations with everything on it."""

    def row(number: int, hours: int, email: str, project: str = "") -> InvitationRow:
        until = NOW + timedelta(hours=hours)
        is_over, soon = hours < 0, 0 < hours < 24
        return InvitationRow(
            id=number,
            email=email,
            role="Editor",
            project=project,
            inviter="Inês Carvalho",
            until=until,
            is_over=is_over,
            soon=soon,
        )

    return InvitationsPage(
        shell=shell(),
        rows=(
            row(1, 120, "noor.vandijk@tidewater.example", "Warehouse"),
            row(2, 3, "audit@keel-partners.example"),
            row(3, -30, "late@keel-partners.example"),
        ),
        roles=ROLES,
        projects=(Choice(value="1", label="Warehouse"),),
        project_roles=ROLES,
        lost=2,
        link="https://horarium.tidewater.example/join/12." + "x" * 43,
        link_for="noor.vandijk@tidewater.example",
        values={"email": "noor", "role": "editor", "project": "1", "project_role": "editor"},
        errors={"email": "The address is not complete.", "role": "Choose one.", "project": "There is no such project."},
    )
