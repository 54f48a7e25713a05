"""Who is meant by a rule: people who may see what happened and want to be told, and channels that are there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from horarium.accounts.roles import Identity
from horarium.notify.rules import Happening
from horarium.preferences.catalogue import ON_TELLING
from horarium.preferences.reading import Reading, values
from horarium.records.notices import NoticeKind
from horarium.records.people import Role, User
from horarium.records.telling import Channel, Recipient, Rule, Scope, Target, To
from horarium.store.books.addressees import AddresseeBook
from horarium.store.books.channels import ChannelBook
from horarium.store.books.projects import ProjectBook
from horarium.store.port import Transaction

GROUPS: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.FAILED: "tell_failures",
    NoticeKind.RECOVERED: "tell_recoveries",
    NoticeKind.SUCCEEDED: "tell_successes",
    NoticeKind.LATE: "tell_delays",
    NoticeKind.STUCK: "tell_delays",
    NoticeKind.TOO_LONG: "tell_delays",
    NoticeKind.NEVER_STARTED: "tell_delays",
    NoticeKind.PARKED: "tell_delays",
    NoticeKind.CREDENTIAL_EXPIRING: "tell_credentials",
    NoticeKind.CREDENTIAL_INACTIVE: "tell_credentials",
    NoticeKind.BACKUP_FAILED: "tell_house",
    NoticeKind.DISK_LOW: "tell_house",
    NoticeKind.STORE_DAMAGED: "tell_house",
    NoticeKind.SCHEDULER_SILENT: "tell_house",
    NoticeKind.HEARTBEAT_MISSED: "tell_house",
    NoticeKind.CHANNEL_DISABLED: "tell_house",
}
"""The setting by which a person says whether they want mail about a kind."""
ALL: Final = "mail_notices"
"""The setting by which a person says whether they want any."""


def may_get_mail(user: User) -> bool:
    """Tell whether mail goes to a person: to an address that they proved to be theirs, or an administrator's."""
    return user.is_enabled and bool(user.email) and (user.email_confirmed_at is not None or user.is_admin)


def wants(settings: Mapping[str, Any], kind: NoticeKind) -> bool:
    """Tell whether a person wants mail about a kind; a test is always wanted."""
    group = GROUPS.get(kind)
    return group is None or bool(settings[ALL] and settings[group])


@dataclass(frozen=True, slots=True)
class Circle:
    """The people and channels that rules may mean, as one moment saw them."""

    admins: tuple[int, ...]
    people: Mapping[int, User]
    projects: Mapping[int, Mapping[int, Role]]
    managers: Mapping[int, list[int]]
    channels: Mapping[int, Channel]
    settings: Mapping[int, Mapping[str, Any]]

    @classmethod
    def read(cls, tx: Transaction, rules: Collection[Rule], happenings: Iterable[Happening]) -> Circle:
        """Read who is meant by these rules about these happenings."""
        seen = list(happenings)
        book = AddresseeBook(tx)
        admins = book.admins()
        managers = book.managers({each.place.project_id for each in seen if each.place.project_id is not None})
        owners = {each.person or 0 for each in seen}
        named = {each.id for rule in rules for each in rule.recipients if each.to is To.PERSON}
        named |= {rule.owner_id for rule in rules} | {rule.scope_id for rule in rules if rule.scope is Scope.PERSON}
        channels = ChannelBook(tx).by_ids(
            {each.id for rule in rules for each in rule.recipients if each.to is To.CHANNEL}
        )
        named |= {each.owner_id for each in channels.values()}
        wanted = (owners | named | {each for several in managers.values() for each in several}) - {0}
        people = book.open_accounts(wanted) | {each.id: each for each in admins}
        reading = Reading(tx).of_all(list(people.values()), [each.key for each in ON_TELLING])
        return cls(
            admins=tuple(each.id for each in admins),
            people=people,
            projects=ProjectBook(tx).roles_of_all(list(people)),
            managers=managers,
            channels=channels,
            settings={number: values(each) for number, each in reading.items()},
        )

    def targets(self, rule: Rule, happening: Happening) -> list[Target]:
        """Return where a rule tells something, each place once, in the order of its recipients."""
        if not self._may_rule(rule, happening):
            return []
        found = [target for each in rule.recipients for target in self._of(each, rule, happening)]
        return list(dict.fromkeys(found))

    def sees(self, user_id: int, happening: Happening) -> bool:
        """Tell whether a person may know of something."""
        user = self.people.get(user_id)
        if user is None:
            return False
        if happening.is_shared:
            return Identity(user, self.projects.get(user_id, {})).reach.covers(happening.place)
        return user.is_admin or happening.person == user_id

    def _may_rule(self, rule: Rule, happening: Happening) -> bool:
        return rule.owner_id == 0 or self.sees(rule.owner_id, happening)

    def _of(self, recipient: Recipient, rule: Rule, happening: Happening) -> list[Target]:
        if recipient.to is To.CHANNEL:
            channel = self.channels.get(recipient.id)
            is_there = channel is not None and channel.owner_id == rule.owner_id
            return [Target(channel_id=recipient.id)] if is_there else []
        if recipient.to is To.OWNER:
            people = self._owners(happening)
        else:
            people = self.admins if recipient.to is To.ADMINS else (recipient.id,)
        if rule.owner_id:
            # A rule of one's own speaks to oneself alone.
            people = tuple(each for each in people if each == rule.owner_id)
        return [Target(user_id=each) for each in people if self.wants_it(each, happening)]

    def _owners(self, happening: Happening) -> tuple[int, ...]:
        person = happening.person
        if person and person in self.people:
            return (person,)
        managers = tuple(self.managers.get(happening.place.project_id or 0, ()))
        return managers or self.admins

    def wants_it(self, user_id: int, happening: Happening) -> bool:
        """Tell whether a person may know of something, can get mail and wants it."""
        user = self.people.get(user_id)
        if user is None or not may_get_mail(user) or not wants(self.settings[user_id], happening.kind):
            return False
        return self.sees(user_id, happening)
