"""Put together once what all pages share: people, sessions, the door, keys, the live hub."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from horarium.accounts.arrivals import Arrivals
from horarium.accounts.by_link import ByLink, by_link
from horarium.accounts.keys import derive
from horarium.accounts.links import LinkMaker
from horarium.accounts.login import Login
from horarium.accounts.passkeys import LABEL as PASSKEY_LABEL
from horarium.accounts.passkeys import Passkeys
from horarium.accounts.password_change import PasswordChange
from horarium.accounts.people import People
from horarium.accounts.projects import Projects
from horarium.accounts.second_factor import LABEL as FACTOR_LABEL
from horarium.accounts.second_factor import SecondFactor
from horarium.accounts.second_step import SecondStep
from horarium.accounts.sessions import Sessions
from horarium.accounts.setup import Setup
from horarium.accounts.throttle import Limit, Throttle
from horarium.accounts.tokens import Tokens
from horarium.audit.trail import Trail
from horarium.preferences.settings import Preferences
from horarium.scheduling.calls import CallDesk
from horarium.scheduling.checks import CheckDesk
from horarium.scheduling.departures import Departures
from horarium.scheduling.hold_desk import HoldDesk
from horarium.store.books.people import PeopleBook
from horarium.store.port import Transaction
from horarium.upkeep.desk import BackupDesk
from horarium.upkeep.rules import BackupRules, default_folder
from horarium.web.links import Links
from horarium.web.live.hub import Hub
from horarium.web.services import Services, WebSettings
from horarium.web.strongroom import Strongroom
from horarium.web.telling import Telling
from horarium.web.traffic import Traffic

PRODUCT: Final = "Horarium"
CODES_PER_ACCOUNT: Final = Limit(10, timedelta(hours=1))
"""Stricter than for passwords: who guesses at codes has guessed the password already, and there are a million codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything a page may reach for."""

    services: Services
    users: People
    sessions: Sessions
    throttle: Throttle
    setup: Setup
    login: Login
    arrivals: Arrivals
    passwords: PasswordChange
    factors: SecondFactor
    passkeys: Passkeys
    second_step: SecondStep
    by_link: ByLink
    tokens: Tokens
    departures: Departures
    projects: Projects
    strongroom: Strongroom
    checks: CheckDesk
    calls: CallDesk
    backups: BackupDesk
    telling: Telling
    hub: Hub
    traffic: Traffic
    holds: HoldDesk
    trail: Trail
    preferences: Preferences
    links: Links
    form_key: bytes
    note_key: bytes
    elsewhere_key: bytes

    @property
    def settings(self) -> WebSettings:
        """Return how the pages are reached and what they call themselves."""
        return self.services.settings

    def team(self, tx: Transaction) -> str:
        """Return the team's name: the one from the settings if that is not just ours, else the one given at set-up."""
        configured = self.settings.team if self.settings.team != PRODUCT else ""
        return configured or PeopleBook(tx).team()


def build(services: Services) -> House:
    """Put the shared parts together."""
    store, clock, settings = services.store, services.clock, services.settings
    users = People(store, clock, hasher=services.hasher)
    sessions = Sessions(store, clock, limits=settings.session_limits)
    throttle = Throttle(store, clock)
    secret = settings.secret_key
    second_step = _second_step(services)
    strongroom = Strongroom.of(services)
    login = Login(
        *(store, clock),
        users=users,
        sessions=sessions,
        throttle=throttle,
        second_step=second_step,
        secret=derive(secret, "login"),
    )
    return House(
        services=services,
        users=users,
        sessions=sessions,
        throttle=throttle,
        setup=Setup(store, clock, users),
        login=login,
        arrivals=Arrivals(store, clock, people=users, login=login, rules=settings.arrivals),
        passwords=PasswordChange(store, clock, users),
        factors=second_step.factor,
        passkeys=second_step.passkeys,
        second_step=second_step,
        by_link=_by_link(services, users),
        tokens=Tokens(store, clock, endless_ok=settings.endless_tokens),
        departures=Departures(services.desk),
        projects=Projects(store, clock),
        strongroom=strongroom,
        checks=CheckDesk(store, clock),
        calls=CallDesk(store, clock),
        traffic=Traffic(clock),
        holds=HoldDesk(store, clock, services.desk.means.on_change),
        backups=services.backups or _backups(services),
        telling=Telling.of(services, strongroom.vault),
        hub=Hub(store, clock, sessions),
        trail=Trail(store, clock),
        preferences=Preferences(store, clock),
        links=Links(settings.root),
        form_key=derive(secret, "forms"),
        note_key=derive(secret, "notes"),
        elsewhere_key=derive(secret, "elsewhere"),
    )


def _by_link(services: Services, users: People) -> ByLink:
    """Put together what people do by the links in letters."""
    settings = services.settings
    links = LinkMaker(settings.secret_key, settings.base_url)
    return by_link(services.store, services.clock, people=users, links=links, rules=settings.registration)


def _backups(services: Services) -> BackupDesk:
    """Return a desk that keeps backups beside the store."""
    store, secret = services.store, services.settings.secret_key
    return BackupDesk(store, services.clock, lambda: BackupRules(default_folder(store), secrets=(secret,)))


def _second_step(services: Services) -> SecondStep:
    """Put together what a second step for signing in needs."""
    store, clock, settings = services.store, services.clock, services.settings
    secret = settings.secret_key
    return SecondStep(
        *(store, clock),
        factor=SecondFactor(store, clock, key=derive(secret, FACTOR_LABEL), issuer=PRODUCT),
        passkeys=Passkeys(store, clock, key=derive(secret, PASSKEY_LABEL)),
        throttle=Throttle(store, clock, per_account=CODES_PER_ACCOUNT),
        secret=derive(secret, "second step"),
        rule=settings.second_step,
    )
