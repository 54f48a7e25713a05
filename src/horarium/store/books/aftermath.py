"""What a restored store must not do: let anybody in by an old session, send old letters, catch up unasked."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, or_, select, update

from horarium.store.port import Transaction
from horarium.store.tables.mail import outbox
from horarium.store.tables.people import account_links, login_attempts, user_sessions, users
from horarium.store.tables.vault import credential_versions, vault_keys
from horarium.store.tables.work import scheduled_tasks as tasks
from horarium.store.tables.work import task_executions as runs

_NOT_SENT: Final = "it had not been sent when the backup was made that was restored"
_WAITING: Final = ("queued", "retrying")


class AftermathBook:
    """What stands in a restored store and belongs to the time of its backup. Times in microseconds."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def end_sessions(self) -> None:
        """End every session, void every link, and forget counted tries."""
        for table in (user_sessions, login_attempts, account_links):
            self._tx.execute(delete(table))

    def give_up_letters(self, now: int) -> None:
        """Give up what had not been sent: it was sent by the store of before, or nobody waits for it any more."""
        waiting = outbox.c.sent_at.is_(None), outbox.c.given_up_at.is_(None)
        self._tx.execute(update(outbox).where(*waiting).values(given_up_at=now, last_error=_NOT_SENT))

    def is_empty(self) -> bool:
        """Tell whether there is not one task, run or person."""
        return not any(self._tx.execute(select(table.c.id).limit(1)).first() for table in (tasks, runs, users))

    def has_secrets(self) -> bool:
        """Tell whether the vault holds a value."""
        return self._tx.execute(select(credential_versions.c.credential_id).limit(1)).first() is not None

    def vault_marks(self) -> dict[str, str]:
        """Return the numbers of the vault's keys, each with its check value."""
        return {str(row[0]): str(row[1]) for row in self._tx.execute(select(vault_keys.c.id, vault_keys.c.check_value))}

    def overdue_tasks(self, now: int, *, after: int, most: int) -> list[int]:
        """Return living tasks whose next instant has passed, those with numbers above `after`, in their order."""
        query = select(tasks.c.id).where(tasks.c.removed_at.is_(None), tasks.c.next_at <= now, tasks.c.id > after)
        return [int(row[0]) for row in self._tx.execute(query.order_by(tasks.c.id).limit(most))]

    def waiting_runs(self, since: int, *, after: int, most: int) -> list[tuple[int, int, int, str]]:
        """Return (run, task, attempt, state) of runs that waited already at `since`, those with numbers above `after`.

        A retry that waits counts as well; what people asked for later does not.
        """
        query = select(runs.c.id, runs.c.task_id, runs.c.attempt, runs.c.state)
        query = query.where(or_(*(runs.c.state == state for state in _WAITING)), runs.c.created_at < since)
        return [
            (int(row[0]), int(row[1]), int(row[2]), str(row[3]))
            for row in self._tx.execute(query.where(runs.c.id > after).order_by(runs.c.id).limit(most))
        ]
