"""The gate of `script/test`: a run that left something out is not green."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOTH = """
import pytest

@pytest.mark.postgres
def test_database():
    pass

@pytest.mark.browser
def test_page():
    pass
"""
SKIPPED = BOTH.replace("    pass", "    pytest.skip('not here')", 1)
ASKED_WHILE_RUNNING = """
import pytest
from tests.support.summary import needs

@pytest.fixture
def store(request):
    needs(request, "postgres")

def test_store(store):
    pass
"""


def run(folder: Path, tests: str, *options: str) -> tuple[int, str]:
    """Run tests of their own under the plugin; return the exit code and what was printed."""
    (folder / "test_it.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    postgres\n    browser\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.summary", "-p", "no:cacheprovider", *options]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    return ran.returncode, ran.stdout


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "side by side"])
def test_a_complete_run_passes_and_is_counted(tmp_path: Path, options: tuple[str, ...]) -> None:
    code, printed = run(tmp_path, BOTH, "--gate", "whole", *options)
    assert code == 0
    assert "PostgreSQL tests: 1 run, 0 skipped; browser tests: 1 run, 0 skipped" in printed


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "side by side"])
def test_a_skipped_test_fails_the_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    code, printed = run(tmp_path, SKIPPED, "--gate", "part", *options)
    assert code == 1
    assert "PostgreSQL tests: 0 run, 1 skipped; browser tests: 1 run, 0 skipped" in printed
    assert "1 skipped: nothing may be left out here." in printed


def test_a_whole_run_without_browser_tests_fails(tmp_path: Path) -> None:
    code, printed = run(tmp_path, BOTH, "--gate", "whole", "-m", "postgres")
    assert code == 1
    assert "No browser test ran." in printed


def test_a_chosen_part_may_be_without_them(tmp_path: Path) -> None:
    assert run(tmp_path, BOTH, "--gate", "part", "-m", "postgres")[0] == 0


def test_without_the_gate_a_skip_is_a_skip(tmp_path: Path) -> None:
    assert run(tmp_path, SKIPPED)[0] == 0


def test_a_test_that_asks_for_the_database_only_while_it_runs_is_counted(tmp_path: Path) -> None:
    assert "PostgreSQL tests: 1 run, 0 skipped" in run(tmp_path, ASKED_WHILE_RUNNING)[1]


def test_a_failed_test_counts_as_run(tmp_path: Path) -> None:
    code, printed = run(tmp_path, BOTH.replace("    pass", "    assert False", 1), "--gate", "whole")
    assert code == 1
    assert "PostgreSQL tests: 1 run, 0 skipped" in printed
