"""P4: what it costs to wait."""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median

from benchmarks.children import folder, living, settle
from benchmarks.figures import Report, growth
from benchmarks.options import Options
from benchmarks.process import cpu_seconds, memory_mib, own_share_mib, wake_ups

ENGINES = {
    "Horarium": ("benchmarks.ours:idle", {}),
    "APScheduler memory": ("benchmarks.peers:idle", {"store": "memory"}),
    "APScheduler SQLite": ("benchmarks.peers:idle", {"store": "sqlite"}),
}
MAIN = 1


def measure(options: Options) -> Report:
    """Watch idle processes from outside, all of one round at the same time."""
    sizes = options.sizes(1, 10, 100)
    report = Report(
        "P4",
        "Idle",
        "Schedules that do not fall due, in a fresh process without the web part, watched from outside: processor "
        "time and wake-ups of all its threads; memory, first its own share (PSS: of a page that several processes "
        "use, each counts its part), then all that is resident (RSS).",
        ("engine", "schedules", "CPU %", "wake-ups/s", "PSS MiB", "RSS MiB", "growth of CPU"),
    )
    seconds = options.pick(30, 10, 1)
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(options.pick(5, 3, 1)):
        for key, figures in _round(sizes, seconds).items():
            found.setdefault(key, []).append(figures)
    memory = {(name, size): _memory(name, size, min(3, seconds)) for name in ENGINES for size in sizes}
    for name in ENGINES:
        middle = {size: tuple(map(median, zip(*found[name, size], strict=True))) for size in sizes}
        grown = growth([(size, middle[size][0]) for size in sizes])
        for size, (cpu, wakes) in middle.items():
            cells = (f"{cpu:.3f}", f"{wakes:.2f}", *(f"{each:.1f}" for each in memory[name, size]))
            report.rows.append((name, str(size), *cells, grown))
        if name == "Horarium":
            (cpu, wakes), (own, _) = middle[sizes[MAIN]], memory[name, sizes[MAIN]]
            report.judge("CPU", f"{cpu:.3f} %", "≤ 0.1 %", reached=cpu <= 0.1)
            report.judge("wake-ups", f"{wakes:.2f}/s", "≤ 2/s", reached=wakes <= 2)
            report.judge("memory (PSS)", f"{own:.1f} MiB", "≤ 40 MiB", reached=own <= 40)
    return report


def _round(sizes: tuple[int, ...], seconds: int) -> dict[tuple[str, int], tuple[float, float]]:
    pids: dict[tuple[str, int], int] = {}
    with ExitStack() as stack:
        for name, (what, values) in ENGINES.items():
            for size in sizes:
                place = stack.enter_context(folder())
                child = stack.enter_context(living(what, place=str(place), count=size, **values))
                pids[name, size] = child.pid
        settle(min(3, seconds))
        before = {key: (cpu_seconds(pid), wake_ups(pid)) for key, pid in pids.items()}
        settle(seconds)
        after = {key: (cpu_seconds(pid), wake_ups(pid)) for key, pid in pids.items()}
    return {
        key: ((cpu - before[key][0]) / seconds * 100, (wakes - before[key][1]) / seconds)
        for key, (cpu, wakes) in after.items()
    }


def _memory(name: str, size: int, seconds: int) -> tuple[float, float]:
    """Look at one process while no other of ours is there to share pages with."""
    what, values = ENGINES[name]
    with folder() as place, living(what, place=str(place), count=size, **values) as child:
        settle(seconds)
        return own_share_mib(child.pid), memory_mib(child.pid)
