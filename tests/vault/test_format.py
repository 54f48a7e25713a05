"""The page about the format is so exact that the program on it opens a value."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from horarium.store.opening import open_store
from tests.architecture.sources import ROOT
from tests.support.people import SetClock, made_up
from tests.support.vault import HOST, House, new_secret

PAGE = ROOT / "docs" / "reference" / "vault-format.md"


def test_r67_a_separate_program_from_the_page_opens_a_value(data_folder: Path) -> None:
    program = re.findall(r"^```python opener\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(program) == 1
    assert "import horarium" not in program[0]
    assert "from horarium" not in program[0]
    path, secret, value = data_folder / "h.db", new_secret(), f"{made_up()} ünd\nmore"
    store = open_store(path)
    house = House(store, SetClock(), secret)
    found = house.save("shop", made_up())
    house.credentials.replace(found.id, {"token": value}, asker=HOST)
    store.close()
    ran = subprocess.run(
        [sys.executable, "-c", program[0], str(path), str(found.id), "token"],
        env={**os.environ, "SECRET_KEY": secret.decode(), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout.decode("utf-8") == f"{value}\n"
