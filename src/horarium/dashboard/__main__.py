"""`python -m horarium.dashboard` does what `horarium serve` does."""

from __future__ import annotations

import sys

from horarium.cli.entry import enter

if __name__ == "__main__":
    sys.exit(enter(["serve"]))
