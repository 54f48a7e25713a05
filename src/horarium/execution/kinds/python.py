"""Python functions performed in the thread that took the assignment."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from contextvars import Context
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, Final, NamedTuple

from horarium.execution.attempt import LiveAttempt, Outcome
from horarium.execution.context import CURRENT, RunContext, Scope
from horarium.execution.failures import describe, is_worth_retry, names_of
from horarium.execution.results import to_json
from horarium.records.tasks import PythonSpec
from horarium.runs.registry import Function, Registry
from horarium.states import RunState

DONE = Outcome(RunState.SUCCEEDED)
_COROUTINES: Final = "horarium.execution.coroutines"


class Prepared(NamedTuple):
    """A function, and what had to be found out about it once."""

    function: Function
    is_async: bool
    context_name: str | None


class PythonKind:
    """Perform Python functions in the calling thread."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._prepared: dict[str, Prepared] = {}

    def perform(self, live: LiveAttempt, spec: PythonSpec) -> Outcome:
        """Call the function, raising `TargetNotLoadable` if there is none."""
        function = self._registry.resolve(spec)
        prepared = self._prepared.get(spec.target)
        if prepared is None or prepared.function is not function:
            prepared = self._prepared[spec.target] = prepare(function)
        keywords = keywords_of(spec.kwargs, live.assignment.params, prepared, live)
        call = partial(_coroutines().run, live, function) if prepared.is_async else function
        live.begin(os.getpid(), watched=True)
        try:
            # A fresh context for each attempt: nothing that one run sets is seen by the next one in this thread.
            value = Context().run(call_in, live, call, spec.args, keywords)
        # Whatever a task raises, SystemExit too, ends the attempt and not the thread.
        except BaseException as error:  # noqa: BLE001
            return failed(live, error)
        return DONE if value is None else Outcome(RunState.SUCCEEDED, None, to_json(value, live.masker))


def prepare(function: Function) -> Prepared:
    """Find out whether the function is a coroutine function and which parameter wants the run context."""
    call = getattr(function, "__call__", None)  # noqa: B004 -- instances whose class has an async __call__
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
    return Prepared(function, is_async, _context_name(function))


def keywords_of(
    keywords: Mapping[str, Any], params: Mapping[str, Any], prepared: Prepared, scope: Scope
) -> Mapping[str, Any]:
    """Return the keyword arguments of a call: those of the task, those of this run, the context if it is wanted."""
    if params:
        keywords = {**keywords, **params}
    if prepared.context_name is not None:
        keywords = {**keywords, prepared.context_name: scope.run_context}
    return keywords


def failed(live: LiveAttempt, error: BaseException) -> Outcome:
    """Return the outcome of a function that raised."""
    if live.ending is not None:
        return live.ended(live.ending, describe(error, live.masker))
    can_retry = is_worth_retry(live.assignment.definition.policies.retry, names_of(error))
    return Outcome(RunState.FAILED, describe(error, live.masker), can_retry=can_retry)


def call_in(scope: Scope, function: Function, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    """Call the function as part of the attempt; to be run in a context of its own."""
    CURRENT.set(scope)
    return function(*args, **keywords)


def _coroutines() -> ModuleType:
    """Return the module that runs coroutines; it is loaded, and asyncio with it, when the first one comes."""
    return import_module(_COROUTINES)


def _context_name(function: Function) -> str | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    for each in parameters:
        if each.kind not in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}:
            continue
        if each.name == "run_context" or (each.name == "context" and _is_run_context(each.annotation)):
            return each.name
    return None


def _is_run_context(annotation: object) -> bool:
    if isinstance(annotation, str):
        return annotation.strip("\"'").rpartition(".")[2] == RunContext.__name__
    return annotation is RunContext
