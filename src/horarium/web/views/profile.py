"""Say what the part of somebody's settings about their name and address shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from horarium.web.views.settings import Part
from horarium.web.views.shell import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePage:
    """Name and address. Fields: display_name; email, current, keep_tokens; a password is never sent back.

    `pending` is an address that waits to take the place of the present one. Without `sends_mail` no address can be
    changed here. `values` is what was typed, `errors` is by field.
    """

    template: ClassVar[str] = "settings_profile.html"

    shell: Shell
    parts: tuple[Part, ...]
    name: str
    display_name: str
    email: str
    is_confirmed: bool
    pending: str = ""
    sends_mail: bool = True
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
