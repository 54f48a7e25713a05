"""Backups that somebody planted: each of them has to be refused before anything is changed."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from horarium.store.backup import Backup


def planted(good: Backup, change: Callable[[bytes], bytes], **said: Any) -> Path:
    """Write a changed file in the place of a good one, with a note that fits it but for what is `said`."""
    content = change(good.path.read_bytes())
    good.path.write_bytes(content)
    fitting = {
        "size": len(content),
        "plain_size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "plain_sha256": hashlib.sha256(content).hexdigest(),
    }
    good.note.write_text(json.dumps({**good.to_json(), **fitting, **said}))
    return good.path


def with_sql(*statements: str, **said: Any) -> Callable[[Backup], None]:
    """Return a plan that executes statements in the copy before it is planted."""

    def plan(good: Backup) -> None:
        with closing(sqlite3.connect(good.path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
        planted(good, lambda content: content, **said)

    return plan


def with_text(statement: str) -> Callable[[Backup], None]:
    """Return a plan that writes into the schema table itself."""
    return with_sql("PRAGMA writable_schema = ON", statement)


def with_note(**said: Any) -> Callable[[Backup], None]:
    """Return a plan whose note says something else."""

    def plan(good: Backup) -> None:
        good.note.write_text(json.dumps({**good.to_json(), **said}))

    return plan


def with_note_text(text: str) -> Callable[[Backup], None]:
    """Return a plan with another text in the place of the note."""

    def plan(good: Backup) -> None:
        good.note.write_text(text)

    return plan


def script(good: Backup) -> None:
    """Put a program in the place of the database, with a note that fits."""
    planted(good, lambda _: b"#!/bin/sh\nexit 0\n" * 100)


def changed(good: Backup) -> None:
    """Change the last letter of the file."""
    good.path.write_bytes(good.path.read_bytes()[:-1] + b"!")


def bomb(good: Backup) -> None:
    """Let a small file unpack to a very large one, and its note say so."""
    size = 2 * 10**9
    content = gzip.compress(bytes(10**7))
    path = good.path.with_name(good.path.name + ".gz")
    path.write_bytes(content)
    said = {"packed": "gzip", "size": len(content), "plain_size": size, "sha256": hashlib.sha256(content).hexdigest()}
    path.with_name(path.name + ".json").write_text(json.dumps({**good.to_json(), **said}))
    good.path.unlink()
    good.note.unlink()


def quiet_bomb(good: Backup) -> None:
    """Let a file unpack to more than its note says."""
    plain = bytes(10**7)
    content = gzip.compress(plain)
    path = good.path.with_name(good.path.name + ".gz")
    path.write_bytes(content)
    said = {"packed": "gzip", "size": len(content), "plain_size": 10**5, "sha256": hashlib.sha256(content).hexdigest()}
    path.with_name(path.name + ".json").write_text(json.dumps({**good.to_json(), **said}))
    good.path.unlink()
    good.note.unlink()


def link(good: Backup) -> None:
    """Put a link in the place of the file."""
    aside = good.path.with_name("aside")
    good.path.rename(aside)
    good.path.symlink_to(aside)


def linked_note(good: Backup) -> None:
    """Put a link in the place of the note."""
    aside = good.path.with_name("aside")
    good.note.rename(aside)
    good.note.symlink_to(aside)


def pipe(good: Backup) -> None:
    """Put a pipe in the place of the file."""
    good.path.unlink()
    os.mkfifo(good.path)


def folder(good: Backup) -> None:
    """Put a folder in the place of the file."""
    good.path.unlink()
    good.path.mkdir()


def cut(good: Backup) -> None:
    """Cut the file off and let its note fit."""
    planted(good, lambda content: content[: len(content) // 2])


def page(good: Backup) -> None:
    """Destroy pages in the middle and let the note fit."""
    planted(good, lambda content: content[:8192] + b"\xff" * 8192 + content[16384:])


def other_program(good: Backup) -> None:
    """Give another program's mark to the database."""
    with_sql("PRAGMA application_id = 1")(good)


HOSTILE: dict[str, Callable[[Backup], None]] = {
    "link": link,
    "linked note": linked_note,
    "pipe": pipe,
    "folder": folder,
    "bomb": bomb,
    "quiet bomb": quiet_bomb,
    "cut": cut,
    "damaged pages": page,
    "no database": script,
    "changed": changed,
    "other program": other_program,
    "trigger": with_sql("CREATE TRIGGER t AFTER INSERT ON users BEGIN DELETE FROM audit_log; END"),
    "view": with_sql("CREATE VIEW v AS SELECT * FROM users"),
    "virtual table": with_sql("CREATE VIRTUAL TABLE f USING fts5(x)"),
    "view for a table": with_sql("ALTER TABLE invitations RENAME TO x", "CREATE VIEW invitations AS SELECT * FROM x"),
    "more tables": with_sql("CREATE TABLE more (id INTEGER)"),
    "fewer tables": with_sql("DROP TABLE recovery_codes"),
    "more columns": with_sql("ALTER TABLE users ADD COLUMN more TEXT DEFAULT 'x'"),
    "computed column": with_sql("ALTER TABLE users ADD COLUMN more TEXT AS (hex(name)) VIRTUAL"),
    "other index": with_sql("DROP INDEX ix_events_at", "CREATE INDEX ix_events_at ON events (at) WHERE id > 1"),
    "condition": with_text(
        "UPDATE sqlite_master SET sql = replace(sql, 'value TEXT NOT NULL', 'value TEXT NOT NULL CHECK (1)')"
        " WHERE name = 'horarium_meta'"
    ),
    "other rows": with_sql("INSERT INTO horarium_meta (key, value) VALUES ('more', 'x')"),
    "odd values": with_sql("UPDATE counters SET value = x'00'"),
    "loose rows": with_sql(
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO recovery_codes (user_id, code_hash, created_at) VALUES (99, 'x', 0)",
    ),
    "newer": with_sql("UPDATE alembic_version SET version_num = '9999'", schema="9999"),
    "says newer": with_note(schema="9999"),
    "says older": with_note(schema="0001"),
    "unheard of": with_note(schema="0000"),
    "path for a schema": with_note(schema="../../x"),
    "of postgresql": with_note(engine="postgresql"),
    "of another engine": with_note(engine="; rm"),
    "says sealed": with_note(sealed="0" * 16),
    "negative size": with_note(plain_size=-1),
    "odd rows": with_note(rows={"users; DROP TABLE users": 0}),
    "deep note": with_note_text("[" * 100_000),
    "long note": with_note_text(" " * 10**6 + "{}"),
    "no note": lambda good: good.note.unlink(),
}
