"""A move that is killed: called again it is finished, and undo takes it back, wherever it was."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from horarium.cli.exits import ExitCode
from tests.cli.conftest import Program
from tests.support.installation import MOVE, MOVED
from tests.support.people import made_up

ROOT = Path(__file__).parents[2]
KILLER = ROOT / "tests" / "support" / "killed_moves.py"
# A prime, so that the points of the everyday test are not always of one sort; the long one goes to each.
EVERYDAY, EACH = 17, 1


def killed(folder: Path, what: str, step: int) -> list[Path]:
    """Have moves or undos killed at so many points; return the folder of each."""
    done = subprocess.run(
        [sys.executable, str(KILLER), str(folder), what, str(step)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.OK, done.stderr
    rounds = sorted((path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    assert len(rounds) > 100 // step // 3
    return rounds


def original(folder: Path) -> dict[str, bytes]:
    """Return what the files of a round were, from the copies that it made itself before it could be killed."""
    return {name: (folder / f"kept{name}").read_bytes() for name in (".env", "app.db")}


def present(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (".env", "app.db")}


def left_over(folder: Path) -> set[str]:
    """Return what stands in a round's folder and should not."""
    return {path.name for path in folder.iterdir()} - {".env", "app.db", "kept.env", "keptapp.db", "data"}


def go_on(program: Program, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Call a killed move once more, see that it is whole, and take it back."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{made_up()}\n".encode())))
    done = program(*MOVE, "--apply", "--password-stdin")
    assert done.code == ExitCode.OK, (folder.name, done.err)
    looked = program("adopt", "verify")
    assert looked.code == ExitCode.OK, (folder.name, looked.out)
    assert {line.split()[0] for line in looked.out.splitlines()} == {"ok"}, folder.name
    text = (folder / ".env").read_text(encoding="utf-8")
    assert [name for name in MOVED if f"\n{name}" in text] == []
    assert text.count("SECRET_KEY=") == 1
    names = [each["name"] for each in program("vault", "list", "--json").json]
    assert names == ["bsky", "mirror", "shop", "smtp"], folder.name
    told = [(each["action"], each["object_name"]) for each in program("audit", "list", "--json").json]
    once = [each for each in told if each[0].partition(".")[0] in {"installation", "person"}]
    assert len(set(once)) == len(once), folder.name
    assert once[0][0] == "installation.moved", folder.name
    take_back(program, folder)


def take_back(program: Program, folder: Path) -> None:
    """Undo what there is of a move; see that nothing of it is left."""
    undone = program("adopt", "undo")
    assert undone.code in {ExitCode.OK, ExitCode.NOT_FOUND}, (folder.name, undone.err)
    assert present(folder) == original(folder), folder.name
    assert left_over(folder) == set(), folder.name
    # Killed before the first word of the journal there was no move yet; then no more than an empty folder can be left.
    kept = {path.name for path in (folder / "data" / "adoption").rglob("*") if path.is_file()}
    assert kept <= {"lock", ".journal.json"}, folder.name


def check_moves(program: Program, home: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    for number, folder in enumerate(killed(home, "move", step)):
        monkeypatch.chdir(folder)
        if number % 2:
            take_back(program, folder)
        go_on(program, monkeypatch, folder)


def check_undos(program: Program, home: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    for folder in killed(home, "undo", step):
        monkeypatch.chdir(folder)
        take_back(program, folder)


def test_a_killed_move_goes_on_or_comes_back(bare: Program, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_moves(bare, home, monkeypatch, EVERYDAY)


def test_a_killed_undo_goes_on(bare: Program, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_undos(bare, home, monkeypatch, EVERYDAY)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_move_killed_at_each_point_goes_on_or_comes_back(
    bare: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_moves(bare, home, monkeypatch, EACH)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_an_undo_killed_at_each_point_goes_on(bare: Program, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_undos(bare, home, monkeypatch, EACH)
