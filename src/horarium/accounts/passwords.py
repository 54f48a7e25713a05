"""Keep passwords: which ones are good enough, how they are hashed, and how much hashing may go on at once."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from horarium.errors import TooBusy

SHORTEST: Final = 10
LONGEST: Final = 128
MEMORY_KIB: Final = 19 * 1024
ROUNDS: Final = 2
LANES: Final = 1
AT_ONCE: Final = 4
WAITING: Final = 16
PATIENCE_SECONDS: Final = 10.0
_OWN_WORDS: Final = ("horarium",)


class PasswordVerdict(list[str]):
    """What is said about a password: a sentence for each reason against it.

    It is true when there is none, so that `if validate_password(…)` means what it says.
    """

    def __bool__(self) -> bool:
        return len(self) == 0

    @property
    def reasons(self) -> list[str]:
        """Return the reasons as a plain list."""
        return list(self)


def validate_password(password: str, *, name: str = "") -> PasswordVerdict:
    """Say why this is no good password, a sentence for each reason; with none the answer is true.

    `name` is the person's own: user name, display name and address, separated by blanks.
    """
    reasons = PasswordVerdict()
    if len(password) < SHORTEST:
        reasons.append(f"Use at least {SHORTEST} characters; 15 or more are better.")
    if len(password) > LONGEST:
        reasons.append(f"Use at most {LONGEST} characters.")
    if len(set(password)) < 4 and len(password) >= SHORTEST:
        reasons.append("Use more than three different characters.")
    core = _core(password)
    if core in common_passwords() or password.casefold() in common_passwords():
        reasons.append("This is one of the passwords that are tried first; choose one that nobody else has.")
    if core in _own(name):
        reasons.append("Do not build it from your own name or the name of this program.")
    return reasons


@cache
def common_passwords() -> frozenset[str]:
    """Return the passwords and words that guessing begins with."""
    text = files("horarium.accounts").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


class Hasher:
    """Argon2id with a stated cost; at most `at_once` hashes go on together and `waiting` more stand in line."""

    def __init__(
        self,
        *,
        memory_kib: int = MEMORY_KIB,
        rounds: int = ROUNDS,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Hash with this cost; `patience_seconds` is how long one waits in line before `TooBusy`."""
        self._hash = PasswordHash((Argon2Hasher(time_cost=rounds, memory_cost=memory_kib, parallelism=LANES),))
        self._places = threading.BoundedSemaphore(at_once)
        self._line = threading.BoundedSemaphore(at_once + waiting)
        self._patience_seconds = patience_seconds
        # What an unknown name is checked against, so that it costs as much as a known one.
        self._nobody = self._hash.hash(secrets.token_bytes(16))

    def hash(self, password: str) -> str:
        """Return the hash of a password, parameters included. Raises `TooBusy`."""
        with self._place():
            return self._hash.hash(_octets(password))

    def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Check a password exactly as given; return whether it is right, and a new hash if the stored one is weak.

        With None for `stored` the same work is done in vain. One that is too long is refused before any work.
        Raises `TooBusy`.
        """
        if len(password) > LONGEST:
            return False, None
        with self._place():
            try:
                right, better = self._hash.verify_and_update(_octets(password), stored or self._nobody)
            except UnknownHashError:
                return False, None
        return (right, better) if stored else (False, None)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._line.acquire(blocking=False):
            raise TooBusy("too many people sign in at this moment; try again in a few seconds")
        try:
            if not self._places.acquire(timeout=self._patience_seconds):
                raise TooBusy("signing in takes too long at this moment; try again in a few seconds")
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._line.release()


def _octets(password: str) -> bytes:
    # Lone surrogates cannot come from a browser, but from a terminal; they count as they are.
    return password.encode("utf-8", "surrogatepass")


def _core(password: str) -> str:
    """Return the password without case and without the figures and signs people add to a word."""
    folded = unicodedata.normalize("NFKC", password).casefold()
    return folded.strip("0123456789!?.,;:-_*+#@$%&/()=~ '\"")


def _own(name: str) -> frozenset[str]:
    """Return the words of a person's names, single and two together, and ours."""
    words = [_core(part) for part in name.replace("@", " ").replace(".", " ").split()]
    pairs = [first + second for first, second in pairwise(words)]
    wholes = [_core(part) for part in name.split()]
    return frozenset(word for word in (*words, *pairs, *wholes, *_OWN_WORDS) if len(word) > 2)
