"""Tables for people: accounts, how they prove who they are, where they are signed in, projects and their members."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from horarium.store.tables.base import Wide, instant, metadata

users = Table(
    "users",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("name", String(254), nullable=False),
    # The spelling that all variants of a name share: one person per key, whatever the case or the blanks.
    Column("name_key", String(800), nullable=False, unique=True),
    Column("email", String(254), nullable=False),
    Column("email_key", String(800), unique=True),
    Column("display_name", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    # Empty for a person who signs in elsewhere: then no password is right.
    Column("password_hash", Text, nullable=False),
    Column("time_zone", String(64), nullable=False),
    instant("created_at", nullable=False),
    instant("last_login_at"),
    instant("disabled_at"),
    instant("password_changed_at"),
    instant("email_confirmed_at"),
    # Grows whenever somebody's proofs change; links and marks of known browsers made before it mean nothing any more.
    Column("epoch", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

user_sessions = Table(
    "user_sessions",
    metadata,
    # Only the hash of the id: a copy of this table opens nothing.
    Column("key", String(64), primary_key=True),
    Column("user_id", Wide, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    instant("created_at", nullable=False),
    instant("seen_at", nullable=False),
    Column("address", String(64), nullable=False),
    Column("agent", String(200), nullable=False),
    # When the person last proved who they are, and how the session began.
    instant("proved_at"),
    Column("method", String(16)),
    Column("stays", Boolean),
)
Index("ix_user_sessions_user_id", user_sessions.c.user_id)
Index("ix_user_sessions_seen_at", user_sessions.c.seen_at)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False),
    instant("at", nullable=False),
)
Index("ix_login_attempts_key_at", login_attempts.c.key, login_attempts.c.at)
Index("ix_login_attempts_at", login_attempts.c.at)

user_identities = Table(
    "user_identities",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("user_id", Wide, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("issuer", String(400), nullable=False),
    Column("subject", String(400), nullable=False),
    instant("created_at", nullable=False),
    instant("last_login_at"),
    sqlite_autoincrement=True,
)
Index("uq_user_identities_issuer_subject", user_identities.c.issuer, user_identities.c.subject, unique=True)
Index("ix_user_identities_user_id", user_identities.c.user_id)

totp_factors = Table(
    "totp_factors",
    metadata,
    Column("user_id", Wide, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("key_id", String(32), nullable=False),
    Column("sealed", Text, nullable=False),
    instant("created_at", nullable=False),
    instant("confirmed_at"),
    # The time step of the last code that was taken: no code counts twice.
    Column("last_step", Wide),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Wide, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("code_hash", String(64), primary_key=True),
    instant("created_at", nullable=False),
    instant("used_at"),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("user_id", Wide, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("handle", String(1400), nullable=False, unique=True),
    Column("public_key", Text, nullable=False),
    Column("sign_count", Wide, nullable=False),
    Column("name", String(100), nullable=False),
    Column("transports", Text, nullable=False),
    instant("created_at", nullable=False),
    instant("last_used_at"),
    sqlite_autoincrement=True,
)
Index("ix_passkeys_user_id", passkeys.c.user_id)

# A link in a mail names a row by number and proves itself by a signature over it: nothing here opens anything.
account_links = Table(
    "account_links",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("user_id", Wide, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("body", Text),
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False),
    instant("used_at"),
    sqlite_autoincrement=True,
)
Index("ix_account_links_user_id_kind", account_links.c.user_id, account_links.c.kind)

projects = Table(
    "projects",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("name", String(100), nullable=False),
    Column("name_key", String(400), nullable=False, unique=True),
    Column("description", Text, nullable=False),
    instant("created_at", nullable=False),
    sqlite_autoincrement=True,
)

project_members = Table(
    "project_members",
    metadata,
    Column("project_id", Wide, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("user_id", Wide, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("role", String(16), nullable=False),
    instant("added_at", nullable=False),
)
Index("ix_project_members_user_id", project_members.c.user_id)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("nonce", String(64), nullable=False),
    Column("email", String(254), nullable=False),
    Column("email_key", String(800), nullable=False),
    Column("role", String(16), nullable=False),
    Column("project_id", Wide, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("project_role", String(16)),
    Column("inviter_id", Wide),
    Column("inviter", String(200), nullable=False),
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False),
    instant("used_at"),
    Column("used_by", Wide),
    instant("withdrawn_at"),
    sqlite_autoincrement=True,
)
Index("ix_invitations_email_key", invitations.c.email_key)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    # Only the hash of the secret part, and its last characters to tell tokens apart by.
    Column("key", String(64), nullable=False, unique=True),
    Column("hint", String(8), nullable=False),
    Column("user_id", Wide, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("scopes", Text, nullable=False),
    instant("created_at", nullable=False),
    instant("expires_at"),
    instant("last_used_at"),
    Column("last_address", String(64)),
    instant("revoked_at"),
    sqlite_autoincrement=True,
)
Index("ix_api_tokens_user_id", api_tokens.c.user_id)

user_settings = Table(
    "user_settings",
    metadata,
    Column("user_id", Wide, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("key", String(100), primary_key=True),
    Column("value", Text, nullable=False),
    instant("updated_at", nullable=False),
)

installation_settings = Table(
    "installation_settings",
    metadata,
    Column("key", String(100), primary_key=True),
    # Without a value there is only the lock: then the setting's own default holds for everybody.
    Column("value", Text),
    Column("locked", Boolean, nullable=False),
    instant("updated_at", nullable=False),
    Column("updated_by", String(200), nullable=False),
)
