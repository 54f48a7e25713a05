"""P12: how long it takes to import and open a scheduler, beside the import of SQLAlchemy alone."""

from __future__ import annotations

from statistics import median

from benchmarks.children import call, folder
from benchmarks.figures import Report, growth
from benchmarks.options import Options

WEB = ("fastapi", "starlette", "jinja2", "pydantic", "uvicorn", "typer", "rich", "structlog", "alembic")


def measure(options: Options) -> Report:
    """Import in fresh processes, in turns."""
    sizes = options.sizes(100, 1_000, 10_000)
    report = Report(
        "P12",
        "Import and open",
        "`from horarium import TaskScheduler; TaskScheduler(file)` on a file that holds tasks, beside `import "
        "sqlalchemy` and APScheduler's background scheduler with its SQLAlchemy store; each in a fresh process, "
        "measured inside it.",
        ("what", "tasks in the file", "ms", "× import sqlalchemy", "growth"),
    )
    rounds = options.pick(15, 7, 1)
    with folder() as place:
        for size in sizes:
            call("benchmarks.ours:add", within=str(place / f"{size}"), count=size, singly=0)
        found: dict[str, list[float]] = {}
        loaded: set[str] = set()
        for _ in range(rounds):
            found.setdefault("sqlalchemy", []).append(call("benchmarks.importing:sqlalchemy")["ms"])
            found.setdefault("peer", []).append(call("benchmarks.importing:apscheduler")["ms"])
            for size in sizes:
                opened = call("benchmarks.importing:horarium", within=str(place / f"{size}"), unwanted=WEB)
                found.setdefault(str(size), []).append(opened["ms"])
                loaded.update(opened["loaded"])
    base = median(found["sqlalchemy"])
    grown = growth([(size, median(found[str(size)])) for size in sizes])
    report.rows.append(("import sqlalchemy", "–", f"{base:.0f}", "1.00", "–"))
    report.rows.append(("APScheduler SQLite", "0", f"{median(found['peer']):.0f}", _ratio(found["peer"], base), "–"))
    for size in sizes:
        took = found[str(size)]
        report.rows.append(("Horarium", f"{size:,}", f"{median(took):.0f}", _ratio(took, base), grown))
    ratio = median(found[str(sizes[1])]) / base
    report.judge("import and open", f"{ratio:.2f} ×", "≤ 1.5 × import sqlalchemy", reached=ratio <= 1.5)
    report.judge("loaded of the web part", ", ".join(sorted(loaded)) or "nothing", "nothing", reached=not loaded)
    return report


def _ratio(values: list[float], base: float) -> str:
    return f"{median(values) / base:.2f}"
