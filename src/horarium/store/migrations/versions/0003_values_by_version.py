"""Credentials: open values of each version, why one is inactive, uses by day; tasks of each person are found at once.

Revision: 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from horarium.store.migrations.making import only

revision = "0003"
down_revision = "0002"

INDEX = "ix_scheduled_tasks_per_user"
USES = "ix_credential_uses_credential_id_opened_at"


def upgrade() -> None:
    """Add what is new. The present open values become those of the present version; of earlier ones none are known."""
    op.add_column("user_credentials", sa.Column("inactive_reason", sa.String(16), nullable=True))
    op.add_column("credential_versions", sa.Column("open_fields", sa.Text(), nullable=True))
    op.execute(
        "UPDATE credential_versions SET open_fields = (SELECT user_credentials.open_fields FROM user_credentials"
        " WHERE user_credentials.id = credential_versions.credential_id"
        " AND user_credentials.version = credential_versions.version)"
    )
    op.create_index(USES, "credential_uses", ["credential_id", "opened_at"])
    op.create_index(INDEX, "scheduled_tasks", ["id"], **only("per_user IS NOT NULL"))


def downgrade() -> None:
    """Take it away again: what was inactive for want of use is stopped then, until its owner restores it."""
    op.drop_index(INDEX, "scheduled_tasks")
    op.drop_index(USES, "credential_uses")
    op.drop_column("credential_versions", "open_fields")
    op.drop_column("user_credentials", "inactive_reason")
