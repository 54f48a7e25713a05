"""The exceptions that ask a running function to end, and how one is raised in another thread."""

from __future__ import annotations


class TaskInterrupt(BaseException):
    """Ask a running task to end; not an `Exception`, so that a task's own handlers let it through."""


class TaskTimeout(TaskInterrupt):
    """Say that the attempt has reached its time limit."""


class TaskCancelled(TaskInterrupt):
    """Say that somebody cancelled the run, or that the program stops."""


def strike(thread_id: int, kind: type[TaskInterrupt]) -> None:
    """Raise an exception in another thread, at its next step of Python code.

    A thread that waits inside a call of the operating system notices when that call returns.
    """
    import ctypes  # noqa: PLC0415

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(kind))
