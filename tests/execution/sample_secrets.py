"""Functions that use credentials, carelessly and otherwise; tests name them by `module:function`."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from contextvars import copy_context
from pathlib import Path

from horarium.errors import Conflict, CredentialDenied, VaultSealed
from horarium.execution.context import RunContext, current_run
from tests.support.encodings import shown


def about(context: RunContext, name: str = "smtp") -> dict[str, object]:
    """Say what can be said of a credential."""
    found = context.credential(name)
    return {
        "names": list(context.credentials),
        "fields": sorted(found.fields),
        "repr": [repr(found), str(found.fields), f"{found}"],
        "same": found["password"] == found.password == found.fields["password"] == found.get("password"),
        "version": found.version,
        "length": len(found.password),
    }


def ask(name: str, context: RunContext) -> str:
    """Ask for a credential and return how that was refused."""
    try:
        context.credential(name)
    except (CredentialDenied, VaultSealed) as error:
        return f"{type(error).__name__}: {error}"
    return "given"


def insist(name: str, context: RunContext) -> None:
    """Ask for a credential and fail if it is refused."""
    context.credential(name)


def tell(context: RunContext) -> dict[str, object]:
    """Show a secret in every way, on every stream, slowly and torn apart, and return it."""
    print("what comes before it is opened")  # noqa: T201
    secret = context.credential("smtp").password
    for name, form in shown(secret).items():
        print(f"{name}: {form}")  # noqa: T201
        sys.stderr.write(f"{name}: {form}\n")
        logging.getLogger("careless").warning("%s: %s", name, form)
    for sign in f"slowly {secret}\n":
        sys.stdout.write(sign)
        sys.stdout.flush()
        time.sleep(0.001)
    sys.stdout.write("x" * (4096 - 20))
    sys.stdout.flush()
    sys.stdout.write(f"{secret}\n")
    os.write(1, f"from below {secret}\n".encode())
    return {"forms": shown(secret), secret: [secret.encode()]}


def stumble(context: RunContext) -> None:
    """Fail with a secret in message, chain and notes."""
    secret = context.credential("smtp").password
    try:
        int(f"first {secret}")
    except ValueError as error:
        failure = RuntimeError(f"then {shown(secret)}", secret)
        failure.add_note(f"a note on {secret}")
        logging.getLogger("careless").exception("with %s", secret)
        raise failure from error


def babble(context: RunContext) -> None:
    """Fail with a message so long that it is cut in the middle of a secret."""
    secret = context.credential("smtp").password
    raise RuntimeError(secret * 500)


def show_processes(context: RunContext) -> list[str]:
    """Return the names of processes that have the secret in their arguments or environment."""
    secret = context.credential("smtp").password.encode()
    return sorted(_places_with(secret))


def _places_with(secret: bytes) -> set[str]:
    found = set()
    for process in Path("/proc").glob("[1-9]*"):
        for place in ("cmdline", "environ"):
            try:
                if secret in (process / place).read_bytes():
                    found.add(f"{process.name}/{place}")
            except OSError:
                continue
    return found


def ask_from_threads(context: RunContext) -> list[int]:
    """Open two credentials from many threads together."""
    lengths: list[int] = []

    def open_both() -> None:
        lengths.extend(len(context.credential(name).password) for name in ("smtp", "other"))
        logging.getLogger("careless").info("opened %s", "x" * 50_000)

    threads = [threading.Thread(target=copy_context().run, args=(open_both,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return lengths


_kept: list[RunContext] = []


def keep_context() -> None:
    """Keep the context of this run for another one."""
    _kept.append(current_run())


def use_kept() -> str:
    """Ask for a credential with the context of a run that is over."""
    try:
        return f"given {len(_kept.pop().credential('smtp'))}"
    except Conflict as error:
        return str(error)
