"""Keeping: archives of the audit log, and how much room each kind of thing takes.

Revision: 0006. A script says by itself what it makes and never looks at today's tables, which go on changing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from horarium.errors import Conflict
from horarium.store.migrations.making import Wide, make, number, text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add both tables, empty."""
    make(
        "audit_archives",
        sa.Column("first_id", Wide, nullable=False, autoincrement=False),
        number("last_id"),
        number("first_at"),
        number("last_at"),
        text("previous", 64),
        text("last_hash", 64),
        text("file", 120),
        number("size"),
        text("sha256", 64),
        number("made_at"),
        numbered=False,
        key=("first_id",),
    )
    make(
        "storage_samples",
        sa.Column("day", Wide, nullable=False, autoincrement=False),
        number("taken_at"),
        *(number(name) for name in ("runs", "output", "audit", "ledger", "rest", "spare")),
        number("disk_free", nullable=True),
        number("disk_total", nullable=True),
        numbered=False,
        key=("day",),
    )


def downgrade() -> None:
    """Take both away again. Raises `Conflict` while there are archives: their entries would be lost to the log."""
    archives = op.get_bind().execute(sa.text("SELECT count(*) FROM audit_archives")).scalar_one()
    if archives:
        raise Conflict(f"{archives} archives of the audit log are known here, and the older schema cannot know them")
    op.drop_table("storage_samples")
    op.drop_table("audit_archives")
