"""Credentials remember when their owner was told that their date comes near.

Revision: 0010. A script says by itself what it makes and never looks at today's tables, which go on changing.
"""

from __future__ import annotations

from alembic import op

from horarium.store.migrations.making import number

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column, empty: of all that end soon it is told after the upgrade."""
    op.add_column("user_credentials", number("warned_at", nullable=True))


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("user_credentials", "warned_at")
