"""What runs add up to, by quarter of an hour and by day, and which summaries went to whom.

Revision: 0004. A script says by itself what it makes and never looks at today's tables, which go on changing.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from horarium.store.migrations.making import Wide, number, of, only, text

revision = "0004"
down_revision = "0003"

_KEY = ("at", "task_id", "outcome", "retried")


def upgrade() -> None:
    """Add the tables, and what finds skipped times by when they were decided about."""
    for name in ("quarter_figures", "daily_figures"):
        _plain(
            *(name, _KEY),
            _part("at"),
            _part("task_id"),
            text("outcome", 32),
            sa.Column("retried", sa.Boolean(), nullable=False),
            *(number(each) for each in ("many", "first_at", "last_at")),
            *(number(each, nullable=True) for each in ("ended_at", "newest")),
            *(number("took_sum"), number("took_most"), text("took", nullable=True)),
            *(number("late_sum"), number("late_most"), text("late", nullable=True)),
        )
        op.create_index(f"ix_{name}_task_id_at", name, ["task_id", "at"])
    op.create_table(
        "uncounted_runs", _part("run_id"), number("at"), sa.PrimaryKeyConstraint("run_id", name="pk_uncounted_runs")
    )
    op.create_index("ix_uncounted_runs_at", "uncounted_runs", ["at"])
    _plain(
        *("summaries", ("user_id", "period", "start_at")),
        *of("summaries", "users", "user_id", in_key=True),
        *(text("period", 16), _part("start_at")),
        *(number("made_at"), number("letter_id", nullable=True)),
    )
    op.create_index("ix_occurrences_skipped", "occurrences", ["decided_at"], **only("run_id IS NULL"))
    op.create_index("ix_occurrence_spans_decided_at", "occurrence_spans", ["decided_at"])


def downgrade() -> None:
    """Take it all away again, with how far the counting had come."""
    op.drop_index("ix_occurrence_spans_decided_at", "occurrence_spans")
    op.drop_index("ix_occurrences_skipped", "occurrences")
    for name in ("summaries", "uncounted_runs", "daily_figures", "quarter_figures"):
        op.drop_table(name)
    op.execute("DELETE FROM counters WHERE name IN ('figures_runs', 'figures_skips', 'figures_quarters')")


def _part(name: str) -> sa.Column[Any]:
    return sa.Column(name, Wide, nullable=False, autoincrement=False)


def _plain(name: str, key: tuple[str, ...], *columns: Any) -> None:
    """Make a table whose key is what it is read by."""
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"), sqlite_with_rowid=False)
