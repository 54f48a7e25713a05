"""A program that reads, makes and sends without end, for a test that kills it: store, file for what went out."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from horarium.clock import Alarm, SystemClock
from horarium.notify.carrier import Carrier, Outlets
from horarium.notify.channels.base import ChannelKind
from horarium.notify.dispatcher import Dispatcher
from horarium.notify.herald import Herald
from horarium.outgoing.caller import Caller
from horarium.records.notices import Message
from horarium.store.opening import open_store


def line_of(message: Message) -> str:
    """Return what a receiver notes of a message: its id, and how much it tells."""
    return f"{message.id} {sum(topic.many for topic in message.topics)}\n"


def sender(out: Path) -> ChannelKind:
    """Return a kind of channel that writes into a file."""

    def send(message: Message, values: Mapping[str, str], caller: Caller) -> str:
        del values, caller
        with out.open("ab", buffering=0) as file:
            file.write(line_of(message).encode())
            os.fsync(file.fileno())
        # Long enough to be killed between the receiver's yes and our own note of it.
        SystemClock().wait(Alarm(), 0.02)
        return "kept"

    return ChannelKind(name="file", label="File", sentence="A file.", icon="file", fields=(), send=send)


def work(where: str, out: Path) -> None:
    """Read, make and send until killed."""
    clock = SystemClock()
    store = open_store(where, clock=clock)
    herald = Herald(store, clock)
    carrier = Carrier(store, clock, Outlets(kinds={"file": sender(out)}))
    dispatcher = Dispatcher(store, clock, carrier, gather=timedelta(0))
    while True:
        herald.look()
        dispatcher.make()
        dispatcher.send()
        sys.stdout.write("round\n")
        sys.stdout.flush()


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]))
