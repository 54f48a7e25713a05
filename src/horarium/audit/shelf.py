"""The folder of archives: one packed file and one note an archive, whole before either has its name.

A file holds entries as lines of JSON, each with all columns of the table in their order: the hash of an entry is the
SHA-256 of the JSON list of its values without that last one, so that any program can follow the chain.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from horarium.errors import Conflict, StoreForeign, StoreUnavailable
from horarium.records.audit import AuditArchive
from horarium.store.books.audit import COLUMNS, hash_of

PARTIAL: Final = ".partial-"
FORMAT: Final = 1
NAME: Final = re.compile(r"audit-\d{10,19}-\d{10,19}-[0-9a-f]{8}\.jsonl\.gz")
_LOCK: Final = ".lock"
_CHUNK: Final = 1024 * 1024
_LONGEST_LINE: Final = 16 * 1024 * 1024
Entry = tuple[Any, ...]
"""The values of an entry in the order of the table."""


def new_name(first_id: int, last_id: int) -> str:
    """Return a name for the archive of a span that no file ever had."""
    return f"audit-{first_id:010}-{last_id:010}-{secrets.token_hex(4)}.jsonl.gz"


def note_of(path: Path) -> Path:
    """Return where the note of the archive at `path` lies."""
    return path.with_name(f"{path.name}.json")


def partial_of(path: Path) -> Path:
    """Return the name that the file `path` has while it is not whole."""
    return path.with_name(f"{PARTIAL}{path.name}")


def write_entries(path: Path, rows: Sequence[Entry]) -> None:
    """Write entries into a new file for its owner alone, and wait until they are on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0) as packed:
            for row in rows:
                line = json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=True, separators=(",", ":"))
                packed.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def entries_of(path: Path) -> Iterator[Entry]:
    """Yield the entries of a file, one after the other. Raises `StoreForeign` for what is no archive."""
    try:
        with gzip.open(path, "rb") as packed:
            while line := packed.readline(_LONGEST_LINE):
                plain = json.loads(line)
                yield tuple(plain[name] for name in COLUMNS)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise StoreForeign(f"the archive {path.name} cannot be read to its end: {_why(error)}") from error


def fault_of(row: Entry, number: int, previous: str) -> str:
    """Say what is wrong with the entry that follows entry `number`, whose hash is `previous`; nothing when all is well.

    What stands in it is no more believed than where it stands.
    """
    if row[0] != number + 1:
        return f"entry {number + 1} is missing before it"
    if row[-2] != previous:
        return "it does not follow the entry before it"
    if hash_of(row[:-1]) != row[-1]:
        return "it was changed"
    return ""


def look_through(path: Path, archive: AuditArchive) -> None:
    """Read an archive to its end: size, checksum, and each entry by its hash. Raises `StoreForeign` with the fault."""
    try:
        is_same = path.stat().st_size == archive.size and checksum(path) == archive.sha256
    except OSError as error:
        raise StoreForeign(f"the archive {path} cannot be read: {error.strerror}") from error
    if not is_same:
        raise StoreForeign(f"the archive {path.name} is damaged: its checksum is not the one that was recorded")
    number, previous = archive.first_id - 1, archive.previous
    for row in entries_of(path):
        fault = fault_of(row, number, previous)
        if fault:
            raise StoreForeign(f"in the archive {path.name}, entry {row[0]}: {fault}")
        number, previous = int(row[0]), str(row[-1])
    if (number, previous) != (archive.last_id, archive.last_hash):
        raise StoreForeign(f"the archive {path.name} ends with entry {number}, not with {archive.last_id}")


def shelve(path: Path, archive: AuditArchive, instance: str) -> None:
    """Give a finished file its name, its note first; both survive a power cut."""
    note = {
        "format": FORMAT,
        "instance": instance,
        "file": archive.file,
        "first_id": archive.first_id,
        "last_id": archive.last_id,
        "entries": archive.entries,
        "first_at": archive.first_at.isoformat(),
        "last_at": archive.last_at.isoformat(),
        "previous": archive.previous,
        "last_hash": archive.last_hash,
        "columns": list(COLUMNS),
        "size": archive.size,
        "sha256": archive.sha256,
        "made_at": archive.made_at.isoformat(),
    }
    partial = partial_of(note_of(path))
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(note, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(note_of(path))
    partial_of(path).replace(path)
    sync_folder(path.parent)


def read_note(path: Path) -> dict[str, Any] | None:
    """Return what the note of the archive at `path` says, None where there is none that can be read."""
    try:
        plain = json.loads(note_of(path).read_text(encoding="utf-8"))
        sound = isinstance(plain["first_id"], int) and isinstance(plain["last_id"], int)
        return plain if sound and isinstance(plain["last_hash"], str) and plain["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove(path: Path) -> None:
    """Remove a file that is not a finished archive, and its note."""
    path.unlink(missing_ok=True)
    note_of(path).unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make `folder` if need be and hold its lock, which ends with the process.

    Raises `Conflict` when somebody else holds it, `StoreUnavailable` when the folder cannot be used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"the folder of archives {folder} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(f"the audit log is being archived in {folder} already") from None
        for entry in folder.iterdir():
            if entry.name.startswith(PARTIAL):
                entry.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the file system can tell."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)[:200]
