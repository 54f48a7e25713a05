"""One way to mute: tasks that explained others go, together with what they kept back; rules say it now.

Revision: 0009. A script says by itself what it makes and never looks at today's tables, which go on changing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from horarium.store.migrations.making import Wide, make, number

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Take the table and the column away; what an explanation kept back and still goes on may be told."""
    op.execute(
        "UPDATE notices SET not_before = last_at"
        " WHERE muted_by IS NOT NULL AND not_before IS NULL AND delivery_id IS NULL AND closed_at IS NULL"
    )
    op.drop_column("notices", "muted_by")
    op.drop_table("notice_upstreams")


def downgrade() -> None:
    """Add both again, empty: nothing explains anything, as it was while nobody had said so."""
    make(
        "notice_upstreams",
        *(sa.Column(name, Wide, nullable=False, autoincrement=False) for name in ("task_id", "upstream_id")),
        numbered=False,
        key=("task_id", "upstream_id"),
    )
    op.add_column("notices", number("muted_by", nullable=True))
