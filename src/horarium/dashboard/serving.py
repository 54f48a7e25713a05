"""Serve everything from one process: scheduler, pages and their live streams.

Here the two neighbours meet: the service from `server` and the pages from `web`.
"""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import FrameType

from horarium._version import __version__
from horarium.accounts.arrivals import ArrivalRules, SignInProvider
from horarium.accounts.second_step import Rule
from horarium.clock import Clock
from horarium.config import Config
from horarium.errors import ConfigError, StoreError
from horarium.logs.setup import set_up_logging
from horarium.outgoing.addresses import Policy
from horarium.records.people import Role
from horarium.server.companion import Companion
from horarium.server.hardening import give_large_memory_back, hide_from_other_processes
from horarium.server.post import rules_of
from horarium.server.service import Service, assemble, warnings_for
from horarium.server.vault import look, open_vault, tidy
from horarium.web.access import ALL_PATHS
from horarium.web.app import create_app
from horarium.web.services import Services, WebSettings
from horarium.web.serving import Server, listen, signals_to

log = logging.getLogger("horarium.server")

Announce = Callable[[str], None]


class DashboardServer(Server):
    """The web server, which tells the scheduler of a stop the moment the signal comes."""

    def __init__(self, service: Service, on_started: Callable[[], None]) -> None:
        """Serve the pages in front of `service`."""
        super().__init__(create_app(services_of(service)), on_started=on_started)
        self._service = service
        self._is_down = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: no new run from here on, streams end, running work gets its grace; a second signal shortens it."""
        self._service.begin_stop()
        if not self._is_down:
            super().handle_exit(sig, frame)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        try:
            super().run(sockets)
        finally:
            self._is_down = True


def serve(config: Config, announce: Announce = print) -> None:
    """Serve until a signal asks to stop; `announce` gets the lines for the console.

    Raises `ConfigError` and `StoreError` before anything is listened on or changed.
    """
    key = config.require_secret_key()
    hide_from_other_processes()
    give_large_memory_back()
    # Functions that tasks name may stand beside the settings, however the server was started.
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    hidden = [config.secret_key_old, config.oidc_client_secret, config.metrics_token, config.ping_url]
    # `Bearer` and the like stand before what is secret.
    hidden += [part for _, value in config.otlp_headers for part in (value, value.rpartition(" ")[2])]
    set_up_logging(
        level=config.log_level,
        form=config.log_format,
        secrets=[key, *_passwords(config), *filter(None, hidden)],
    )
    listening = listen(config.host, config.port)
    try:
        service = assemble(config)
        for sentence in warnings_for(config):
            log.warning("%s", sentence, extra={"word": "config.warning"})
        for sentence in vault_sentences(service):
            log.warning("%s", sentence, extra={"word": "vault.warning"})
        if config.watcher:
            service.companion = Companion(service.clock)
        server = DashboardServer(service, lambda: _say_where(service, announce))
        with signals_to(server.handle_exit):
            try:
                service.start()
                server.run(sockets=[listening])
            finally:
                log.info("Stopping: running work has %g s", config.shutdown_grace_seconds, extra=_word("stopping"))
                service.finish_stop()
                log.info("Stopped", extra=_word("stopped"))
    finally:
        listening.close()


def services_of(service: Service) -> Services:
    """Return what the pages may use of a service. Raises `ConfigError` for settings that lack another."""
    config = service.config
    if config.proxy_user_header and not config.trusted_proxies:
        raise ConfigError(
            "HORARIUM_PROXY_USER_HEADER needs HORARIUM_TRUSTED_PROXIES: anybody else could send that header"
        )
    settings = WebSettings(
        secret_key=service.secret_key,
        base_url=config.public_url,
        root_path=config.root_path,
        allowed_hosts=() if config.is_loopback else (config.host,),
        trusted_proxies=config.trusted_proxies,
        team=config.team_name,
        time_zone=config.timezone,
        version=__version__,
        allow_web_commands=config.web_commands,
        endless_tokens=config.endless_tokens,
        proxy_user_header=config.proxy_user_header or "",
        proxy_groups_header=config.proxy_groups_header or "",
        arrivals=ArrivalRules(
            makes_accounts=config.arrivals_make_accounts,
            roles={group: Role(role) for group, role in config.group_roles},
        ),
        second_step=Rule(config.second_step, timedelta(days=config.second_step_days)),
        sends_mail=config.sends_mail,
        registration=rules_of(config),
        outgoing=Policy.of(config.outgoing_allow),
        data=config.data,
        silence_after_seconds=config.silence_after_seconds,
        metrics=config.metrics,
        metrics_token=config.metrics_token or "",
    )
    return Services(
        store=service.store,
        clock=service.clock,
        desk=service.desk,
        settings=settings,
        provider=_provider(config, service.clock),
        vault=open_vault(config, service.store, service.clock),
        figures=service.figures,
        started_at=service.clock.now(),
        shown_settings=config.shown(),
        backups=service.backups,
        office=service.office,
    )


def _provider(config: Config, clock: Clock) -> SignInProvider | None:
    """Return the provider of the settings. Raises `ConfigError` where something that it needs is missing."""
    if config.oidc_issuer is None:
        return None
    if not config.oidc_client_id or not config.oidc_client_secret:
        raise ConfigError(
            "HORARIUM_OIDC_ISSUER needs HORARIUM_OIDC_CLIENT_ID and HORARIUM_OIDC_CLIENT_SECRET beside it"
        )
    try:
        from horarium.accounts.openid import Provider, ProviderSettings  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"HORARIUM_OIDC_ISSUER needs the extra `oidc` of the package ({error.name} is missing)"
        ) from None
    wanted = ProviderSettings(
        issuer=config.oidc_issuer,
        client_id=config.oidc_client_id,
        client_secret=config.oidc_client_secret,
        redirect=config.public_url + ALL_PATHS["elsewhere_back"],
        name=config.oidc_name,
        scopes=config.oidc_scopes,
        groups_claim=config.oidc_groups_claim,
    )
    return Provider(wanted, clock)


def vault_sentences(service: Service) -> tuple[str, ...]:
    """Look through the vault before the start; return what of it cannot be opened. Everything else goes on."""
    where = (service.config, service.store, service.clock)
    found = look(*where)
    if not found.sealed:
        try:
            tidy(*where)
        except StoreError as error:
            # Tidying can wait for a store that has room and time; starting cannot.
            log.warning("The vault was not tidied up: %s", error, extra={"word": "vault.warning"})
    return found.sentences


def _say_where(service: Service, announce: Announce) -> None:
    log.info("Serving on %s", service.config.public_url, extra=_word("started"))
    announce(f"Horarium is at {service.config.public_url} (Ctrl-C stops it).")
    link = service.setup_link()
    if link is not None:
        announce(f"Set up the first account here, once, within a day: {link}")


def _word(what: str) -> dict[str, str]:
    return {"word": f"server.{what}"}


def _passwords(config: Config) -> list[str]:
    """Return the password inside the database's address and that of the mail server, as far as there are any."""
    before, at, _ = (config.database_url or "").rpartition("@")
    user, colon, password = before.rpartition("/")[2].partition(":")
    found = [password] if at and colon and user else []
    return [*found, config.smtp_password] if config.smtp_password else found
