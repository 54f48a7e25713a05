"""The project's own files, read once, for the tests that judge how it is built."""

from __future__ import annotations

import ast
import gc
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "horarium"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the project's folder, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """Name the room it belongs to; for a module of the ground its own name."""
        inside = Path(self.path).relative_to("src/horarium").parts
        return inside[0].removesuffix(".py")

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Hold every node of the tree: a dozen rules go through them."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def functions(self) -> tuple[tuple[str, Function], ...]:
        """Hold every function and method with its qualified name, nested ones too."""
        return tuple(_functions(self.tree))


@dataclass(frozen=True)
class Finding:
    """A place that breaks a rule, and in what way."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        """Write it as editors understand it."""
        return f"{self.path}:{self.line}: {self.what}"


@cache
def project_files() -> tuple[Path, ...]:
    """Return what belongs to the project: tracked files and new ones that git does not ignore."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return tuple(path for path in (ROOT / name for name in sorted(listed) if name) if path.is_file())


@cache
def python_sources() -> tuple[Source, ...]:
    """Return every Python file of the project."""
    found = tuple(_read(path) for path in project_files() if path.suffix == ".py")
    # Millions of nodes that stay to the end: whoever looks for waste later must not go through them.
    gc.freeze()
    return found


def package_sources() -> Iterator[Source]:
    """Yield the Python files that are installed."""
    return (source for source in python_sources() if source.path.startswith("src/horarium/"))


def parsed(text: str, path: str = "src/horarium/planted.py") -> Source:
    """Make a source out of a text, to try a rule on it."""
    return Source(path, text, ast.parse(text))


def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text, filename=str(path)))


def _functions(tree: ast.AST) -> Iterator[tuple[str, Function]]:
    waiting = [(tree, "")]
    while waiting:
        parent, around = waiting.pop()
        for node in ast.iter_child_nodes(parent):
            name = f"{around}.{node.name}" if around and hasattr(node, "name") else getattr(node, "name", around)
            if isinstance(node, Function):
                yield name, node
            waiting.append((node, name if isinstance(node, Function | ast.ClassDef) else around))


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for a name or a chain of attributes; what cannot be named becomes `?`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def report(findings: Iterator[Finding] | list[Finding]) -> str:
    """Join findings to a text that a failed assertion shows well."""
    return "\n".join(map(str, findings))
