"""What a move has done so far, on the disk before and after each step; with the byte copies of the originals beside.

No secret stands in the journal itself. The copies hold what the originals held; folder and files are their owner's
alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from horarium.adoption.single_user.files import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    Belongings,
    Kept,
    refused,
    replace_file,
    sync_folder,
)
from horarium.errors import Conflict, StoreForeign

FOLDER: Final = "adoption"
VERSION: Final = 1
_NAME: Final = "journal.json"
_LOCK: Final = "lock"


class State(StrEnum):
    """Where a move stands."""

    MOVING = "moving"
    """It has begun: going on finishes it, undo takes it back."""
    MOVED = "moved"
    """All of it is done and checked."""
    UNDOING = "undoing"
    """It is being taken back: only undo goes on."""
    FINISHING = "finishing"
    """What undo needs is being erased: only finishing goes on."""


class Step(StrEnum):
    """The steps of a move, in their order."""

    COPIES = "copies"
    """Byte copies of the originals are taken."""
    KEY = "key"
    """A SECRET_KEY is made where there is none."""
    ADMIN = "admin"
    """The administrator is made."""
    CREDENTIALS = "credentials"
    """The credentials are saved."""
    ROWS = "rows"
    """The rows of the database get their owner."""
    CHECKED = "checked"
    """Every credential was opened and compared, every table counted again."""
    NOTED = "noted"
    """The audit log tells of it."""
    COMMENTED = "commented"
    """The old values are comments."""


class Journal:
    """The journal of one move."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        """Work with what was read or is to be begun."""
        self.folder = folder
        self.facts = facts

    @classmethod
    def read(cls, folder: Path) -> Journal | None:
        """Return the journal in a folder, None where no move has begun. Raises `StoreForeign` for what is none."""
        path = folder / _NAME
        try:
            with refused(path, "read"):
                facts = json.loads(path.read_bytes()) if path.exists() else None
            if facts is None:
                return None
            if facts["version"] != VERSION:
                raise StoreForeign(f"{path} was written by another release: finish or undo the move with that one")
            State(facts["state"])
            return cls(folder, facts)
        except (ValueError, KeyError, TypeError) as error:
            raise StoreForeign(f"{path} is damaged: the copies of the originals lie beside it") from error

    @classmethod
    def begin(cls, folder: Path, facts: dict[str, Any]) -> Journal:
        """Begin a move; from here on it is finished or taken back."""
        made = cls(folder, {"version": VERSION, "state": State.MOVING.value, "steps": {}, **facts})
        made.save()
        return made

    @property
    def state(self) -> State:
        """Return where the move stands."""
        return State(self.facts["state"])

    @property
    def token(self) -> str:
        """Return the name of this move, by which what it made is known."""
        return str(self.facts["token"])

    def move_to(self, state: State, **facts: Any) -> None:
        """Note that the move stands elsewhere now."""
        self.facts.update(facts, state=state.value)
        self.save()

    def begin_step(self, step: Step, **facts: Any) -> None:
        """Note that a step is about to be done, and what it will have done."""
        self.facts["steps"].setdefault(step.value, {}).update(facts)
        self.save()

    def end_step(self, step: Step, **facts: Any) -> None:
        """Note that a step is done."""
        self.facts["steps"].setdefault(step.value, {}).update(facts, done=True)
        self.save()

    def has_begun(self, step: Step) -> bool:
        """Tell whether anything of a step may have been done."""
        return step.value in self.facts["steps"]

    def is_done(self, step: Step) -> bool:
        """Tell whether a step is done."""
        return bool(self.of(step).get("done"))

    def of(self, step: Step) -> dict[str, Any]:
        """Return what was noted about a step."""
        return dict(self.facts["steps"].get(step.value, {}))

    def save(self) -> None:
        """Write the journal: it is on the disk when this returns, whole or as it was before."""
        content = json.dumps(self.facts, indent=1, sort_keys=True).encode() + b"\n"
        path = self.folder / _NAME
        replace_file(path, content, Belongings.of_new(), path.with_name(f".{_NAME}"))

    def remove(self) -> None:
        """Remove the folder with everything in it, the journal last."""
        with refused(self.folder, "removed"):
            for path in sorted(self.folder.iterdir(), key=lambda each: each.name == _NAME):
                path.unlink(missing_ok=True)
            self.folder.rmdir()
            sync_folder(self.folder.parent)


def last_step(journal: Journal) -> str:
    """Return the last step that is done, empty if none is."""
    done = [step.value for step in Step if journal.is_done(step)]
    return done[-1] if done else ""


def kept_of(journal: Journal, name: str) -> Kept | None:
    """Return the copy of an original, None if there was none."""
    plain = journal.of(Step.COPIES).get("kept", {}).get(name)
    return None if plain is None else Kept.from_json(plain)


def folder_of(data: Path, env: Path) -> Path:
    """Return where the journal of the move of a `.env` file lies; each file has one of its own."""
    name = hashlib.sha256(os.fsencode(env)).hexdigest()[:12]
    return data / FOLDER / f"single-user-{name}"


def make_folder(folder: Path) -> None:
    """Make the folder of a journal, for its owner alone."""
    with refused(folder, "made"):
        for each in (folder.parent, folder):
            each.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            sync_folder(each.parent)


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Hold the lock of all moves, which ends with the process. Raises `Conflict` while somebody else moves."""
    folder = data / FOLDER
    with refused(folder, "written"):
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict("another move is under way on this data folder: wait for it to end") from None
        yield
    finally:
        os.close(descriptor)
