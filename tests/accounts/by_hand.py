"""What a courier does, by hand: take the letters that wait and ask what they say."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from horarium.accounts.by_link import ByLink, by_link
from horarium.accounts.letters import Draft, LetterKind
from horarium.accounts.links import LinkMaker
from horarium.accounts.people import People
from horarium.accounts.registering import Rules
from horarium.store.books.mail import Letter, OutboxBook, SentBook
from horarium.store.port import Store
from tests.support.people import SetClock, cheap_hasher, made_up


class Post:
    """What people do by links in one store, and its letters."""

    def __init__(self, store: Store, clock: SetClock, rules: Rules | None = None) -> None:
        self.store = store
        self.clock = clock
        self.people = People(store, clock, hasher=cheap_hasher())
        self.links = LinkMaker(made_up().encode() * 2, "https://h.example/x")
        self.ways: ByLink = by_link(store, clock, people=self.people, links=self.links, rules=rules or Rules())

    def written(self) -> list[Letter]:
        """Return the letters that wait, in the order they were written in."""
        with self.store.transaction() as tx:
            return OutboxBook(tx).take(self.clock.now(), hold_until=self.clock.now() + timedelta(days=9), most=100)

    def sent(self) -> list[Draft]:
        """Send the letters that wait; return what they say, the link last."""
        found = []
        for letter in self.written():
            answer = self.ways.answers.get(LetterKind(letter.kind))
            draft = answer(letter) if answer else Draft(kind=LetterKind(letter.kind), to=letter.address)
            with self.store.transaction() as tx:
                if draft is None:
                    SentBook(tx).remove(letter.id)
                    continue
                OutboxBook(tx).note_sent(letter.id, self.clock.now())
            found.append(draft)
        return found

    def token(self) -> str:
        """Send the one letter that waits; return the token in its link."""
        (draft,) = self.sent()
        return token_in(str(draft.values["link"]))


def token_in(link: str) -> str:
    """Return the last part of a link."""
    return urlsplit(link).path.rpartition("/")[2]
