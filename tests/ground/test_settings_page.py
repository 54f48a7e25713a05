"""The reference page of settings says what the catalogue says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from horarium.config import CATALOGUE, LATER, Option
from horarium.config.loading import ENV_FILE
from horarium.config.secret_key import weakness

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/settings.md"


def rows() -> dict[str, list[str]]:
    """Return the cells of each row of the table by the variable in its first cell."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


@pytest.mark.parametrize("option", CATALOGUE, ids=lambda option: option.variable)
def test_each_setting_has_its_row_with_default_allowed_values_and_sentence(option: Option) -> None:
    default, allowed, sentence = rows()[option.variable]
    assert default.strip("`") == (option.default_text.strip("`") or "not set")
    assert f"use {allowed}" == option.allowed
    assert sentence == option.sentence


def test_the_page_lists_nothing_else_and_names_what_is_not_used_yet() -> None:
    assert set(rows()) == {option.variable for option in CATALOGUE}
    text = PAGE.read_text(encoding="utf-8")
    for name in (*LATER, ENV_FILE):
        assert f"`{name}`" in text


def test_r1_a_key_that_stands_in_a_document_or_sample_is_refused() -> None:
    samples = []
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*")]:
        if path.is_file() and path.suffix in {".md", ".env", ".yml", ".yaml", ".toml", ".service", ".conf"}:
            samples += re.findall(r"SECRET_KEY\s*[=:]\s*(\S+)", path.read_text(encoding="utf-8"))
    for sample in samples:
        assert weakness(sample.strip("`'\"")), "a sample key would be taken for a real one"
