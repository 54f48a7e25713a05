"""How a task runs, in words for its page."""

from __future__ import annotations

from horarium.records.tasks import CommandSpec, TaskDefinition
from horarium.web.pages.policies import policy_facts


def test_the_credentials_that_a_task_may_ask_for_are_named() -> None:
    definition = TaskDefinition("x", CommandSpec(("true",)), None, credentials=("smtp", "shop api"))
    facts = {fact.label: fact.text for fact in policy_facts(definition)}
    assert facts["Credentials"] == "smtp, shop api"
    without = TaskDefinition("x", CommandSpec(("true",)), None)
    assert "Credentials" not in {fact.label for fact in policy_facts(without)}
