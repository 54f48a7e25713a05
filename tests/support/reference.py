"""Write the tables of `docs/reference` from the code: commands, states, errors, names.

`script/docs` calls this; a test fails when a page no longer says what the code says. Only the part of a page between
its two marks is written; what people wrote around it stays.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.support import schema_text

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "reference"
BEGIN = "<!-- begin: written by script/docs -->"
END = "<!-- end: written by script/docs -->"


def commands() -> str:
    """List every command with its arguments and options; nothing while there is no command line."""
    if importlib.util.find_spec("horarium.cli") is None:
        return ""
    from typer.main import get_command  # noqa: PLC0415 - dear, and not needed for the other pages

    app = get_command(importlib.import_module("horarium.cli.main").app)
    return "\n\n".join(_command(words, command) for words, command in command_tree(app, "horarium"))


def command_tree(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Yield each command that can be called with the words that call it, hidden ones left out."""
    children: dict[str, Any] = getattr(command, "commands", {})
    if not children:
        yield words, command
    for name, child in sorted(children.items()):
        if not getattr(child, "hidden", False):
            yield from command_tree(child, f"{words} {name}")


def _command(words: str, command: Any) -> str:
    rows = [
        (f"`{_asked_for(parameter)}`", " ".join((getattr(parameter, "help", None) or "").split()))
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
    ]
    text, _, examples = inspect.cleandoc(command.help or "").partition("\nExample")
    parts = [f"## `{words}`", text.strip(), table(("argument or option", "meaning"), rows) if rows else ""]
    typed = [f"$ {line.strip()}" for line in examples.splitlines()[1:] if line.strip()]
    parts.append("\n".join(["```console", *typed, "```"]) if typed else "")
    return "\n\n".join(part for part in parts if part)


def _asked_for(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper()
    return ", ".join([*parameter.opts, *parameter.secondary_opts])


def states() -> str:
    """List every enumeration of states, policies and kinds with the sentence of each member."""
    tree = ast.parse((ROOT / "src/horarium/states.py").read_text(encoding="utf-8"))
    found = "\n\n".join(_members(node) for node in tree.body if isinstance(node, ast.ClassDef))
    return f"{found}\n\n{_moves()}"


def _moves() -> str:
    """List the states that a run may move to from each, as the table in the code has them."""
    module = importlib.import_module("horarium.states")
    rows = [
        (f"`{state}`", ", ".join(f"`{to}`" for to in module.RunState if to in module.RUN_MOVES[state]) or "none")
        for state in module.RunState
    ]
    return f"## Moves of a run\n\nNo other change of a run's state is ever made.\n\n{table(('from', 'to'), rows)}"


def _members(node: ast.ClassDef) -> str:
    rows: list[tuple[str, ...]] = []
    for statement in node.body[1:]:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            rows.append((f"`{statement.value.value!s}`", ""))
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and rows:
            rows[-1] = (rows[-1][0], " ".join(str(statement.value.value).split()))
    is_plain = not any(meaning for _, meaning in rows)
    shown = table(("value",), [row[:1] for row in rows]) if is_plain else table(("value", "meaning"), rows)
    return f"## {node.name}\n\n{ast.get_docstring(node)}\n\n{shown}"


def errors() -> str:
    """List every error with its stable code."""
    module = importlib.import_module("horarium.errors")
    found: list[Any] = [value for value in vars(module).values() if inspect.isclass(value)]
    rows = [
        (f"`{error.code}`", f"`{error.__name__}`", _first_paragraph(error))
        for error in found
        if issubclass(error, module.HorariumError)
    ]
    return table(("code", "class", "meaning"), rows)


def names() -> str:
    """List the names that `horarium` gives out."""
    root = importlib.import_module("horarium")
    return "\n\n".join(_name(name, getattr(root, name)) for name in sorted(root.__all__) if not name.startswith("_"))


def _name(name: str, value: Any) -> str:
    text = f"## `{name}`\n\n{_first_paragraph(value)}"
    if not inspect.isclass(value):
        return f"{text}\n\n```python\n{name}{inspect.signature(value)}\n```" if callable(value) else text
    methods = [
        (f"`{member}`", _first_paragraph(method))
        for member, method in sorted(vars(value).items())
        if not member.startswith("_") and (callable(method) or isinstance(method, property))
    ]
    return f"{text}\n\n{table(('member', 'meaning'), methods)}" if methods else text


def _first_paragraph(value: Any) -> str:
    return " ".join((inspect.getdoc(value) or "").split("\n\n", maxsplit=1)[0].split())


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Write a Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


GENERATED: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "states.md": states,
    "errors.md": errors,
    "names.md": names,
}


def renewed(page: str, text: str) -> str:
    """Return a page's text with the part between the marks written anew."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{GENERATED[page]().strip()}\n\n{END}{after}"


def main() -> None:
    """Write every page anew."""
    for page in GENERATED:
        path = PAGES / page
        path.write_text(renewed(page, path.read_text(encoding="utf-8")), encoding="utf-8")
    schema_text.write()


if __name__ == "__main__":
    main()
