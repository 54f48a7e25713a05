"""The rules that every installation begins with, so that it is useful as soon as a mail server is set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from horarium.clock import Clock
from horarium.records.notices import NoticeKind
from horarium.records.telling import Frequency, Recipient, Rule, To
from horarium.store.books.channels import RuleBook
from horarium.store.books.events import EventBook
from horarium.store.books.watching import MarkBook
from horarium.store.port import Store

HERALD: Final = "herald"
WATCH: Final = "watch"
FIRST_STANDARD: Final = 1000
"""Where the standard rules stand: what somebody adds comes before them."""
_OWNER: Final = (Recipient(To.OWNER),)
_ADMINS: Final = (Recipient(To.ADMINS),)
STANDARD: Final = (
    Rule(
        standard="failure",
        kinds=frozenset({NoticeKind.FAILED, NoticeKind.RECOVERED}),
        frequency=Frequency.AT_MOST,
        every_seconds=3600,
        recipients=_OWNER,
    ),
    Rule(
        standard="success",
        kinds=frozenset({NoticeKind.SUCCEEDED}),
        frequency=Frequency.EACH,
        recipients=_OWNER,
    ),
    Rule(
        standard="delay",
        kinds=frozenset({NoticeKind.LATE, NoticeKind.STUCK, NoticeKind.NEVER_STARTED, NoticeKind.PARKED}),
        frequency=Frequency.ONCE,
        recipients=_OWNER,
    ),
    Rule(
        standard="house",
        kinds=frozenset(
            {
                NoticeKind.BACKUP_FAILED,
                NoticeKind.DISK_LOW,
                NoticeKind.SCHEDULER_SILENT,
                NoticeKind.STORE_DAMAGED,
                NoticeKind.RECOVERED,
            }
        ),
        frequency=Frequency.DAILY,
        recipients=_ADMINS,
    ),
    Rule(
        standard="things",
        kinds=frozenset(
            {
                NoticeKind.CREDENTIAL_EXPIRING,
                NoticeKind.CREDENTIAL_INACTIVE,
                NoticeKind.CHANNEL_DISABLED,
                NoticeKind.HEARTBEAT_MISSED,
                NoticeKind.RECOVERED,
            }
        ),
        frequency=Frequency.ONCE,
        recipients=_OWNER,
    ),
)


@dataclass(frozen=True, slots=True)
class Gates:
    """What the settings of the installation say about the standard rules, whoever switched them on."""

    failure: bool = True
    success: bool = False

    def shut(self, rule: Rule) -> str:
        """Return the setting that keeps a rule from telling anything, empty where none does."""
        if rule.standard == "failure" and not self.failure:
            return "NOTIFY_ON_TASK_FAILURE"
        if rule.standard == "success" and not self.success:
            return "NOTIFY_ON_TASK_SUCCESS"
        return ""

    def effective(self, rules: Iterable[Rule]) -> list[Rule]:
        """Return the rules that count."""
        return [rule for rule in rules if rule.is_on and not self.shut(rule)]


def found(store: Store, clock: Clock) -> bool:
    """Begin to tell what happens from now on, with the standard rules; return False where that was begun before."""
    with store.reading() as tx:
        if MarkBook(tx).get(HERALD) is not None:
            return False
    now = clock.now()
    with store.transaction() as tx:
        marks = MarkBook(tx)
        # Whoever holds the first mark is alone here until the commit.
        marks.hold("founding")
        if marks.get(HERALD) is not None:
            return False
        marks.begin(WATCH, 0)
        marks.begin(HERALD, EventBook(tx).settled_id())
        for place, rule in enumerate(STANDARD, FIRST_STANDARD):
            RuleBook(tx).add(_placed(rule, place), now=now)
    return True


def _placed(rule: Rule, position: int) -> Rule:
    return Rule(
        standard=rule.standard,
        position=position,
        kinds=rule.kinds,
        frequency=rule.frequency,
        every_seconds=rule.every_seconds,
        recipients=rule.recipients,
        created_by="Horarium",
    )
