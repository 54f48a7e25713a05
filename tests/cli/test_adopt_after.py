"""After a move: tasks use what moved in, and a dry run of undo says what it would take back."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from horarium import RunContext, TaskScheduler
from horarium.cli.exits import ExitCode
from horarium.clock import SystemClock
from horarium.config import load_config
from horarium.records.tasks import CommandSpec, TaskDefinition
from horarium.store.opening import open_store
from horarium.vault.keyring import VaultKeyring
from horarium.vault.vault import Vault, secrets_of
from tests.cli.conftest import Apply, Program
from tests.library.programs import ended, once
from tests.support.installation import MOVE, Installation, change, snapshot
from tests.support.people import made_up

PROGRAM = "import hashlib, os; print(hashlib.sha256(os.environ['BSKY_PASSWORD'].encode()).hexdigest())"


def sign_in(run_context: RunContext) -> dict[str, str]:
    """Use an adopted credential as its application did, and tell what proves it without telling it."""
    found = run_context.credential("bsky")
    return {"user": found.username, "proof": hashlib.sha256(found.password.encode()).hexdigest()}


def test_tasks_open_adopted_credentials_and_work(apply: Apply, bare: Program, old: Installation, home: Path) -> None:
    done = apply(*MOVE, "--for-installation")
    assert done.code == ExitCode.OK, done.err
    proof = hashlib.sha256(old.secrets[1].encode()).hexdigest()
    path = home / "data" / "horarium.db"
    store = open_store(path)
    secret, _ = secrets_of(load_config())
    keyring = VaultKeyring(Vault(store, SystemClock(), secret=secret))
    with TaskScheduler(path, keyring=keyring) as scheduler:
        scheduler.start()
        entry = once(scheduler, sign_in, credentials=["bsky"])
        assert entry["status"] == "succeeded"
        assert entry["result"] == {"user": "me.example", "proof": proof}
        # A command finds it under the name that it had in the file.
        command = CommandSpec((sys.executable, "-c", PROGRAM))
        scheduler.add_tasks([TaskDefinition("command", command, None, credentials=("bsky",))])
        entry = ended(scheduler, scheduler.trigger_task_now("command"))
        assert entry["status"] == "succeeded"
        assert proof in scheduler.get_run_output(entry["id"])
    store.close()
    assert bare("vault", "show", "bsky").out.count("used by run") == 2


def test_a_value_of_several_lines_moves_in_whole_and_comes_back(apply: Apply, bare: Program, home: Path) -> None:
    lines = [made_up() for _ in range(3)]
    text = "# keys\n" + 'PULL_KEY="' + "\n".join(lines) + '" # ours\nINTERVAL=3\n'
    (home / ".env").write_text(text, encoding="utf-8")
    done = apply("adopt", "single-user")
    assert done.code == ExitCode.OK, done.err
    after = (home / ".env").read_text(encoding="utf-8")
    assert after.startswith(f'# keys\n# PULL_KEY="{lines[0]}\n# {lines[1]}\n# {lines[2]}" # ours\nINTERVAL=3\n')
    assert bare("adopt", "verify").code == ExitCode.OK
    assert bare("adopt", "undo").code == ExitCode.OK
    assert (home / ".env").read_text(encoding="utf-8") == text
    assert apply("adopt", "single-user").code == ExitCode.OK
    assert bare("adopt", "finish", "--yes").code == ExitCode.OK
    after = (home / ".env").read_text(encoding="utf-8")
    assert after.startswith("# keys\n# PULL_KEY=\n#\n#\nINTERVAL=3\n")
    assert not [each for each in lines if each in after]


def test_a_quote_that_is_never_closed_is_named_by_its_line(bare: Program, home: Path) -> None:
    hidden = made_up()
    (home / ".env").write_text(f'A=1\nSHOP_TOKEN="{hidden}\nB=2\n', encoding="utf-8")
    refused = bare("adopt", "single-user")
    assert refused.code != ExitCode.OK
    assert "line 2" in refused.err
    assert hidden not in refused.out + refused.err


def test_a_dry_run_of_undo_says_what_would_come_back_and_changes_nothing(
    apply: Apply, bare: Program, old: Installation, home: Path
) -> None:
    assert apply().code == ExitCode.OK
    before = _files(home)
    told = bare("adopt", "undo", "--dry-run")
    assert told.code == ExitCode.OK, told.err
    assert f"{old.env} would be given back" in told.out
    assert f"{old.database} would be given back" in told.out
    assert "Would be erased from the vault: " in told.out
    assert told.out.endswith("Nothing was changed.\n")
    plain = bare("adopt", "undo", "--dry-run", "--keep-database", "--json").json
    assert (plain["files"], plain["refused"], plain["dry_run"]) == ([str(old.env)], False, True)
    assert sorted(plain["credentials"]) == ["bsky", "mirror", "shop", "smtp"]
    assert _files(home) == before
    assert len(bare("vault", "list", "--json").json) == 4
    assert bare("adopt", "undo").code == ExitCode.OK
    assert old.is_as_before()


def test_a_dry_run_of_undo_names_what_would_be_lost_and_ends_as_undo_would(
    apply: Apply, bare: Program, old: Installation, home: Path
) -> None:
    assert apply().code == ExitCode.OK
    change(old.database, "DELETE FROM notes WHERE id = 1")
    before = _files(home)
    told = bare("adopt", "undo", "--dry-run")
    assert told.code == ExitCode.FAILED
    assert "Would be lost: " in told.out
    assert "Undo would refuse" in told.out
    assert bare("adopt", "undo", "--dry-run", "--json").json["refused"]
    assert bare("adopt", "undo", "--dry-run", "--force").code == ExitCode.OK
    assert _files(home) == before
    assert bare("adopt", "undo").code != ExitCode.OK


def _files(home: Path) -> dict[str, tuple[str, int]]:
    """Return what a move is made of: the application's files, the copies and the journal."""
    return {name: found for name, found in snapshot(home).items() if "horarium.db" not in name}
