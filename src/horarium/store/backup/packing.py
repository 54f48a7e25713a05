"""Pack a copy into the file that is kept, and take it out again: compressed, sealed, as streams and within limits.

Whoever can write into the folder of backups can put anything there: sizes are declared in the note and held against
the room and each other before a byte is unpacked, and unpacking stops at the declared size.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Protocol

from horarium.errors import StoreForeign, StoreFull, StoreUnavailable
from horarium.store.backup.shelf import GZIP, Backup

SPARE_BYTES: Final = 16 * 1024 * 1024
"""What must stay free on the disk beside what is written."""
MOST_RATIO: Final = 250
"""How many times its size a file may unpack to: far more than any database shrinks, far less than a bomb."""
_SMALL: Final = 1024 * 1024
_PIECE: Final = 1024 * 1024
_GZIP_WINDOW: Final = 31
_LEVEL: Final = 6

GoOn = Callable[[], None]


class Seal(Protocol):
    """Seals files with a key and opens them; it is handed in, since the embedded library brings no ciphers."""

    @property
    def id(self) -> str:
        """Return the number of the key that new files are sealed with."""
        ...

    def sealed(self, plain: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a sealed file."""
        ...

    def opened(self, file: IO[bytes], name: str) -> Iterator[bytes]:
        """Yield what a sealed file holds. Raises `StoreForeign` in words that name the file."""
        ...


def pack(plain: Path, target: Path, *, compress: bool, seal: Seal | None, go_on: GoOn) -> None:
    """Write what is in `plain` into the empty file `target`, compressed and sealed as asked for."""
    with plain.open("rb") as source, target.open("wb") as file:
        pieces = _pieces(source)
        if compress:
            pieces = _compressed(pieces)
        for piece in seal.sealed(pieces) if seal is not None else pieces:
            file.write(piece)
            go_on()


def unpack(backup: Backup, target: Path, seal: Seal | None, go_on: GoOn) -> str:
    """Write what a backup holds into the new file `target`; return its checksum. Raises `StoreForeign`, `StoreFull`."""
    refuse_bomb(backup)
    check_room(target.parent, backup.plain_size, "unpacking the backup")
    with target.open("xb") as file:
        return _hashed(backup, seal, go_on, file)


def plain_checksum(backup: Backup, path: Path, seal: Seal | None, go_on: GoOn) -> str:
    """Return the checksum of what the file at `path` holds, read through to its end. Raises `StoreForeign`."""
    return _hashed(backup, seal, go_on, None, path)


def refuse_bomb(backup: Backup) -> None:
    """Raise `StoreForeign` for a note whose sizes cannot be true."""
    fits = backup.plain_size <= _SMALL + MOST_RATIO * backup.size
    is_plain = not backup.packed and not backup.sealed
    if not fits or (is_plain and backup.plain_size != backup.size):
        raise StoreForeign(
            f"{backup.path.name} is not what it says: {backup.size:,} bytes cannot hold {backup.plain_size:,}"
        )


def check_room(folder: Path, wanted: int, what: str = "the backup") -> None:
    """Raise `StoreFull` if the disk of `folder` has less room than `wanted` bytes and some to spare."""
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE_BYTES:
        have, need = free // 1_000_000, (wanted + SPARE_BYTES) // 1_000_000 + 1
        raise StoreFull(f"{what} needs up to {need} MB in {folder}, {have} MB are free")


@contextmanager
def opened_plainly(path: Path) -> Iterator[IO[bytes]]:
    """Open a regular file for reading, and nothing else: no link is followed, no pipe waited for.

    Raises `StoreForeign`, `StoreUnavailable`.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():
            raise StoreForeign(f"{path.name} is a link, not a backup") from error
        raise StoreUnavailable(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StoreForeign(f"{path.name} is not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a regular file in hexadecimal. Raises `StoreForeign`, `StoreUnavailable`."""
    digest = hashlib.sha256()
    with opened_plainly(path) as file:
        for piece in _pieces(file):
            digest.update(piece)
    return digest.hexdigest()


def _hashed(backup: Backup, seal: Seal | None, go_on: GoOn, target: IO[bytes] | None, path: Path | None = None) -> str:
    digest, size = hashlib.sha256(), 0
    with opened_plainly(path or backup.path) as source:
        for piece in _unpacked(backup, source, seal):
            size += len(piece)
            if size > backup.plain_size:
                raise StoreForeign(f"{backup.path.name} is not what it says: it holds more than its note declares")
            digest.update(piece)
            if target is not None:
                target.write(piece)
            go_on()
    if size != backup.plain_size:
        raise StoreForeign(f"{backup.path.name} is not what it says: it holds less than its note declares")
    return digest.hexdigest()


def _unpacked(backup: Backup, source: IO[bytes], seal: Seal | None) -> Iterator[bytes]:
    pieces = _pieces(source)
    if backup.sealed:
        if seal is None:
            raise StoreForeign(f"{backup.path.name} is encrypted, and no key is set here that could open it")
        pieces = seal.opened(source, backup.path.name)
    return _decompressed(pieces, backup.path.name) if backup.packed == GZIP else pieces


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _compressed(plain: Iterable[bytes]) -> Iterator[bytes]:
    squeezer = zlib.compressobj(_LEVEL, wbits=_GZIP_WINDOW)
    for piece in plain:
        yield squeezer.compress(piece)
    yield squeezer.flush()


def _decompressed(packed: Iterable[bytes], name: str) -> Iterator[bytes]:
    opener = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        for piece in packed:
            rest = piece
            while rest and not opener.eof:
                # In pieces, too: a megabyte of packed zeros must not become a gigabyte in memory.
                yield opener.decompress(rest, _PIECE)
                rest = opener.unconsumed_tail
            if opener.unused_data:
                raise StoreForeign(f"{name} is damaged: something follows after its end")
        while not opener.eof and (more := opener.decompress(opener.unconsumed_tail, _PIECE)):
            yield more
    except zlib.error as error:
        raise StoreForeign(f"{name} is damaged: it cannot be unpacked") from error
    if not opener.eof:
        raise StoreForeign(f"{name} is damaged: it ends too early")
