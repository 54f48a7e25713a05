"""`script/_setup` on machines that lack something, that have it all, and that nobody has used before."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.places import unprivileged

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "cat", "cksum", "dirname", "env", "flock", "id", "readlink", "sed")
NEEDED = ("script", "requirements", "src", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of what a setup reads, without an environment, in a folder with a blank in its name."""
    folder = tmp_path / "a copy"
    folder.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Give a PATH with the commonest tools and neither Python nor a package manager."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (folder / tool).symlink_to(found)
    return folder


def set_up(folder: Path, path: Path | str, which: str = "server") -> subprocess.CompletedProcess[str]:
    """Run the copy's `script/_setup` from another folder."""
    return subprocess.run(
        [str(folder / "script" / "_setup"), which],
        cwd="/",
        env={"PATH": str(path), "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def stand_in(bare: Path, name: str, body: str) -> None:
    """Put a program of ours into the bare PATH."""
    program = bare / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_without_python_one_sentence_says_what_to_install(copy: Path, bare: Path) -> None:
    ran = set_up(copy, bare)
    assert ran.returncode == 1
    assert "Horarium needs Python 3.11 or later: install it" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_python_that_is_too_old_is_no_python(copy: Path, bare: Path) -> None:
    stand_in(bare, "python3", "exit 1")
    assert "Horarium needs Python 3.11 or later" in set_up(copy, bare).stderr


def test_a_python_without_venv_is_named_by_its_package(copy: Path, bare: Path) -> None:
    stand_in(bare, "python3", f'case "$2" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')
    ran = set_up(copy, bare)
    assert ran.returncode == 1
    assert f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in ran.stderr


def test_a_finished_setup_is_silent_and_writes_nothing() -> None:
    stamp = ROOT / ".venv" / "ready"
    before = stamp.stat().st_mtime_ns
    ran = set_up(ROOT, os.environ["PATH"], "dev")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert stamp.stat().st_mtime_ns == before


def test_the_server_is_content_with_the_larger_set_of_development() -> None:
    assert set_up(ROOT, os.environ["PATH"], "server").stderr == ""
    assert (ROOT / ".venv" / "ready").read_text().startswith("dev ")


@pytest.fixture
def fresh_clone() -> Iterator[Path]:
    """Give a clone that belongs to an ordinary user."""
    with unprivileged() as (folder, owner):
        clone = folder / "a clone"
        subprocess.run(["git", "-c", "safe.directory=*", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        for path in [clone, *clone.rglob("*")]:
            os.chown(path, *owner, follow_symlinks=False)
        yield clone


@pytest.mark.long
def test_an_ordinary_user_sets_up_a_fresh_clone_whatever_pip_is_told(fresh_clone: Path) -> None:
    owner = fresh_clone.stat()
    ran = subprocess.run(
        ["bash", "-c", f'umask 077; "{fresh_clone}/script/_setup" server && "{fresh_clone}/.venv/bin/horarium" --help'],
        cwd="/",
        env={
            **os.environ,
            "HOME": str(fresh_clone.parent),
            "PIP_USER": "1",
            "PIP_TARGET": "/nowhere",
            "PYTHONPATH": "/x",
        },
        user=owner.st_uid,
        group=owner.st_gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    assert "serve" in ran.stdout
