"""Name people in audit entries; needs nothing beyond the data layer, so that programs may load it."""

from __future__ import annotations

from horarium.audit.trail import About
from horarium.records.people import User


def about(user: User) -> About:
    """Return a person as an audit entry names them."""
    return About("user", user.id, user.name)
