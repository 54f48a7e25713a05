"""Settings: where they come from, what is refused, and that no secret shows."""

from __future__ import annotations

import secrets
from dataclasses import fields
from pathlib import Path

import pytest

from horarium.config import CATALOGUE, LATER, Config, load_config
from horarium.config.dotenv import dotenv_line, parse_dotenv
from horarium.config.host import host_zone
from horarium.config.options import GIVEN_TO_RUNS
from horarium.errors import ConfigError


def problems_of(environ: dict[str, str], folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(environ, folder)
    return str(caught.value).splitlines()


def test_without_any_setting_the_defaults_hold(tmp_path: Path) -> None:
    config = load_config({}, tmp_path)
    assert (config.host, config.port, config.data) == ("127.0.0.1", 5000, Path("data"))
    assert config.database == Path("data/horarium.db")
    assert config.secret_key is None
    assert config.web_commands is False
    assert config.env_file is None


def test_every_option_of_the_catalogue_is_a_field_with_the_same_default() -> None:
    defaults = {each.name: each.default for each in fields(Config)}
    for option in CATALOGUE:
        assert option.field in defaults, option.variable
        if option.field != "timezone":
            assert defaults[option.field] == option.default, option.variable
    assert len({option.variable for option in CATALOGUE}) == len(CATALOGUE)


def test_the_environment_wins_over_the_file_and_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HORARIUM_PORT=6000\nHORARIUM_HOST=10.0.0.1\nHORARIUM_WORKERS=3\n", encoding="utf-8")
    config = load_config({"HORARIUM_PORT": "7000", "HORARIUM_HOST": ""}, tmp_path)
    assert (config.port, config.host, config.workers) == (7000, "10.0.0.1", 3)
    assert config.env_file == tmp_path / ".env"


def test_the_file_may_be_named_and_must_then_be_there(tmp_path: Path) -> None:
    (tmp_path / "other.env").write_text("HORARIUM_PORT=6001", encoding="utf-8")
    assert load_config({"HORARIUM_ENV_FILE": "other.env"}, tmp_path).port == 6001
    assert problems_of({"HORARIUM_ENV_FILE": "gone.env"}, tmp_path) == [
        f"HORARIUM_ENV_FILE names a file that is not there: {tmp_path / 'gone.env'}"
    ]


def test_quotes_comments_and_export_are_read_and_nothing_is_expanded(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        '\ufeff# a comment\n\nexport HORARIUM_TEAM_NAME = "A \\"team\\" $HOME" # why\r\n'
        "HORARIUM_DATA='/srv/#data'\nHORARIUM_PORT=6002 # a port\nOTHER=${PATH}\n",
        encoding="utf-8",
    )
    config = load_config({}, tmp_path)
    assert (config.team_name, config.data, config.port) == ('A "team" $HOME', Path("/srv/#data"), 6002)


def test_a_line_that_means_nothing_is_named_by_its_number_and_not_shown(tmp_path: Path) -> None:
    canary = secrets.token_hex(12)
    (tmp_path / ".env").write_text(f'HORARIUM_PORT=5001\nnot a setting {canary}\nX="open {canary}\n', encoding="utf-8")
    found = problems_of({}, tmp_path)
    assert [line.split(" line ")[1] for line in found] == [
        "2 is not understood: write NAME=value",
        "3 is not understood: write NAME=value",
    ]
    assert canary not in "".join(found)


def test_an_unknown_name_of_ours_is_refused_with_the_nearest_one_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HORARIUM_TIMEZON=UTC\nAPP_COLOUR=red\n", encoding="utf-8")
    assert problems_of({"HORARIUM_PROT": "1", "PATH": "/bin"}, tmp_path) == [
        "HORARIUM_PROT in the environment is no setting of Horarium: did you mean HORARIUM_PORT?",
        f"HORARIUM_TIMEZON in {tmp_path / '.env'} is no setting of Horarium: did you mean HORARIUM_TIMEZONE?",
    ]


def test_what_a_run_finds_in_its_environment_is_no_unknown_setting(tmp_path: Path) -> None:
    assert load_config(dict.fromkeys(GIVEN_TO_RUNS, "x"), tmp_path) == load_config({}, tmp_path)


def test_names_that_a_later_release_uses_are_accepted(tmp_path: Path) -> None:
    assert load_config(dict.fromkeys(LATER, "x"), tmp_path) == load_config({}, tmp_path)


@pytest.mark.parametrize(
    ("variable", "bad"),
    [
        ("HORARIUM_PORT", "70000"),
        ("HORARIUM_PORT", "\uff10"),
        ("HORARIUM_WORKERS", "0"),
        ("HORARIUM_SHUTDOWN_GRACE", "nan"),
        ("HORARIUM_WEB_COMMANDS", "perhaps"),
        ("HORARIUM_TIMEZONE", "Mars/Base"),
        ("HORARIUM_TIMEZONE", "../../etc/passwd"),
        ("HORARIUM_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("HORARIUM_OUTGOING_ALLOW", "10.0.0.0/8, db.internal:70000"),
        ("HORARIUM_BASE_URL", "https://user:pw@host"),
        ("HORARIUM_BASE_URL", "ftp://host"),
        ("HORARIUM_BASE_URL", "http://host:99999"),
        ("HORARIUM_ROOT_PATH", "no-slash"),
        ("HORARIUM_HOST", "two words"),
        ("HORARIUM_LOG_LEVEL", "loud"),
        ("HORARIUM_TASK_USER", "a b"),
        ("HORARIUM_TEAM_NAME", "x" * 61),
    ],
)
def test_a_refused_value_is_told_with_its_variable_and_what_is_allowed(tmp_path: Path, variable: str, bad: str) -> None:
    allowed = next(option.allowed for option in CATALOGUE if option.variable == variable)
    assert problems_of({variable: bad}, tmp_path) == [f"{variable} is not understood: {allowed}"]


def test_several_problems_are_all_listed(tmp_path: Path) -> None:
    found = problems_of({"HORARIUM_PORT": "x", "HORARIUM_HOSTS": "y", "HORARIUM_LOG_FORMAT": "z"}, tmp_path)
    assert [line.split()[0] for line in found] == ["HORARIUM_HOSTS", "HORARIUM_PORT", "HORARIUM_LOG_FORMAT"]


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    key = secrets.token_hex(32)
    (tmp_path / "key").write_text(key + "\n", encoding="utf-8")
    assert load_config({"SECRET_KEY_FILE": str(tmp_path / "key")}, tmp_path).require_secret_key() == key


def test_a_secret_file_that_cannot_be_read_is_empty_or_beside_a_plain_value_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    gone, empty = str(tmp_path / "gone"), str(tmp_path / "empty")
    assert problems_of({"SECRET_KEY_FILE": gone}, tmp_path) == [
        "SECRET_KEY_FILE names a file that cannot be read: No such file or directory"
    ]
    assert "is empty" in problems_of({"DATABASE_URL_FILE": empty}, tmp_path)[0]
    assert "no UTF-8" in problems_of({"SECRET_KEY_FILE": str(tmp_path / "binary")}, tmp_path)[0]
    assert problems_of({"SECRET_KEY": "x", "SECRET_KEY_FILE": gone}, tmp_path) == [
        "SECRET_KEY and SECRET_KEY_FILE are both set: keep one of them"
    ]


WEAK_KEYS = {
    "unset": "",
    "changeme": "changeme",
    "secret": "secret",
    "in a sample": "please-change-me-0123456789abcdefghijklmnop",
    "31 characters": secrets.token_hex(32)[:31],
    "64 times a": "a" * 64,
    "two signs": "ab" * 40,
    "a pattern": "0123456789abcdef" * 4,
    "counting": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "half the bytes": secrets.token_hex(16),
    "digits": "83746591028374650192837465019283746501928374650",
    "a sentence": "the quick brown fox jumps over the lazy dog and then it sleeps for long",
}


@pytest.mark.parametrize("key", WEAK_KEYS.values(), ids=WEAK_KEYS)
def test_r1_a_missing_or_weak_key_is_refused_with_the_way_to_make_one(tmp_path: Path, key: str) -> None:
    config = load_config({"SECRET_KEY": key}, tmp_path)
    with pytest.raises(ConfigError) as caught:
        config.require_secret_key()
    sentence = str(caught.value)
    assert sentence.startswith("SECRET_KEY ")
    assert "horarium init" in sentence
    assert "token_hex(32)" in sentence
    assert len(key) < 12 or key not in sentence


@pytest.mark.parametrize(
    "make", [lambda: secrets.token_hex(32), lambda: secrets.token_urlsafe(32), lambda: secrets.token_hex(64).upper()]
)
def test_r1_a_random_key_of_32_bytes_or_more_is_always_good(tmp_path: Path, make: object) -> None:
    assert callable(make)
    for _ in range(500):
        key = make()
        assert load_config({"SECRET_KEY": key}, tmp_path).require_secret_key() == key


def test_r10_neither_the_object_nor_its_pages_nor_its_errors_show_a_secret(tmp_path: Path) -> None:
    canary = secrets.token_hex(12)
    environ = {"SECRET_KEY": canary, "DATABASE_URL": f"postgresql://u:{canary}@h/d", "SMTP_PASSWORD": canary}
    config = load_config(environ, tmp_path)
    assert canary not in repr(config) + str(config) + "".join(config.shown().values())
    assert config.shown()["SECRET_KEY"] == "(set)"
    with pytest.raises(ConfigError) as caught:
        config.require_secret_key()
    assert canary not in str(caught.value)
    assert canary not in "".join(problems_of({**environ, "HORARIUM_PORT": canary, "HORARIUM_X": canary}, tmp_path))


def test_the_address_that_people_type_is_made_from_host_and_port_unless_it_is_set() -> None:
    assert Config().public_url == "http://localhost:5000"
    assert Config(host="0.0.0.0", root_path="/h").public_url == "http://127.0.0.1:5000/h"  # noqa: S104
    assert Config(host="fd00::1").public_url == "http://[fd00::1]:5000"
    assert Config(base_url="https://h.example").public_url == "https://h.example"
    assert Config(base_url="https://h.example", root_path="/h").public_url == "https://h.example/h"
    assert Config(base_url="https://h.example/h", root_path="/h").public_url == "https://h.example/h"
    assert [Config(host=host).is_loopback for host in ("127.0.0.2", "::1", "localhost", "0.0.0.0")] == [  # noqa: S104
        True,
        True,
        True,
        False,
    ]


def test_the_zone_of_the_machine_is_found_in_each_place_and_nonsense_is_passed_over(tmp_path: Path) -> None:
    assert host_zone({}, tmp_path) == "UTC"
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/timezone").write_text("Europe/Vienna\n", encoding="utf-8")
    assert host_zone({}, tmp_path) == "Europe/Vienna"
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/Asia/Kolkata")
    assert host_zone({}, tmp_path) == "Asia/Kolkata"
    assert host_zone({"TZ": ":America/New_York"}, tmp_path) == "America/New_York"
    assert host_zone({"TZ": "CET-1CEST"}, tmp_path) == "Asia/Kolkata"
    assert host_zone({"TZ": "Etc/UTC"}, tmp_path) == "UTC"


def test_a_written_line_is_read_back_as_it_was(tmp_path: Path) -> None:
    for value in ("plain", 'a "b" \\ c', "two\nlines", "# no comment", "'", ""):
        assert parse_dotenv(dotenv_line("NAME", value)).values == {"NAME": value}
