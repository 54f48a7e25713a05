"""Say whose addresses may be written to: ordinary people have mail sent to their own alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from horarium.errors import InvalidValue
from horarium.records.people import User

EMAIL: Final = "email"
"""The kind of channel whose value `to` holds addresses."""
TO: Final = "to"
NO_MAIL: Final = "no mail goes out: set SMTP_HOST, and leave SMTP_ENABLED on"
"""Why a message by mail is not sent where there is no mail server."""
_BETWEEN: Final = re.compile(r"[\s,;]+")


def proven_addresses(user: User) -> frozenset[str]:
    """Return the addresses that a person has shown to be theirs."""
    return frozenset({user.email.casefold()}) if user.email and user.email_confirmed_at is not None else frozenset()


def refuse_foreign_addresses(kind: str, values: Mapping[str, str], own: Collection[str], *, is_admin: bool) -> None:
    """Raise `InvalidValue` where somebody would have mail sent to addresses that they have not shown to be theirs."""
    if kind != EMAIL or is_admin:
        return
    addresses = [each.casefold() for each in _BETWEEN.split(values.get(TO, "")) if each]
    if any(each not in own for each in addresses):
        raise InvalidValue(TO, values.get(TO, ""), "use your own address, once you have confirmed it")
