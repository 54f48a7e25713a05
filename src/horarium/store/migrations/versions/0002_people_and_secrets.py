"""People and secrets: proofs of who one is, projects, tokens, settings, the vault, the audit log, mail, shared tasks.

Revision: 0002. A script says by itself what it makes and never looks at today's tables, which go on changing.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from horarium.store.migrations.making import Wide, make, number, of, only, text

revision = "0002"
down_revision = "0001"

FIRST_HASH = "0" * 64


def upgrade() -> None:
    """Add what is new, beside what is there; those who might only look keep that right under its new name."""
    for table, columns in _COLUMNS.items():
        for name, kind, options in columns:
            op.add_column(table, sa.Column(name, kind, **options))
    op.execute("UPDATE users SET role = 'viewer' WHERE role = 'user'")
    op.drop_index("uq_scheduled_tasks_name_living", "scheduled_tasks")
    for name, indexed, unique, condition in _TASK_INDEXES:
        op.create_index(name, "scheduled_tasks", indexed, unique=unique, **only(condition))
    for make_one in _TABLES.values():
        make_one()
    op.bulk_insert(
        sa.table("audit_head", sa.column("name"), sa.column("last_id"), sa.column("last_hash")),
        [{"name": "main", "last_id": 0, "last_hash": FIRST_HASH}],
    )


def downgrade() -> None:
    """Take it all away again; tasks that are somebody's own go with it, roles fall back to look or everything."""
    for name in reversed(_TABLES):
        op.drop_table(name)
    op.execute("DELETE FROM scheduled_tasks WHERE for_user_id > 0")
    op.execute("UPDATE users SET role = 'user' WHERE role <> 'admin'")
    for name, _columns, _unique, _condition in _TASK_INDEXES:
        op.drop_index(name, "scheduled_tasks")
    for table, columns in _COLUMNS.items():
        for name, _kind, _options in reversed(columns):
            op.drop_column(table, name)
    op.create_index(
        "uq_scheduled_tasks_name_living", "scheduled_tasks", ["name"], unique=True, **only("removed_at IS NULL")
    )


_NULL: dict[str, Any] = {"nullable": True}
_ZERO: dict[str, Any] = {"nullable": False, "server_default": "0"}
_COLUMNS: dict[str, list[tuple[str, Any, dict[str, Any]]]] = {
    "users": [
        ("password_changed_at", Wide, _NULL),
        ("email_confirmed_at", Wide, _NULL),
        ("epoch", sa.Integer(), _ZERO),
    ],
    "user_sessions": [
        ("proved_at", Wide, _NULL),
        ("method", sa.String(16), _NULL),
        ("stays", sa.Boolean(), _NULL),
    ],
    "scheduled_tasks": [
        ("project_id", Wide, _NULL),
        ("per_user", sa.Text(), _NULL),
        ("template_id", Wide, _NULL),
        ("for_user_id", Wide, _ZERO),
        ("credentials", sa.Text(), _NULL),
    ],
}
_TASK_INDEXES = [
    ("uq_scheduled_tasks_name_for_living", ["name", "for_user_id"], True, "removed_at IS NULL"),
    ("ix_scheduled_tasks_owner_id", ["owner_id"], False, "owner_id IS NOT NULL"),
    ("ix_scheduled_tasks_project_id", ["project_id"], False, "project_id IS NOT NULL"),
    ("ix_scheduled_tasks_template_id_for_user_id", ["template_id", "for_user_id"], False, "template_id IS NOT NULL"),
    ("ix_scheduled_tasks_for_user_id", ["for_user_id"], False, "for_user_id > 0"),
]


def _make_user_identities() -> None:
    make(
        "user_identities",
        of("user_identities", "users", "user_id"),
        text("issuer", 400),
        text("subject", 400),
        number("created_at"),
        number("last_login_at", nullable=True),
    )
    op.create_index("uq_user_identities_issuer_subject", "user_identities", ["issuer", "subject"], unique=True)
    op.create_index("ix_user_identities_user_id", "user_identities", ["user_id"])


def _make_totp_factors() -> None:
    make(
        "totp_factors",
        of("totp_factors", "users", "user_id", in_key=True),
        text("key_id", 32),
        text("sealed"),
        number("created_at"),
        number("confirmed_at", nullable=True),
        number("last_step", nullable=True),
        numbered=False,
        key=("user_id",),
    )


def _make_recovery_codes() -> None:
    make(
        "recovery_codes",
        of("recovery_codes", "users", "user_id", in_key=True),
        text("code_hash", 64),
        number("created_at"),
        number("used_at", nullable=True),
        numbered=False,
        key=("user_id", "code_hash"),
    )


def _make_passkeys() -> None:
    make(
        "passkeys",
        of("passkeys", "users", "user_id"),
        text("handle", 1400),
        text("public_key"),
        number("sign_count"),
        text("name", 100),
        text("transports"),
        number("created_at"),
        number("last_used_at", nullable=True),
        sa.UniqueConstraint("handle", name="uq_passkeys_handle"),
    )
    op.create_index("ix_passkeys_user_id", "passkeys", ["user_id"])


def _make_account_links() -> None:
    make(
        "account_links",
        text("kind", 16),
        of("account_links", "users", "user_id"),
        text("nonce", 64),
        sa.Column("epoch", sa.Integer(), nullable=False),
        text("body", nullable=True),
        number("created_at"),
        number("expires_at"),
        number("used_at", nullable=True),
    )
    op.create_index("ix_account_links_user_id_kind", "account_links", ["user_id", "kind"])


def _make_projects() -> None:
    make(
        "projects",
        text("name", 100),
        text("name_key", 400),
        text("description"),
        number("created_at"),
        sa.UniqueConstraint("name_key", name="uq_projects_name_key"),
    )


def _make_project_members() -> None:
    make(
        "project_members",
        of("project_members", "projects", "project_id", in_key=True),
        of("project_members", "users", "user_id", in_key=True),
        text("role", 16),
        number("added_at"),
        numbered=False,
        key=("project_id", "user_id"),
    )
    op.create_index("ix_project_members_user_id", "project_members", ["user_id"])


def _make_invitations() -> None:
    make(
        "invitations",
        text("nonce", 64),
        text("email", 254),
        text("email_key", 800),
        text("role", 16),
        of("invitations", "projects", "project_id", nullable=True),
        text("project_role", 16, nullable=True),
        number("inviter_id", nullable=True),
        text("inviter", 200),
        number("created_at"),
        number("expires_at"),
        number("used_at", nullable=True),
        number("used_by", nullable=True),
        number("withdrawn_at", nullable=True),
    )
    op.create_index("ix_invitations_email_key", "invitations", ["email_key"])


def _make_api_tokens() -> None:
    make(
        "api_tokens",
        text("key", 64),
        text("hint", 8),
        of("api_tokens", "users", "user_id"),
        text("name", 100),
        text("scopes"),
        number("created_at"),
        number("expires_at", nullable=True),
        number("last_used_at", nullable=True),
        text("last_address", 64, nullable=True),
        number("revoked_at", nullable=True),
        sa.UniqueConstraint("key", name="uq_api_tokens_key"),
    )
    op.create_index("ix_api_tokens_user_id", "api_tokens", ["user_id"])


def _make_user_settings() -> None:
    make(
        "user_settings",
        of("user_settings", "users", "user_id", in_key=True),
        text("key", 100),
        text("value"),
        number("updated_at"),
        numbered=False,
        key=("user_id", "key"),
    )


def _make_installation_settings() -> None:
    make(
        "installation_settings",
        text("key", 100),
        text("value", nullable=True),
        sa.Column("locked", sa.Boolean(), nullable=False),
        number("updated_at"),
        text("updated_by", 200),
        numbered=False,
        key=("key",),
    )


def _make_vault_keys() -> None:
    make(
        "vault_keys",
        text("id", 32),
        text("check_value"),
        number("created_at"),
        number("retired_at", nullable=True),
        numbered=False,
    )


def _make_user_credentials() -> None:
    make(
        "user_credentials",
        number("owner_id"),
        text("name", 100),
        text("name_key", 400),
        text("kind", 32),
        text("note"),
        sa.Column("version", sa.Integer(), nullable=False),
        text("open_fields"),
        text("hosts"),
        number("created_at"),
        text("created_by", 200),
        number("updated_at"),
        number("rotated_at"),
        number("expires_at", nullable=True),
        sa.Column("rotate_days", sa.Integer(), nullable=True),
        number("last_used_at", nullable=True),
        number("tested_at", nullable=True),
        sa.Column("test_passed", sa.Boolean(), nullable=True),
        text("test_words", nullable=True),
        number("inactive_at", nullable=True),
        number("deleted_at", nullable=True),
    )
    op.create_index(
        "uq_user_credentials_owner_name_living",
        "user_credentials",
        ["owner_id", "name_key"],
        unique=True,
        **only("deleted_at IS NULL"),
    )


def _make_credential_versions() -> None:
    make(
        "credential_versions",
        of("credential_versions", "user_credentials", "credential_id", in_key=True),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        text("key_id", 32),
        text("wrapped_key"),
        text("fingerprint", 32),
        number("created_at"),
        text("created_by", 200),
        number("replaced_at", nullable=True),
        number("kept_until", nullable=True),
        numbered=False,
        key=("credential_id", "version"),
    )
    op.create_index("ix_credential_versions_key_id", "credential_versions", ["key_id"])


def _make_credential_values() -> None:
    make(
        "credential_values",
        of("credential_values", "user_credentials", "credential_id", in_key=True),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        text("field", 100),
        text("sealed"),
        numbered=False,
        key=("credential_id", "version", "field"),
    )


def _make_credential_grants() -> None:
    make(
        "credential_grants",
        of("credential_grants", "user_credentials", "credential_id"),
        text("subject", 16),
        number("subject_id"),
        sa.Column("may_replace", sa.Boolean(), nullable=False),
        text("target_mark", 64, nullable=True),
        text("granted_by", 200),
        number("granted_at"),
        number("expires_at", nullable=True),
        number("revoked_at", nullable=True),
    )
    op.create_index("ix_credential_grants_credential_id", "credential_grants", ["credential_id"])
    op.create_index("ix_credential_grants_subject_subject_id", "credential_grants", ["subject", "subject_id"])


def _make_credential_uses() -> None:
    make(
        "credential_uses",
        number("credential_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        text("purpose", 16),
        number("run_id", nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        number("task_id", nullable=True),
        number("user_id", nullable=True),
        text("actor", 200),
        number("opened_at"),
        number("closed_at", nullable=True),
    )
    op.create_index("ix_credential_uses_credential_id_id", "credential_uses", ["credential_id", "id"])
    op.create_index("ix_credential_uses_run_id", "credential_uses", ["run_id"])


def _make_audit_log() -> None:
    make(
        "audit_log",
        sa.Column("id", Wide, nullable=False, autoincrement=False),
        number("at"),
        text("actor", 200),
        number("actor_id", nullable=True),
        text("source", 16),
        text("address", 64),
        text("request", 64),
        text("action", 64),
        text("result", 16),
        text("kind", 32, nullable=True),
        number("object_id", nullable=True),
        text("object_name", 254, nullable=True),
        text("before", nullable=True),
        text("after", nullable=True),
        text("details", nullable=True),
        text("previous", 64),
        text("hash", 64),
        numbered=False,
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.create_index("ix_audit_log_actor_id_id", "audit_log", ["actor_id", "id"])
    op.create_index("ix_audit_log_kind_object_id_id", "audit_log", ["kind", "object_id", "id"])


def _make_audit_head() -> None:
    make(
        "audit_head",
        text("name", 16),
        number("last_id"),
        text("last_hash", 64),
        numbered=False,
        key=("name",),
    )


def _make_outbox() -> None:
    make(
        "outbox",
        text("kind", 32),
        number("user_id", nullable=True),
        text("address", 254),
        text("body"),
        text("message_id", 64),
        number("created_at"),
        number("not_before"),
        sa.Column("tries", sa.Integer(), nullable=False),
        number("sent_at", nullable=True),
        number("given_up_at", nullable=True),
        text("last_error", nullable=True),
    )
    op.create_index("ix_outbox_waiting", "outbox", ["not_before"], **only("sent_at IS NULL AND given_up_at IS NULL"))
    op.create_index("ix_outbox_created_at", "outbox", ["created_at"])


_TABLES = {
    "user_identities": _make_user_identities,
    "totp_factors": _make_totp_factors,
    "recovery_codes": _make_recovery_codes,
    "passkeys": _make_passkeys,
    "account_links": _make_account_links,
    "projects": _make_projects,
    "project_members": _make_project_members,
    "invitations": _make_invitations,
    "api_tokens": _make_api_tokens,
    "user_settings": _make_user_settings,
    "installation_settings": _make_installation_settings,
    "vault_keys": _make_vault_keys,
    "user_credentials": _make_user_credentials,
    "credential_versions": _make_credential_versions,
    "credential_values": _make_credential_values,
    "credential_grants": _make_credential_grants,
    "credential_uses": _make_credential_uses,
    "audit_log": _make_audit_log,
    "audit_head": _make_audit_head,
    "outbox": _make_outbox,
}
"""The tables in the order in which they can be made."""
