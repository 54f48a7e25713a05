"""The keys of backups: what seals a file and opens it, and whether a copy's vault opens with the keys that are here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Final

from horarium.errors import StoreForeign
from horarium.keys.files import HEAD, FileKey, NotSealed, NotWhole, key_id_of
from horarium.vault.cipher import MasterKey

OPEN: Final = "open"
SEALED: Final = "sealed"
EMPTY: Final = "empty"


class FileSeal:
    """Seals with one key, and opens what any of several keys sealed."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        """Make the keys of `secrets`; the first one seals."""
        self._keys = [FileKey.of(each) for each in secrets]

    @property
    def id(self) -> str:
        """Return the number of the key that new files are sealed with."""
        return self._keys[0].id

    def sealed(self, plain: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a sealed file."""
        return self._keys[0].seal(plain)

    def opened(self, file: IO[bytes], name: str) -> Iterator[bytes]:
        """Yield what a sealed file holds. Raises `StoreForeign`."""
        try:
            key_id = key_id_of(file.read(HEAD))
            file.seek(0)
            key = next((each for each in self._keys if each.id == key_id), None)
            if key is not None:
                yield from key.open(file)
                return
        except NotSealed as error:
            raise StoreForeign(f"{name} is not the encrypted file that its note says it is") from error
        except NotWhole as error:
            raise StoreForeign(f"{name} is damaged: its encryption does not hold") from error
        raise StoreForeign(
            f"{name} is encrypted with another key (number {key_id}) than HORARIUM_BACKUP_KEY or SECRET_KEY here:"
            " set the one it was made with"
        )


def judged(secrets: Iterable[bytes], marks: Mapping[str, str]) -> str:
    """Return whether the vault that has these marks opens: `open`, `sealed`, or `empty` where nothing is in it."""
    if not marks:
        return EMPTY
    keys = [MasterKey.of(each) for each in secrets]
    opens = any(key.id in marks and key.opens_check(marks[key.id]) for key in keys)
    return OPEN if opens else SEALED
