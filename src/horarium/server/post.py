"""Put the post together from the settings: what people do by links, the mail server, the courier."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from horarium.accounts.by_link import ByLink, by_link
from horarium.accounts.letters import LetterKind
from horarium.accounts.links import LinkMaker
from horarium.accounts.people import People
from horarium.accounts.registering import Mode, Rules
from horarium.clock import Clock
from horarium.config import Config
from horarium.notify.courier import Courier
from horarium.notify.mail_server import mailer_of
from horarium.notify.office import drawing_of
from horarium.notify.unsubscribing import Unsubscriber
from horarium.reports.sending import Summaries
from horarium.store.port import Store
from horarium.upkeep.rules import rules_of as backup_rules_of

_LOOPBACK: Final = frozenset({"localhost", "::1"})


def rules_of(config: Config) -> Rules:
    """Return who may register."""
    return Rules(Mode(config.registration), config.registration_domains)


def by_link_of(config: Config, store: Store, clock: Clock, secret: bytes) -> ByLink:
    """Return what people do by links, with links that begin as the settings say, whoever asks."""
    links = LinkMaker(secret, config.public_url)
    return by_link(store, clock, people=People(store, clock), links=links, rules=rules_of(config))


def courier_of(config: Config, store: Store, clock: Clock, secret: bytes) -> Courier | None:
    """Return the one who carries the letters, None where no mail is sent."""
    mailer = mailer_of(config)
    if mailer is None:
        return None
    links = by_link_of(config, store, clock, secret).answers
    answers = {**links, LetterKind.SUMMARY: summaries_of(config, store, clock, secret).answer}
    return Courier(store, clock, mailer=mailer, drawing=drawing_of(config), answers=answers, team=config.team_name)


def summaries_of(config: Config, store: Store, clock: Clock, secret: bytes | None = None) -> Summaries:
    """Return the summaries of this installation. It takes `secret` to say what a letter says, not to write one."""
    return Summaries(
        store,
        clock,
        base_url=config.public_url,
        team=config.team_name,
        backups=backups_of(config, store),
        way_out=Unsubscriber(secret, config.public_url).summary_link if secret else None,
    )


def backups_of(config: Config, store: Store) -> Path:
    """Return the folder where backups go."""
    return backup_rules_of(config, store).folder


def post_warnings(config: Config) -> list[str]:
    """Return what an operator should know about these settings of mail, one sentence each."""
    found = []
    host = config.smtp_host or ""
    is_near = host in _LOOPBACK or host.startswith("127.")
    if config.sends_mail and config.smtp_security == "none" and not is_near:
        what = "letters and SMTP_PASSWORD" if config.smtp_user else "letters with their links"
        found.append(
            f"HORARIUM_SMTP_SECURITY is none and {host} is another machine: whoever is on the way reads {what}."
        )
    if config.smtp_ca is not None and not Path(config.smtp_ca).is_file():
        found.append(f"HORARIUM_SMTP_CA names a file that is not there: {config.smtp_ca}.")
    mode = Mode(config.registration)
    if mode is not Mode.OFF and not config.sends_mail:
        found.append("HORARIUM_REGISTRATION lets people in by letters, but SMTP_HOST is not set: nobody can register.")
    if mode is Mode.DOMAIN and not config.registration_domains:
        found.append("HORARIUM_REGISTRATION is domain and HORARIUM_REGISTRATION_DOMAINS is empty: nobody can register.")
    return found
