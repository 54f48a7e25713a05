"""The small process that starts task programs and sees to it that whole process trees end.

Run as a script of its own, with nothing but the standard library: a process without threads can fork safely and fast,
and knows nothing worth stealing. For each program it forks a guardian. The guardian is the "subreaper" of everything
below it: a process that starts a session of its own, or whose parent ends, still cannot leave the tree. The guardian
holds a socket to the program that asked; when that closes, for whatever reason, it ends the tree at once.

Requests come over descriptor 0 as a length and JSON, with the descriptors of the guardian's socket, of standard input,
output and error, and of what the program gets as 3, 4, … The guardian answers in lines of JSON and reads lines: a
number asks it to end the tree, with that many seconds between TERM and KILL.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any, NoReturn

NAME = "horarium-run"
LEFTOVER_SECONDS = 2.0
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_KILL_ROUNDS = 100
_STOP_ROUNDS = 50
_ROUND_MILLISECONDS = 20
_HIGH = 100
_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)
_LIMITS = {
    "core": resource.RLIMIT_CORE,
    "address_space": resource.RLIMIT_AS,
    "processes": resource.RLIMIT_NPROC,
    "open_files": resource.RLIMIT_NOFILE,
    "cpu_seconds": resource.RLIMIT_CPU,
    "file_bytes": resource.RLIMIT_FSIZE,
}

Request = dict[str, Any]


def main() -> None:
    """Serve requests until the other side of descriptor 0 is closed."""
    requests = socket.socket(fileno=fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3))
    os.dup2(2, 0)
    for number in _IGNORED:
        # The program that asked decides when tasks end, also when a whole service gets the signal.
        signal.signal(number, signal.SIG_IGN)
    _control(_PR_SET_CHILD_SUBREAPER, 1)
    _control(_PR_SET_DUMPABLE, 0)
    bell = Bell()
    guardians: set[int] = set()
    poll = select.poll()
    poll.register(requests, select.POLLIN)
    poll.register(bell.reading, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if bell.reading in ready:
            bell.clear()
            bury(guardians)
        if requests.fileno() in ready:
            received = receive(requests)
            if received is None:
                return
            request, descriptors = received
            guardian = os.fork()
            if guardian == 0:
                requests.close()
                bell.close()
                guard(request, descriptors)
            guardians.add(guardian)
            for descriptor in descriptors:
                os.close(descriptor)


class Bell:
    """Make signals readable as bytes of a pipe, so that one poll waits for everything."""

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()
        os.set_blocking(self.reading, False)
        os.set_blocking(self._writing, False)
        for number in (signal.SIGCHLD, signal.SIGALRM):
            signal.signal(number, _heard)
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)

    def clear(self) -> bytes:
        """Take all that has rung."""
        try:
            return os.read(self.reading, 65536)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """Let go of the pipe."""
        signal.set_wakeup_fd(-1)
        os.close(self.reading)
        os.close(self._writing)


def receive(requests: socket.socket) -> tuple[Request, list[int]] | None:
    """Return the next request with its descriptors, None at the end."""
    header, descriptors, _, _ = socket.recv_fds(requests, 4, 16)
    if len(header) < 4:
        return None
    left: int = struct.unpack("!I", header)[0]
    parts: list[bytes] = []
    while left:
        part = requests.recv(min(left, 65536))
        if not part:
            return None
        parts.append(part)
        left -= len(part)
    return json.loads(b"".join(parts)), descriptors


def bury(guardians: set[int]) -> None:
    """Collect guardians that have ended; what one that was killed left behind has come to us and is killed."""
    was_killed = False
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            was_killed |= pid in guardians and os.WIFSIGNALED(status)
            guardians.discard(pid)
    if was_killed:
        end_for_good(guardians)


def guard(request: Request, descriptors: list[int]) -> NoReturn:
    """Start the program of a request, tell how it goes, and leave when its whole tree is gone."""
    _control(_PR_SET_CHILD_SUBREAPER, 1)
    _control(_PR_SET_DUMPABLE, 0)
    ctypes.CDLL(None).prctl(_PR_SET_NAME, NAME.encode(), 0, 0, 0)
    code = 1
    try:
        Guardian(socket.socket(fileno=descriptors[0]), request).watch(descriptors[1:])
        code = 0
    finally:
        # Not even an error may take a copy of the warden back into the warden's loop.
        os._exit(code)


class Guardian:
    """Watch over one program and everything that it starts."""

    def __init__(self, control: socket.socket, request: Request) -> None:
        self._control = control
        self._request = request
        self._bell = Bell()
        self._program = 0
        self._has_ended = False
        self._is_ending = False
        self._is_killing = False
        self._asked = b""
        self._memory_kills = memory_kills()

    def watch(self, descriptors: list[int]) -> None:
        """Start the program and stay until nothing of it is left."""
        try:
            started = self._start(descriptors)
            is_gone = started and self._stay()
        finally:
            scrap = self._request.get("scrap")
            if scrap:
                shutil.rmtree(scrap, ignore_errors=True)
        if started:
            self._tell({"gone": is_gone})

    def _start(self, descriptors: list[int]) -> bool:
        reading, writing = os.pipe()
        self._program = os.fork()
        if self._program == 0:
            launch(self._request, descriptors, writing)
        os.close(writing)
        for descriptor in descriptors:
            os.close(descriptor)
        trouble = os.read(reading, 64).decode()
        os.close(reading)
        if trouble:
            os.waitpid(self._program, 0)
            stage, _, number = trouble.partition(":")
            self._tell({"stage": stage, "errno": int(number)})
            return False
        self._tell({"guardian": os.getpid(), "pid": self._program})
        return True

    def _stay(self) -> bool:
        """Wait for the end of everything; False if something could not be ended."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._bell.reading, select.POLLIN)
        rounds = 0
        while self._reap():
            if rounds == _KILL_ROUNDS:
                return False
            ready = {descriptor for descriptor, _ in poll.poll(_ROUND_MILLISECONDS if self._is_killing else None)}
            if self._bell.reading in ready and signal.SIGALRM in self._bell.clear():
                self._is_killing = True
            if self._control.fileno() in ready and not self._listen():
                poll.unregister(self._control)
                self._is_killing = True
            if self._is_killing:
                rounds += 1
                end_for_good()
        return True

    def _reap(self) -> bool:
        """Collect what has ended; tell whether anything is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                self._end_leftovers()
                return True
            if pid == self._program:
                self._has_ended = True
                self._tell(
                    {
                        "status": os.waitstatus_to_exitcode(status),
                        "memory": not self._is_killing and memory_kills() > self._memory_kills,
                    }
                )

    def _end_leftovers(self) -> None:
        if self._has_ended and not (self._is_ending or self._is_killing):
            self._tell({"leftovers": len(descendants(os.getpid()))})
            self._end(LEFTOVER_SECONDS)

    def _listen(self) -> bool:
        """Read what is asked for; False when the other side is gone."""
        try:
            data = self._control.recv(4096)
        except OSError:
            return False
        self._asked += data
        *lines, self._asked = self._asked.split(b"\n")
        for line in lines:
            self._end(float(line))
        return bool(data)

    def _end(self, grace_seconds: float) -> None:
        """Send TERM to all, and set the alarm for KILL; asking again can only make it sooner."""
        if grace_seconds <= 0:
            self._is_killing = True
            return
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        signal.setitimer(signal.ITIMER_REAL, min(grace_seconds, left) if left else grace_seconds)
        if not self._is_ending:
            self._is_ending = True
            for pid in descendants(os.getpid()):
                # A stopped process hears nothing before it is told to go on.
                send(pid, signal.SIGTERM)
                send(pid, signal.SIGCONT)

    def _tell(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self._control.sendall(json.dumps(message).encode() + b"\n")


def launch(request: Request, descriptors: list[int], trouble: int) -> NoReturn:
    """Become the program; on failure write the step and the error number and exit."""
    stage = "start"
    try:
        trouble = fcntl.fcntl(trouble, fcntl.F_DUPFD_CLOEXEC, _HIGH)
        sources = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, _HIGH) for each in descriptors]
        for target, source in enumerate(sources):
            os.dup2(source, target)
        os.setsid()
        for number in (*_IGNORED, signal.SIGCHLD, signal.SIGALRM, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.closerange(len(sources), _HIGH)
        os.umask(request["umask"])
        os.nice(request["nice"])
        stage = "limit"
        for name, value in request["limits"].items():
            limit(_LIMITS[name], value)
        stage = "account"
        if request["account"] is not None:
            uid, gid, groups = request["account"]
            os.setgroups(groups)
            os.setgid(gid)
            os.setuid(uid)
        stage = "cwd"
        os.chdir(request["cwd"])
        stage = "program"
        os.execvpe(request["argv"][0], request["argv"], request["env"])  # noqa: S606 -- this is what a command task is
    except OSError as error:
        os.write(trouble, f"{stage}:{error.errno}".encode())
    except BaseException:  # noqa: BLE001 -- the copy of the guardian must not go on as a second one
        os.write(trouble, f"{stage}:0".encode())
    os._exit(127)


def limit(kind: int, value: int) -> None:
    """Set a limit for the calling process, as far as the present one permits."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def descendants(pid: int, spared: set[int] | frozenset[int] = frozenset()) -> list[int]:
    """Return all processes below this one, parents first, without those of `spared` and below them."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[1-9]*"):
        children.setdefault(parent_of(entry), []).append(int(entry.name))
    found: list[int] = []
    todo = [pid]
    while todo:
        below = [each for each in children.get(todo.pop(), ()) if each not in spared]
        found += below
        todo += below
    return found


def parent_of(entry: Path) -> int:
    """Return the parent of a process of /proc that is alive, 0 for others."""
    try:
        text = Path(entry, "stat").read_bytes()
    except OSError:
        return 0
    # The name in the second field may contain anything, so fields are counted from the last bracket.
    state, parent = text[text.rindex(b")") + 1 :].split(None, 2)[:2]
    return 0 if state in {b"Z", b"X"} else int(parent)


def end_for_good(spared: set[int] | frozenset[int] = frozenset()) -> None:
    """Stop, then kill all below us: what is stopped cannot start new ones while we look for the rest."""
    stopped: set[int] = set()
    for _ in range(_STOP_ROUNDS):
        new = set(descendants(os.getpid(), spared)) - stopped
        if not new:
            break
        for pid in new:
            send(pid, signal.SIGSTOP)
        stopped |= new
    for pid in stopped:
        send(pid, signal.SIGKILL)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone by now or belong to somebody else."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def memory_kills() -> int:
    """Return how often the kernel of this machine has killed a process because memory ran out."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _heard(_number: int, _frame: object) -> None:
    """Do nothing: the byte in the pipe is what counts."""


if __name__ == "__main__":
    main()
