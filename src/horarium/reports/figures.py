"""Turn what is counted into figures: of a task, a tag, a project, a person, or everything together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from horarium.records.figures import SKIPPED_TIME, Group, Key, Spread
from horarium.records.tasks import Task
from horarium.states import FAILURE_STATES, FINAL_STATES, RunState

_ENDED: Final = FINAL_STATES - {RunState.SKIPPED}
NO_TAG: Final = "(no tag)"


@dataclass(slots=True)
class Figures:
    """How runs came out: `outcomes` by state, `skipped` times by reason, `saved` the ones that a retry saved.

    `took` is how long all took that began and ended, `well` only those that ended well, `late` how late they began.
    """

    outcomes: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    saved: int = 0
    took: Spread = field(default_factory=Spread)
    well: Spread = field(default_factory=Spread)
    late: Spread = field(default_factory=Spread)

    def add(self, key: Key, group: Group) -> None:
        """Count a group, too."""
        if key.outcome.startswith(SKIPPED_TIME):
            reason = key.outcome.removeprefix(SKIPPED_TIME)
            self.skipped[reason] = self.skipped.get(reason, 0) + group.many
            return
        self.outcomes[key.outcome] = self.outcomes.get(key.outcome, 0) + group.many
        self.took.merge(group.took)
        self.late.merge(group.late)
        if key.outcome == RunState.SUCCEEDED:
            self.well.merge(group.took)
            self.saved += group.many if key.is_retried else 0

    @property
    def ended(self) -> int:
        """Return how many runs ended after they had begun, or were cancelled."""
        return sum(self.outcomes.get(state, 0) for state in _ENDED)

    @property
    def failed(self) -> int:
        """Return how many runs failed for good."""
        return sum(self.outcomes.get(state, 0) for state in FAILURE_STATES)

    @property
    def succeeded(self) -> int:
        """Return how many runs ended well."""
        return self.outcomes.get(RunState.SUCCEEDED, 0)

    @property
    def skips(self) -> int:
        """Return how many planned times became no run, or one that was given up before it began."""
        return sum(self.skipped.values()) + self.outcomes.get(RunState.SKIPPED, 0)

    @property
    def rate(self) -> float | None:
        """Return which part of the runs that ended did not fail, None without any."""
        return 1 - self.failed / self.ended if self.ended else None


def together(groups: Mapping[Key, Group]) -> Figures:
    """Return the figures of everything."""
    found = Figures()
    for key, group in groups.items():
        found.add(key, group)
    return found


def by_task(groups: Mapping[Key, Group]) -> dict[int, Figures]:
    """Return the figures of each task, by number."""
    found: dict[int, Figures] = {}
    for key, group in groups.items():
        found.setdefault(key.task_id, Figures()).add(key, group)
    return found


def by(groups: Mapping[Key, Group], names: Callable[[int], Iterable[str]]) -> dict[str, Figures]:
    """Return the figures by the names that `names` gives each task; one with several counts under each of them."""
    found: dict[str, Figures] = {}
    for key, group in groups.items():
        for name in names(key.task_id):
            found.setdefault(name, Figures()).add(key, group)
    return found


def by_tag(groups: Mapping[Key, Group], tasks: Mapping[int, Task]) -> dict[str, Figures]:
    """Return the figures by tag."""

    def tags(task_id: int) -> tuple[str, ...]:
        task = tasks.get(task_id)
        return (task.definition.tags if task else ()) or (NO_TAG,)

    return by(groups, tags)
