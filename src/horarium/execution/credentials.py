"""Credentials as tasks see them, and how an attempt gets at them: opened when asked for, masked from then on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NoReturn, Protocol

from horarium.errors import Conflict, CredentialDenied
from horarium.logs.live import LIVE

if TYPE_CHECKING:
    from horarium.logs.masking import Masker
    from horarium.records.secrets import Opened


class Credential(Mapping[str, str]):
    """An opened credential: its fields as a mapping, and as attributes where their names allow that.

    Shown as text it says which fields there are, never what is in them.
    """

    __slots__ = ("_opened",)

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    @property
    def name(self) -> str:
        """Return the name under which the task asked for it."""
        return self._opened.name

    @property
    def version(self) -> int:
        """Return which version of the credential it is, from 1."""
        return self._opened.version

    @property
    def fields(self) -> Mapping[str, str]:
        """Return the fields by their names, in a mapping that does not show its values as text either."""
        return self

    def __getitem__(self, field: str) -> str:
        try:
            return self._opened.fields[field]
        except KeyError:
            raise KeyError(self._without(field)) from None

    def __getattr__(self, field: str) -> str:
        if field.startswith("_"):
            raise AttributeError(field)
        try:
            return self._opened.fields[field]
        except KeyError:
            raise AttributeError(self._without(field)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._opened.fields)

    def __len__(self) -> int:
        return len(self._opened.fields)

    def __repr__(self) -> str:
        return f"Credential({self.name!r}, fields: {', '.join(sorted(self))})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential is neither copied nor stored: take the fields that are needed out of it")

    def _without(self, field: str) -> str:
        return f"the credential {self.name!r} has no field {field!r}, it has {', '.join(sorted(self))}"


class Source(Protocol):
    """Where the credentials of one attempt come from."""

    def open(self, name: str) -> Opened:
        """Open one. Raises `CredentialDenied`, `CredentialUnreadable`, `VaultSealed`."""
        ...

    def close(self) -> None:
        """Learn that the attempt has ended; called only if something was opened."""
        ...


class Secrets:
    """The credentials of one attempt.

    `names` are those that the task's definition names, `source` opens them (None: there is no vault), `hide` is
    called with the masker before the first value is given out. What was opened once stays as it is for the attempt.
    """

    def __init__(self, names: tuple[str, ...], source: Source | None, hide: Callable[[Masker], None]) -> None:
        self.names = names
        self._source = source
        self._hide = hide
        self._masker: Masker | None = None
        self._opened: dict[str, Opened] = {}
        self._is_over = False
        self._lock = threading.Lock()

    def open(self, name: str) -> Opened:
        """Open a credential, raising `CredentialDenied` for one that the task does not name, and what opening raises.

        Raises `Conflict` once the attempt is over.
        """
        known = self._opened.get(name)
        if known is not None:
            return known
        source = self._source_of(name)
        opened = source.open(name)
        with self._lock:
            is_late = self._is_over
            if not is_late:
                # Another thread of the task may have been first, with another version.
                opened = self._opened.get(name) or self._keep(name, opened)
        if is_late:
            source.close()
            raise Conflict("the run has ended: it cannot open credentials any more")
        return opened

    def close(self) -> None:
        """Give nothing out any more, and forget what was opened."""
        with self._lock:
            self._is_over = True
            has_opened = bool(self._opened)
            self._opened = {}
        if has_opened and self._source is not None:
            self._source.close()

    def forget(self) -> None:
        """Mask nothing any more in what this process logs: nothing of the attempt is left that could say it."""
        if self._masker is not None:
            LIVE.discard(self._masker)

    def _source_of(self, name: str) -> Source:
        if self._is_over:
            raise Conflict("the run has ended: it cannot open credentials any more")
        if name not in self.names:
            known = ", ".join(map(repr, self.names)) or "none"
            raise CredentialDenied(
                f"the definition of the task does not name the credential {name!r}: it names {known}"
            )
        if self._source is None:
            raise CredentialDenied(f"there is no vault here from which the credential {name!r} could come")
        return self._source

    def _keep(self, name: str, opened: Opened) -> Opened:
        from horarium.logs.masking import Masker  # noqa: PLC0415

        masker = self._masker or Masker()
        masker.add(opened.name, (value for field, value in opened.fields.items() if field not in opened.plain))
        if self._masker is None:
            self._masker = masker
            LIVE.add(masker)
            self._hide(masker)
        self._opened[name] = opened
        return opened
