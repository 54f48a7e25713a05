"""Telling people: channels, rules, notices, deliveries, and what is held back.

Revision: 0005. A script says by itself what it makes and never looks at today's tables, which go on changing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from horarium.store.migrations.making import Wide, make, number, only, text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add what is new, beside what is there."""
    for make_one in _TABLES.values():
        make_one()


def downgrade() -> None:
    """Take it all away again."""
    for name in reversed(_TABLES):
        op.drop_table(name)


def _whole(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _make_channels() -> None:
    make(
        "channels",
        number("owner_id"),
        text("kind", 32),
        text("name", 100),
        text("name_key", 400),
        text("open_values"),
        number("credential_id", nullable=True),
        _whole("most_per_hour", nullable=True),
        _whole("most_per_day", nullable=True),
        number("created_at"),
        text("created_by", 200),
        number("updated_at"),
        number("paused_at", nullable=True),
        text("paused_by", 200, nullable=True),
        number("disabled_at", nullable=True),
        text("disabled_reason", nullable=True),
        _whole("failures"),
        number("last_sent_at", nullable=True),
        number("last_failed_at", nullable=True),
        text("last_answer", nullable=True),
    )
    op.create_index("uq_channels_owner_id_name_key", "channels", ["owner_id", "name_key"], unique=True)
    op.create_index("ix_channels_credential_id", "channels", ["credential_id"], **only("credential_id IS NOT NULL"))


def _make_rules() -> None:
    make(
        "notice_rules",
        number("owner_id"),
        text("standard", 32, nullable=True),
        _whole("position"),
        text("scope", 16),
        number("scope_id"),
        text("tag", 50),
        text("kinds"),
        _whole("after_failures"),
        _whole("after_seconds", nullable=True),
        text("frequency", 16),
        _whole("every_seconds", nullable=True),
        text("recipients"),
        sa.Column("goes_on", sa.Boolean(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        number("created_at"),
        text("created_by", 200),
        number("updated_at"),
    )
    op.create_index("ix_notice_rules_owner_id_position", "notice_rules", ["owner_id", "position"])


def _make_notices() -> None:
    make(
        "notices",
        number("rule_id"),
        number("channel_id"),
        number("user_id"),
        text("kind", 32),
        text("subject", 200),
        text("mark", 64),
        text("name", 200),
        text("words"),
        text("facts"),
        text("path", 200),
        number("task_id", nullable=True),
        number("run_id", nullable=True),
        _whole("many"),
        number("first_at"),
        number("last_at"),
        number("created_at"),
        number("not_before", nullable=True),
        number("muted_by", nullable=True),
        number("delivery_id", nullable=True),
        number("told_at", nullable=True),
        number("closed_at", nullable=True),
    )
    waiting, open_, told = only("delivery_id IS NULL"), only("closed_at IS NULL"), only("delivery_id IS NOT NULL")
    op.create_index("ix_notices_waiting", "notices", ["channel_id", "user_id", "not_before"], **waiting)
    op.create_index("ix_notices_open", "notices", ["subject", "kind"], **open_)
    op.create_index("ix_notices_delivery_id", "notices", ["delivery_id"], **told)
    op.create_index("ix_notices_rule_id_created_at", "notices", ["rule_id", "created_at"])
    op.create_index("ix_notices_created_at", "notices", ["created_at"])


def _make_deliveries() -> None:
    make(
        "deliveries",
        text("message_id", 32),
        number("channel_id"),
        number("user_id"),
        text("purpose", 16),
        text("summary", 200),
        _whole("topics"),
        text("body"),
        number("created_at"),
        number("not_before"),
        number("try_until"),
        _whole("tries"),
        number("sent_at", nullable=True),
        number("given_up_at", nullable=True),
        text("answer"),
        text("log"),
    )
    waiting = only("sent_at IS NULL AND given_up_at IS NULL")
    op.create_index("ix_deliveries_waiting", "deliveries", ["not_before"], **waiting)
    op.create_index("ix_deliveries_target", "deliveries", ["channel_id", "user_id", "id"])
    op.create_index("ix_deliveries_created_at", "deliveries", ["created_at"])


def _make_marks() -> None:
    make("notice_marks", text("name", 16), number("value"), numbered=False, key=("name",))


def _make_streaks() -> None:
    make(
        "notice_streaks",
        sa.Column("task_id", Wide, nullable=False, autoincrement=False),
        _whole("many"),
        number("first_at"),
        number("last_at"),
        numbered=False,
        key=("task_id",),
    )


def _make_snoozes() -> None:
    make(
        "notice_snoozes",
        number("user_id"),
        number("task_id"),
        number("rule_id"),
        number("channel_id"),
        number("until"),
        text("reason"),
        number("created_at"),
        text("created_by", 200),
    )
    op.create_index("ix_notice_snoozes_until", "notice_snoozes", ["until"])


def _make_upstreams() -> None:
    make(
        "notice_upstreams",
        sa.Column("task_id", Wide, nullable=False, autoincrement=False),
        sa.Column("upstream_id", Wide, nullable=False, autoincrement=False),
        numbered=False,
        key=("task_id", "upstream_id"),
    )


_TABLES = {
    "channels": _make_channels,
    "notice_rules": _make_rules,
    "notices": _make_notices,
    "deliveries": _make_deliveries,
    "notice_marks": _make_marks,
    "notice_streaks": _make_streaks,
    "notice_snoozes": _make_snoozes,
    "notice_upstreams": _make_upstreams,
}
"""The tables in the order in which they can be made."""
