"""What lies in the repository: lock files, scripts, and nothing of the machine it was written on."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.architecture.sources import ROOT, project_files, python_sources

LOCKS = ("core", "server", "dev")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)

# Put together from halves, or this file would find itself.
REGISTRIES = [f"{name}.{domain}" for name, domain in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
REGISTRIES += ["registry." + "npm", "deb." + "debian.org", "crates" + ".io", "proxy." + "golang.org"]
MACHINE = re.compile("|".join(["/" + "work/", "/root" + "/", "/home" + "/[a-z]+/", r"(?<![\w/.-])shared" + "/"]))
FUTURE = "\nfrom __future__ import annotations\n"
VENDORED = re.compile(r"(^|/)vendor/")


def texts() -> list[tuple[str, str]]:
    """Return the project's text files, those of others left out."""
    found = []
    for path in project_files():
        name = path.relative_to(ROOT).as_posix()
        content = path.read_bytes()
        if not VENDORED.search(name) and b"\0" not in content:
            found.append((name, content.decode("utf-8")))
    return found


def pins(name: str) -> dict[str, str]:
    """Return package -> version of a lock file."""
    return dict(PIN.findall((ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_has_a_hash_for_every_package_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if entry.strip()]
    assert len(entries) == len(pins(name)) > 5
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize(("smaller", "larger"), [("core", "server"), ("server", "dev")])
def test_a_larger_set_contains_the_smaller_one_at_the_same_versions(smaller: str, larger: str) -> None:
    assert pins(smaller).items() <= pins(larger).items()


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = {"core": project["dependencies"], "server": [*extras["server"], *extras["postgres"]]}
    asked["dev"] = [part for extra in extras.values() for part in extra]
    missing = [f"{lock}: {part}" for lock, parts in asked.items() for part in parts if not is_locked(part, lock)]
    assert missing == [], "run script/lock"


def is_locked(part: str, lock: str) -> bool:
    """Tell whether a lock file pins a requirement at a version that satisfies it."""
    requirement = Requirement(part)
    version = pins(lock).get(re.sub(r"[-_.]+", "-", requirement.name).lower())
    return version is not None and requirement.specifier.contains(version)


def test_vendored_test_files_are_what_their_note_says() -> None:
    folder = ROOT / "tests" / "support" / "vendor"
    note = (folder / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256((folder / "axe.min.js").read_bytes()).hexdigest() in note


def test_no_file_names_a_registry() -> None:
    pattern = re.compile("|".join(map(re.escape, REGISTRIES)), re.IGNORECASE)
    assert [name for name, text in texts() if pattern.search(text)] == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert [f"{name}: {found.group()}" for name, text in texts() if (found := MACHINE.search(text))] == []


def scripts() -> list[Path]:
    """Return the commands a person may start; a name that begins with `_` is only read by others."""
    return [path for path in project_files() if path.parent in {ROOT / "script", ROOT / ".ci"}]


def test_every_script_can_be_started() -> None:
    assert len(scripts()) > 5
    assert [path.name for path in scripts() if not os.access(path, os.X_OK)] == []
    assert [path.name for path in scripts() if not path.read_text(encoding="utf-8").startswith("#!/usr/bin/env ")] == []


def test_every_bash_script_is_well_formed() -> None:
    bash = shutil.which("bash")
    assert bash
    for path in scripts():
        if path.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash"):
            subprocess.run([bash, "-n", str(path)], check=True)


def test_every_module_with_code_begins_with_future_annotations() -> None:
    with_code = [source for source in python_sources() if len(source.tree.body) > 1]
    assert [source.path for source in with_code if FUTURE not in source.text] == []
