"""What the machine says about itself that settings start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from horarium.config.values import as_zone

_OF_UTC = frozenset({"UTC", "UCT", "Zulu", "Universal", "Etc/UTC", "Etc/UCT", "Etc/Zulu", "Etc/Universal"})


def host_zone(environ: Mapping[str, str], root: Path = Path("/")) -> str:
    """Return the IANA name of the machine's time zone, "UTC" when it does not say."""
    for name in (environ.get("TZ", "").removeprefix(":"), _linked(root), _written(root)):
        try:
            if name:
                return "UTC" if name in _OF_UTC else as_zone(name)
        except ValueError:
            continue
    return "UTC"


def _linked(root: Path) -> str:
    try:
        target = str((root / "etc/localtime").readlink())
    except OSError:
        return ""
    return target.partition("zoneinfo/")[2].removeprefix("posix/").removeprefix("right/")


def _written(root: Path) -> str:
    try:
        return (root / "etc/timezone").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
