"""Isolated Python processes: kept warm, one run at a time in each, ended with all they started."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from collections import OrderedDict
from dataclasses import asdict
from functools import partial
from pathlib import Path

from horarium.clock import Clock
from horarium.errors import Conflict, CredentialDenied, HorariumError, TargetNotLoadable
from horarium.execution.accounts import AccountPolicy, base_environment, own_account
from horarium.execution.attempt import LiveAttempt, Outcome
from horarium.execution.endings import cause_of, sentence_for
from horarium.execution.frames import Message, Unpacker, pack
from horarium.execution.kinds.command import follow
from horarium.execution.kinds.python import DONE
from horarium.execution.limits import IsolationOptions
from horarium.execution.supervisor import START_SECONDS, Child, Launch, StartFailed, Supervisor
from horarium.records.runs import Failure
from horarium.records.tasks import PythonSpec
from horarium.states import RunState, Stream

QUARANTINE_KILLS = 3
"""A run that has brought down this many processes is not tried again."""
WAIT_SECONDS = 0.5
_REMEMBERED = 1000
_LAST_WORDS = 2000
log = logging.getLogger("horarium.execution")


class WorkerProcess:
    """One isolated process, seen from here."""

    def __init__(self, child: Child, channel: socket.socket) -> None:
        self.child = child
        self.runs = 0
        self.answer: Message | None = None
        self.is_ready = False
        self.last_words = b""
        self._channel = channel
        self._unpacker = Unpacker()
        self._live: LiveAttempt | None = None
        child.listen(partial(self._written, Stream.STDOUT), partial(self._written, Stream.STDERR))
        child.watch(channel.fileno(), self._heard)

    def send(self, message: Message) -> bool:
        """Send a message; False if nobody is there any more."""
        try:
            self._channel.sendall(pack(message))
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    @property
    def is_idle(self) -> bool:
        """Tell whether it is there and waits for an order."""
        try:
            self._channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return self.child.status is None
        except OSError:
            return False
        # It has said something unasked, or hung up.
        return False

    def take_on(self, live: LiveAttempt | None) -> None:
        """Say whose output it is from now on."""
        self._live = live
        self.answer = None

    def step(self, seconds: float | None) -> bool:
        """Wait for something to happen; False when the answer is there, or the end of everything that was asked for."""
        if not self.child.step(seconds):
            return False
        return self.answer is None or (self._live is not None and self._live.ending is not None)

    def close(self) -> None:
        """Let go of it; what is still there is killed."""
        self.child.close()
        self._channel.close()

    def _written(self, stream: Stream, data: bytes) -> None:
        if self._live is not None:
            self._live.buffer.feed(stream, data)
        else:
            self.last_words = (self.last_words + data)[-_LAST_WORDS:]

    def _heard(self, data: bytes) -> None:
        for message in self._unpacker.feed(data):
            if "log" in message:
                if self._live is not None:
                    self._live.take(Stream.LOG, message["log"])
            elif "ready" in message:
                self.is_ready = True
            elif "credential" in message:
                self.send(_opened(self._live, message["credential"]))
            else:
                self.answer = message


def _opened(live: LiveAttempt | None, name: str) -> Message:
    """Open a credential for the function in the process, or say why not; nothing that goes wrong may end the reader."""
    if live is None:
        return {"refused": [CredentialDenied.code, "no run is under way here that could use a credential"]}
    try:
        opened = live.secrets.open(name)
    except HorariumError as error:
        return {"refused": [error.code, str(error)]}
    except Exception:
        log.exception("A credential could not be opened for an isolated process")
        return {"refused": [HorariumError.code, f"the credential {name!r} could not be opened"]}
    return {
        "opened": [opened.credential_id, opened.name, opened.version, dict(opened.fields), sorted(opened.plain)],
    }


class IsolatedKind:
    """Perform Python functions in isolated processes; none is started before the first such run."""

    def __init__(
        self, supervisor: Supervisor, policy: AccountPolicy, clock: Clock, options: IsolationOptions | None = None
    ) -> None:
        self._supervisor = supervisor
        self._policy = policy
        self._clock = clock
        self._options = IsolationOptions() if options is None else options
        self._idle: list[WorkerProcess] = []
        self._count = 0
        self._starting = 0
        self._changed = threading.Condition()
        self._is_stopped = False
        self._kills: OrderedDict[int, int] = OrderedDict()

    def perform(self, live: LiveAttempt, spec: PythonSpec) -> Outcome:
        """Have the function called and wait for the end, raising `TargetNotLoadable` if there is none."""
        if spec.local:
            raise TargetNotLoadable(f"{spec.target!r} lives in one program only and cannot run in another process")
        worker = self._take()
        is_sound = False
        try:
            outcome = self._perform_in(worker, live, spec)
            is_sound = live.ending is None and worker.answer is not None and not worker.answer["left_processes"]
            return outcome
        finally:
            self._give_back(worker, is_sound=is_sound)

    def stop(self) -> None:
        """End all idle processes; busy ones end when their run does."""
        with self._changed:
            self._is_stopped = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def _perform_in(self, worker: WorkerProcess, live: LiveAttempt, spec: PythonSpec) -> Outcome:
        assignment, persona = live.assignment, live.persona()
        order = {
            "run_id": assignment.run_id,
            "attempt": assignment.attempt,
            "task_name": assignment.definition.name,
            "planned_at": assignment.planned_at,
            "target": spec.target,
            "args": spec.args,
            "kwargs": dict(spec.kwargs),
            "params": dict(assignment.params),
            "credentials": assignment.definition.credentials,
            "persona": None if persona is None else [asdict(persona.user), dict(persona.settings)],
        }
        worker.take_on(live)
        live.begin(worker.child.guardian)
        live.set_ender(partial(worker.child.end, self._options.term_seconds))
        worker.send(order)
        follow(live, worker.step)
        live.ender = None
        if live.ending is not None:
            # An answer may have come while somebody asked for the end: the tree must be gone before that is said.
            worker.child.end(self._options.term_seconds)
            follow(live, worker.step)
        worker.child.drain()
        return self._classified(worker, live)

    def _classified(self, worker: WorkerProcess, live: LiveAttempt) -> Outcome:
        answer = worker.answer
        if live.ending is not None:
            failure = None
            if answer is not None and "failed" in answer and live.ending.state is RunState.TIMED_OUT:
                # What it was doing when its time was up is what people want to see.
                failure = Failure("TaskTimeout", live.ending.cause, answer["failed"][2])
            return live.ended(live.ending, failure, worker.child.status)
        if answer is None:
            return self._died(worker, live)
        if "unloadable" in answer:
            raise TargetNotLoadable(answer["unloadable"])
        if "failed" in answer:
            can_retry = live.is_retried_on(*answer["names"])
            return Outcome(RunState.FAILED, Failure(*answer["failed"]), can_retry=can_retry)
        return DONE if answer["done"] is None else Outcome(RunState.SUCCEEDED, None, answer["done"])

    def _died(self, worker: WorkerProcess, live: LiveAttempt) -> Outcome:
        run_id = live.assignment.run_id
        kills = self._kills[run_id] = self._kills.pop(run_id, 0) + 1
        if len(self._kills) > _REMEMBERED:
            self._kills.popitem(last=False)
        cause = f"the isolated process is gone: {cause_of(worker.child)}"
        can_retry = live.is_retried_on("WorkerDied")
        if kills >= QUARANTINE_KILLS:
            cause = f"quarantined: it brought down its process {kills} times; {cause}"
            can_retry = False
        return Outcome(RunState.FAILED, Failure("WorkerDied", cause), None, worker.child.status, cause, can_retry)

    def _take(self) -> WorkerProcess:
        """Return an idle process, or a new one when there are too few or none comes free for a while."""
        while True:
            worker = self._idle_one()
            if worker is None:
                return self._start()
            # Takes in what was written between runs, and notices one that has died meanwhile.
            if worker.child.step(0) and worker.is_idle:
                return worker
            self._give_back(worker, is_sound=False)

    def _idle_one(self) -> WorkerProcess | None:
        has_waited = False
        with self._changed:
            while not self._idle:
                if self._count < self._options.size or has_waited:
                    self._count += 1
                    self._starting += 1
                    return None
                # While one is being started nobody can tell how long the runs take: no more are needed for that.
                has_waited = not self._changed.wait(None if self._starting else WAIT_SECONDS)
            return self._idle.pop()

    def _give_back(self, worker: WorkerProcess, *, is_sound: bool) -> None:
        worker.runs += 1
        worker.take_on(None)
        with self._changed:
            keep = is_sound and not self._is_stopped and self._count <= self._options.size
            keep = keep and worker.runs < self._options.recycle_runs
            if keep:
                self._idle.append(worker)
            else:
                self._count -= 1
            self._changed.notify()
            is_wanted = not keep and not self._is_stopped and self._count < self._options.size
        if not keep:
            worker.close()
        if is_wanted:
            threading.Thread(target=self._warm, name="horarium-warm", daemon=True).start()

    def _warm(self) -> None:
        """Start a process before somebody waits for it."""
        with self._changed:
            if self._is_stopped or self._count >= self._options.size:
                return
            self._count += 1
            self._starting += 1
        try:
            worker = self._start()
        except Exception:
            log.exception("An isolated process could not be started")
            return
        worker.runs = -1
        self._give_back(worker, is_sound=True)

    def _start(self) -> WorkerProcess:
        """Start a process that has been counted already."""
        is_there = False
        try:
            worker = self._started()
            is_there = True
            return worker
        finally:
            with self._changed:
                self._starting -= 1
                self._count -= not is_there
                self._changed.notify_all()

    def _started(self) -> WorkerProcess:
        account = self._policy.account_for()
        options = self._options
        environment = {**base_environment(account, os.environ), **options.environment}
        ours, theirs = socket.socketpair()
        launch = Launch(
            [sys.executable, "-P", "-m", "horarium.execution.worker"],
            {**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            options.cwd or str(Path.cwd()),
            None if account is None else account.identity,
            options.limits,
        )
        with theirs:
            try:
                worker = WorkerProcess(self._supervisor.start(launch, extra=[theirs.fileno()]), ours)
            except StartFailed as error:
                ours.close()
                user = (account or own_account()).name
                why = sentence_for(error, sys.executable, launch.cwd, user)
                raise Conflict(f"the isolated process did not start: {why}") from error
        hello = {"path": sys.path, "environment": {"PYTHONPATH": environment.get("PYTHONPATH")}}
        worker.send(hello | {"targets": options.targets})
        give_up_at = self._clock.monotonic() + START_SECONDS
        while not worker.is_ready:
            left = give_up_at - self._clock.monotonic()
            if left <= 0 or not worker.child.step(left):
                worker.close()
                words = worker.last_words.decode("utf-8", "replace").strip().rpartition("\n")[2]
                raise Conflict(f"the isolated process did not start: {words or cause_of(worker.child)}")
        return worker
