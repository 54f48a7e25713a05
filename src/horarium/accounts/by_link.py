"""Put together what people do by links in letters, for the pages, the command line and the courier alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from horarium.accounts.addresses import Addresses
from horarium.accounts.invitations import Invitations
from horarium.accounts.letters import Answer, LetterKind
from horarium.accounts.links import LinkMaker
from horarium.accounts.password_change import PasswordChange
from horarium.accounts.people import People
from horarium.accounts.registering import Registering, Rules
from horarium.accounts.resets import Resets
from horarium.clock import Clock
from horarium.store.port import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ByLink:
    """Resets, invitations, registering and addresses of one store."""

    resets: Resets
    invitations: Invitations
    registering: Registering
    addresses: Addresses

    @property
    def answers(self) -> Mapping[LetterKind, Answer]:
        """Return who says what a letter says, for the kinds that carry a link."""
        return {
            LetterKind.RESET: self.resets.answer,
            LetterKind.INVITATION: self.invitations.answer,
            LetterKind.REGISTER: self.registering.answer,
            LetterKind.CONFIRM: self.addresses.answer,
            LetterKind.LEAVE_ADDRESS: self.addresses.answer,
            LetterKind.TAKE_ADDRESS: self.addresses.answer,
        }


def by_link(store: Store, clock: Clock, *, people: People, links: LinkMaker, rules: Rules) -> ByLink:
    """Put them together on `store`."""
    return ByLink(
        resets=Resets(store, clock, people=people, passwords=PasswordChange(store, clock, people), links=links),
        invitations=Invitations(store, clock, people=people, links=links, rules=rules),
        registering=Registering(store, clock, links=links, rules=rules),
        addresses=Addresses(store, clock, links=links),
    )
