"""The isolated process: `python -m horarium.execution.worker` calls functions that it is told of over descriptor 3.

It lives for many runs. What functions write goes to descriptors 1 and 2 and is read on the other side, so that C code
and programs that a function starts are captured as well; log records travel as messages of their own.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import socket
import sys
import threading
from contextvars import Context
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Any, NoReturn, TextIO

from horarium.errors import (
    Conflict,
    CredentialDenied,
    CredentialUnreadable,
    HorariumError,
    TargetNotLoadable,
    VaultSealed,
)
from horarium.execution.capture import CAPTURE
from horarium.execution.context import RunContext
from horarium.execution.credentials import Secrets
from horarium.execution.failures import describe, names_of
from horarium.execution.frames import Message, pack, receive
from horarium.execution.interrupts import TaskCancelled
from horarium.execution.kinds.python import Prepared, call_in, keywords_of, prepare
from horarium.execution.results import to_json
from horarium.logs.masking import Masker
from horarium.records.people import Persona, RunUser
from horarium.records.secrets import Opened
from horarium.records.tasks import PythonSpec
from horarium.runs.registry import Function, Registry, Rule
from horarium.runs.targets import Targets
from horarium.states import Stream

CHANNEL = 3
_REFUSALS = {each.code: each for each in (CredentialDenied, CredentialUnreadable, VaultSealed)}


class Channel:
    """The way to the program outside; threads of a function may use it together."""

    def __init__(self, line: socket.socket) -> None:
        self.asking = threading.Lock()
        """Held by who waits for an answer."""
        self._line = line
        self._saying = threading.Lock()

    def say(self, message: Message) -> None:
        """Send a message that wants no answer."""
        data = pack(message)
        with self._saying:
            self._line.sendall(data)

    def hear(self) -> Message | None:
        """Wait for the next order or answer; None at the end."""
        return receive(self._line)


class ChannelSource:
    """The credentials of one order: they are asked for outside, where the vault is."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._is_over = False

    def open(self, name: str) -> Opened:
        """Ask for a credential, raising what opening it outside has raised."""
        with self._channel.asking:
            if self._is_over:
                raise Conflict("the run has ended: it cannot open credentials any more")
            self._channel.say({"credential": name})
            answer = self._channel.hear()
        if answer is None:
            raise HorariumError("the program that started this process is gone")
        if "refused" in answer:
            code, sentence = answer["refused"]
            raise _REFUSALS.get(code, HorariumError)(sentence)
        number, name, version, fields, plain = answer["opened"]
        return Opened(number, name, version, fields, frozenset(plain))

    def close(self) -> None:
        """Wait until no thread waits for an answer and let none ask any more: what comes next is another order."""
        with self._channel.asking:
            self._is_over = True


class WorkerScope:
    """The attempt under way in this process."""

    store = None

    def __init__(self, channel: Channel, order: Message, outputs: dict[Stream, TextIO]) -> None:
        self._channel = channel
        self._outputs = outputs
        self.cancel_cause: str | None = None
        self.masker: Masker | None = None
        self._source = ChannelSource(channel)
        self._secrets = Secrets(tuple(order["credentials"]), self._source, self._hide)
        self.run_context = RunContext(
            order["run_id"],
            order["attempt"],
            order["task_name"],
            order["planned_at"],
            params=order["params"],
            cancel_cause=lambda: self.cancel_cause,
            secrets=self._secrets,
            persona=partial(_persona_of, order["persona"]),
        )

    def take(self, stream: Stream, text: str) -> None:
        """Send log records, write the rest to where it was meant for."""
        if stream is Stream.LOG:
            self._channel.say({"log": text})
        else:
            self._outputs[stream].write(text)

    def close(self) -> None:
        """Let go of all credentials."""
        self._secrets.close()
        self._source.close()
        self._secrets.forget()

    def _hide(self, masker: Masker) -> None:
        self.masker = masker


class Worker:
    """Perform one order after the other until the channel closes."""

    def __init__(self, channel: Channel, outputs: dict[Stream, TextIO], rule: Rule | None = None) -> None:
        self._channel = channel
        self._outputs = outputs
        self._registry = Registry(rule)
        self._prepared: dict[str, Prepared] = {}
        self._scope: WorkerScope | None = None
        self._is_ending = False

    def serve(self) -> None:
        """Answer orders until there are no more."""
        signal.signal(signal.SIGTERM, self._asked_to_end)
        self._channel.say({"ready": os.getpid()})
        while not self._is_ending and (order := self._channel.hear()) is not None:
            answer = self._answer(order)
            for output in self._outputs.values():
                output.flush()
            answer["left_processes"] = _has_children()
            self._channel.say(answer)

    def _answer(self, order: Message) -> Message:
        scope = WorkerScope(self._channel, order, self._outputs)
        try:
            self._scope = scope
            value = self._call(order, scope)
            return {"done": to_json(value, scope.masker)}
        except TargetNotLoadable as error:
            return {"unloadable": str(error)}
        # Whatever a function raises belongs to its attempt.
        except BaseException as error:  # noqa: BLE001
            failure = describe(error, scope.masker)
            return {"failed": [failure.type, failure.message, failure.traceback], "names": names_of(error)}
        finally:
            self._scope = None
            scope.close()

    def _call(self, order: Message, scope: WorkerScope) -> Any:
        spec = PythonSpec(order["target"], tuple(order["args"]), order["kwargs"])
        function = self._registry.resolve(spec)
        prepared = self._prepared.get(spec.target)
        if prepared is None:
            prepared = self._prepared[spec.target] = prepare(function)
        if prepared.is_async:
            function = partial(_run_coroutine, function)
        keywords = keywords_of(spec.kwargs, order["params"], prepared, scope)
        try:
            return Context().run(call_in, scope, function, spec.args, keywords)
        except TargetNotLoadable as error:
            # The function's own error must not be taken for ours.
            raise RuntimeError(str(error)) from error

    def _asked_to_end(self, _number: int, _frame: object) -> None:
        self._is_ending = True
        if self._scope is None:
            os._exit(0)
        cause = "the run was asked to end"
        self._scope.cancel_cause = cause
        raise TaskCancelled(cause)


def main() -> NoReturn:
    """Prepare this process as the host asks and serve it."""
    os.set_inheritable(CHANNEL, False)  # noqa: FBT003 -- takes no keyword
    channel = socket.socket(fileno=CHANNEL)
    hello = receive(channel)
    if hello is None:
        sys.exit(0)
    sys.path[:] = hello["path"]
    for name, value in hello["environment"].items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    logging.getLogger().setLevel(logging.INFO)
    outputs = {Stream.STDOUT: sys.stdout, Stream.STDERR: sys.stderr}
    for output in outputs.values():
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    CAPTURE.install()
    names = hello["targets"]
    rule = None if names is None else Targets(names[0], always=names[1])
    Worker(Channel(channel), outputs, rule).serve()
    sys.exit(0)


def _persona_of(told: list[dict[str, Any]] | None) -> Persona | None:
    return None if told is None else Persona(RunUser(**told[0]), MappingProxyType(told[1]))


def _run_coroutine(function: Function, *args: Any, **keywords: Any) -> Any:
    # Most functions are none, and their process starts sooner without asyncio.
    return import_module("asyncio").run(function(*args, **keywords))


def _has_children() -> bool:
    """Tell whether a process that the function started is still there."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


if __name__ == "__main__":
    main()
