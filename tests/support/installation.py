"""An example of what moves in: a single-user application with its `.env` and its own SQLite database."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.people import made_up

MOVE = ("adopt", "single-user", "--database", "app.db")
MOVED = ("SHOP_TOKEN", "SHOP_URL", "BSKY_USERNAME", "BSKY_PASSWORD", "MIRROR_API_KEY", "MIRROR_API_SECRET")


@dataclass(frozen=True)
class Installation:
    """Where it is, what its files were, and which texts may be seen nowhere."""

    folder: Path
    secrets: tuple[str, ...]
    files: dict[str, bytes] = field(repr=False)

    @property
    def env(self) -> Path:
        """Return the file of variables."""
        return self.folder / ".env"

    @property
    def database(self) -> Path:
        """Return the database."""
        return self.folder / "app.db"

    def is_as_before(self) -> bool:
        """Tell whether `.env` and the database are the originals, to the byte."""
        return all((self.folder / name).read_bytes() == content for name, content in self.files.items())


def make_installation(folder: Path, rows: int = 10_000) -> Installation:
    """Make the example: `rows` rows in three tables, one of them with owners already, one without row numbers."""
    hidden = tuple(made_up() for _ in range(5))
    text = (
        "# Shop sync, since 2024\r\n"
        f"SHOP_TOKEN={hidden[0]} # from the shop's page\r\n"
        "SHOP_URL=https://shop.example\r\n"
        "\r\n"
        "export BSKY_USERNAME='me.example'\r\n"
        f'BSKY_PASSWORD="{hidden[1]}"\r\n'
        f"  MIRROR_API_KEY={hidden[2]}\r\n"
        f"MIRROR_API_SECRET={hidden[3]}\r\n"
        "INTERVAL=15\r\n"
        "# SMTP_HOST=old.example\r\n"
        "SMTP_HOST=localhost\r\n"
        "SMTP_USER=me@example.org\r\n"
        f"SMTP_PASSWORD={hidden[4]}"
    )
    env = folder / ".env"
    env.write_bytes(text.encode())
    env.chmod(0o640)
    fill(folder / "app.db", rows)
    files = {name: (folder / name).read_bytes() for name in (".env", "app.db")}
    return Installation(folder, hidden, files)


def fill(path: Path, rows: int, *, journal_mode: str = "delete") -> None:
    """Make a database with so many rows."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL" if journal_mode == "wal" else "PRAGMA journal_mode = DELETE")
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL, body BLOB)")
        connection.execute('CREATE TABLE "odd ""name" (tag TEXT PRIMARY KEY, owner_id INTEGER)')
        connection.execute("CREATE TABLE tags (tag TEXT PRIMARY KEY, uses INTEGER) WITHOUT ROWID")
        connection.execute("CREATE TABLE schema_version (version INTEGER)")
        connection.execute("CREATE VIEW titles AS SELECT title FROM notes")
        connection.execute("BEGIN")
        notes = rows - 2 * (rows // 10) - 1
        connection.executemany("INSERT INTO notes (title, body) VALUES (?, ?)", _notes(notes))
        connection.executemany('INSERT INTO "odd ""name" VALUES (?, ?)', _pairs(rows // 10, owned=True))
        connection.executemany("INSERT INTO tags VALUES (?, ?)", _pairs(rows // 10, owned=False))
        connection.execute("INSERT INTO schema_version VALUES (7)")
        connection.execute("COMMIT")


def _notes(count: int) -> Iterator[tuple[str, bytes]]:
    return ((f"note {number} \u00fc", secrets.token_bytes(12)) for number in range(count))


def _pairs(count: int, *, owned: bool) -> Iterator[tuple[str, int | None]]:
    # Every tenth has an owner already, who stays.
    return ((f"tag {number}", 77 if not owned or number % 10 == 0 else None) for number in range(count))


def snapshot(folder: Path) -> dict[str, tuple[str, int]]:
    """Return every file below a folder with its content and rights."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            stat.S_IMODE(path.stat().st_mode),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows_of(path: Path, statement: str) -> list[Any]:
    """Return what a query finds in a database."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def change(path: Path, statement: str) -> None:
    """Change a database as an application would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
