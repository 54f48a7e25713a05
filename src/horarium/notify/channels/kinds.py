"""List the kinds of channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from horarium.clock import Clock, SystemClock
from horarium.notify.channels import discord, mail, ntfy, others, slack, teams, telegram, webhook
from horarium.notify.channels.base import ChannelKind

_CHATS: Final = (slack.KIND, discord.KIND, teams.KIND, telegram.KIND, ntfy.KIND)


def kinds_of(clock: Clock, post: mail.Post | None = None) -> Mapping[str, ChannelKind]:
    """Return all kinds, by name, as they send by this clock and, for letters, over this post."""
    return {kind.name: kind for kind in (mail.kind(post), *_CHATS, webhook.kind(clock), others.KIND)}


KINDS: Final = kinds_of(SystemClock())
"""All kinds by name, for who makes forms and checks values; who sends letters takes `kinds_of`."""
