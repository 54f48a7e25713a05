"""Say who acts in a program, and guard its functions: only somebody signed in, an administrator, oneself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final, TypeVar, cast

from horarium.errors import Denied, SignInFirst
from horarium.records.people import User

Function = TypeVar("Function", bound=Callable[..., Any])
_ACTING: Final[ContextVar[User | None]] = ContextVar("horarium_acting", default=None)


@contextmanager
def acting_as(user: User | None) -> Iterator[None]:
    """Let `user` be who acts inside the block, in this thread or coroutine; None is nobody.

    A program does this once for each request, with the person that `UserManager.validate_session` has just returned:
    so whoever lost a right has lost it with the next request.
    """
    before = _ACTING.set(user)
    try:
        yield
    finally:
        _ACTING.reset(before)


def current_user() -> User:
    """Return who acts. Raises `SignInFirst` where nobody does, or only somebody whose account is closed."""
    user = _ACTING.get()
    if user is None or not user.is_enabled:
        raise SignInFirst
    return user


def require_auth(function: Function) -> Function:
    """Decorate a function so that only somebody signed in can call it; else `SignInFirst` is raised."""
    return _guarded(function, lambda _arguments: current_user())


def require_admin(function: Function) -> Function:
    """Decorate a function so that only an administrator can call it; else `SignInFirst` or `Denied` is raised."""

    def check(_arguments: dict[str, Any]) -> None:
        if not current_user().is_admin:
            raise Denied("only administrators may do this")

    return _guarded(function, check)


def require_self_or_admin(function: Function) -> Function:
    """Decorate a function with a parameter `user_id` so that only this person or an administrator can call it.

    Else `SignInFirst` or `Denied` is raised. Raises `TypeError` at once for a function without that parameter.
    """
    if "user_id" not in inspect.signature(function).parameters:
        raise TypeError(f"{function.__qualname__} has no parameter user_id")

    def check(arguments: dict[str, Any]) -> None:
        user = current_user()
        if not user.is_admin and user.id != arguments.get("user_id"):
            raise Denied("only they themselves and administrators may do this")

    return _guarded(function, check)


def _guarded(function: Function, check: Callable[[dict[str, Any]], object]) -> Function:
    signature = inspect.signature(function)

    def arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def guarded_coroutine(*args: Any, **kwargs: Any) -> Any:
            check(arguments(args, kwargs))
            return await function(*args, **kwargs)

        return cast("Function", guarded_coroutine)

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        check(arguments(args, kwargs))
        return function(*args, **kwargs)

    return cast("Function", guarded)
