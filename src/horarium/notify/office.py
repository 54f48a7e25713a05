"""Put together all that tells people: who reads, who makes and sends, the desks, from the settings or from parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from horarium.clock import Clock
from horarium.config import Config
from horarium.notify.carrier import Carrier, Outlets
from horarium.notify.channel_desk import ChannelDesk
from horarium.notify.channels.base import ChannelKind
from horarium.notify.channels.kinds import kinds_of
from horarium.notify.channels.mail import Post
from horarium.notify.channels.mail import kind as mail_kind
from horarium.notify.dispatcher import Dispatcher, House
from horarium.notify.drawing import Drawing
from horarium.notify.gathering import GATHER
from horarium.notify.herald import Herald
from horarium.notify.log_desk import LogDesk
from horarium.notify.mail_server import mail_settings_of
from horarium.notify.rule_desk import RuleDesk
from horarium.notify.standard import Gates, found
from horarium.notify.unsubscribing import Unsubscriber
from horarium.outgoing.addresses import Policy
from horarium.store.port import Store
from horarium.vault.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """All that tells people, of one store. `unsubscriber` is None without a SECRET_KEY."""

    herald: Herald
    dispatcher: Dispatcher
    carrier: Carrier
    channels: ChannelDesk
    rules: RuleDesk
    log: LogDesk
    unsubscriber: Unsubscriber | None = None

    def start(self) -> None:
        """Begin to read what happens and to send."""
        self.herald.start()
        self.dispatcher.start()

    def begin_stop(self) -> None:
        """Ask for the stop without waiting for it."""
        self.herald.begin_stop()
        self.dispatcher.begin_stop()

    def stop(self) -> None:
        """Stop; what is not sent is sent after the next start."""
        self.begin_stop()
        self.herald.stop()
        self.dispatcher.stop()

    def work(self) -> int:
        """Read what happened and send what is due, once, in this thread; return how many messages were tried."""
        while self.herald.look():
            pass
        self.dispatcher.make()
        return self.dispatcher.send()


def office_of(
    config: Config,
    store: Store,
    clock: Clock,
    *,
    vault: Vault | None = None,
    kinds: Mapping[str, ChannelKind] | None = None,
    gather: timedelta = GATHER,
) -> Office:
    """Return what tells people by these settings; `kinds` are those of channels, all there are if not given."""
    settings = mail_settings_of(config)
    post = None if settings is None else Post(settings, drawing_of(config))
    found(store, clock)
    house = House(base_url=config.public_url, team=config.team_name, zone=config.timezone)
    outlets = Outlets(
        kinds=kinds_of(clock, post) if kinds is None else kinds,
        post=None if post is None else mail_kind(post).send,
        policy=Policy.of(config.outgoing_allow),
    )
    secret = (config.secret_key or "").strip().encode()
    unsubscriber = Unsubscriber(secret, config.public_url) if secret else None
    gates = Gates(failure=config.notify_on_task_failure, success=config.notify_on_task_success)
    carrier = Carrier(store, clock, outlets, vault=vault, unsubscriber=unsubscriber)
    return Office(
        herald=Herald(store, clock, gates=gates),
        dispatcher=Dispatcher(store, clock, carrier, house=house, gather=gather),
        carrier=carrier,
        channels=ChannelDesk(store, clock, carrier, vault=vault, house=house),
        rules=RuleDesk(store, clock, gates=gates),
        log=LogDesk(store, clock),
        unsubscriber=unsubscriber,
    )


def drawing_of(config: Config) -> Drawing:
    """Return what draws letters in the name of this installation."""
    return Drawing(sender=config.mail_sender, base_url=config.public_url, zone=config.timezone)
