"""Muting: rules name tasks and checks while whose failing they tell no trouble, and rows say what muted them.

Revision: 0008. A script says by itself what it makes and never looks at today's tables, which go on changing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from horarium.store.migrations.making import number, only

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns, empty: rules that are there mute nothing."""
    op.add_column("notice_rules", sa.Column("mute_while", sa.Text()))
    op.add_column("notices", sa.Column("muted_while", sa.String(32)))
    op.add_column("notices", number("freed_at", nullable=True))
    op.create_index(
        "ix_notices_muted", "notices", ["closed_at"], **only("muted_while IS NOT NULL AND delivery_id IS NULL")
    )


def downgrade() -> None:
    """Take them away again: what was muted is told, as the older release would have told it."""
    # What is over was never to be told; the older release would tell it now.
    op.execute("DELETE FROM notices WHERE muted_while IS NOT NULL AND delivery_id IS NULL AND closed_at IS NOT NULL")
    op.drop_index("ix_notices_muted", table_name="notices")
    op.drop_column("notices", "freed_at")
    op.drop_column("notices", "muted_while")
    op.drop_column("notice_rules", "mute_while")
