"""Note things in the audit log from a program, read it, and count how often somebody does something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypedDict, Unpack

from horarium.accounts.rates import allow
from horarium.audit.actions import Action, Result
from horarium.audit.trail import About, Trail
from horarium.clock import SystemClock
from horarium.errors import InvalidValue
from horarium.library.places import StoreOrAddress, opened
from horarium.records.actors import Actor, Source
from horarium.records.audit import AuditFilter
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store

MOST_ENTRIES = 10_000
ACTION_LIMIT = 100


class Circumstances(TypedDict, total=False):
    """From where something was done, and whatever else is to be noted; never a secret."""

    ip_address: str
    user_agent: str
    details: Mapping[str, Any]
    store: StoreOrAddress


def log_audit(
    user_id: int | None,
    action: str,
    success: bool = True,  # noqa: FBT001, FBT002 - its place is known from an earlier interface
    resource_type: str = "",
    resource_id: int | None = None,
    **circumstances: Unpack[Circumstances],
) -> None:
    """Note in the audit log that a person did `action`, or failed to: an entry that nobody can change.

    `circumstances` are `ip_address`, `user_agent`, `details` (values without secrets) and `store`, an open store or an
    address (default: the environment's). Raises `InvalidValue` for an action without a name, and what the store does:
    a program that must note things has to know when it could not.
    """
    for name, text in (("action", action), ("resource_type", resource_type or "none")):
        if not text.strip() or len(text) > ACTION_LIMIT or not text.isprintable():
            raise InvalidValue(name, text, f"use 1 to {ACTION_LIMIT} printable characters")
    with opened(circumstances.get("store")) as store:
        actor = Actor(
            name=_name_of(store, user_id),
            source=Source.CODE,
            user_id=user_id,
            address=(circumstances.get("ip_address") or "").replace("\0", "\ufffd"),
        )
        about = About(resource_type[:32], resource_id) if resource_type else None
        Trail(store, SystemClock()).note_alone(
            actor,
            Action.NOTED,
            about,
            after=circumstances.get("details") or {},
            result=Result.DONE if success else Result.FAILED,
            what=action,
            agent=(circumstances.get("user_agent") or "")[:200],
        )


def get_audit_log(
    user_id: int | None = None, limit: int = 100, *, store: StoreOrAddress | None = None
) -> list[dict[str, Any]]:
    """Return entries of the audit log as plain values, newest first: those of one person, or with None of everybody.

    `store` is an open store or an address (default: the environment's). Raises `InvalidValue` for a wrong `limit`.
    """
    if not 1 <= limit <= MOST_ENTRIES:
        raise InvalidValue("limit", limit, f"use 1 to {MOST_ENTRIES}")
    wanted = AuditFilter() if user_id is None else AuditFilter(actor_ids=(user_id,))
    with opened(store) as found:
        return [asdict(row) for row in Trail(found, SystemClock()).page(wanted, limit=limit)]


def check_rate_limit(user_id: int, action: str, *, store: StoreOrAddress | None = None) -> bool:
    """Count that a person does `action` now; return False where that is too often.

    `login` may be done 5 times in 15 minutes, `api_call` 100 times in a minute, everything else 50 times in a minute.
    The count stands in the store: several processes share it, and no restart clears it. `store` is an open store or an
    address (default: the environment's).
    """
    with opened(store) as found:
        return allow(found, SystemClock(), user_id, action)


def _name_of(store: Store, user_id: int | None) -> str:
    if user_id is None:
        return ""
    with store.reading() as tx:
        user = PeopleBook(tx).by_id(user_id)
    return "" if user is None else user.words
