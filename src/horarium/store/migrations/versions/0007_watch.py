"""Looking after the house: silences of the scheduler, checks that wait to be called, samples of how the system does.

Revision: 0007. A script says by itself what it makes and never looks at today's tables, which go on changing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from horarium.store.migrations.making import make, number, only, text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add four tables, and when a node began to stop."""
    op.add_column("nodes", number("draining_at", nullable=True))
    _silences()
    _checks()
    make(
        "heartbeat_calls",
        *(number("check_id"), number("at"), text("kind", 16), sa.Column("exit_code", sa.Integer())),
        *(text("address", 64), text("agent", 200), sa.Column("seconds", sa.Float())),
    )
    op.create_index("ix_heartbeat_calls_check_id_id", "heartbeat_calls", ["check_id", "id"])
    op.create_table(
        "system_samples",
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=False),
        sa.Column("lag_seconds", sa.Float(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("waiting", "busy", "slots", "nodes")),
        number("store_bytes"),
        sa.PrimaryKeyConstraint("at", name="pk_system_samples"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take them away again, with what they hold."""
    for name in ("system_samples", "heartbeat_calls", "heartbeat_checks", "silences"):
        op.drop_table(name)
    op.drop_column("nodes", "draining_at")


def _silences() -> None:
    make(
        "silences",
        *(text("what", 16), text("cause", 16), text("detail"), number("began_at"), number("noticed_at")),
        *(number(name, nullable=True) for name in ("ended_at", "telling_until", "told_at", "told_back_at")),
    )
    op.create_index("uq_silences_open", "silences", ["what"], unique=True, **only("ended_at IS NULL"))


def _checks() -> None:
    make(
        "heartbeat_checks",
        *(text("name", 200), text("description"), text("schedule"), text("timezone", 64)),
        sa.Column("grace_seconds", sa.Integer(), nullable=False),
        *(number("owner_id", nullable=True), number("project_id", nullable=True)),
        *(text("token", 64), text("state", 16)),
        *(number(name, nullable=True) for name in ("last_at", "began_at", "due_at", "alarm_at", "down_at")),
        sa.Column("misses", sa.Integer(), nullable=False),
        *(number("created_at"), number("updated_at")),
    )
    op.create_index("uq_heartbeat_checks_token", "heartbeat_checks", ["token"], unique=True)
    op.create_index("ix_heartbeat_checks_alarm_at", "heartbeat_checks", ["alarm_at"], **only("alarm_at IS NOT NULL"))
