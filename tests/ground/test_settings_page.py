"""The reference page of settings says what the catalogue says."""

from __future__ import annotations

import re
import subprocess
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


LIKE_A_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}"
    r"|\bhor_[0-9]+_[A-Za-z0-9_-]{30,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\b(?:ghp|gho|glpat|xox[bp])[-_][A-Za-z0-9-]{20,}"
    r"|SECRET_KEY(?:_OLD)?\s*=\s*['\"]?[0-9a-f]{32,}"
    r"|://[^/\s:@'\"{}<$]+:(?!password|secret|x@|y@|…|\*)[A-Za-z0-9]{12,}@"
)


def test_r2_no_file_of_the_repository_holds_a_key_or_a_token() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    found = []
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            found += [f"{name}: {each[0][:40]}" for each in LIKE_A_SECRET.finditer(text)]
    assert found == []
