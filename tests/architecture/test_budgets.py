"""Size budgets: what is small can be read. An exception stands here, with its reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import (
    Finding,
    Function,
    Source,
    package_sources,
    parsed,
    python_sources,
    report,
)

FILE_LINES = 450
FUNCTION_LINES = 50
PARAMETERS = 8
PUBLIC_METHODS = 12
LINES_PER_TYPE_IGNORE = 500

# "path" or "path::Qualified.name" -> why it may be larger than its budget. One that no longer is must go.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
MANY_PARAMETERS: dict[str, str] = {}
MANY_METHODS: dict[str, str] = {
    "src/horarium/library/scheduler.py::TaskScheduler": "the facade that people know, one line a method",
    "src/horarium/store/books/credentials.py::VersionBook": "one book a subject, and each method is one statement",
    "src/horarium/store/books/people.py::PeopleBook": "one book a subject, and each method is one statement",
    "src/horarium/store/books/projects.py::ProjectBook": "one book a subject, and each method is one statement",
    "src/horarium/store/books/tasks.py::TaskBook": "one book a subject, and each method is one statement",
    "src/horarium/web/visit.py::Visit": "one request as pages see it: most are properties of one line",
    "src/horarium/store/port.py::Store": "the port: what a database can do, one line each",
    "src/horarium/store/postgres.py::PostgresStore": "implements the port",
    "src/horarium/store/sqlite.py::SqliteStore": "implements the port",
}

# Where an import may stand inside a function, beside the package root: path -> why.
_DEAR = "only {} needs it: a waiting program holds little more than what waiting takes"
LAZY_IMPORTS: dict[str, str] = {
    "src/horarium/accounts/names.py": _DEAR.format("an address that is new"),
    "src/horarium/store/migrations/runner.py": _DEAR.format("a schema that is made or moved"),
    "src/horarium/store/visiting.py": _DEAR.format("looking whether somebody's PostgreSQL answers"),
    "src/horarium/dashboard/serving.py": "what the extra `oidc` brings is only there, and only needed, with a provider",
    "src/horarium/errors.py": _DEAR.format("looking for a likely word"),
    "src/horarium/execution/credentials.py": _DEAR.format("the first secret of a run"),
    "src/horarium/execution/interrupts.py": _DEAR.format("striking a thread"),
    "src/horarium/execution/local.py": _DEAR.format("a command or an isolated function"),
    "src/horarium/execution/rescue.py": _DEAR.format("waiting for processes of the dead"),
    "src/horarium/execution/threads.py": _DEAR.format("a run that is for a person"),
    "src/horarium/library/scheduler.py": _DEAR.format("starting, or asking for settings or the history,"),
    "src/horarium/notify/channels/others.py": _DEAR.format("a channel for one of a hundred other services"),
    "src/horarium/reports/paper.py": "what the extra `pdf` brings is only there, and only needed, for paper",
    "src/horarium/scheduling/personal.py": _DEAR.format("a task that is there for each person"),
    "src/horarium/scheduling/places.py": _DEAR.format("a task that belongs to somebody"),
    "src/horarium/scheduling/standstill.py": _DEAR.format("a loop that stands still"),
    "src/horarium/server/tracing.py": "what the extra `otel` brings is only there, and only needed, with a collector",
    "src/horarium/server/telling.py": _DEAR.format("an alarm"),
    "src/horarium/store/lookout.py": _DEAR.format("PostgreSQL"),
    "src/horarium/store/backup/restoring.py": "the driver of PostgreSQL is only there where its extra is",
    "src/horarium/store/opening.py": _DEAR.format("PostgreSQL"),
    "src/horarium/upkeep/backups.py": "the vault, and what copies need, are only there with the server's parts",
    "src/horarium/upkeep/elsewhere.py": "what the extras `s3` and `sftp` bring is only there with them",
    "src/horarium/upkeep/rules.py": "ciphers are only there with the server's parts",
    "src/horarium/store/schema.py": "Alembic is dear to import and only needed where a schema is made or moved",
}


def long_files(source: Source) -> Iterator[tuple[str, Finding]]:
    """Find a file over its budget."""
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        yield source.path, Finding(source.path, 1, f"{lines} lines, at most {FILE_LINES}")


def long_functions(source: Source) -> Iterator[tuple[str, Finding]]:
    """Find functions over their budget; a made-up record in a test is data, and excepted."""
    for name, function in source.functions:
        if source.path.startswith("tests/") and _is_data(function):
            continue
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES:
            what = f"{name} has {lines} lines, at most {FUNCTION_LINES}"
            yield f"{source.path}::{name}", Finding(source.path, function.lineno, what)


def _is_data(function: Function) -> bool:
    """Tell whether a function only puts a record together and returns it: values and expressions, nothing else."""
    straight = all(isinstance(statement, ast.Assign | ast.Expr | ast.Return) for statement in function.body)
    return straight and isinstance(function.body[-1], ast.Return)


def many_parameters(source: Source) -> Iterator[tuple[str, Finding]]:
    """Find functions with more parameters than a reader can hold; tests ask for fixtures and are excepted."""
    if source.path.startswith("tests/"):
        return
    for name, function in source.functions:
        asked = function.args
        names = [argument.arg for argument in (*asked.posonlyargs, *asked.args, *asked.kwonlyargs)]
        count = len([argument for argument in names if argument not in {"self", "cls"}])
        if count > PARAMETERS:
            what = f"{name} takes {count} parameters, at most {PARAMETERS}: make an options record"
            yield f"{source.path}::{name}", Finding(source.path, function.lineno, what)


def many_methods(source: Source) -> Iterator[tuple[str, Finding]]:
    """Find classes with more public methods than one reason to change explains."""
    for node in source.nodes:
        if not isinstance(node, ast.ClassDef):
            continue
        members = [member for member in node.body if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)]
        public = {member.name for member in members if not member.name.startswith("_")}
        if len(public) > PUBLIC_METHODS:
            what = f"{node.name} has {len(public)} public methods, at most {PUBLIC_METHODS}"
            yield f"{source.path}::{node.name}", Finding(source.path, node.lineno, what)


BUDGETS = [
    (long_files, LONG_FILES),
    (long_functions, LONG_FUNCTIONS),
    (many_parameters, MANY_PARAMETERS),
    (many_methods, MANY_METHODS),
]


@pytest.mark.parametrize(("budget", "exceptions"), BUDGETS, ids=lambda value: getattr(value, "__name__", ""))
def test_nothing_is_over_its_budget(budget: object, exceptions: dict[str, str]) -> None:
    assert callable(budget)
    over = {key: finding for source in python_sources() for key, finding in budget(source)}
    assert not report([finding for key, finding in over.items() if key not in exceptions])
    assert set(exceptions) <= set(over), "an exception that is no longer needed must go"


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        (long_files, "x = 1\n" * (FILE_LINES + 1)),
        (long_functions, "class A:\n    def f(self):\n" + "        x = 1\n" * FUNCTION_LINES),
        (many_parameters, "def f(a, b, c, d, e, *, f, g, h, i): ..."),
        (many_methods, "class A:\n" + "".join(f"    def m{n}(self): ...\n" for n in range(PUBLIC_METHODS + 1))),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_budget_sees_what_is_over_it(budget: object, text: str) -> None:
    assert callable(budget)
    assert list(budget(parsed(text)))


def test_imports_stand_at_the_top_but_for_the_listed_ones() -> None:
    lazy = {source.path for source in package_sources() if list(lazy_imports(source))}
    assert not lazy - set(LAZY_IMPORTS)
    assert not set(LAZY_IMPORTS) - lazy, "an exception that is no longer needed must go"


def lazy_imports(source: Source) -> Iterator[Finding]:
    """Find imports inside functions."""
    for name, function in source.functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield Finding(source.path, node.lineno, f"{name} imports inside")


def test_an_ignored_type_error_stays_rare() -> None:
    ignores = [source.path for source in package_sources() for _ in re.findall(r"# type: ignore", source.text)]
    lines = sum(source.text.count("\n") for source in package_sources())
    assert len(ignores) <= 1 + lines // LINES_PER_TYPE_IGNORE, ignores
