"""The folder of backups: one file and one note a backup, and only what is whole is listed.

The note (what the backup holds, and the checksum of its file) is written first; the file gets its name last. So a
file under its own name has been looked through, whenever the program was killed. While one is made, the folder is
locked, and what earlier attempts left behind is swept out.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from horarium.errors import Conflict, NotFound, StoreForeign, StoreUnavailable

PARTIAL: Final = ".partial-"
GZIP: Final = "gzip"
_LOCK: Final = ".lock"
_SCRATCH: Final = ".scratch-"
_NAME: Final = re.compile(r"horarium-\d{8}-\d{6}(?:-\d{1,4})?\.(?:db|dump)(?:\.gz)?(?:\.sealed)?")
_ENGINES: Final = frozenset({"sqlite", "postgresql"})
_SUM: Final = re.compile(r"[0-9a-f]{64}")
_KEY: Final = re.compile(r"[0-9a-f]{16}|")
_REVISION: Final = re.compile(r"\d{4}")
_WORDS_LIMIT: Final = 500
_NOTE_LIMIT: Final = 256 * 1024
_ONE_MILLION_MILLION: Final = 10**12


class Kind(StrEnum):
    """What was done with a backup later on."""

    VERIFY = "verify"
    """Its file was read, opened and counted."""
    DRILL = "drill"
    """It was restored into a scratch store."""
    COPY = "copy"
    """It was copied to another place."""


@dataclass(frozen=True, slots=True)
class Look:
    """What came of it: when, whether it went well, how many seconds it took, and one sentence."""

    at: datetime
    passed: bool
    seconds: float
    words: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what the note says of it."""
        return {
            "at": self.at.isoformat(),
            "passed": self.passed,
            "seconds": round(self.seconds, 3),
            "words": self.words,
        }

    @classmethod
    def of_json(cls, plain: Mapping[str, Any]) -> Self:
        """Return what a note says. Raises `KeyError`, `TypeError`, `ValueError`."""
        at = datetime.fromisoformat(plain["at"])
        return cls(at, plain["passed"] is True, float(plain["seconds"]), str(plain["words"])[:_WORDS_LIMIT])


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup that was found whole when it was made.

    `rows` says how many rows each table has in it, `schema` which revision, `sha256` is the checksum of the file and
    `size` its bytes. `packed` is `gzip` or empty, `sealed` the number of the key it is encrypted with, or empty; what
    is inside has `plain_size` bytes and the checksum `plain_sha256`. `seconds` is how long making it took, `origin` why
    it was made: `task`, `hand`, or `restore` for the copy made before one. `vault` says what became of opening its
    vault with the present key: `open`, `sealed`, `empty`, or empty where no key was there to try. `results` are what
    later looks at it found, by kind: when, whether it went well, how long it took, and in words.
    """

    path: Path
    made_at: datetime
    engine: str
    schema: str
    release: str
    size: int
    sha256: str
    rows: Mapping[str, int]
    plain_size: int = 0
    plain_sha256: str = ""
    packed: str = ""
    sealed: str = ""
    seconds: float = 0.0
    origin: str = "hand"
    vault: str = ""
    results: Mapping[Kind, Look] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """Return the name of the file, by which people and programs mean this backup."""
        return self.path.name

    @property
    def note(self) -> Path:
        """Return the path of the note beside the file."""
        return note_of(self.path)

    @property
    def is_sound(self) -> bool:
        """Tell whether no later look found it damaged."""
        return all(look.passed for kind, look in self.results.items() if kind is not Kind.COPY)

    @property
    def drilled_seconds(self) -> float | None:
        """Return how long the last drill took that went well, None without one."""
        drill = self.results.get(Kind.DRILL)
        return drill.seconds if drill is not None and drill.passed else None

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
            "plain_size": self.plain_size,
            "plain_sha256": self.plain_sha256,
            "packed": self.packed,
            "sealed": self.sealed,
            "seconds": round(self.seconds, 3),
            "origin": self.origin,
            "vault": self.vault,
            "results": {kind.value: look.to_json() for kind, look in self.results.items()},
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


def find_backup(folder: Path, name: str) -> Backup:
    """Return the backup of this name in `folder`: a name is no path. Raises `NotFound`."""
    found = _listed(folder / name) if _NAME.fullmatch(name) else None
    if found is None:
        raise NotFound(f"there is no backup {name[:100]!r} in {folder}")
    return found


def read_backup(path: Path) -> Backup:
    """Return what the note of the backup at `path` says. Raises `StoreForeign` when there is none that can be read."""
    try:
        return _checked(_understood(path, json.loads(_read_note(path))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreForeign(f"{note_of(path)} is missing or is not the note of a backup") from error


def remember(backup: Backup, kind: Kind, look: Look) -> Backup:
    """Write into the note what came of a later look; return the backup with it. Raises `NotFound` if it is gone."""
    folder = backup.path.parent
    with locked(folder, wait=True):
        # Read again: another look may have been written down meanwhile.
        present = find_backup(folder, backup.name)
        changed = replace(present, results={**present.results, kind: look})
        _write_note(changed)
    return changed


def _read_note(path: Path) -> str:
    descriptor = os.open(note_of(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, encoding="utf-8") as file:
        text = file.read(_NOTE_LIMIT + 1)
    if len(text) > _NOTE_LIMIT:
        raise ValueError("no note is that long")
    return text


def _understood(path: Path, plain: Any) -> Backup:
    size = int(plain["size"])
    return Backup(
        path=path,
        made_at=datetime.fromisoformat(plain["made_at"]),
        engine=str(plain["engine"]),
        schema=str(plain["schema"]),
        release=str(plain["release"])[:32],
        size=size,
        sha256=str(plain["sha256"]),
        rows={str(name): int(count) for name, count in plain["rows"].items()},
        plain_size=int(plain.get("plain_size", size)),
        plain_sha256=str(plain.get("plain_sha256", plain["sha256"])),
        packed=str(plain.get("packed", "")),
        sealed=str(plain.get("sealed", "")),
        seconds=float(plain.get("seconds", 0)),
        origin=str(plain.get("origin", "hand"))[:16],
        vault=str(plain.get("vault", ""))[:16],
        results={Kind(kind): Look.of_json(each) for kind, each in plain.get("results", {}).items()},
    )


def _checked(backup: Backup) -> Backup:
    """Return the backup, or raise `ValueError` for what no note of ours ever said."""
    is_ours = (
        backup.engine in _ENGINES
        and backup.packed in {"", GZIP}
        and _REVISION.fullmatch(backup.schema)
        and _KEY.fullmatch(backup.sealed)
        and _SUM.fullmatch(backup.sha256)
        and _SUM.fullmatch(backup.plain_sha256)
        and backup.made_at.tzinfo is not None
        and 0 < backup.size < _ONE_MILLION_MILLION
        and 0 < backup.plain_size < _ONE_MILLION_MILLION
        and all(0 <= count < _ONE_MILLION_MILLION for count in backup.rows.values())
    )
    if not is_ours:
        raise ValueError("no note of ours says that")
    return backup


@contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Make `folder` if need be and hold its lock, which ends with the process; sweep out what was left half done.

    Raises `Conflict` when somebody else holds it, unless told to `wait`; `StoreUnavailable` when the folder cannot be
    used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"the backup folder {folder} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
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
    _write_note(backup)
    partial.replace(backup.path)
    sync(backup.path.parent)


def remove(backup: Backup) -> None:
    """Remove a backup: the file first, since a note alone is no backup, and a file without one would be a riddle."""
    backup.path.unlink(missing_ok=True)
    backup.note.unlink(missing_ok=True)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Make a folder in `folder` for work in between, private, and remove it afterwards; a killed one is swept out."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / f"{_SCRATCH}{secrets.token_hex(6)}"
    place.mkdir(mode=0o700)
    # The lock ends with the process: what is not locked any more belongs to nobody.
    descriptor = os.open(place / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(descriptor)


def _write_note(backup: Backup) -> None:
    note = new_partial(backup.path.parent, backup.note.name)
    note.write_text(json.dumps(backup.to_json(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sync(note)
    note.replace(backup.note)


def sync(path: Path) -> None:
    """Wait until the file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def note_of(path: Path) -> Path:
    """Return where the note of the backup at `path` lies."""
    return path.with_name(path.name + ".json")


def _listed(path: Path) -> Backup | None:
    try:
        backup = read_backup(path)
        found = path.lstat()
        return backup if stat.S_ISREG(found.st_mode) and found.st_size == backup.size else None
    except (StoreForeign, FileNotFoundError):
        return None


def _sweep(folder: Path) -> None:
    """Remove what a killed backup left: unfinished files, and notes whose file never came."""
    for entry in folder.iterdir():
        name = entry.name
        is_lonely = _NAME.fullmatch(name.removesuffix(".json")) and not (folder / name.removesuffix(".json")).exists()
        if name.startswith(_SCRATCH):
            _sweep_scratch(entry)
        elif name.startswith(PARTIAL) or is_lonely:
            entry.unlink(missing_ok=True)


def _sweep_scratch(place: Path) -> None:
    """Remove a scratch folder whose process has ended; one that is in use stays."""
    with suppress(OSError):
        descriptor = os.open(place / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(place, ignore_errors=True)
        finally:
            os.close(descriptor)
