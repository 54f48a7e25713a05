"""The tables of figures: what runs and skipped times add up to, so that no page counts them one by one."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Text

from horarium.store.tables.base import Wide, instant, metadata
from horarium.store.tables.work import occurrence_spans, occurrences


def _figures(name: str) -> Table:
    """Return a table with one row for what is counted together in a slot of time; `Key` and `Group` say what it is."""
    return Table(
        name,
        metadata,
        instant("at", nullable=False, primary_key=True, autoincrement=False),
        Column("task_id", Wide, primary_key=True, autoincrement=False),
        Column("outcome", String(32), primary_key=True),
        Column("retried", Boolean, primary_key=True),
        Column("many", Wide, nullable=False),
        instant("first_at", nullable=False),
        instant("last_at", nullable=False),
        instant("ended_at"),
        Column("newest", Wide),
        Column("took_sum", Wide, nullable=False),
        Column("took_most", Wide, nullable=False),
        Column("took", Text),
        Column("late_sum", Wide, nullable=False),
        Column("late_most", Wide, nullable=False),
        Column("late", Text),
        sqlite_with_rowid=False,
    )


quarter_figures = _figures("quarter_figures")
daily_figures = _figures("daily_figures")
Index("ix_daily_figures_task_id_at", daily_figures.c.task_id, daily_figures.c.at)
Index("ix_quarter_figures_task_id_at", quarter_figures.c.task_id, quarter_figures.c.at)

# Runs with numbers below the mark of what is counted that are not: they had not ended when it passed them.
uncounted_runs = Table(
    "uncounted_runs",
    metadata,
    Column("run_id", Wide, primary_key=True, autoincrement=False),
    instant("at", nullable=False),
)
Index("ix_uncounted_runs_at", uncounted_runs.c.at)

# Whose summary of which period was written; the key makes that there is one.
summaries = Table(
    "summaries",
    metadata,
    Column("user_id", Wide, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("period", String(16), primary_key=True),
    instant("start_at", nullable=False, primary_key=True, autoincrement=False),
    instant("made_at", nullable=False),
    Column("letter_id", Wide),
    sqlite_with_rowid=False,
)

Index("ix_occurrences_skipped", occurrences.c.decided_at, info={"where": "run_id IS NULL"})
Index("ix_occurrence_spans_decided_at", occurrence_spans.c.decided_at)
