"""What the pages need from the rest of the house, handed in by whoever assembles the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from horarium.accounts.arrivals import ArrivalRules, SignInProvider
from horarium.accounts.passwords import Hasher
from horarium.accounts.registering import Rules
from horarium.accounts.second_step import Rule
from horarium.accounts.sessions import SessionLimits
from horarium.clock import Clock
from horarium.notify.office import Office
from horarium.outgoing.addresses import Policy
from horarium.runs.figures import RunFigures
from horarium.scheduling.tasks import TaskDesk
from horarium.store.port import Store
from horarium.upkeep.desk import BackupDesk
from horarium.vault.vault import Vault

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """How the pages are reached and what they call themselves.

    `base_url` is the address that people type; its host is allowed beside the loopback names and `allowed_hosts`, its
    path is the root unless `root_path` says another. `trusted_proxies` are addresses or networks whose word about the
    client is believed; in `proxy_user_header` they may name the person they signed in, in `proxy_groups_header` that
    person's groups. `allow_web_commands` is the host-side switch for making commands over the web, `endless_tokens` the
    one for tokens that never end, `second_step` the rule who must have a second step for signing in. `sends_mail` says
    whether letters go out, `registration` who may make an account by themselves, `outgoing` where pages may lead the
    server to.
    """

    secret_key: bytes = field(repr=False)
    base_url: str = ""
    root_path: str = ""
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    team: str = ""
    time_zone: str = "UTC"
    version: str = ""
    allow_web_commands: bool = False
    sends_mail: bool = False
    registration: Rules = field(default_factory=Rules)
    endless_tokens: bool = False
    session_limits: SessionLimits = field(default_factory=SessionLimits)
    proxy_user_header: str = ""
    proxy_groups_header: str = ""
    arrivals: ArrivalRules = field(default_factory=ArrivalRules)
    second_step: Rule = field(default_factory=Rule)
    outgoing: Policy = field(default_factory=Policy)
    data: Path | None = None
    silence_after_seconds: float = 30.0
    metrics: str = "token"
    metrics_token: str = field(default="", repr=False)

    @property
    def root(self) -> str:
        """Return the path under which the pages are mounted, without a slash at its end."""
        return (self.root_path or urlsplit(self.base_url).path).rstrip("/")

    @property
    def hosts(self) -> frozenset[str]:
        """Return the host names under which the pages may be asked for, small letters."""
        named = (urlsplit(self.base_url).hostname, *self.allowed_hosts)
        return LOOPBACK_HOSTS | {name.lower().strip("[]") for name in named if name}

    @property
    def is_https(self) -> bool:
        """Tell whether people reach the pages over HTTPS."""
        return self.base_url.startswith("https:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The store, the clock, the desk for commands to the scheduler, and the settings of the pages.

    `hasher` checks passwords; None stands for one at the usual cost. `provider` is where people may sign in besides,
    `vault` the vault with its keys; None stands for one with the key of the pages. `figures` are those of the runs that
    ended in this process since `started_at`, `shown_settings` the settings of the server as they may be shown.
    `backups` makes and restores backups; None stands for one that keeps them beside the store. `office` is
    what tells people, where the server does.
    """

    store: Store
    clock: Clock
    desk: TaskDesk
    settings: WebSettings
    hasher: Hasher | None = None
    provider: SignInProvider | None = None
    vault: Vault | None = None
    figures: RunFigures | None = None
    started_at: datetime | None = None
    shown_settings: Mapping[str, str] = field(default_factory=dict)
    backups: BackupDesk | None = None
    office: Office | None = None
