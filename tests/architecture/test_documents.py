"""The documents say what is true: code in them runs, commands and links in them exist, tables match the code."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.sources import ROOT, project_files
from tests.support.reference import GENERATED, PAGES, command_tree, renewed

DOCUMENTS = [path for path in project_files() if path.suffix == ".md" and path.parts[len(ROOT.parts)] != "tests"]
BLOCK = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name_of(path: Path) -> str:
    """Return a document's path from the project's folder."""
    return path.relative_to(ROOT).as_posix()


def blocks(kind: str) -> list[Any]:
    """Return every code block of a kind, named after its document and line."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            if block["kind"].strip() == kind:
                line = text.count("\n", 0, block.start()) + 1
                found.append(pytest.param(block["body"], id=f"{name_of(path)}:{line}"))
    return found


@pytest.mark.parametrize("program", blocks("python run"))
def test_a_program_in_a_document_runs(program: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HORARIUM_")}
    environment["HOME"] = str(tmp_path)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, timeout=60)


def test_there_are_programs_in_the_documents() -> None:
    assert blocks("python run")


def test_every_command_in_a_document_exists() -> None:
    unknown = [
        command for block in blocks("console") for command in commands_of(block.values[0]) if not exists(command)
    ]
    assert unknown == []


def commands_of(body: object) -> list[str]:
    """Return the lines that a person types."""
    return [line.removeprefix("$ ") for line in str(body).splitlines() if line.startswith("$ ")]


def exists(line: str) -> bool:
    """Tell whether a typed line starts a script of ours that is there, or a `horarium` command with such options."""
    words = shlex.split(line, comments=True)
    if words[0].startswith("script/"):
        return (ROOT / words[0]).is_file()
    # What follows a bare -- belongs to the program that is scheduled.
    ours = words[1 : words.index("--")] if "--" in words else words[1:]
    return words[0] != "horarium" or is_horarium_command(ours)


@cache
def known_commands() -> dict[str, Any]:
    """Return all commands by their words; gathering them takes a second, and the documents name hundreds."""
    command = importlib.import_module("typer.main").get_command(importlib.import_module("horarium.cli.main").app)
    return dict(command_tree(command, ""))


def is_horarium_command(words: list[str]) -> bool:
    """Tell whether the command line knows these words and options."""
    if importlib.util.find_spec("horarium.cli") is None:
        return False
    typed = " ".join(words)
    for path, found in known_commands().items():
        if f"{typed} ".startswith(f"{path.strip()} "):
            options = {option for parameter in found.params for option in [*parameter.opts, *parameter.secondary_opts]}
            return all(word.split("=")[0] in options | {"--help"} for word in words if word.startswith("--"))
    return False


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_link_inside_the_project_leads_somewhere(path: Path) -> None:
    broken = []
    for target in LINK.findall(BLOCK.sub("", path.read_text(encoding="utf-8"))):
        file, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def anchors(path: Path) -> set[str]:
    """Return the anchors that a page's headings make."""
    headings = HEADING.findall(path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", GENERATED)
def test_the_reference_page_says_what_the_code_says(page: str) -> None:
    text = (PAGES / page).read_text(encoding="utf-8")
    assert text == renewed(page, text), "run script/docs"


def test_every_page_is_listed_on_its_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in DOCUMENTS if (ROOT / "docs") in path.parents]
    assert [page for page in pages if page != "README.md" and f"({page})" not in index] == []


def test_every_part_we_depend_on_is_in_the_table_of_parts() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(part for extra in project["optional-dependencies"].values() for part in extra),
    ]
    table = (ROOT / "docs" / "parts.md").read_text(encoding="utf-8").lower()
    names = [re.split(r"[\[<>=~! ]", part)[0].lower() for part in wanted]
    assert [name for name in names if f"| {name} |" not in table] == []


def test_decisions_are_numbered_one_after_the_other() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_changelog_begins_with_what_is_coming_or_this_version() -> None:
    version = importlib.import_module("horarium._version").__version__
    first = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[0]
    assert first == "Unreleased" or first.startswith(version)
