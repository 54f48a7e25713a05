"""How the end of a process is told to people: exit code, signal, memory, limits."""

from __future__ import annotations

import errno
import signal

from horarium.execution.supervisor import Child, StartFailed

_LIMIT_SIGNALS = {
    signal.SIGXCPU: "it used up its processor time",
    signal.SIGXFSZ: "it wrote a file larger than it may",
}

_SENTENCES = {
    ("program", errno.ENOENT): "there is no program {program!r}",
    ("program", errno.EACCES): "the program {program!r} cannot be run by {user}",
    ("program", errno.ENOEXEC): "the file {program!r} is no program: it needs a first line such as #!/bin/sh",
    ("cwd", errno.ENOENT): "there is no working folder {cwd!r}",
    ("cwd", errno.ENOTDIR): "there is no working folder {cwd!r}",
    ("cwd", errno.EACCES): "the working folder {cwd!r} is not open to {user}",
    ("", errno.E2BIG): "the arguments and the environment are larger than the system takes",
}


def cause_of(child: Child) -> str:
    """Return one clause that says how the program ended, without a full stop."""
    status = child.status
    if status is None:
        return "it ended without an exit code"
    if status >= 0:
        return f"it ended with exit code {status}"
    number = -status
    name = _signal_name(number)
    said = f"it was ended by signal {number} ({name})"
    if number in _LIMIT_SIGNALS:
        return f"{said}: {_LIMIT_SIGNALS[signal.Signals(number)]}"
    if number == signal.SIGKILL and child.ran_out_of_memory:
        return f"{said}: the machine ran out of memory"
    return said


def sentence_for(error: StartFailed, program: str, cwd: str, user: str) -> str:
    """Return why a program could not be started, in terms of the task."""
    sentence = _SENTENCES.get((error.stage, error.number)) or _SENTENCES.get(("", error.number))
    return str(error) if sentence is None else sentence.format(program=program, cwd=cwd, user=user)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "a real-time signal"
