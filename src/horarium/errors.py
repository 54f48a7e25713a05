"""The one tree of errors: each class has a stable `code`, each message is one sentence for a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class HorariumError(Exception):
    """Be the root of everything this package raises on purpose.

    `code` is stable and machine-readable: doors turn it into an exit code or an HTTP status, never the text.
    """

    code: ClassVar[str] = "error"


class InvalidValue(HorariumError, ValueError):
    """Report a value that is refused: which field, what was given, and what is allowed."""

    code: ClassVar[str] = "invalid_value"

    def __init__(self, field: str, value: object, allowed: str) -> None:
        """Compose the sentence from the `field`, the refused `value` and the `allowed` values, in words."""
        self.field = field
        self.value = _shown(value)
        self.allowed = allowed
        super().__init__(f"{field} {self.value!r} is not allowed: {allowed}")


class InvalidSchedule(InvalidValue):
    """Report a schedule text, zone or trigger that means nothing or never comes."""

    code: ClassVar[str] = "invalid_schedule"


class InvalidTarget(InvalidValue):
    """Report a task target that cannot be what it says, for example a function without an import path."""

    code: ClassVar[str] = "invalid_target"


class NotFound(HorariumError, LookupError):
    """Report that a named thing is not there, or not there for the one who asks."""

    code: ClassVar[str] = "not_found"


class TaskNotFound(NotFound):
    """Report that no task has this name or number."""

    code: ClassVar[str] = "task_not_found"

    def __init__(self, task: object) -> None:
        """Name the `task` that was asked for."""
        self.task = task
        super().__init__(f"there is no task {task!r}")


class RunNotFound(NotFound):
    """Report that no run has this number."""

    code: ClassVar[str] = "run_not_found"

    def __init__(self, run: object) -> None:
        """Name the `run` that was asked for."""
        self.run = run
        super().__init__(f"there is no run {run}")


class Conflict(HorariumError):
    """Report a change that the present state does not permit, for example cancelling a run that has ended."""

    code: ClassVar[str] = "conflict"


class Denied(HorariumError):
    """Report that the one who asks may not do this."""

    code: ClassVar[str] = "denied"


class CredentialDenied(Denied):
    """Report that a run may not use a credential: it was not granted, or it has expired or been removed."""

    code: ClassVar[str] = "credential_denied"


class CredentialUnreadable(HorariumError):
    """Report a credential that its key does not open: it was changed behind our back, or sealed with another key."""

    code: ClassVar[str] = "credential_unreadable"


class VaultSealed(HorariumError):
    """Report that the vault's key is not there, so that nothing can be opened or saved."""

    code: ClassVar[str] = "vault_sealed"


class WeakPassword(InvalidValue):
    """Report a new password that is too easy to guess; `reasons` says why, the password itself is never shown."""

    code: ClassVar[str] = "weak_password"

    def __init__(self, reasons: list[str]) -> None:
        """Keep the `reasons`, whole sentences."""
        self.reasons = reasons
        super().__init__("password", "(not shown)", " ".join(reasons))


class SignInRefused(Denied):
    """Report a sign-in that failed; name and password are not told apart, so nobody learns who has an account."""

    code: ClassVar[str] = "sign_in_refused"


class ProviderFailed(HorariumError):
    """Report that a sign-in provider does not answer, or not as it should; the log says more than its user sees."""

    code: ClassVar[str] = "provider_failed"


class SignInFirst(HorariumError):
    """Report that nobody is signed in where somebody has to be."""

    code: ClassVar[str] = "sign_in_first"

    def __init__(self) -> None:
        """Say so."""
        super().__init__("nobody is signed in here, or not any more")


class TooManyTries(HorariumError):
    """Report that somebody has to wait before trying again."""

    code: ClassVar[str] = "too_many_tries"

    def __init__(self, wait_seconds: float) -> None:
        """Say how long to wait."""
        self.wait_seconds = wait_seconds
        super().__init__(f"too many tries: wait {max(1, round(wait_seconds / 60))} min and try again")


class TooBusy(HorariumError):
    """Report that there is more of this work waiting than is sensible; trying again in a moment is right."""

    code: ClassVar[str] = "too_busy"


class SetupClosed(NotFound):
    """Report that the first administrator exists already, so that there is nothing to set up."""

    code: ClassVar[str] = "setup_closed"


class LinkRefused(NotFound):
    """Report a link that is used, too old, void, or none of ours; which of these it is stays unsaid."""

    code: ClassVar[str] = "link_refused"

    def __init__(self) -> None:
        """Say what to do instead."""
        super().__init__("this link does not work, or not any more: ask for a new one")


class TargetNotLoadable(HorariumError):
    """Report that a task's function cannot be imported or found; the task is parked with this sentence."""

    code: ClassVar[str] = "target_not_loadable"


class ConfigError(HorariumError):
    """Report a setting that is missing, unknown or out of range, by the name of its variable."""

    code: ClassVar[str] = "config"


class StoreError(HorariumError):
    """Be the root of what goes wrong between us and the database."""

    code: ClassVar[str] = "store"


class StoreBusy(StoreError):
    """Report that the database stayed locked longer than we are willing to wait; trying again is right."""

    code: ClassVar[str] = "store_busy"


class StoreUnavailable(StoreError):
    """Report that the database cannot be reached or opened now; trying again later is right."""

    code: ClassVar[str] = "store_unavailable"


class StoreFull(StoreError):
    """Report that the disk has no room for a write; nothing that was acknowledged is lost."""

    code: ClassVar[str] = "store_full"


class StoreForeign(StoreError):
    """Report a file or database that is damaged or belongs to another program."""

    code: ClassVar[str] = "store_foreign"


class StoreDamaged(StoreError):
    """Report that damage was found in the database, so that nothing is written to it any more; reading goes on."""

    code: ClassVar[str] = "store_damaged"


class StoreNewer(StoreError):
    """Report a store written by a newer release; this one refuses to touch it."""

    code: ClassVar[str] = "store_newer"


class StoreOutdated(StoreError):
    """Report a store of an older release that has to be upgraded first."""

    code: ClassVar[str] = "store_outdated"


class DuplicateKey(StoreError):
    """Report that a unique key is taken already."""

    code: ClassVar[str] = "duplicate"


def nearest(word: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """Return those of the `known` words that somebody who wrote `word` may have meant, the likeliest first."""
    from difflib import get_close_matches  # noqa: PLC0415

    return get_close_matches(word, known, n=most, cutoff=0.5)


def _shown(value: object, limit: int = 120) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
