"""The settings about the collector: what they take, what they refuse in words, and that headers stay hidden."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from horarium.config import Config, load_config
from horarium.errors import ConfigError


def read(folder: Path, **environ: str) -> Config:
    """Return the settings that an environment comes to."""
    return load_config(environ, folder)


def test_without_them_there_is_no_collector(tmp_path: Path) -> None:
    config = read(tmp_path, HORARIUM_OTLP_ENDPOINT="", HORARIUM_OTLP_HEADERS="")
    assert (config.otlp_endpoint, config.otlp_headers) == (None, ())


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://localhost:4318", "http://localhost:4318"),
        ("https://otel.example.org/team/", "https://otel.example.org/team"),
        ("http://[::1]:4318", "http://[::1]:4318"),
    ],
)
def test_the_address_is_the_base_of_a_collector(tmp_path: Path, text: str, address: str) -> None:
    assert read(tmp_path, HORARIUM_OTLP_ENDPOINT=text).otlp_endpoint == address


@pytest.mark.parametrize(
    "text",
    [
        *("localhost:4318", "grpc://localhost:4317", "http://", "http://localhost:99999", "http://a b:4318"),
        *("http://user:word@localhost:4318", "http://localhost:4318/?a=b", "http://localhost:4318/v1/traces"),
    ],
)
def test_another_address_is_refused_with_what_is_allowed(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, HORARIUM_OTLP_ENDPOINT=text)
    (sentence,) = str(caught.value).splitlines()
    assert sentence.startswith("HORARIUM_OTLP_ENDPOINT is not understood: use the http or https address of a collector")


def test_headers_are_pairs_with_values_that_are_percent_encoded(tmp_path: Path) -> None:
    text = "Authorization=Basic%20YTpi==, x-scope-orgid = team%2C1"
    assert read(tmp_path, HORARIUM_OTLP_HEADERS=text).otlp_headers == (
        ("authorization", "Basic YTpi=="),
        ("x-scope-orgid", "team,1"),
    )


@pytest.mark.parametrize(
    "text",
    [
        *(
            "authorization",
            "=key",
            "x-key=",
            "x key=1",
            "x-key=a%0D%0Ax-other: b",
            "x-key=%FF",
            "content-type=text/plain",
        ),
        *("host=other.example", "x-key=1,,x-other=2"),
    ],
)
def test_other_headers_are_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    canary = secrets.token_hex(8)
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, HORARIUM_OTLP_HEADERS=f"x-first={canary},{text}")
    assert str(caught.value).startswith("HORARIUM_OTLP_HEADERS is not understood: use pairs such as authorization=")
    assert canary not in str(caught.value)


def test_the_headers_are_shown_as_set_and_no_more(tmp_path: Path) -> None:
    canary = secrets.token_hex(8)
    (tmp_path / "headers").write_text(f"authorization={canary}\n", encoding="utf-8")
    config = read(tmp_path, HORARIUM_OTLP_HEADERS_FILE=str(tmp_path / "headers"))
    assert dict(config.otlp_headers) == {"authorization": canary}
    assert config.shown()["HORARIUM_OTLP_HEADERS"] == "(set)"
    assert canary not in repr(config)
