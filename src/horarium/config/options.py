"""The catalogue of settings: variable, default and one sentence each; the reference page lists the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from horarium.config import values


@dataclass(frozen=True, slots=True)
class Option:
    """One setting.

    `variable` is its name in the environment, `field` its name in `Config`. `read` turns text into the value and raises
    `ValueError`; `allowed` says in words what it takes. `default_words` replaces the default where that depends on the
    machine. The value of a `secret` is never shown.
    """

    variable: str
    field: str
    read: Callable[[str], Any]
    default: Any
    allowed: str
    sentence: str
    default_words: str = ""
    secret: bool = False

    @property
    def default_text(self) -> str:
        """Return the default as it is written in the reference."""
        if self.default_words:
            return self.default_words
        if isinstance(self.default, bool):
            return "on" if self.default else "off"
        return (
            "" if self.default in {None, ()} else f"{self.default:g}" if _is_number(self.default) else str(self.default)
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


_SWITCH: Final = "use on or off"
_DATABASE: Final = "use a path, sqlite:///path, or postgresql://user:password@host/database"

CATALOGUE: Final[tuple[Option, ...]] = (
    Option(
        "SECRET_KEY",
        "secret_key",
        values.as_secret,
        None,
        "use 32 bytes or more from a random source",
        "The root of all keys: sessions and forms are signed with what is derived from it. `horarium init` makes one.",
        secret=True,
    ),
    Option(
        "SECRET_KEY_OLD",
        "secret_key_old",
        values.as_secret,
        None,
        "use the SECRET_KEY of before, while the vault is moved to another one",
        "The key before SECRET_KEY: what is still sealed with it opens until `horarium vault rotate` has moved it.",
        secret=True,
    ),
    Option(
        "DATABASE_URL",
        "database_url",
        values.as_database,
        None,
        _DATABASE,
        "Where everything is stored.",
        "`horarium.db` in the data folder",
        secret=True,
    ),
    Option(
        "HORARIUM_DATA",
        "data",
        values.as_folder,
        Path("data"),
        "use the path of a folder",
        "The folder that holds the database and everything else the server writes; private to its owner.",
        "`./data`",
    ),
    Option(
        "HORARIUM_HOST",
        "host",
        values.as_host,
        "127.0.0.1",
        "use an IP address or a host name",
        "The address to listen on. Anything but loopback belongs behind a proxy that speaks HTTPS.",
    ),
    Option(
        "HORARIUM_PORT",
        "port",
        values.as_count(1, 65535),
        5000,
        "use a whole number from 1 to 65535",
        "The port to listen on.",
    ),
    Option(
        "HORARIUM_BASE_URL",
        "base_url",
        values.as_base_url,
        None,
        "use an address such as https://horarium.example.org, without user, query or fragment",
        "The address that people type, for links and for checking where a request comes from.",
        "made from host and port",
    ),
    Option(
        "HORARIUM_ROOT_PATH",
        "root_path",
        values.as_root_path,
        "",
        "use a path such as /horarium",
        "The path under which a proxy shows Horarium, when it is not the root of a host.",
    ),
    Option(
        "HORARIUM_TRUSTED_PROXIES",
        "trusted_proxies",
        values.as_networks,
        (),
        "use IP addresses or networks, separated by commas",
        "The proxies whose word about the client's address and scheme is believed.",
    ),
    Option(
        "HORARIUM_OUTGOING_ALLOW",
        "outgoing_allow",
        values.as_places,
        (),
        "use hosts, addresses or networks, each with a port or without, separated by commas",
        "Where the server may go for people although it is no public address: databases and hosts of the own network, "
        "such as db.internal:5432, 10.1.0.0/16. Only there a secret may be tried without encryption.",
    ),
    Option(
        "HORARIUM_TEAM_NAME",
        "team_name",
        values.as_text(60),
        "",
        "use one line of at most 60 characters",
        "The name that pages show beside the mark.",
        "the name given at set-up",
    ),
    Option(
        "HORARIUM_TIMEZONE",
        "timezone",
        values.as_zone,
        None,
        "use a name of the IANA time zone list, such as Europe/Berlin",
        "The zone of schedules and of shown times where nothing else is said.",
        "the zone of the machine, else UTC",
    ),
    Option(
        "HORARIUM_SECOND_STEP",
        "second_step",
        values.as_choice("nobody", "admins", "everybody"),
        "nobody",
        "use nobody, admins or everybody",
        "Who must have a second step for signing in with a password: an authenticator app or a passkey.",
    ),
    Option(
        "HORARIUM_SECOND_STEP_DAYS",
        "second_step_days",
        values.as_count(0, 90),
        7,
        "use a whole number from 0 to 90",
        "How many days people may put off setting it up, from when it was asked for or the account was made.",
    ),
    Option(
        "HORARIUM_WORKERS",
        "workers",
        values.as_count(1, 512),
        8,
        "use a whole number from 1 to 512",
        "How many runs of functions and commands go side by side.",
    ),
    Option(
        "HORARIUM_WORKERS_EACH",
        "workers_each",
        values.as_count(1, 512),
        None,
        "use a whole number from 1 to 512",
        "How many of these one person's own runs may take, so that nobody's hold up everybody else's.",
        "half of `HORARIUM_WORKERS`",
    ),
    Option(
        "HORARIUM_PROCESSES",
        "processes",
        values.as_count(1, 128),
        2,
        "use a whole number from 1 to 128",
        "How many isolated processes are kept for Python tasks that ask for one.",
    ),
    Option(
        "HORARIUM_SHUTDOWN_GRACE",
        "shutdown_grace_seconds",
        values.as_seconds(0, 3600),
        30.0,
        "use seconds from 0 to 3600",
        "How many seconds running work gets when the server is told to stop, before it is ended.",
    ),
    Option(
        "HORARIUM_OIDC_ISSUER",
        "oidc_issuer",
        values.as_issuer,
        None,
        "use the https address of a provider of OpenID Connect",
        "The provider at which people may sign in. Needs client id and secret, and the extra `oidc`.",
    ),
    Option(
        "HORARIUM_OIDC_CLIENT_ID",
        "oidc_client_id",
        values.as_text(200),
        "",
        "use the id that the provider gave to Horarium",
        "The id under which the provider knows this installation.",
    ),
    Option(
        "HORARIUM_OIDC_CLIENT_SECRET",
        "oidc_client_secret",
        values.as_secret,
        None,
        "use the secret that the provider gave to Horarium",
        "The secret that goes with the client id.",
        secret=True,
    ),
    Option(
        "HORARIUM_OIDC_NAME",
        "oidc_name",
        values.as_text(60),
        "single sign-on",
        "use one line of at most 60 characters",
        "What the button on the sign-in page calls the provider.",
    ),
    Option(
        "HORARIUM_OIDC_SCOPES",
        "oidc_scopes",
        values.as_words,
        ("openid", "profile", "email"),
        "use words, separated by blanks; openid is always among them",
        "What the provider is asked to tell about people.",
        "`openid profile email`",
    ),
    Option(
        "HORARIUM_OIDC_GROUPS_CLAIM",
        "oidc_groups_claim",
        values.as_text(100),
        "groups",
        "use the name of a claim",
        "The claim in which the provider names the groups of a person.",
    ),
    Option(
        "HORARIUM_PROXY_USER_HEADER",
        "proxy_user_header",
        values.as_header,
        None,
        "use the name of a header, such as Remote-User",
        "The header in which a trusted proxy names the person it has signed in. The proxy has to remove it from what "
        "comes in, and HORARIUM_TRUSTED_PROXIES has to name the proxy.",
    ),
    Option(
        "HORARIUM_PROXY_GROUPS_HEADER",
        "proxy_groups_header",
        values.as_header,
        None,
        "use the name of a header, such as Remote-Groups",
        "The header in which a trusted proxy names the groups of that person, separated by commas.",
    ),
    Option(
        "HORARIUM_GROUP_ROLES",
        "group_roles",
        values.as_group_roles,
        (),
        "use pairs such as ops=operator, admins=admin",
        "The roles that groups stand for, at the provider and at the proxy. Where it is set it decides at each sign-in "
        "from there: whoever is in none of the groups is an ordinary user.",
        "",
    ),
    Option(
        "HORARIUM_ARRIVALS",
        "arrivals_make_accounts",
        values.as_switch,
        default=False,
        allowed=_SWITCH,
        sentence="Whether somebody who signs in at the provider or the proxy and has no account gets one.",
    ),
    Option(
        "HORARIUM_TASK_MODULES",
        "task_modules",
        values.as_targets,
        (),
        "use packages, modules or single functions, separated by commas, such as shop, reports.jobs:weekly",
        "Whose functions the server imports for tasks that name one; a package stands for all modules in it. Whatever "
        "else a task names is not imported, and its runs fail. Horarium's own maintenance tasks need no mention.",
    ),
    Option(
        "HORARIUM_WEB_COMMANDS",
        "web_commands",
        values.as_switch,
        default=False,
        allowed=_SWITCH,
        sentence="Whether administrators may make and change command tasks on the web: any program of this machine.",
    ),
    Option(
        "HORARIUM_ENDLESS_TOKENS",
        "endless_tokens",
        values.as_switch,
        default=False,
        allowed=_SWITCH,
        sentence="Whether an API token may be made that never ends; else each lasts a year at most.",
    ),
    Option(
        "HORARIUM_TASK_USER",
        "task_user",
        values.as_account,
        None,
        "use the name of an account of this machine",
        "The account that commands and isolated processes run as when the server is started by root.",
    ),
    Option(
        "HORARIUM_ALLOW_ROOT_TASKS",
        "allow_root_tasks",
        values.as_switch,
        default=False,
        allowed=_SWITCH,
        sentence="Whether commands may run as root when the server does and no task user is set.",
    ),
    Option(
        "SMTP_ENABLED",
        "smtp_enabled",
        values.as_switch,
        default=True,
        allowed=_SWITCH,
        sentence="Whether mail is sent, once SMTP_HOST says by which server.",
    ),
    Option(
        "SMTP_HOST",
        "smtp_host",
        values.as_host,
        None,
        "use an IP address or a host name",
        "The mail server that letters are handed to; without one no mail is sent.",
    ),
    Option(
        "SMTP_PORT",
        "smtp_port",
        values.as_count(1, 65535),
        None,
        "use a whole number from 1 to 65535",
        "The port of the mail server.",
        "587 with starttls, 465 with tls, 25 with none",
    ),
    Option(
        "SMTP_USER",
        "smtp_user",
        values.as_text(320),
        "",
        "use one line of at most 320 characters",
        "The name to sign in to the mail server with, where it asks for one.",
    ),
    Option(
        "SMTP_PASSWORD",
        "smtp_password",
        values.as_secret,
        None,
        "use the password that belongs to SMTP_USER",
        "The password to sign in to the mail server with.",
        secret=True,
    ),
    Option(
        "SMTP_FROM",
        "smtp_from",
        values.as_sender,
        None,
        "use an address, or a name and an address: Horarium <horarium@example.org>",
        "Who letters come from.",
        "SMTP_USER where that is an address, else horarium at the host of HORARIUM_BASE_URL",
    ),
    Option(
        "HORARIUM_SMTP_SECURITY",
        "smtp_security",
        values.as_choice("starttls", "tls", "none"),
        "starttls",
        "use starttls, tls or none",
        "How the way to the mail server is encrypted; its certificate is always checked. None is for loopback only.",
    ),
    Option(
        "HORARIUM_SMTP_CA",
        "smtp_ca",
        values.as_folder,
        None,
        "use the path of a PEM file",
        "Certificates that vouch for the mail server, beside those that this machine trusts.",
    ),
    Option(
        "HORARIUM_REGISTRATION",
        "registration",
        values.as_choice("off", "invitation", "domain", "open"),
        "off",
        "use off, invitation, domain or open",
        "Who may make an account by themselves: nobody, whoever was invited and lost the letter, people with an "
        "address at one of HORARIUM_REGISTRATION_DOMAINS, anybody. Administrators can invite people at any time.",
    ),
    Option(
        "HORARIUM_REGISTRATION_DOMAINS",
        "registration_domains",
        values.as_domains,
        (),
        "use domains such as example.org, separated by commas",
        "The domains whose addresses may register; the domains below one are others.",
    ),
    Option(
        "HORARIUM_LOG_LEVEL",
        "log_level",
        values.as_choice("debug", "info", "warning", "error"),
        "info",
        "use debug, info, warning or error",
        "The least important kind of message that the server's log keeps.",
    ),
    Option(
        "HORARIUM_LOG_FORMAT",
        "log_format",
        values.as_choice("text", "json"),
        "text",
        "use text or json",
        "How a line of the server's log looks: a sentence for people, or one JSON object.",
    ),
)
"""Every setting that does something in this release."""

LATER: Final = (
    "MULTI_USER_ENABLED",
    "NOTIFY_ON_TASK_FAILURE",
    "NOTIFY_ON_TASK_SUCCESS",
)
"""Known names that this release accepts and does not use."""

GIVEN_TO_RUNS: Final = (
    *("HORARIUM_ATTEMPT", "HORARIUM_PLANNED_AT", "HORARIUM_RUN_ID", "HORARIUM_TASK"),
    *("HORARIUM_USER", "HORARIUM_USER_ID", "HORARIUM_USER_SETTINGS"),
)
"""Variables that a run finds in its environment; a run that calls `horarium` is not refused for them."""
