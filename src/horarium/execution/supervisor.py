"""Programs started under a guardian: their output, their end, and the end of everything they started.

How it works and why is written down in decision 5; the other side is `warden`.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from horarium.errors import HorariumError
from horarium.execution.limits import Limits

START_SECONDS = 20.0
_CHUNK = 65536
_DRAIN_CHUNKS = 32

Reader = Callable[[bytes], None]


class StartFailed(HorariumError):
    """Report that a program could not be started, with the step that failed and the system's error number."""

    code = "start_failed"

    def __init__(self, stage: str, number: int) -> None:
        self.stage = stage
        self.number = number
        super().__init__(f"the program could not be started: {os.strerror(number)} (at the step {stage!r})")


@dataclass(frozen=True, slots=True)
class Launch:
    """A program to start: its arguments, its whole environment, its folder, who it runs as, its limits.

    `scrap` is a folder that is removed when everything is over, also when this process dies before.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)
    cwd: str
    account: tuple[int, int, list[int]] | None = None
    limits: Limits = field(default_factory=Limits)
    umask: int = 0o077
    nice: int = 0
    scrap: str | None = None

    def to_json(self) -> bytes:
        """Return the request as the warden reads it."""
        plain = asdict(self)
        plain["limits"] = {name: value for name, value in plain["limits"].items() if value is not None}
        return json.dumps(plain).encode("utf-8", "surrogateescape")


class Child:
    """A started program. `guardian` is the process that lives until the whole tree is gone, `pid` the program.

    `status` is its exit code once it has ended, negative for a signal; `is_over` says that nothing of it is left.
    """

    def __init__(self, control: socket.socket, outputs: tuple[int, int]) -> None:
        self._control = control
        self._outputs: tuple[int, ...] = outputs
        self._poll = select.poll()
        self._readers: dict[int, Callable[[], bool]] = {}
        self._heard = b""
        self._closing = threading.Lock()
        self.guardian = 0
        self.pid = 0
        self.status: int | None = None
        self.ran_out_of_memory = False
        self.leftovers = 0
        self.is_gone = True
        self.is_over = False
        self._watch(control.fileno(), self._hear)

    def confirm(self) -> bool:
        """Wait for word of the start; False if nobody answers, `StartFailed` if it did not work."""
        self._control.settimeout(START_SECONDS)
        try:
            while not self.guardian and not self.is_over:
                self.is_over = not self._hear()
        except TimeoutError:
            return False
        self._control.settimeout(None)
        return not self.is_over

    def listen(self, stdout: Reader, stderr: Reader) -> None:
        """Hand what the program writes to these from now on."""
        for descriptor, reader in zip(self._outputs, (stdout, stderr), strict=True):
            os.set_blocking(descriptor, False)
            self.watch(descriptor, reader)

    def watch(self, descriptor: int, reader: Reader) -> None:
        """Hand what can be read from the descriptor to the reader, until its end."""
        self._watch(descriptor, lambda: _pass_on(descriptor, reader))

    def step(self, seconds: float | None) -> bool:
        """Wait until something happens, at most this long; tell whether there is more to come."""
        if self.is_over:
            return False
        for descriptor, _ in self._poll.poll(None if seconds is None else max(seconds, 0) * 1000):
            if not self._readers[descriptor]():
                self._poll.unregister(descriptor)
                if descriptor == self._control.fileno():
                    self.is_over = True
        if self.is_over:
            self.drain()
        return not self.is_over

    def drain(self) -> None:
        """Take what has been written so far, without waiting for more."""
        for descriptor in self._outputs:
            reader = self._readers.get(descriptor)
            for _ in range(_DRAIN_CHUNKS):
                if reader is None or not _has_data(descriptor) or not reader():
                    break

    def end(self, grace_seconds: float) -> None:
        """Ask for the end of the whole tree, from any thread: TERM, and KILL after the grace."""
        with self._closing:
            if self._control.fileno() >= 0:
                try:
                    self._control.send(f"{grace_seconds}\n".encode())
                except OSError:
                    # The guardian has left: everything is over, which is what was wanted.
                    return

    def close(self) -> None:
        """Let go of it; what is still there is killed."""
        with self._closing:
            _hang_up(self._control)
        for descriptor in self._outputs:
            os.close(descriptor)
        self._outputs = ()
        self._readers.clear()

    def _watch(self, descriptor: int, take: Callable[[], bool]) -> None:
        self._readers[descriptor] = take
        self._poll.register(descriptor, select.POLLIN)

    def _hear(self) -> bool:
        try:
            data = self._control.recv(_CHUNK)
        except ConnectionError:
            return False
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            self._note(json.loads(line))
        return bool(data)

    def _note(self, message: dict[str, Any]) -> None:
        if "stage" in message:
            raise StartFailed(message["stage"], message["errno"])
        if "guardian" in message:
            self.guardian, self.pid = message["guardian"], message["pid"]
        if "status" in message:
            self.status, self.ran_out_of_memory = message["status"], message["memory"]
        self.leftovers = message.get("leftovers", self.leftovers)
        self.is_gone = message.get("gone", self.is_gone)


class Supervisor:
    """Start programs through one warden process, which is itself started with the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: socket.socket | None = None
        self._warden: subprocess.Popen[bytes] | None = None
        self._end_warden: Callable[[], object] = _nothing
        self._owner = os.getpid()

    def start(self, launch: Launch, stdin: int | None = None, extra: Sequence[int] = ()) -> Child:
        """Start the program with `stdin`, else nothing to read, and `extra` as 3 and on; raise `StartFailed`."""
        payload = launch.to_json()
        for _ in range(2):
            child, asked = self._ask(payload, stdin, extra)
            try:
                if child.confirm():
                    return child
            except StartFailed:
                child.close()
                raise
            child.close()
            # The warden was killed by somebody: a new one takes over, if it has not done so for another thread.
            self._forget(asked)
        raise StartFailed("warden", 0)

    def stop(self) -> None:
        """End the warden; what it started and is not closed yet is watched by its own guardian."""
        with self._lock:
            self._let_go()

    def _ask(
        self, payload: bytes, stdin: int | None, extra: Sequence[int]
    ) -> tuple[Child, subprocess.Popen[bytes] | None]:
        """Send the request; return what will tell of the program, and the warden that was asked."""
        ours, theirs = _pair()
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY) if stdin is None else -1
        try:
            descriptors = [theirs.fileno(), nothing if stdin is None else stdin, out_write, err_write, *extra]
            asked = self._send(payload, descriptors)
        finally:
            theirs.close()
            for descriptor in (out_write, err_write, nothing):
                if descriptor >= 0:
                    os.close(descriptor)
        return Child(ours, (out_read, err_read)), asked

    def _send(self, payload: bytes, descriptors: list[int]) -> subprocess.Popen[bytes] | None:
        with self._lock:
            try:
                _send_request(self._warden_socket(), payload, descriptors)
            except (BrokenPipeError, ConnectionResetError):
                self._let_go()
                _send_request(self._warden_socket(), payload, descriptors)
            return self._warden

    def _forget(self, warden: subprocess.Popen[bytes] | None) -> None:
        with self._lock:
            if self._warden is warden:
                self._let_go()

    def _let_go(self) -> None:
        """Close our side, which ends the warden, and collect it."""
        self._requests = self._warden = None
        end, self._end_warden = self._end_warden, _nothing
        end()

    def _warden_socket(self) -> socket.socket:
        if self._owner != os.getpid():
            self._let_go()
        if self._requests is None:
            ours, theirs = _pair()
            with theirs:
                warden = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(Path(__file__).with_name("warden.py"))],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                    start_new_session=True,
                )
            self._requests, self._warden, self._owner = ours, warden, os.getpid()
            # Whoever lets go of a supervisor without stopping it must not leave its warden behind.
            ending = weakref.finalize(self, _end_warden, ours, warden)
            ending.atexit = False
            self._end_warden = ending
        return self._requests


_sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def _pair() -> tuple[socket.socket, socket.socket]:
    """Make two connected sockets; a fork of this process must not keep ours open when we die."""
    ours, theirs = socket.socketpair()
    _sockets.add(ours)
    return ours, theirs


def _hang_up(ours: socket.socket) -> None:
    """Close the connection itself: a copy of the socket in some fork must not keep it."""
    with suppress(OSError):
        ours.shutdown(socket.SHUT_RDWR)
    ours.close()


def _end_warden(ours: socket.socket, warden: subprocess.Popen[bytes]) -> None:
    """Hang up, which ends the warden, and collect it."""
    _hang_up(ours)
    warden.wait()


def _nothing() -> None:
    return None


def _close_in_fork() -> None:
    for each in tuple(_sockets):
        each.close()


os.register_at_fork(after_in_child=_close_in_fork)


def _send_request(requests: socket.socket, payload: bytes, descriptors: list[int]) -> None:
    socket.send_fds(requests, [struct.pack("!I", len(payload))], descriptors)
    requests.sendall(payload)


def _pass_on(descriptor: int, reader: Reader) -> bool:
    try:
        data = os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    if data:
        reader(data)
    return bool(data)


def _has_data(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return any(event & select.POLLIN for _, event in poll.poll(0))
