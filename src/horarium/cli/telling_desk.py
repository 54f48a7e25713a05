"""What the commands about channels, rules and notices work with, and how they show things as JSON."""

from __future__ import annotations

from typing import Any

from horarium.accounts.people import People
from horarium.cli.workplace import Workplace
from horarium.errors import Conflict, NotFound
from horarium.notify import rule_acts
from horarium.notify.channels.base import ChannelKind
from horarium.notify.muting import MutedNote
from horarium.notify.office import office_of
from horarium.notify.rule_words import Naming, sentence, warnings
from horarium.records.checks import HeartbeatCheck
from horarium.records.credentials import Asker
from horarium.records.telling import Channel, Delivery, Rule, Snooze, Try
from horarium.server.vault import open_vault
from horarium.store.books.channels import ChannelBook
from horarium.store.books.checks import CheckBook, CheckFinder
from horarium.vault.kinds import FieldKind, Kind

INSTALLATION = 0


class TellingDesk:
    """What the commands of these files work with."""

    def __init__(self, work: Workplace) -> None:
        self.work = work
        self.asker = Asker.of_host(work.actor)
        vault = open_vault(work.config, work.store, work.clock)
        self.office = office_of(work.config, work.store, work.clock, vault=vault)
        self.kinds = self.office.carrier.outlets.kinds
        self.people = People(work.store, work.clock)

    def owner_id(self, name: str | None) -> int:
        """Return the number of a person, 0 for the installation. Raises `NotFound`."""
        return INSTALLATION if name is None else self.person_id(name)

    def person_id(self, name: str) -> int:
        """Return the number of a person by name. Raises `NotFound`."""
        return self.work.find_user(name).id

    def channel(self, text: str, owner: str | None = None) -> Channel:
        """Return the channel that somebody means: `#3` is a number, else a name. Raises `NotFound`, `Conflict`."""
        number = text.removeprefix("#")
        if text.startswith("#") and number.isascii() and number.isdigit() and len(number) < 19:
            return self.office.channels.show(int(number), asker=self.asker)
        with self.work.store.reading() as tx:
            known = ChannelBook(tx).every(owner_ids=None if owner is None else [self.owner_id(owner)])
        found = [each for each in known if each.name.casefold() == text.strip().casefold()]
        # The installation's comes first, as everywhere on the command line.
        found = [each for each in found if each.owner_id == INSTALLATION] or found
        if not found:
            raise NotFound(f"there is no channel {text!r}")
        if len(found) > 1:
            numbers = ", ".join(f"#{each.id}" for each in found)
            raise Conflict(f"several people have a channel {text!r}: say whose with --owner, or name {numbers}")
        return found[0]

    def check(self, text: str) -> HeartbeatCheck:
        """Return the check that somebody means: `#3` is a number, else a name. Raises `NotFound`, `Conflict`."""
        number = text.removeprefix("#")
        with self.work.store.reading() as tx:
            if text.startswith("#") and number.isascii() and number.isdigit() and len(number) < 19:
                there = CheckBook(tx).get(int(number))
                known = [] if there is None else [there]
            else:
                known = CheckFinder(tx).called(text.strip(), self.asker.reach)
        if not known:
            raise NotFound(f"there is no check {text!r}")
        if len(known) > 1:
            raise Conflict(f"several checks are called {text!r}: name {', '.join(f'#{each.id}' for each in known)}")
        return known[0]

    def naming(self, rules: list[Rule]) -> Naming:
        """Return the names of what rules mention."""
        with self.work.store.reading() as tx:
            return rule_acts.naming(tx, rules, asker=self.asker, sends_mail=self.work.config.sends_mail)

    def owners(self) -> dict[int, str]:
        """Return the names of all people by number."""
        return {INSTALLATION: "installation", **{each.id: each.name for each in self.people.list()}}


def plain_kind(kind: ChannelKind) -> Kind:
    """Return a kind of channel as the options that take values know kinds."""
    fields = tuple(
        FieldKind(
            each.name,
            each.label,
            each.sentence,
            secret=each.is_secret,
            required=each.is_required,
            lines=each.has_lines,
        )
        for each in kind.fields
    )
    return Kind(kind.name, kind.label, kind.sentence, fields)


def state_of(channel: Channel) -> str:
    """Return how a channel does in one word."""
    return "disabled" if channel.disabled_at else "paused" if channel.paused_at else "sending"


def channel_shape(channel: Channel) -> dict[str, Any]:
    """Return a channel as JSON; nothing of it is secret."""
    return {
        "id": channel.id,
        "owner_id": channel.owner_id or None,
        "kind": channel.kind,
        "name": channel.name,
        "values": dict(channel.open_values),
        "has_secrets": channel.credential_id is not None,
        "state": state_of(channel),
        "reason": channel.disabled_reason or channel.paused_by,
        "most_per_hour": channel.most_per_hour,
        "most_per_day": channel.most_per_day,
        "last_sent_at": _iso(channel.last_sent_at),
        "last_failed_at": _iso(channel.last_failed_at),
        "last_answer": channel.last_answer,
    }


def rule_shape(rule: Rule, naming: Naming) -> dict[str, Any]:
    """Return a rule as JSON."""
    return {
        "id": rule.id,
        "owner_id": rule.owner_id or None,
        "standard": rule.standard or None,
        "scope": rule.scope.value,
        "scope_id": rule.scope_id or None,
        "tag": rule.tag,
        "kinds": sorted(each.value for each in rule.kinds),
        "after_failures": rule.after_failures,
        "after_seconds": rule.after_seconds,
        "frequency": rule.frequency.value,
        "every_seconds": rule.every_seconds,
        "recipients": [each.text for each in rule.recipients],
        "mute_while": [each.text for each in rule.mute_while],
        "goes_on": rule.goes_on,
        "is_on": rule.is_on,
        "words": sentence(rule, naming),
        "warnings": warnings(rule, naming),
    }


def delivery_shape(delivery: Delivery) -> dict[str, Any]:
    """Return a message as JSON."""
    return {
        "id": delivery.id,
        "message_id": delivery.message_id,
        "purpose": delivery.purpose.value,
        "summary": delivery.summary,
        "topics": delivery.topics,
        "state": delivery.state,
        "channel_id": delivery.target.channel_id or None,
        "user_id": delivery.target.user_id or None,
        "created_at": _iso(delivery.created_at),
        "not_before": _iso(delivery.not_before),
        "try_until": _iso(delivery.try_until),
        "sent_at": _iso(delivery.sent_at),
        "given_up_at": _iso(delivery.given_up_at),
        "tries": delivery.tries,
        "answer": delivery.answer,
        "log": [try_shape(each) for each in delivery.log],
    }


def muted_shape(muted: MutedNote) -> dict[str, Any]:
    """Return what is muted as JSON."""
    note = muted.note
    return {
        "id": note.id,
        "rule_id": note.rule_id,
        "kind": note.kind.value,
        "subject": note.name,
        "task_id": note.task_id,
        "channel_id": note.target.channel_id or None,
        "user_id": note.target.user_id or None,
        "first_at": _iso(note.first_at),
        "last_at": _iso(note.last_at),
        "many": note.many,
        "muted_while": note.muted_while.text if note.muted_while else "",
        "words": muted.why,
        "over_at": _iso(note.closed_at),
    }


def try_shape(attempt: Try) -> dict[str, Any]:
    """Return a try as JSON."""
    return {
        "at": _iso(attempt.at),
        "seconds": attempt.seconds,
        "is_taken": attempt.is_taken,
        "answer": attempt.answer,
    }


def snooze_shape(snooze: Snooze) -> dict[str, Any]:
    """Return what is held back as JSON."""
    return {
        "id": snooze.id,
        "user_id": snooze.user_id or None,
        "task_id": snooze.task_id or None,
        "rule_id": snooze.rule_id or None,
        "channel_id": snooze.channel_id or None,
        "until": _iso(snooze.until),
        "reason": snooze.reason,
        "created_by": snooze.created_by,
    }


def _iso(at: Any) -> str | None:
    return None if at is None else at.isoformat()
