"""What processes of tasks may use, and how isolated ones are kept: plain figures, known before any is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TERM_SECONDS = 5.0
"""How long a program has between TERM and KILL."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program and each one it starts may use; None leaves the limit of this process.

    `processes` counts those of the whole account, as the operating system does.
    """

    core: int | None = 0
    address_space: int | None = None
    processes: int | None = None
    open_files: int | None = None
    cpu_seconds: int | None = None
    file_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class IsolationOptions:
    """How isolated processes are kept: how many stay warm, and after how many runs one is replaced.

    `environment` adds to the fixed small one; a program whose functions rely on its whole environment gives that.
    `cwd` is the working folder, None for the one of this program. `targets` are the `parts` of the
    `horarium.runs.targets.Targets` that the processes import, None for any.
    """

    size: int = 2
    recycle_runs: int = 2000
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    targets: tuple[Sequence[str], Sequence[str]] | None = None
    limits: Limits = field(default_factory=Limits)
    term_seconds: float = TERM_SECONDS
