"""The service without its doors: store, scheduler and launchers, with one start and one stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from horarium.accounts.people import People
from horarium.accounts.setup import Setup
from horarium.clock import Clock, SystemClock
from horarium.config import Config
from horarium.errors import ConfigError, InvalidValue, StoreError, StoreForeign
from horarium.execution.accounts import AccountPolicy
from horarium.execution.limits import IsolationOptions
from horarium.execution.local import local_performers
from horarium.execution.rescue import await_end
from horarium.execution.threads import ThreadLauncher
from horarium.notify.courier import Courier
from horarium.notify.office import Office, office_of
from horarium.records.secrets import Keyring
from horarium.runs.figures import RunFigures
from horarium.runs.launch import Launcher, Reporter
from horarium.runs.registry import Registry
from horarium.scheduling.service import SchedulerService
from horarium.scheduling.tasks import TaskDesk
from horarium.server.caretaking import Caretaker
from horarium.server.clerk import Clerk
from horarium.server.companion import Companion
from horarium.server.founding import make_private_folder
from horarium.server.hardening import is_root
from horarium.server.housekeeping import add_maintenance_tasks
from horarium.server.post import courier_of, post_warnings, summaries_of
from horarium.server.targets import targets_of
from horarium.server.tracing import scribe_of, trace_warnings, way_out
from horarium.server.vault import open_vault
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.traces.scribe import Scribe
from horarium.upkeep.damage import which_backup
from horarium.upkeep.desk import BackupDesk
from horarium.upkeep.rules import rules_of
from horarium.vault.keyring import VaultKeyring
from horarium.vault.vault import Vault

HURRIED_SECONDS = 2.0
STILL_SECONDS = 10.0
"""How long running work may go on when a backup is about to replace everything."""

log = logging.getLogger("horarium.server")


class Beside(Protocol):
    """What works in threads of its own beside the scheduler."""

    def start(self) -> None:
        """Begin, for the first time or again."""
        ...

    def stop(self) -> None:
        """End; harmless when repeated."""
        ...


@dataclass(slots=True)
class Service:
    """What runs behind the pages. `desk` and `setup` are what doors ask; `secret_key` is the strong one.

    `courier` is None where no mail is sent, `companion` where nobody watches from outside; `office` tells people what
    happens, `clerk` keeps figures and summaries; `scribe` tells a collector of runs, where there is one.
    """

    config: Config
    clock: Clock
    store: Store
    scheduler: SchedulerService
    desk: TaskDesk
    setup: Setup
    secret_key: bytes = field(repr=False)
    courier: Courier | None = None
    office: Office | None = None
    vault: Vault | None = field(default=None, repr=False)
    companion: Companion | None = None
    figures: RunFigures = field(default_factory=RunFigures)
    caretaker: Caretaker | None = None
    backups: BackupDesk | None = None
    clerk: Clerk | None = None
    scribe: Scribe | None = None
    _stopper: threading.Thread | None = None

    @property
    def _beside(self) -> Iterator[Beside]:
        """Give what works beside the scheduler."""
        found = (self.courier, self.office, self.clerk, self.caretaker, self.companion, self.scribe)
        return (each for each in found if each is not None)

    def start(self) -> None:
        """Join the store as a node, begin to schedule, and to carry letters where there is a mail server."""
        if self.config.upkeep:
            add_maintenance_tasks(self.store, self.desk, self.config.timezone)
        self.scheduler.start()
        for each in self._beside:
            each.start()

    def stand_still(self) -> None:
        """Stop whatever writes by itself, while a backup takes the place of everything in the store."""
        for each in self._beside:
            each.stop()
        self.scheduler.stop(min(self.config.shutdown_grace_seconds, STILL_SECONDS))

    def go_on(self) -> None:
        """Begin again after `stand_still`, unless the server is going down."""
        if self._stopper is None:
            self.start()

    def begin_stop(self) -> None:
        """Take nothing new from now on and let running work end within the grace; returns at once.

        A second call shortens the grace. Signal handlers may call it.
        """
        grace = self.config.shutdown_grace_seconds if self._stopper is None else HURRIED_SECONDS
        stopper = threading.Thread(target=self.scheduler.stop, args=(grace,), name="horarium-stop", daemon=True)
        if self._stopper is None:
            self._stopper = stopper
        for each in (self.courier, self.office, self.clerk):
            if each is not None:
                each.begin_stop()
        if self.companion is not None:
            # From here on silence is what was asked for.
            threading.Thread(target=self.companion.stop, name="horarium-goodbye", daemon=True).start()
        stopper.start()

    def finish_stop(self) -> None:
        """Wait until running work has ended, then close the store."""
        if self._stopper is None:
            self.begin_stop()
        if self._stopper is not None:
            self._stopper.join()
        for each in self._beside:
            each.stop()
        self.store.close()

    def setup_link(self) -> str | None:
        """Return the link that sets up the first administrator, with a fresh code; None when there is one."""
        code = self.setup.offer()
        return None if code is None else f"{self.config.public_url}/setup?code={code}"


def assemble(config: Config, clock: Clock | None = None, keyring: Keyring | None = None) -> Service:
    """Put the service together; nothing runs yet. `keyring` opens credentials for tasks, the vault's own if not given.

    Raises `ConfigError` for a missing or weak secret key, a missing extra and a data folder that cannot be used,
    `StoreError` for a database that cannot be used.
    """
    key = config.require_secret_key()
    make_way = way_out(config)
    make_private_folder(config.data)
    clock = clock or SystemClock()
    store = _opened(config, clock)
    vault = open_vault(config, store, clock)
    scheduler = _scheduler_of(config, store, clock, keyring or VaultKeyring(vault))
    figures = RunFigures(counts_tasks=config.metrics_tasks)
    scheduler.on_ended = figures.note
    service = Service(
        config=config,
        clock=clock,
        store=store,
        scheduler=scheduler,
        desk=TaskDesk(store, clock, node=scheduler),
        setup=Setup(store, clock, People(store, clock)),
        secret_key=key.encode(),
        courier=courier_of(config, store, clock, key.encode()),
        office=office_of(config, store, clock, vault=vault),
        vault=vault,
        figures=figures,
        caretaker=Caretaker(store, clock),
        clerk=Clerk(store, clock, summaries_of(config, store, clock) if config.sends_mail else None),
        scribe=scribe_of(make_way, store, clock),
    )
    return _with_backups(service)


def _with_backups(service: Service) -> Service:
    config, store = service.config, service.store
    service.backups = BackupDesk(
        store,
        service.clock,
        lambda: rules_of(config, store),
        stand_still=service.stand_still,
        go_on=service.go_on,
    )
    return service


def _opened(config: Config, clock: Clock) -> Store:
    """Return the open store. Raises `ConfigError` for an address that is none, `StoreError`."""
    try:
        store = open_store(config.database, clock=clock)
    except InvalidValue as error:
        raise ConfigError(f"DATABASE_URL is not understood: {error.allowed}") from error
    try:
        _refuse_damaged(store)
    except StoreError:
        store.close()
        raise
    return store


def _scheduler_of(config: Config, store: Store, clock: Clock, ring: Keyring) -> SchedulerService:
    """Return the scheduler with the launchers of this machine; `ring` opens credentials for tasks."""
    targets = targets_of(config)
    registry = Registry(targets)

    def make_launcher(reporter: Reporter) -> Launcher:
        policy = AccountPolicy(allow_root=config.allow_root_tasks, task_user=config.task_user)
        isolation = IsolationOptions(size=config.processes, targets=targets.parts)
        performers = local_performers(clock, policy, isolation=isolation)
        return ThreadLauncher(
            config.workers, reporter, clock, registry, performers=performers, store=store, keyring=ring
        )

    return SchedulerService(
        store,
        make_launcher,
        clock=clock,
        known=registry.local,
        slots=config.workers,
        slots_each=config.workers_each,
        await_end=partial(await_end, clock=clock),
    )


def _refuse_damaged(store: Store) -> None:
    """Look the store through before anything is written to it: half a second for a million runs."""
    damage = next(iter(store.check()), None)
    if damage is not None:
        raise StoreForeign(
            f"{store.location} is damaged: {damage}; Horarium leaves it as it is: restore a backup"
            f" (`horarium db check` shows more). {which_backup(store)}"
        )


def warnings_for(config: Config) -> list[str]:
    """Return what an operator should know about these settings, one sentence each."""
    found = []
    if is_root() and config.task_user is None:
        allowed = "they run as root" if config.allow_root_tasks else "they are refused"
        found.append(
            f"The server runs as root and HORARIUM_TASK_USER is not set: commands have no account ({allowed})."
        )
    elif is_root():
        found.append(f"The server runs as root; commands run as {config.task_user}.")
    is_https = (config.base_url or "").startswith("https:")
    if not config.is_loopback and not (is_https and config.trusted_proxies):
        found.append(
            f"Pages are served over plain HTTP on {config.host}: put a proxy with HTTPS before it, and say so with"
            " HORARIUM_BASE_URL and HORARIUM_TRUSTED_PROXIES."
        )
    found += post_warnings(config) + trace_warnings(config)
    if config.ping_url is not None and not config.watcher:
        found.append("HORARIUM_PING_URL is set and HORARIUM_WATCHER is off: nobody calls the outside monitor.")
    if config.env_file is not None and config.env_file.stat().st_mode & 0o077:
        found.append(f"{config.env_file} can be read by other accounts: chmod 600 {config.env_file}.")
    return found
