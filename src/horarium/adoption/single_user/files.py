"""Files that must not be lost: read with what belongs to them, and replaced whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from horarium.errors import Conflict, InvalidValue, NotFound, StoreFull, StoreUnavailable

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Belongings:
    """What belongs to a file beside its content: its rights, its owner, and when it was changed."""

    mode: int
    uid: int
    gid: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return those of a file."""
        found = path.stat()
        return cls(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_mtime_ns)

    @classmethod
    def of_new(cls) -> Self:
        """Return those of a file that is ours alone."""
        return cls(PRIVATE_FILE, os.geteuid(), os.getegid(), -1)


@dataclass(frozen=True, slots=True)
class Kept:
    """A byte copy of a file: its name in the folder of the journal, its checksum, and what belonged to the original."""

    name: str
    sha256: str
    belongings: Belongings

    def to_json(self) -> dict[str, Any]:
        """Return it for a journal."""
        of = self.belongings
        return {"name": self.name, "sha256": self.sha256, "belongings": [of.mode, of.uid, of.gid, of.changed_ns]}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        return cls(str(plain["name"]), str(plain["sha256"]), Belongings(*map(int, plain["belongings"])))


def real_path(path: Path, what: str) -> Path:
    """Return the file that a path leads to, links followed. Raises `NotFound`, `InvalidValue`, `Conflict`.

    A file with a second name is refused: the other name would go on showing what is to be replaced.
    """
    try:
        found = path.resolve(strict=True)
        status = found.stat()
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except (OSError, RuntimeError) as error:
        raise InvalidValue(what, str(path), f"it cannot be looked at: {_why(error)}") from None
    if not stat.S_ISREG(status.st_mode):
        raise InvalidValue(what, str(path), "it is no regular file")
    if status.st_nlink > 1:
        raise Conflict(f"{found} has a second name (a hard link), which would keep the old file: remove one of them")
    return found


def followed(path: Path) -> Path:
    """Return where a path leads, whether or not there is anything."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        # Links in a circle lead nowhere.
        return path.absolute()


def read_file(path: Path, *, limit: int) -> bytes:
    """Return what a file holds. Raises `InvalidValue` for a larger one, `StoreUnavailable`."""
    with refused(path, "read"), path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise InvalidValue("FILE", str(path), f"it is larger than {limit:,} bytes")
    return content


def check_replaceable(path: Path, *, is_written: bool = False) -> None:
    """Refuse a file that this account could not put back as it was; `is_written` where it is also changed in place.

    Raises `StoreUnavailable`.
    """
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise StoreUnavailable(f"the folder {path.parent} may not be written by this account")
    if not os.access(path, os.R_OK | (os.W_OK if is_written else 0)):
        words = "read and written" if is_written else "read"
        raise StoreUnavailable(f"{path} may not be {words} by this account")
    if path.stat().st_uid != os.geteuid() != 0:
        raise StoreUnavailable(f"{path} belongs to another account: move in as that one, or as root")


def check_room(folder: Path, wanted: int) -> None:
    """Refuse a move for whose copies the disk has no room. Raises `StoreFull`."""
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise StoreFull(
            f"the disk of {folder} has room for {free:,} bytes, and copies of the originals need {wanted:,}"
        )


def replace_file(path: Path, content: bytes, of: Belongings, spare: Path) -> None:
    """Put `content` in the place of a file, whole or not at all; `spare` is a name in its folder to write under."""
    with refused(path, "written"):
        try:
            spare.unlink(missing_ok=True)
            descriptor = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                _settle(file.fileno(), of)
            _set_time(spare, of)
            spare.replace(path)
            sync_folder(path.parent)
        except BaseException:
            spare.unlink(missing_ok=True)
            raise


def put_back(copy: Path, path: Path, of: Belongings, spare: Path) -> None:
    """Put a byte copy in the place of a file, with what belonged to the original."""
    with refused(path, "written"):
        try:
            spare.unlink(missing_ok=True)
            copy_file(copy, spare)
            descriptor = os.open(spare, os.O_RDONLY | os.O_CLOEXEC)
            try:
                _settle(descriptor, of)
            finally:
                os.close(descriptor)
            _set_time(spare, of)
            spare.replace(path)
            sync_folder(path.parent)
        except BaseException:
            spare.unlink(missing_ok=True)
            raise


def copy_file(source: Path, target: Path) -> str:
    """Copy a file byte by byte into a new one for its owner alone, on the disk when it returns; return the checksum."""
    digest = hashlib.sha256()
    with refused(target, "written"):
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as out, source.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
    return digest.hexdigest()


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with refused(path, "read"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Wait until what was made or renamed in a folder is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def refused(path: Path, what: str) -> Iterator[None]:
    """Turn what the system refuses into one sentence: `StoreFull`, `StoreUnavailable`."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFull(f"{path} cannot be {what}: the disk is full") from error
        raise StoreUnavailable(f"{path} cannot be {what}: {_why(error)}") from error


def _settle(descriptor: int, of: Belongings) -> None:
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (of.uid, of.gid):
        os.fchown(descriptor, of.uid, of.gid)
    os.fchmod(descriptor, of.mode)
    os.fsync(descriptor)


def _set_time(path: Path, of: Belongings) -> None:
    if of.changed_ns >= 0:
        os.utime(path, ns=(of.changed_ns, of.changed_ns))


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or "its links lead in a circle"
