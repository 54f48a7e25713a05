"""What the kernel says about a process. Imports next to nothing: measured processes use it on themselves."""

from __future__ import annotations

import os


def memory_mib(pid: int | str = "self") -> float:
    """Return the resident memory of a process in MiB."""
    return _numbers(f"/proc/{pid}/status")["VmRSS"] / 1024


def own_share_mib(pid: int | str) -> float:
    """Return the memory of a process in MiB, of pages that several processes use its part alone."""
    return _numbers(f"/proc/{pid}/smaps_rollup")["Pss"] / 1024


def cpu_seconds(pid: int | str = "self") -> float:
    """Return the processor time that all threads of a process have taken, in seconds, to the nanosecond."""
    return sum(int(_text(f"/proc/{pid}/task/{each}/schedstat").split()[0]) for each in _threads(pid)) / 1e9


def wake_ups(pid: int | str) -> int:
    """Return how often the threads of a process have gone to sleep and been woken."""
    return sum(_numbers(f"/proc/{pid}/task/{each}/status")["voluntary_ctxt_switches"] for each in _threads(pid))


def _threads(pid: int | str) -> list[str]:
    return os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - nothing more is imported than the interpreter has


def _numbers(path: str) -> dict[str, int]:
    lines = (line.partition(":") for line in _text(path).splitlines())
    return {name: int(rest.split()[0]) for name, _, rest in lines if rest.split() and rest.split()[0].isdecimal()}


def _text(path: str) -> str:
    with open(path, encoding="ascii") as file:  # noqa: PTH123 - as above
        return file.read()
