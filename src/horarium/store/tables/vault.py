"""Tables for secrets: keys known by their marks, credentials with their versions, who may use them, who did."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from horarium.store.tables.base import Wide, instant, metadata

# Nothing of a key itself: a value that only the right key opens, by which a wrong one is noticed before it is used.
vault_keys = Table(
    "vault_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("check_value", Text, nullable=False),
    instant("created_at", nullable=False),
    instant("retired_at"),
)

user_credentials = Table(
    "user_credentials",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    # 0 is the installation itself: what administrators keep for its own tasks.
    Column("owner_id", Wide, nullable=False),
    Column("name", String(100), nullable=False),
    Column("name_key", String(400), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("note", Text, nullable=False),
    Column("version", Integer, nullable=False),
    # The fields that are no secrets, as JSON.
    Column("open_fields", Text, nullable=False),
    Column("hosts", Text, nullable=False),
    instant("created_at", nullable=False),
    Column("created_by", String(200), nullable=False),
    instant("updated_at", nullable=False),
    instant("rotated_at", nullable=False),
    instant("expires_at"),
    Column("rotate_days", Integer),
    instant("last_used_at"),
    instant("tested_at"),
    Column("test_passed", Boolean),
    Column("test_words", Text),
    instant("inactive_at"),
    instant("deleted_at"),
    # Why it is inactive: empty when somebody stopped it, `unused` when nothing had used it for months.
    Column("inactive_reason", String(16)),
    # When it was last told that `expires_at` comes near, or somebody said another date.
    instant("warned_at"),
    sqlite_autoincrement=True,
)
Index(
    "uq_user_credentials_owner_name_living",
    user_credentials.c.owner_id,
    user_credentials.c.name_key,
    unique=True,
    info={"where": "deleted_at IS NULL"},
)

credential_versions = Table(
    "credential_versions",
    metadata,
    Column(
        "credential_id", Wide, ForeignKey("user_credentials.id", ondelete="CASCADE"), primary_key=True,
        autoincrement=False,
    ),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("key_id", String(32), nullable=False),
    Column("wrapped_key", Text, nullable=False),
    Column("fingerprint", String(32), nullable=False),
    instant("created_at", nullable=False),
    Column("created_by", String(200), nullable=False),
    # When it was replaced; its values are kept until `kept_until` for runs that began before, and then erased.
    instant("replaced_at"),
    instant("kept_until"),
    # The fields of this version that are no secrets, as JSON; none once its values are erased.
    Column("open_fields", Text),
)  # fmt: skip
Index("ix_credential_versions_key_id", credential_versions.c.key_id)

credential_values = Table(
    "credential_values",
    metadata,
    Column(
        "credential_id", Wide, ForeignKey("user_credentials.id", ondelete="CASCADE"), primary_key=True,
        autoincrement=False,
    ),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("field", String(100), primary_key=True),
    Column("sealed", Text, nullable=False),
)  # fmt: skip

credential_grants = Table(
    "credential_grants",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("credential_id", Wide, ForeignKey("user_credentials.id", ondelete="CASCADE"), nullable=False),
    Column("subject", String(16), nullable=False),
    Column("subject_id", Wide, nullable=False),
    Column("may_replace", Boolean, nullable=False),
    # What the task did when it was granted: if that changes, the grant waits for its owner.
    Column("target_mark", String(64)),
    Column("granted_by", String(200), nullable=False),
    instant("granted_at", nullable=False),
    instant("expires_at"),
    instant("revoked_at"),
    sqlite_autoincrement=True,
)
Index("ix_credential_grants_credential_id", credential_grants.c.credential_id)
Index("ix_credential_grants_subject_subject_id", credential_grants.c.subject, credential_grants.c.subject_id)

credential_uses = Table(
    "credential_uses",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("credential_id", Wide, nullable=False),
    Column("version", Integer, nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("run_id", Wide),
    Column("attempt", Integer),
    Column("task_id", Wide),
    # For whom: the owner of the task, or the person that the run is for.
    Column("user_id", Wide),
    Column("actor", String(200), nullable=False),
    instant("opened_at", nullable=False),
    instant("closed_at"),
    sqlite_autoincrement=True,
)
Index("ix_credential_uses_credential_id_id", credential_uses.c.credential_id, credential_uses.c.id)
Index("ix_credential_uses_credential_id_opened_at", credential_uses.c.credential_id, credential_uses.c.opened_at)
Index("ix_credential_uses_run_id", credential_uses.c.run_id)
