"""What the pages about notifications share: who asks, which thing they mean, the tabs, and names in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from horarium.accounts.roles import Permission, may
from horarium.audit.trail import About
from horarium.errors import NotFound
from horarium.notify import channel_desk, rule_desk
from horarium.notify.channels.base import ChannelKind
from horarium.records.credentials import Asker
from horarium.records.telling import Channel, Delivery, Rule, Target
from horarium.store.books.channels import ChannelBook, RuleBook
from horarium.store.books.deliveries import DeliveryBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.watching import SnoozeBook
from horarium.store.port import Transaction
from horarium.web.views.parts import Tab
from horarium.web.visit import Visit

INSTALLATION: Final = 0
THE_INSTALLATION: Final = "The installation"
_TABS: Final = {"channels": "Channels", "rules": "Rules", "messages": "Sent messages"}
_SHOWN: Final = 160


def asker_of(visit: Visit) -> Asker:
    """Return who asks, as the desks know people: administrators keep what is the installation's."""
    return Asker(actor=visit.actor, reach=visit.reach, manages=may(visit.identity, Permission.SYSTEM_MANAGE))


def channel_for(visit: Visit) -> Channel:
    """Return the channel of the address; one of others is answered like one that is not there. Raises `NotFound`."""
    number = visit.number("channel_id")
    try:
        return visit.house.telling.channels.show(number, asker=asker_of(visit))
    except NotFound:
        with visit.house.services.store.reading() as tx:
            there = ChannelBook(tx).get(number)
        visit.foreign = None if there is None else channel_desk.about(there)
        raise


def rule_for(visit: Visit) -> Rule:
    """Return the rule of the address, like `channel_for`. Raises `NotFound`."""
    number = visit.number("rule_id")
    try:
        return visit.house.telling.rules.show(number, asker=asker_of(visit))
    except NotFound:
        with visit.house.services.store.reading() as tx:
            there = RuleBook(tx).get(number)
        visit.foreign = None if there is None else rule_desk.about(there)
        raise


def message_for(visit: Visit) -> Delivery:
    """Return the message of the address, like `channel_for`. Raises `NotFound`."""
    number = visit.number("message_id")
    try:
        return visit.house.telling.log.show(number, asker=asker_of(visit))[0]
    except NotFound:
        with visit.house.services.store.reading() as tx:
            there = DeliveryBook(tx).get(number)
        visit.foreign = None if there is None else About("message", there.id, there.summary)
        raise


def mark_snooze(visit: Visit, number: int) -> None:
    """Note that somebody named what others hold back."""
    with visit.house.services.store.reading() as tx:
        there = SnoozeBook(tx).get(number)
    visit.foreign = None if there is None else About("notices", there.id)


def tabs(visit: Visit, current: str, **counts: int) -> tuple[Tab, ...]:
    """Return the parts of the page about notifications, with the counts that are known."""
    return tuple(
        Tab(label=label, href=visit.links.to(name), count=counts.get(name), current=name == current)
        for name, label in _TABS.items()
    )


def owner_names(tx: Transaction, owner_ids: Iterable[int]) -> dict[int, str]:
    """Return the names of owners by number, that of the installation too."""
    wanted = set(owner_ids) - {INSTALLATION}
    people = PeopleBook(tx).by_ids(wanted)
    found = {number: people[number].words if number in people else f"Account {number}" for number in wanted}
    return {**found, INSTALLATION: THE_INSTALLATION}


def target_words(target: Target, channels: dict[int, str], people: dict[int, str]) -> str:
    """Return where a message goes, in words."""
    if target.channel_id:
        return channels.get(target.channel_id, "a channel that is gone")
    return f"{people.get(target.user_id, 'somebody who is gone')}, by e-mail"


def target_names(tx: Transaction, targets: Iterable[Target]) -> tuple[dict[int, str], dict[int, str]]:
    """Return the names of the channels and people of targets."""
    known = list(targets)
    channels = ChannelBook(tx).by_ids({each.channel_id for each in known if each.channel_id})
    people = PeopleBook(tx).by_ids({each.user_id for each in known if each.user_id})
    return {key: each.name for key, each in channels.items()}, {key: each.words for key, each in people.items()}


def where_to(channel: Channel, kind: ChannelKind | None) -> str:
    """Return where a channel leads, of which nothing is secret."""
    labels = {each.name: each.label for each in kind.fields} if kind else {}
    several = len(channel.open_values) > 1
    shown = [
        f"{labels.get(name, name)} {value}" if several or name != "to" else value
        for name, value in channel.open_values.items()
        if "\n" not in value
    ]
    words = ", ".join(shown) or "Its address is in the vault"
    return words if len(words) <= _SHOWN else f"{words[: _SHOWN - 1]}…"
