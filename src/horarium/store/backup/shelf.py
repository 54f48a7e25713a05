"""The folder of backups: one file and one note a backup, and only what is whole is listed.

The note (what the backup holds, and the checksum of its file) is written first; the file gets its name last. So a
file under its own name has been looked through, whenever the program was killed. While one is made, the folder is
locked, and what earlier attempts left behind is swept out.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from horarium.errors import Conflict, InvalidValue, StoreForeign, StoreUnavailable

PARTIAL: Final = ".partial-"
LEAST_KEPT: Final = 1
_LOCK: Final = ".lock"
_NAME: Final = re.compile(r"horarium-\d{8}-\d{6}(?:-\d+)?\.(?:db|dump)")
_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup that was found whole when it was made.

    `rows` says how many rows each table has in it, `schema` which revision, `sha256` is the checksum of the file.
    """

    path: Path
    made_at: datetime
    engine: str
    schema: str
    release: str
    size: int
    sha256: str
    rows: Mapping[str, int]

    @property
    def note(self) -> Path:
        """Return the path of the note beside the file."""
        return note_of(self.path)

    def to_json(self) -> dict[str, Any]:
        """Return what the note says."""
        return {
            "file": self.path.name,
            "made_at": self.made_at.isoformat(),
            "engine": self.engine,
            "schema": self.schema,
            "release": self.release,
            "size": self.size,
            "sha256": self.sha256,
            "rows": dict(self.rows),
        }


def list_backups(folder: Path) -> list[Backup]:
    """Return the backups in `folder`, newest first: those whose file is there and as large as its note says."""
    try:
        names = sorted(entry.name for entry in folder.iterdir() if _NAME.fullmatch(entry.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreUnavailable(f"the backup folder {folder} cannot be read: {error.strerror}") from error
    found = [backup for name in names if (backup := _listed(folder / name)) is not None]
    return sorted(found, key=lambda backup: (backup.made_at, backup.path.name), reverse=True)


def read_backup(path: Path) -> Backup:
    """Return what the note of the backup at `path` says. Raises `StoreForeign` when there is none that can be read."""
    try:
        plain = json.loads(note_of(path).read_text(encoding="utf-8"))
        return Backup(
            path=path,
            made_at=datetime.fromisoformat(plain["made_at"]),
            engine=str(plain["engine"]),
            schema=str(plain["schema"]),
            release=str(plain["release"]),
            size=int(plain["size"]),
            sha256=str(plain["sha256"]),
            rows={str(name): int(count) for name, count in plain["rows"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreForeign(f"{note_of(path)} is missing or is not the note of a backup") from error


def prune_backups(folder: Path, keep: int, *, dry_run: bool = False) -> list[Backup]:
    """Remove all but the `keep` newest backups; return those removed, or the ones that would be with `dry_run`.

    Only whole backups count, and at least one stays. Raises `InvalidValue`, `Conflict` while one is being made.
    """
    check_keep(keep)
    if dry_run:
        return list_backups(folder)[keep:]
    with locked(folder):
        old = list_backups(folder)[keep:]
        for backup in old:
            # The file first: a note alone is no backup, a file without a note would be a riddle.
            backup.path.unlink(missing_ok=True)
            backup.note.unlink(missing_ok=True)
    return old


def check_keep(keep: Any) -> None:
    """Refuse a number of backups that would leave none, raising `InvalidValue`."""
    if isinstance(keep, bool) or not isinstance(keep, int) or keep < LEAST_KEPT:
        raise InvalidValue("keep", keep, f"use a whole number from {LEAST_KEPT}")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make `folder` if need be and hold its lock, which ends with the process; sweep out what was left half done.

    Raises `Conflict` when somebody else holds it, `StoreUnavailable` when the folder cannot be used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"the backup folder {folder} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(f"another backup is being made in {folder}") from None
        _sweep(folder)
        yield
    finally:
        os.close(descriptor)


def new_name(folder: Path, at: datetime, suffix: str) -> Path:
    """Return a path in `folder` that nothing has yet, named after the instant."""
    stem = f"horarium-{at:%Y%m%d-%H%M%S}"
    path = folder / f"{stem}.{suffix}"
    number = 2
    while path.exists() or note_of(path).exists():
        path = folder / f"{stem}-{number}.{suffix}"
        number += 1
    return path


def new_partial(folder: Path, name: str) -> Path:
    """Make an empty file for its owner alone under a name that is never listed; return its path."""
    path = folder / f"{PARTIAL}{name}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return path


def shelve(backup: Backup, partial: Path) -> None:
    """Give the finished file its name: its note is on the disk before, and both survive a power cut."""
    sync(partial)
    note = new_partial(backup.path.parent, backup.note.name)
    note.write_text(json.dumps(backup.to_json(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sync(note)
    note.replace(backup.note)
    partial.replace(backup.path)
    sync(backup.path.parent)


def sync(path: Path) -> None:
    """Wait until the file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def note_of(path: Path) -> Path:
    """Return where the note of the backup at `path` lies."""
    return path.with_name(path.name + ".json")


def _listed(path: Path) -> Backup | None:
    try:
        backup = read_backup(path)
        return backup if path.stat().st_size == backup.size else None
    except (StoreForeign, FileNotFoundError):
        return None


def _sweep(folder: Path) -> None:
    """Remove what a killed backup left: unfinished files, and notes whose file never came."""
    for entry in folder.iterdir():
        name = entry.name
        is_lonely = _NAME.fullmatch(name.removesuffix(".json")) and not (folder / name.removesuffix(".json")).exists()
        if name.startswith(PARTIAL) or is_lonely:
            entry.unlink(missing_ok=True)
