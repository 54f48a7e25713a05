"""What tells people, as the pages use it: the desks of channels, rules and messages, for whoever is signed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from horarium.notify.carrier import Carrier, Outlets
from horarium.notify.channel_desk import ChannelDesk
from horarium.notify.channels.base import ChannelKind
from horarium.notify.channels.kinds import kinds_of
from horarium.notify.dispatcher import House as Sender
from horarium.notify.log_desk import LogDesk
from horarium.notify.rule_desk import RuleDesk
from horarium.notify.unsubscribing import Unsubscriber
from horarium.vault.vault import Vault
from horarium.web.services import Services


@dataclass(frozen=True, slots=True)
class Telling:
    """The desks of one store, the kinds of channels that there are, and what reads the links that end mail."""

    channels: ChannelDesk
    rules: RuleDesk
    log: LogDesk
    kinds: Mapping[str, ChannelKind]
    unsubscriber: Unsubscriber

    @classmethod
    def of(cls, services: Services, vault: Vault) -> Self:
        """Return that of the server where it tells people, else one of the pages' own."""
        settings, office = services.settings, services.office
        links = Unsubscriber(settings.secret_key, settings.base_url)
        if office is not None:
            kinds = office.carrier.outlets.kinds
            return cls(office.channels, office.rules, office.log, kinds, office.unsubscriber or links)
        store, clock = services.store, services.clock
        kinds = kinds_of(clock)
        carrier = Carrier(store, clock, Outlets(kinds=kinds, policy=settings.outgoing), vault=vault)
        house = Sender(base_url=settings.base_url, team=settings.team, zone=settings.time_zone)
        desk = ChannelDesk(store, clock, carrier, vault=vault, house=house)
        return cls(desk, RuleDesk(store, clock), LogDesk(store, clock), kinds, links)
