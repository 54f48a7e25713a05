"""The frozen object that all settings end in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from horarium.config.options import CATALOGUE
from horarium.config.secret_key import HOW_TO_MAKE, weakness
from horarium.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting, read once. What each one means stands in the catalogue, under its variable.

    `env_file` is the `.env` file that was read, None when there was none. Neither `repr` nor `shown` gives a secret
    away.
    """

    secret_key: str | None = None
    secret_key_old: str | None = None
    database_url: str | None = None
    data: Path = Path("data")
    archives: Path | None = None
    host: str = "127.0.0.1"
    port: int = 5000
    base_url: str | None = None
    root_path: str = ""
    trusted_proxies: tuple[str, ...] = ()
    outgoing_allow: tuple[str, ...] = ()
    team_name: str = ""
    timezone: str = "UTC"
    second_step: str = "nobody"
    second_step_days: int = 7
    workers: int = 8
    workers_each: int | None = None
    processes: int = 2
    shutdown_grace_seconds: float = 30.0
    oidc_issuer: str | None = None
    oidc_client_id: str = ""
    oidc_client_secret: str | None = None
    oidc_name: str = "single sign-on"
    oidc_scopes: tuple[str, ...] = ("openid", "profile", "email")
    oidc_groups_claim: str = "groups"
    proxy_user_header: str | None = None
    proxy_groups_header: str | None = None
    group_roles: tuple[tuple[str, str], ...] = ()
    arrivals_make_accounts: bool = False
    task_modules: tuple[str, ...] = ()
    web_commands: bool = False
    endless_tokens: bool = False
    task_user: str | None = None
    allow_root_tasks: bool = False
    smtp_enabled: bool = True
    smtp_host: str | None = None
    smtp_port: int | None = None
    smtp_user: str = ""
    smtp_password: str | None = None
    smtp_from: str | None = None
    smtp_security: str = "starttls"
    smtp_ca: Path | None = None
    notify_on_task_failure: bool = True
    notify_on_task_success: bool = False
    registration: str = "off"
    registration_domains: tuple[str, ...] = ()
    upkeep: bool = True
    watcher: bool = True
    silence_after_seconds: float = 30.0
    ping_url: str | None = None
    ping_every_seconds: float = 60.0
    metrics: str = "token"
    metrics_token: str | None = None
    metrics_tasks: bool = False
    otlp_endpoint: str | None = None
    otlp_headers: tuple[tuple[str, str], ...] = ()
    backup_folder: Path | None = None
    backup_keep: int = 14
    backup_keep_weeks: int = 8
    backup_keep_months: int = 6
    backup_compress: bool = True
    backup_encrypt: bool = False
    backup_key: str | None = None
    backup_copy: str = ""
    backup_copy_credential: str = ""
    backup_copy_host_key: str = ""
    log_level: str = "info"
    log_format: str = "text"
    env_file: Path | None = None

    @property
    def database(self) -> str | Path:
        """Return what the store is opened with: the address that was set, else a file in the data folder."""
        return self.database_url or self.data / "horarium.db"

    @property
    def is_loopback(self) -> bool:
        """Tell whether only programs on this machine can reach the address that is listened on."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")

    @property
    def sends_mail(self) -> bool:
        """Tell whether there is a mail server to hand letters to."""
        return self.smtp_enabled and self.smtp_host is not None

    @property
    def mail_sender(self) -> str:
        """Return who letters come from: what was set, else an address that the other settings suggest."""
        if self.smtp_from:
            return self.smtp_from
        return self.smtp_user if "@" in self.smtp_user else f"Horarium <horarium@{urlsplit(self.public_url).hostname}>"

    @property
    def public_url(self) -> str:
        """Return the address that people type: the one that was set, else one made from host and port."""
        if self.base_url:
            has_path = "/" in self.base_url.partition("://")[2]
            return self.base_url if has_path else self.base_url + self.root_path
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "127.0.0.1": "localhost"}  # noqa: S104 - only compared
        name = everywhere.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)
        return f"http://{name}:{self.port}{self.root_path}"

    def require_secret_key(self) -> str:
        """Return the secret key; raises `ConfigError` when it is missing, a placeholder or too weak."""
        key = self.secret_key or ""
        reason = weakness(key)
        if reason is not None:
            raise ConfigError(f"SECRET_KEY {reason}: {HOW_TO_MAKE}")
        return key.strip()

    def shown(self) -> dict[str, str]:
        """Return each setting by its variable, as it may be shown; of a secret only whether it is set."""
        texts = {}
        for option in CATALOGUE:
            value = getattr(self, option.field)
            texts[option.variable] = ("(set)" if value else "(not set)") if option.secret else _text(value)
        return texts

    def __repr__(self) -> str:
        masked = {option.field for option in CATALOGUE if option.secret and getattr(self, option.field)}
        texts = {each.name: "(set)" if each.name in masked else repr(getattr(self, each.name)) for each in fields(self)}
        return f"Config({', '.join(f'{name}={text}' for name, text in texts.items())})"


def _text(value: object) -> str:
    if value is None or value in {(), ""}:
        return "(not set)"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
