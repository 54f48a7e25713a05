"""The other end of `benchmarks.children`: calls one function and prints its answer as the last line."""

from __future__ import annotations

import json
import sys
from importlib import import_module


def main() -> None:
    """Call what the command line names."""
    module, _, name = sys.argv[1].partition(":")
    answer = getattr(import_module(module), name)(**json.loads(sys.argv[2]))
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
