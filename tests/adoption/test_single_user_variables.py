"""What a variable is, by its name and its shape: setting, part of a credential, or the application's."""

from __future__ import annotations

import pytest

from horarium.adoption.single_user.variables import Fate, Group, sort_out
from horarium.vault.kinds import KINDS
from tests.support.people import made_up


def sorted_out(text: str, *, is_ours: bool = True, **said: tuple[str, ...]) -> tuple[dict[str, Fate], list[Group]]:
    """Sort variables out; one that stands alone gets a made-up value."""
    values = {
        name: value if equals else made_up() for name, equals, value in (each.partition("=") for each in text.split())
    }
    variables, groups = sort_out(values, is_ours=is_ours, **said)
    return {each.name: each.fate for each in variables}, groups


def only(text: str) -> tuple[str, str, dict[str, str]]:
    """Return the one credential that is made: name, kind, and the variable of each field."""
    (group,) = sorted_out(text)[1]
    return group.name, group.kind, dict(group.fields)


@pytest.mark.parametrize(
    ("text", "name", "kind", "fields"),
    [
        ("SHOP_TOKEN SHOP_URL=https://x.example", "shop", "token", {"token": "SHOP_TOKEN", "url": "SHOP_URL"}),
        ("A_B_USER=me A_B_PASS", "a-b", "login", {"username": "A_B_USER", "password": "A_B_PASS"}),
        ("MAPS_API_KEY", "maps", "api_key", {"key": "MAPS_API_KEY"}),
        ("CHAT_WEBHOOK_URL", "chat", "webhook", {"url": "CHAT_WEBHOOK_URL"}),
        (
            "DB_HOST=db DB_PORT=5432 DB_NAME=shop DB_USER=me DB_PASSWORD",
            "db",
            "database",
            {
                "host": "DB_HOST",
                "port": "DB_PORT",
                "database": "DB_NAME",
                "username": "DB_USER",
                "password": "DB_PASSWORD",
            },
        ),
        (
            "OLD_AWS_ACCESS_KEY_ID=AKX OLD_AWS_SECRET_ACCESS_KEY OLD_AWS_BUCKET=b",
            "old-aws",
            "s3",
            {
                "access_key_id": "OLD_AWS_ACCESS_KEY_ID",
                "secret_access_key": "OLD_AWS_SECRET_ACCESS_KEY",
                "bucket": "OLD_AWS_BUCKET",
            },
        ),
        (
            "G_CLIENT_ID=i G_CLIENT_SECRET G_TOKEN_URL=https://g.example/t",
            "g",
            "oauth_client",
            {"client_id": "G_CLIENT_ID", "client_secret": "G_CLIENT_SECRET", "token_url": "G_TOKEN_URL"},
        ),
        ("F_USER=me F_PRIVATE_KEY", "f", "ssh_key", {"username": "F_USER", "private_key": "F_PRIVATE_KEY"}),
        ("T_API_KEY T_API_SECRET", "t", "custom", {"api_key": "T_API_KEY", "api_secret": "T_API_SECRET"}),
        ("REDIS_URL=redis://:longpassword@h:1/0", "redis", "custom", {"url": "REDIS_URL"}),
        ("PASSWORD", "application", "custom", {"password": "PASSWORD"}),
        ("WEB_COOKIE", "web", "custom", {"cookie": "WEB_COOKIE"}),
    ],
)
def test_what_begins_alike_becomes_one_credential_of_a_fitting_kind(
    text: str, name: str, kind: str, fields: dict[str, str]
) -> None:
    assert only(text) == (name, kind, fields)


def test_no_secret_goes_into_a_field_that_is_shown() -> None:
    """A password in an address would be shown as `url` of a token: such a group is `custom`, all of it sealed."""
    name, kind, fields = only(f"S_TOKEN S_URL=https://me:{made_up()}@s.example")
    assert (name, kind) == ("s", "custom")
    assert all(found is not None and found.secret for found in map(KINDS[kind].field, fields))


@pytest.mark.parametrize(
    "text",
    [
        "APP_HOST=0.0.0.0 APP_PORT=8000",
        "APP_NAME=shop APP_URL=https://x.example",
        "USE_TOKEN=true NEEDS_PASSWORD=no",
        "SSH_PUBLIC_KEY=ssh-ed25519 TOKEN_FILE=/run/token",
        "DEBUG=1 INTERVAL=15 TOKEN=",
        "PASSWORD_MIN_LENGTH=12 TOKEN_MINUTES=5",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    fates, groups = sorted_out(text)
    assert set(fates.values()) == {Fate.LEFT}
    assert groups == []


def test_a_port_of_the_application_does_not_go_along_with_its_key() -> None:
    fates, _ = sorted_out("APP_HOST=0.0.0.0 APP_PORT=8000 APP_URL=https://x.example APP_SECRET")
    assert [name for name, fate in fates.items() if fate is Fate.MOVED] == ["APP_SECRET"]


def test_settings_of_horarium_stay_and_those_of_mail_are_copied() -> None:
    text = (
        "SECRET_KEY DATABASE_URL=x.db HORARIUM_OIDC_CLIENT_SECRET SMTP_HOST=h SMTP_USER=me SMTP_PASSWORD SMTP_FROM=me"
    )
    fates, groups = sorted_out(text)
    assert [name for name, fate in fates.items() if fate is Fate.COPIED] == ["SMTP_HOST", "SMTP_USER", "SMTP_PASSWORD"]
    assert [name for name, fate in fates.items() if fate is Fate.MOVED] == []
    assert [group.name for group in groups] == ["smtp"]
    fates, groups = sorted_out(text, is_ours=False)
    assert Fate.SETTING not in fates.values()
    assert Fate.COPIED not in fates.values()
    assert {group.name for group in groups} == {"application", "horarium-oidc", "smtp"}


def test_a_person_has_the_last_word() -> None:
    fates, groups = sorted_out("FEED A_TOKEN A_KEY B_SORT_KEY=name", secret=("FEED",), keep=("A_KEY", "B_SORT_KEY"))
    assert {name for name, fate in fates.items() if fate is Fate.LEFT} == {"A_KEY", "B_SORT_KEY"}
    assert [(group.name, dict(group.fields)) for group in groups] == [
        ("feed", {"value": "FEED"}),
        ("a", {"token": "A_TOKEN"}),
    ]


def test_names_and_fields_are_told_apart() -> None:
    _, groups = sorted_out("a_TOKEN A_TOKEN X_PASS X_PASSWORD")
    assert [group.name for group in groups] == ["a", "a-2", "x"]
    assert dict(groups[2].fields) == {"pass": "X_PASS", "password": "X_PASSWORD"}


def test_short_secrets_are_marked_and_other_short_values_are_not() -> None:
    variables, _ = sort_out({"A_USER": "me", "A_PASSWORD": "short"}, is_ours=True)
    assert [each.is_short for each in variables] == [False, True]
