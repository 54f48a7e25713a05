"""A small world in which somebody is told of things: tasks to run, people, made-up places that messages go to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from horarium.accounts.people import People
from horarium.clock import to_micros
from horarium.notify.carrier import Carrier, Outlets
from horarium.notify.channels.base import ChannelKind, DeliveryFailed, Field
from horarium.notify.dispatcher import Dispatcher, House
from horarium.notify.herald import Herald
from horarium.notify.standard import Gates
from horarium.outgoing.addresses import Policy
from horarium.outgoing.caller import Caller
from horarium.records.notices import Message, NoticeKind, Topic
from horarium.records.people import User
from horarium.records.reach import Place
from horarium.records.telling import Channel, Delivery, Rule
from horarium.states import EventKind
from horarium.store.books.channels import ChannelBook, RuleBook
from horarium.store.books.codec import dump
from horarium.store.books.deliveries import DeliveryBook, DeliveryFilter
from horarium.store.books.events import EventBook
from horarium.store.books.notices import NoteBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store
from horarium.testing.clock import ManualClock
from horarium.testing.world import ManualScheduler
from horarium.vault.vault import Vault
from tests.support.people import add_admin, add_person

SECOND = timedelta(seconds=1)


class Destination:
    """Where messages go: it takes them, or says why not. `refuse` may raise for a message."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Message]] = []
        self.values: list[Mapping[str, str]] = []
        self.tries = 0
        self.refuse: Callable[[str, Message], None] = lambda _to, _message: None

    def __call__(self, message: Message, values: Mapping[str, str], caller: Caller) -> str:
        del caller
        self.tries += 1
        self.values.append(values)
        to = values.get("to", values.get("url", ""))
        self.refuse(to, message)
        self.got.append((to, message))
        return "200 thanks"

    def topics(self, to: str | None = None) -> list[Topic]:
        """Return everything that was told, to one place or all."""
        return [topic for where, message in self.got for topic in message.topics if to in {None, where}]

    def count(self, kind: NoticeKind, to: str | None = None) -> int:
        """Return how often a kind was told, counting all that topics count."""
        return sum(topic.many for topic in self.topics(to) if topic.kind is kind)


def fail(reason: str = "it does not answer", **rest: object) -> Callable[[str, Message], None]:
    """Return what refuses every message."""

    def refuse(_to: str, _message: Message) -> None:
        raise DeliveryFailed(reason, **rest)  # type: ignore[arg-type]

    return refuse


def kind_of(place: Destination, name: str = "hook") -> ChannelKind:
    """Return a made-up kind of channel whose address is a secret."""
    fields = (
        Field(name="url", label="Address", sentence="Where to.", is_secret=True),
        Field(name="room", label="Room", sentence="Which room.", is_required=False),
    )
    return ChannelKind(name=name, label="Hook", sentence="A made-up place.", icon="webhook", fields=fields, send=place)


class World:
    """Everything it takes, each step taken by hand."""

    def __init__(self, store: Store, clock: ManualClock, people: People) -> None:
        self.store, self.clock, self.people = store, clock, people
        self.tasks = ManualScheduler(store, clock=clock, slots=2000)
        self.mail, self.hook = Destination(), Destination()
        self.admin = self.proven(add_admin(people, "ines", email="ines@example.org"))
        self.vault: Vault | None = None
        self.herald = Herald(store, clock, gates=Gates(success=True))
        self.outlets = Outlets(kinds={"hook": kind_of(self.hook)}, post=self.mail, policy=Policy(everywhere=True))
        self.dispatcher = self.new_dispatcher()
        self._named: dict[str, int] = {}
        self.herald.look()

    def new_dispatcher(self) -> Dispatcher:
        """Return a dispatcher as after a start."""
        carrier = Carrier(self.store, self.clock, self.outlets, vault=self.vault)
        return Dispatcher(self.store, self.clock, carrier, house=House(base_url="http://localhost"))

    def proven(self, user: User) -> User:
        """Let somebody have proven that their address is theirs."""
        with self.store.transaction() as tx:
            PeopleBook(tx).change(user.id, email_confirmed_at=self.clock.micros())
        return replace(user, email_confirmed_at=self.clock.now())

    def person(self, name: str) -> User:
        """Make somebody with a proven address."""
        return self.proven(add_person(self.people, name, email=f"{name}@example.org"))

    def own(self, task_name: str, user: User) -> int:
        """Give a task to somebody; return its number."""
        task = self.tasks.desk.find(task_name)
        with self.store.transaction() as tx:
            TaskBook(tx).move(task.id, Place(owner_id=user.id), now=self.clock.micros())
        return task.id

    def add_rule(self, **rest: object) -> Rule:
        """Write a rule of the installation that comes before the standard ones."""
        with self.store.transaction() as tx:
            return RuleBook(tx).add(Rule(**rest), now=self.clock.now())  # type: ignore[arg-type]

    def only(self, **rest: object) -> Rule:
        """Take all rules away and write this one."""
        with self.store.transaction() as tx:
            for rule in RuleBook(tx).every():
                RuleBook(tx).remove(rule.id)
        return self.add_rule(**rest)

    def add_channel(self, name: str = "Team", *, kind: str = "hook", **values: str) -> Channel:
        """Write a channel of the installation with open values."""
        now = self.clock.now()
        draft = Channel(
            id=0,
            owner_id=0,
            kind=kind,
            name=name,
            open_values=values,
            credential_id=None,
            created_at=now,
            created_by="the test",
            updated_at=now,
        )
        with self.store.transaction() as tx:
            return ChannelBook(tx).add(draft, name_key=name.lower())

    def event(self, happened: EventKind, /, **body: object) -> None:
        """Write an event."""
        with self.store.transaction() as tx:
            EventBook(tx).append(happened, at=to_micros(self.clock.now()), body=dict(body))

    def failures(self, *names: str) -> None:
        """Write what the ends of failed runs leave, one for each name, in one transaction."""
        for name in {*names} - self._named.keys():
            self.tasks.add(name, None)
            self._named[name] = self.tasks.desk.find(name).id
        body = dump({"state": "failed", "attempt": 1})
        now = self.clock.micros()
        with self.store.transaction() as tx:
            EventBook(tx).append_rows(
                [(now, EventKind.RUN_FINISHED.value, self._named[name], None, None, body) for name in names]
            )

    def hear(self) -> None:
        """Let the herald read everything."""
        while self.herald.look():
            pass

    def go(self, by: timedelta = timedelta(seconds=6)) -> None:
        """Let the herald read, time pass, and messages be made and sent."""
        self.hear()
        self.clock.advance(by)
        self.dispatcher.make()
        self.dispatcher.send()

    def go_on(self, span: timedelta, *, step: timedelta = timedelta(seconds=10)) -> None:
        """Do the same again and again for a while."""
        until = self.clock.now() + span
        while self.clock.now() < until:
            self.go(step)


def deliveries_in(world: World, **wanted: object) -> list[Delivery]:
    """Return the messages, the oldest first."""
    with world.store.reading() as tx:
        return DeliveryBook(tx).page(DeliveryFilter(**wanted), limit=10_000)[::-1]  # type: ignore[arg-type]


def waiting_in(world: World) -> int:
    """Return how many rows have not been told."""
    with world.store.reading() as tx:
        return len(NoteBook(tx).waiting(most=100_000))
