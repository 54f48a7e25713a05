"""Move an example installation in again and again, and kill the program at another point each time.

`python killed_moves.py FOLDER move|undo STEP` makes FOLDER/1 and so on, kills the program at every STEP-th point where
something reaches the disk, and ends with the round that was not killed. Everything is loaded once; each round is a
fork, ended by SIGKILL, so that nothing is tidied up.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import pytest

from horarium.adoption.single_user import files, journal, move, undo
from horarium.cli import single_user
from horarium.cli.main import run
from horarium.store import applications
from horarium.store.port import Transaction
from tests.support.installation import MOVE, make_installation
from tests.support.people import made_up

ROWS = 60
BATCH = 15
APPLY = [*MOVE, "--apply", "--password-stdin"]
UNDO = ["adopt", "undo"]


class Executioner:
    """Ends the process when it comes by for the n-th time."""

    def __init__(self, at: int) -> None:
        self.left = at

    def pass_by(self) -> None:
        """Count; at nought, end."""
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call` with a chance to be killed before and after it."""

        def called(*arguments: Any, **named: Any) -> Any:
            self.pass_by()
            done = call(*arguments, **named)
            self.pass_by()
            return done

        return called

    def within(self, batches: Callable[..., Iterator[int]]) -> Callable[..., Iterator[int]]:
        """Return a generator of batches with a chance to be killed behind each."""

        def called(*arguments: Any) -> Iterator[int]:
            for done in batches(*arguments):
                self.pass_by()
                yield done

        return called


def arm(at: int) -> None:
    """Put the executioner wherever something reaches the disk."""
    killer, patch = Executioner(at), pytest.MonkeyPatch()
    patch.setattr(applications, "BATCH_ROWS", BATCH)
    for owner, name in (
        *((Path, "replace"), (Path, "unlink"), (Transaction, "committed"), (journal, "make_folder")),
        *((files, "copy_file"), (move, "copy_file"), (undo, "copy_file")),
    ):
        patch.setattr(owner, name, killer.around(getattr(owner, name)))
    database = applications.ApplicationDatabase
    patch.setattr(database, "_batches", killer.within(database._batches))


def play(folder: Path, at: int, *, kill_undo: bool) -> int:
    """Play one round in a process of its own; return how that ended."""
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        with Path(os.devnull).open("w", encoding="utf-8") as silence:
            sys.stdout = silence
            sys.stdin = io.TextIOWrapper(io.BytesIO(f"{made_up()}\n".encode()))
            if kill_undo:
                assert run(APPLY) == 0
            arm(at)
            os._exit(run(UNDO if kill_undo else APPLY))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> int:
    """Play all rounds; return how the last one ended."""
    assert single_user.app.registered_commands, "loaded before the forks"
    step = int(sys.argv[3])
    at, ended = 1 - step, -signal.SIGKILL
    while ended == -signal.SIGKILL:
        at += step
        folder = Path(sys.argv[1]) / str(at)
        folder.mkdir()
        for name, content in make_installation(folder, rows=ROWS).files.items():
            (folder / f"kept{name}").write_bytes(content)
        ended = play(folder, at, kill_undo=sys.argv[2] == "undo")
    return ended


if __name__ == "__main__":
    sys.exit(main())
