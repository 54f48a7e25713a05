"""Say in words what the audit log tells: who did what with what, by which way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from horarium.audit.actions import Action
from horarium.records.actors import Source
from horarium.records.audit import AuditRow

WORDS: Final[Mapping[str, str]] = {
    Action.PERSON_SIGNED_IN: "signed in",
    Action.PERSON_REFUSED: "tried to sign in",
    Action.PERSON_THROTTLED: "was told to wait after too many tries",
    Action.PERSON_SIGNED_OUT: "signed out",
    Action.PERSON_PROVED: "proved once more who they are",
    Action.PERSON_ADDED: "made the account of",
    Action.PERSON_CHANGED: "changed the account of",
    Action.PERSON_ROLE_CHANGED: "changed the role of",
    Action.PERSON_DISABLED: "deactivated",
    Action.PERSON_ENABLED: "activated again",
    Action.PERSON_DELETED: "deleted the account of",
    Action.PASSWORD_CHANGED: "changed the password of",
    Action.PASSWORD_RESET_ASKED: "asked for a link to set a new password for",
    Action.PASSWORD_RESET: "set a new password by a link for",
    Action.EMAIL_CHANGE_ASKED: "asked for another address for",
    Action.EMAIL_CHANGE_WITHDRAWN: "took back the other address for",
    Action.EMAIL_CONFIRMATION_ASKED: "asked to confirm the address of",
    Action.EMAIL_CHANGED: "confirmed another address for",
    Action.EMAIL_CONFIRMED: "confirmed the address of",
    Action.FACTOR_ADDED: "set up a second step for",
    Action.FACTOR_REMOVED: "took a second step from",
    Action.PASSKEY_RENAMED: "renamed a passkey of",
    Action.FACTOR_RECOVERED: "signed in with a recovery code",
    Action.RECOVERY_CODES_MADE: "made new recovery codes for",
    Action.IDENTITY_LINKED: "tied to a sign-in elsewhere",
    Action.SESSION_ENDED: "ended sessions of",
    Action.REGISTRATION_ASKED: "asked for an account",
    Action.INVITATION_SENT: "sent an invitation to",
    Action.INVITATION_WITHDRAWN: "withdrew the invitation of",
    Action.INVITATION_ACCEPTED: "accepted the invitation of",
    Action.TOKEN_MADE: "made the token",
    Action.TOKEN_REVOKED: "revoked the token",
    Action.PROJECT_MADE: "made",
    Action.PROJECT_CHANGED: "edited",
    Action.PROJECT_REMOVED: "removed",
    Action.MEMBER_ADDED: "took somebody into",
    Action.MEMBER_CHANGED: "changed a member’s role in",
    Action.MEMBER_REMOVED: "took somebody out of",
    Action.CREDENTIAL_ADDED: "added",
    Action.CREDENTIAL_CHANGED: "edited",
    Action.CREDENTIAL_REPLACED: "replaced the values of",
    Action.CREDENTIAL_TESTED: "tested",
    Action.CREDENTIAL_OPENED: "opened for a run",
    Action.CREDENTIAL_DENIED: "was refused in a run",
    Action.CREDENTIAL_UNREADABLE: "could not open",
    Action.CREDENTIAL_GIVEN: "gave to another owner",
    Action.CREDENTIAL_REMOVED: "removed",
    Action.CREDENTIAL_INACTIVE: "made inactive, since nothing used it,",
    Action.CREDENTIAL_ERASED: "erased, since nobody kept it,",
    Action.CREDENTIAL_STOPPED: "stopped the use of",
    Action.CREDENTIAL_RESTORED: "restored",
    Action.GRANT_MADE: "shared",
    Action.GRANT_REVOKED: "ended a right to use",
    Action.VAULT_KEY_ADDED: "began to use a key",
    Action.VAULT_ROTATED: "moved the vault to another key",
    Action.SETTING_CHANGED: "changed the setting",
    Action.SETTING_LOCKED: "locked or released the setting",
    Action.CHANNEL_ADDED: "added",
    Action.CHANNEL_CHANGED: "edited",
    Action.CHANNEL_PAUSED: "paused",
    Action.CHANNEL_RESUMED: "let send again",
    Action.CHANNEL_TESTED: "tested",
    Action.CHANNEL_REMOVED: "removed",
    Action.RULE_ADDED: "added",
    Action.RULE_CHANGED: "edited",
    Action.RULE_REMOVED: "removed",
    Action.NOTICE_RESENT: "had sent again",
    Action.NOTICE_SNOOZED: "held back notifications of",
    Action.NOTICE_WOKEN: "stopped holding back notifications of",
    Action.TASK_ADDED: "added",
    Action.TASK_CHANGED: "edited",
    Action.TASK_GIVEN: "gave to another owner or project",
    Action.TASK_PAUSED: "paused",
    Action.TASK_RESUMED: "resumed",
    Action.TASK_UNPARKED: "tried again",
    Action.TASK_REMOVED: "deleted",
    Action.TASK_TRIGGERED: "started",
    Action.HEARTBEAT_ADDED: "added",
    Action.HEARTBEAT_CHANGED: "edited",
    Action.HEARTBEAT_PAUSED: "paused",
    Action.HEARTBEAT_RESUMED: "resumed",
    Action.HEARTBEAT_RENEWED: "renewed the address of",
    Action.HEARTBEAT_REMOVED: "removed",
    Action.MAINTENANCE_BEGUN: "switched maintenance mode on",
    Action.MAINTENANCE_ENDED: "switched maintenance mode off",
    Action.RUN_CANCELLED: "stopped",
    Action.ACCESS_REFUSED: "was refused",
    Action.EXPORT_MADE: "exported",
    Action.ARCHIVE_MADE: "moved old entries into an archive of",
    Action.ARCHIVE_FETCHED: "downloaded an archive of",
    Action.BACKUP_MADE: "made",
    Action.BACKUP_VERIFIED: "looked through",
    Action.BACKUP_DRILLED: "tried to restore, into a scratch store,",
    Action.BACKUP_DOWNLOADED: "downloaded",
    Action.BACKUP_PRUNED: "removed old backups",
    Action.BACKUP_RESTORED: "restored",
    Action.SCHEDULES_RELEASED: "released the held schedules",
    Action.INSTALLATION_MOVED: "moved a single-user installation in",
    Action.INSTALLATION_MOVED_BACK: "took a move back",
    Action.INSTALLATION_MOVE_FINISHED: "erased what a move had kept",
    Action.NOTED: "noted",
}
"""What stands between who did it and what it is about."""
ICONS: Final[Mapping[str, str]] = {
    "person": "user",
    "password": "shield",
    "factor": "shield",
    "session": "logout",
    "project": "box",
    "member": "users",
    "task": "edit",
    "run": "stop",
    "export": "download",
    "archive": "box",
    "access": "alert",
}
"""The icon of each kind of action; those that are not listed have the one of the log."""
KINDS: Final[Mapping[str, str]] = {
    "person": "Accounts",
    "password": "Passwords",
    "email": "Addresses",
    "registration": "Registration",
    "factor": "Second steps",
    "identity": "Sign-ins elsewhere",
    "session": "Sessions",
    "invitation": "Invitations",
    "token": "API tokens",
    "project": "Projects",
    "member": "Members",
    "credential": "Credentials",
    "grant": "Shared credentials",
    "vault": "Vault",
    "setting": "Settings",
    "channel": "Channels",
    "rule": "Rules for notifications",
    "notice": "Notifications",
    "task": "Tasks",
    "heartbeat": "Heartbeats",
    "maintenance": "Maintenance mode",
    "run": "Runs",
    "access": "Refused access",
    "export": "Exports",
    "archive": "Archives",
    "backup": "Backups",
    "installation": "Moving in",
    "noted": "Notes of programs",
}
"""The first part of each action, in words."""
WAYS: Final[Mapping[str, str]] = {
    Source.WEB: "Page",
    Source.API: "API",
    Source.CLI: "Command line",
    Source.CODE: "Program",
    Source.SERVER: "Server",
}
_LONGEST: Final = 500


def icon_of(action: str) -> str:
    """Return the icon of an action."""
    return "play" if action == Action.TASK_TRIGGERED else ICONS.get(action.partition(".")[0], "audit")


def words_of(row: AuditRow) -> str:
    """Return what somebody did, in words; an action of another release as it is called."""
    return WORDS.get(row.action, row.action)


def differences(row: AuditRow) -> list[tuple[str, str | None, str | None]]:
    """Return the changed values of an entry as (name, was, is now); None where there was or is none."""
    names = dict.fromkeys([*row.before, *row.after])
    return [(name, _shown(row.before, name), _shown(row.after, name)) for name in names]


def details(row: AuditRow) -> list[tuple[str, str]]:
    """Return what else an entry tells, as names and values in words."""
    told = [(name, _text(value)) for name, value in row.details.items()]
    return [(name.replace("_", " ").capitalize(), text) for name, text in told if text]


def _shown(values: Mapping[str, Any], name: str) -> str | None:
    return _text(values[name]) if name in values else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
