"""Rules that no linter knows: where time, SQL and foreign packages may appear, and what may appear nowhere."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.sources import PACKAGE, ROOT, Finding, Source, dotted, package_sources, parsed, report

Rule = Callable[[Source], Iterator[Finding]]

# Which rooms may import a package that is not in the standard library. The embedded library lives on the first three;
# everything else belongs to the server and is never loaded by `from horarium import TaskScheduler`.
ROOMS_OF_PACKAGES = {
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "psycopg": {"store"},
    "apprise": {"notify"},
    "apscheduler": {"triggers", "library"},
    "argon2": {"accounts"},
    "authlib": {"accounts"},
    "cryptography": {"accounts", "keys", "vault"},
    "email_validator": {"accounts", "web", "cli"},
    "fastapi": {"web"},
    "httpx2": {"accounts"},
    "jinja2": {"web", "letterhead"},
    "joserfc": {"accounts"},
    "markupsafe": {"web"},
    "prometheus_client": {"web"},
    "obstore": {"upkeep"},
    "opentelemetry": {"traces"},
    "paramiko": {"upkeep"},
    "psutil": {"execution", "cli", "server"},
    "pwdlib": {"accounts"},
    "pydantic": {"web"},
    "pyotp": {"accounts"},
    "python_multipart": {"web"},
    "reportlab": {"reports"},
    "requests": {"traces"},
    "rich": {"cli"},
    "segno": {"web"},
    "starlette": {"web", "server"},
    "structlog": {"logs", "server"},
    "typer": {"cli"},
    "click": {"cli"},
    "google": {"traces"},
    "h11": {"web"},
    "uvicorn": {"web"},
    "webauthn": {"accounts"},
}
SQL_DRIVERS = {"sqlite3", "sqlalchemy", "alembic", "psycopg"}
# Each of these turns bytes from a file, a row or a message into running code.
LOADERS = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle"}
EVALUATORS = {"eval", "exec", "compile", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load"}
STARTERS = {"run", "Popen", "call", "check_call", "check_output"}
SHELLS = {"create_subprocess_shell", "getoutput", "getstatusoutput"}
CLOCK_CALLS = {"now", "utcnow", "today"}

# "path:rule" -> why the rule is broken there. One that is not must go.
EXCEPTIONS: dict[str, str] = {
    "src/horarium/store/sqlite.py:r119_sql_is_not_built_from_strings": "a loop over pragmas that stand right above it",
}


def imports(source: Source) -> Iterator[tuple[str, int]]:
    """Yield each imported module in full, with its line."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno


def calls(source: Source) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call with the dotted name of what is called."""
    for node in source.nodes:
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def time_is_handed_in(source: Source) -> Iterator[Finding]:
    """Find who asks the system for the time instead of the clock."""
    if source.room == "clock":
        return
    for module, line in imports(source):
        if module == "time":
            yield Finding(source.path, line, "imports time: take a Clock")
    for name, call in calls(source):
        *of, method = name.split(".")
        if method in CLOCK_CALLS and of and of[-1] in {"datetime", "date", "dt"}:
            yield Finding(source.path, call.lineno, f"{name}(): take a Clock")


def sql_stays_in_the_store(source: Source) -> Iterator[Finding]:
    """Find who talks to a database past the store."""
    for module, line in imports(source):
        if module.split(".", maxsplit=1)[0] in SQL_DRIVERS and source.room != "store":
            yield Finding(source.path, line, f"imports {module} outside the store")


def packages_stay_in_their_rooms(source: Source) -> Iterator[Finding]:
    """Find who imports a package that its room has no business with, or that nobody has given a room."""
    for module, line in imports(source):
        package = module.split(".", maxsplit=1)[0]
        if package in sys.stdlib_module_names or package == "horarium":
            continue
        if source.room not in ROOMS_OF_PACKAGES.get(package, set()):
            yield Finding(source.path, line, f"{source.room} imports {package}")


def nobody_imports_the_package_root(source: Source) -> Iterator[Finding]:
    """Find imports of `horarium` itself: the root loads the rooms, never the other way round."""
    for node in source.nodes:
        if isinstance(node, ast.Import) and any(alias.name == "horarium" for alias in node.names):
            yield Finding(source.path, node.lineno, "imports the package root")
        elif isinstance(node, ast.ImportFrom) and node.module == "horarium":
            foreign = [alias.name for alias in node.names if not _is_module(alias.name)]
            if foreign:
                yield Finding(source.path, node.lineno, f"imports {', '.join(foreign)} from the package root")


def _is_module(name: str) -> bool:
    return (PACKAGE / f"{name}.py").is_file() or (PACKAGE / name).is_dir()


def r90_nothing_stored_becomes_code(source: Source) -> Iterator[Finding]:
    """Find unsafe loaders and evaluated texts."""
    for module, line in imports(source):
        if module.split(".", maxsplit=1)[0] in LOADERS:
            yield Finding(source.path, line, f"imports {module}")
    for name, call in calls(source):
        if name in EVALUATORS or name == "builtins.eval":
            yield Finding(source.path, call.lineno, f"calls {name}")


def r119_no_shell_reads_a_built_string(source: Source) -> Iterator[Finding]:
    """Find commands given to a shell; a program is started by a list of arguments."""
    for name, call in calls(source):
        method = name.rsplit(".", maxsplit=1)[-1]
        asked = any(word.arg == "shell" and not _is_false(word.value) for word in call.keywords)
        if method in SHELLS or (asked and method in STARTERS):
            yield Finding(source.path, call.lineno, f"{name} with a shell")


def r119_tls_is_checked(source: Source) -> Iterator[Finding]:
    """Find switched-off certificate checks."""
    for name, call in calls(source):
        if any(word.arg in {"verify", "check_hostname"} and _is_false(word.value) for word in call.keywords):
            yield Finding(source.path, call.lineno, f"{name} does not check certificates")
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr in {"CERT_NONE", "_create_unverified_context"}:
            yield Finding(source.path, node.lineno, f"{node.attr} does not check certificates")


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def r119_sql_is_not_built_from_strings(source: Source) -> Iterator[Finding]:
    """Find statements put together from pieces: values belong into parameters."""
    for name, call in calls(source):
        method = name.rsplit(".", maxsplit=1)[-1]
        if method in {"text", "execute", "executescript", "exec_driver_sql"} and call.args and _is_built(call.args[0]):
            yield Finding(source.path, call.lineno, f"{name} is given a built string")


def _is_built(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) and not _is_named_constant(part.value) for part in node.values)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr == "format"
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod)


def _is_named_constant(node: ast.expr) -> bool:
    """Accept a name in capitals: SQL has no parameters where a channel or a pragma is named."""
    return isinstance(node, ast.Name) and node.id.isupper()


def r119_no_error_is_swallowed(source: Source) -> Iterator[Finding]:
    """Find handlers that catch everything and say nothing."""
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and all(map(_is_silent, node.body)):
            yield Finding(source.path, node.lineno, "catches everything and says nothing")
    for name, call in calls(source):
        if name.endswith("suppress") and any(map(_is_broad, call.args)):
            yield Finding(source.path, call.lineno, "suppresses everything")


def _is_broad(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or dotted(one) in {"Exception", "BaseException"} for one in kinds)


def _is_silent(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Return):
        return statement.value is None or isinstance(statement.value, ast.Constant)
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass | ast.Continue | ast.Break)


def r47_pages_ask_within_a_reach(source: Source) -> Iterator[Finding]:
    """Find pages that list or count tasks or runs without saying for whom."""
    if source.room not in {"web", "planted"}:
        return
    for name, call in calls(source):
        given = {keyword.arg for keyword in call.keywords}
        if name in {"TaskFilter", "RunFilter"} and "reach" not in given:
            yield Finding(source.path, call.lineno, f"{name} without a reach")
        if name == "TallyBook" and len(call.args) < 2:
            yield Finding(source.path, call.lineno, "TallyBook without a reach")
        if name.endswith(".all_tags") and not call.args:
            yield Finding(source.path, call.lineno, "tags without a reach")


PLANTED = [
    (r47_pages_ask_within_a_reach, "TaskFilter(view='all')\n"),
    (r47_pages_ask_within_a_reach, "RunFilter()\n"),
    (r47_pages_ask_within_a_reach, "TallyBook(tx).runs(1, 2)\n"),
    (r47_pages_ask_within_a_reach, "TaskBook(tx).all_tags()\n"),
    (time_is_handed_in, "import time\n"),
    (time_is_handed_in, "from time import monotonic\n"),
    (time_is_handed_in, "import datetime\ndatetime.datetime.now()\n"),
    (time_is_handed_in, "date.today()\n"),
    (sql_stays_in_the_store, "import sqlite3\n"),
    (sql_stays_in_the_store, "from sqlalchemy.engine import Engine\n"),
    (packages_stay_in_their_rooms, "import fastapi\n"),
    (packages_stay_in_their_rooms, "import unheard_of\n"),
    (nobody_imports_the_package_root, "import horarium\n"),
    (nobody_imports_the_package_root, "from horarium import TaskScheduler\n"),
    (r90_nothing_stored_becomes_code, "import pickle\n"),
    (r90_nothing_stored_becomes_code, "eval('1')\n"),
    (r90_nothing_stored_becomes_code, "yaml.load(text)\n"),
    (r119_no_shell_reads_a_built_string, "subprocess.run(f'ls {folder}', shell=True)\n"),
    (r119_no_shell_reads_a_built_string, "subprocess.getoutput(command)\n"),
    (r119_tls_is_checked, "client(verify=False)\n"),
    (r119_tls_is_checked, "context.verify_mode = ssl.CERT_NONE\n"),
    (r119_sql_is_not_built_from_strings, "connection.execute(f'SELECT {name}')\n"),
    (r119_sql_is_not_built_from_strings, "text('SELECT ' + name)\n"),
    (r119_sql_is_not_built_from_strings, "text('SELECT {}'.format(name))\n"),
    (r119_no_error_is_swallowed, "try:\n    f()\nexcept Exception:\n    pass\n"),
    (
        r119_no_error_is_swallowed,
        "try:\n    f()\nexcept:\n    return_ = 0\n    pass\n".replace("return_ = 0\n    ", ""),
    ),
    (r119_no_error_is_swallowed, "with contextlib.suppress(Exception):\n    f()\n"),
]
RULES: list[Rule] = list(dict.fromkeys(rule for rule, _ in PLANTED))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    broken = {f"{source.path}:{rule.__name__}": list(rule(source)) for source in package_sources()}
    assert not report([finding for key, found in broken.items() if key not in EXCEPTIONS for finding in found])
    excepted = {key for key in EXCEPTIONS if key.endswith(f":{rule.__name__}")}
    assert all(broken.get(key) for key in excepted), "an exception that is no longer needed must go"


@pytest.mark.parametrize(("rule", "text"), PLANTED)
def test_the_rule_sees_a_planted_breach(rule: Rule, text: str) -> None:
    assert list(rule(parsed(text)))


UNESCAPED = re.compile(r"\|\s*safe\b|autoescape\s+false", re.IGNORECASE)


def test_r119_templates_print_nothing_unescaped() -> None:
    templates = [path for path in PACKAGE.rglob("*") if path.suffix in {".html", ".jinja", ".j2", ".txt"}]
    assert not [str(path.relative_to(ROOT)) for path in templates if UNESCAPED.search(path.read_text(encoding="utf-8"))]
    assert UNESCAPED.search("{{ name | safe }}")
    assert UNESCAPED.search("{% autoescape false %}")
