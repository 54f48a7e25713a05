"""Put how a task runs into words."""

from __future__ import annotations

from typing import Final

from horarium.records.policies import Misfire, Overlap, Retry
from horarium.records.tasks import TaskDefinition
from horarium.states import MisfirePolicy, OverlapPolicy
from horarium.web.filters import duration, plural
from horarium.web.views.parts import Fact

_OVERLAP: Final = {
    OverlapPolicy.SKIP: "leave the new one out",
    OverlapPolicy.QUEUE: "start the new one afterwards",
    OverlapPolicy.REPLACE: "stop the old one",
}


def policy_facts(definition: TaskDefinition) -> tuple[Fact, ...]:
    """Return a task's policies as facts."""
    policies = definition.policies
    limit = "none" if policies.timeout_seconds is None else duration(policies.timeout_seconds)
    facts = [
        Fact(label="Time limit", text=limit),
        Fact(label="Retries", text=_retries(policies.retry)),
        Fact(label="Missed times", text=_missed(policies.misfire)),
        Fact(label="If still running", text=_overlap(policies.overlap)),
        Fact(label="If cut off", text=_cut_off(policies.rerun_interrupted)),
    ]
    if policies.jitter_seconds:
        facts.append(Fact(label="Spread", text=f"up to {duration(policies.jitter_seconds)} later"))
    if policies.keep.words:
        facts.append(Fact(label="Kept", text=policies.keep.words))
    if definition.credentials:
        facts.append(Fact(label="Credentials", text=", ".join(definition.credentials)))
    return tuple(facts)


def _retries(retry: Retry) -> str:
    if retry.attempts == 1:
        return "none"
    pause = f"{plural(retry.attempts - 1, 'more attempt')}, first after {duration(retry.delay_seconds)}"
    return f"{pause}, on {', '.join(retry.on)}" if retry.on else pause


def _missed(misfire: Misfire) -> str:
    if misfire.policy is MisfirePolicy.SKIP:
        return "left out"
    if misfire.policy is MisfirePolicy.LAST:
        return "the latest one is made up"
    return f"made up within {duration(misfire.window_seconds)}, {plural(misfire.cap, 'time')} at most"


def _overlap(overlap: Overlap) -> str:
    if overlap.policy is OverlapPolicy.ALLOW:
        return f"up to {overlap.limit} side by side"
    return _OVERLAP[overlap.policy]


def _cut_off(times: int) -> str:
    return f"run again, {plural(times, 'time')} at most" if times else "stays interrupted"
