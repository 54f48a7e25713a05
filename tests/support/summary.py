"""Count the tests that need PostgreSQL or a browser, and refuse a run in which they did not happen.

`script/test` promises that nothing was left out. A skipped test, or a whole run without a single PostgreSQL or
browser test, is a broken promise, so with `--gate` it ends the run with an error although every test passed.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

NEEDS = {"postgres": "PostgreSQL", "browser": "browser"}
FIXTURES = {
    **dict.fromkeys(("postgres_cluster", "postgres_url", "empty_postgres_url"), "postgres"),
    **dict.fromkeys(("browser", "page"), "browser"),
}
OUTCOMES = {"passed": "run", "failed": "run", "error": "run", "xfailed": "run", "xpassed": "run", "skipped": "skipped"}


def needs(request: pytest.FixtureRequest, need: str) -> None:
    """Count the asking test among those that need `need`, also when it asked for the fixture only while running."""
    note(request.node, need)


def note(item: pytest.Item, need: str) -> None:
    """Write the need where the report carries it from a worker to the summary, once."""
    if ("needs", need) not in item.user_properties:
        item.user_properties.append(("needs", need))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--gate`."""
    parser.addoption(
        "--gate",
        choices=("whole", "part"),
        help="fail if a test was skipped; `whole` also if no PostgreSQL or no browser test ran",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they ask for, so that `-m postgres` and `-m browser` select them."""
    for item in items:
        for fixture, need in FIXTURES.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(need)
        for need in NEEDS:
            if item.get_closest_marker(need):
                note(item, need)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how many tests of each need ran, and what breaks the gate."""
    terminalreporter.section("what ran", sep="-")
    stats = terminalreporter.stats
    terminalreporter.line(
        "; ".join(
            f"{name} tests: {count(stats, need, 'run')} run, {count(stats, need, 'skipped')} skipped"
            for need, name in NEEDS.items()
        )
    )
    for sentence in complaints(stats, config.getoption("--gate")):
        terminalreporter.line(sentence, red=True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a green run that broke the gate into a failed one."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    gate = session.config.getoption("--gate")
    if reporter and gate and session.exitstatus == pytest.ExitCode.OK and complaints(reporter.stats, gate):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def complaints(stats: dict[str, list[pytest.TestReport]], gate: str | None) -> list[str]:
    """Return one sentence for each way in which the run was not complete."""
    if not gate:
        return []
    found = [f"{len(stats['skipped'])} skipped: nothing may be left out here."] if stats.get("skipped") else []
    if gate == "whole":
        found += [f"No {name} test ran." for need, name in NEEDS.items() if not count(stats, need, "run")]
    return found


def count(stats: dict[str, list[pytest.TestReport]], need: str, how: str) -> int:
    """Count the tests with a need that were `run` or `skipped`, each once however many reports it left."""
    reports = (report for outcome, as_ in OUTCOMES.items() if as_ == how for report in stats.get(outcome, ()))
    return len({report.nodeid for report in reports if ("needs", need) in pairs(report)})


def pairs(report: pytest.TestReport) -> Iterable[tuple[str, object]]:
    """Return a report's properties as pairs; on the way from a worker they became lists."""
    return [(name, value) for name, value in getattr(report, "user_properties", ())]
