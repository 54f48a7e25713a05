"""Functions that show every secret they are given, in every way there is; a server in a test imports them by name."""

from __future__ import annotations

import base64
import codecs
import json
import logging
import os
import sys
import textwrap
import time

from horarium import RunContext
from tests.support.encodings import shown

LOG = logging.getLogger("leaks")


def tell(name: str, fields: list[str], run_context: RunContext, *, below: bool = False) -> dict[str, object]:
    """Print each secret in each encoding, whole, wrapped, in pieces and over the borders of reads; then return it.

    With `below` also past what Python writes with: in a thread of the server that is the server's own output.
    """
    given: dict[str, object] = {}
    for field in fields:
        secret = run_context.credential(name)[field]
        for word, form in [*shown(secret).items(), *enumerate(secret.splitlines())]:
            print(f"{field} as {word}: {form}")  # noqa: T201
            sys.stderr.write(f"{field} as {word}: {form}\n")
            LOG.warning("%s as %s: %s", field, word, form)
        print(*textwrap.wrap(base64.b64encode(secret.encode()).decode(), 76), sep="\n")  # noqa: T201
        print(codecs.encode(secret.encode(), "hex").decode("ascii"), json.dumps({"in": {"deep": [secret]}}))  # noqa: T201
        _in_pieces(secret)
        if below:
            os.write(1, f"from below {secret}\n".encode())
            os.write(2, f"from below {secret}\n".encode())
        given[field] = {**shown(secret), secret: [secret.encode(), {"deep": (secret,)}]}
    return given


def stumble(name: str, fields: list[str], run_context: RunContext) -> None:
    """Raise each secret: in the message, in what caused it, in notes, in the names of classes."""
    secrets = [run_context.credential(name)[field] for field in fields]
    try:
        int(f"first {secrets}")
    except ValueError as error:
        failure = type("Failed", (RuntimeError,), {})(*secrets, {each: shown(each) for each in secrets})
        for each in secrets:
            failure.add_note(f"a note on {each}")
        LOG.exception("with %s", secrets)
        raise failure from error


def hold(name: str, fields: list[str], run_context: RunContext) -> None:
    """Print each secret, and wait to be killed."""
    for field in fields:
        print(run_context.credential(name)[field], flush=True)  # noqa: T201
    print("held", flush=True)  # noqa: T201
    time.sleep(60)


def _in_pieces(secret: str) -> None:
    for sign in f"slowly {secret}\n":
        sys.stdout.write(sign)
        sys.stdout.flush()
    for before in (4096, 65_536):
        sys.stdout.write("x" * (before - len(secret) // 2))
        sys.stdout.flush()
        sys.stdout.write(f"{secret}\n")
        sys.stdout.flush()
