"""Open credentials for the runs of this program: by its keyring, for the task as the run performs it."""

from __future__ import annotations

import logging
from dataclasses import replace

from horarium.errors import CredentialDenied
from horarium.records.secrets import Keyring, Opened
from horarium.runs.launch import Assignment
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store

log = logging.getLogger("horarium.execution")


class KeyringSource:
    """The credentials of one attempt, out of a keyring."""

    def __init__(self, keyring: Keyring, store: Store, assignment: Assignment) -> None:
        """Open for `assignment` with `keyring`; `store` knows to whom its task belongs by now."""
        self._keyring = keyring
        self._store = store
        self._assignment = assignment

    def open(self, name: str) -> Opened:
        """Open one. Raises `CredentialDenied`, `CredentialUnreadable`, `VaultSealed`."""
        job = self._assignment
        with self._store.reading() as tx:
            task = TaskBook(tx).get(job.task_id)
        if task is None:
            raise CredentialDenied(f"there is no task {job.task_id} any more that could use the credential {name!r}")
        # What counts is what this run does: meanwhile the task may have been given another target, or its old one back.
        task = replace(task, definition=job.definition)
        return self._keyring.open(
            name, task=task, run_id=job.run_id, attempt=job.attempt, for_user_id=task.place.for_user_id
        )

    def close(self) -> None:
        """Tell the keyring that the attempt has ended; what goes wrong there must not lose its result."""
        try:
            self._keyring.close(self._assignment.run_id, self._assignment.attempt)
        except Exception:
            log.exception("The end of what run %d has opened could not be noted", self._assignment.run_id)
