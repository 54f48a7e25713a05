"""Of what explains each other one is told, whichever rules say so: never is all of a ring muted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from graphlib import TopologicalSorter
from itertools import pairwise
from random import Random

import pytest

from horarium.notify.rings import ringless
from horarium.records.notices import NoticeKind
from horarium.records.reach import Place
from horarium.records.telling import Cause, Frequency, Recipient, Scope, To
from horarium.states import CheckState, EventKind
from horarium.store.books.muted import MutedBook
from horarium.store.books.notices import NoteBook
from horarium.store.books.projects import ProjectBook
from horarium.store.books.tasks import TaskBook
from tests.notify.test_herald import HOUR, MINUTE, Moody
from tests.notify.test_muting import GOOD, TROUBLES, add_check, cause, muted, set_check, told
from tests.notify.worlds import World

SECOND = timedelta(seconds=1)
SEED = 20_260_514
ROUNDS = 12


@dataclass
class Ring:
    """Tasks, and rules by which the team is told of them."""

    world: World
    tasks: list[Moody]
    team: tuple[Recipient, ...]

    def rule(self, *causes: str, **rest: object) -> None:
        """Add a rule that tells the team of trouble, muted while these fail."""
        named = tuple(cause(self.world, each) for each in causes)
        self.world.add_rule(kinds=TROUBLES, recipients=self.team, mute_while=named, **rest)

    def fail(self, names: Sequence[str]) -> None:
        """Let tasks fail one after another, before anybody hears of it."""
        for name in names:
            self.task(name).run()
            self.world.clock.advance(SECOND)

    def task(self, name: str) -> Moody:
        """Return a task by its name."""
        return next(each for each in self.tasks if each.name == name)

    def number(self, name: str) -> int:
        """Return the number of a task."""
        return self.world.tasks.desk.find(name).id


def made(world: World, *names: str) -> Ring:
    """Make tasks with a tag each, and take all rules away."""
    tasks = [Moody(world, name, owner=False) for name in names]
    team = (Recipient(To.CHANNEL, world.add_channel(to="team").id),)
    world.only(kinds=TROUBLES, recipients=team, scope=Scope.TAG, tag="none")
    return Ring(world, tasks, team)


def scoped(ring: Ring, name: str, scope: Scope) -> dict[str, object]:
    """Let a task be in a scope of its own; return what a rule about that says."""
    number = ring.number(name)
    if scope is Scope.TASK:
        return {"scope": scope, "scope_id": number}
    if scope is Scope.TAG:
        with ring.world.store.transaction() as tx:
            before = ring.world.tasks.desk.find(name)
            tagged = replace(before.definition, tags=(f"of-{name}",))
            TaskBook(tx).redefine(number, tagged, now=ring.world.clock.micros(), next_at=None)
        return {"scope": scope, "tag": f"of-{name}"}
    place = Place()
    if scope is Scope.PERSON:
        place = Place(owner_id=ring.world.person(f"owner-of-{name}").id)
    elif scope is Scope.PROJECT:
        with ring.world.store.transaction() as tx:
            project = ProjectBook(tx).add(name, name_key=name, description="", at=ring.world.clock.now())
        place = Place(project_id=project.id)
    with ring.world.store.transaction() as tx:
        TaskBook(tx).move(number, place, now=ring.world.clock.micros())
    return {"scope": scope, "scope_id": place.project_id or place.owner_id}


RINGS = [("one", "two"), ("one", "two", "three")]
SCOPES = [Scope.TASK, Scope.TAG, Scope.PERSON, Scope.PROJECT]


def closed(world: World, names: Sequence[str], scope: Scope = Scope.TASK) -> Ring:
    """Make tasks of which each is muted while the next fails, and the last while the first does."""
    ring = made(world, *names)
    for name, after in pairwise([*names, names[0]]):
        ring.rule(after, **scoped(ring, name, scope))
    return ring


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("names", RINGS)
def test_of_a_ring_the_one_that_failed_first_is_told_and_the_others_when_they_outlast_it(
    world: World, names: tuple[str, ...], scope: Scope
) -> None:
    ring = closed(world, names, scope)
    first, *others = names[1:] + names[:1]
    ring.fail([first, *others])
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, first)]
    assert {each.name for each in muted(world)} == set(others)
    ring.task(first).run(GOOD)
    world.go_on(MINUTE)
    assert told(world)[1:] == [(NoticeKind.FAILED, others[-1]), (NoticeKind.RECOVERED, first)]
    for name in others:
        ring.task(name).run(GOOD)
    world.go_on(MINUTE)
    assert told(world)[3:] == [(NoticeKind.RECOVERED, others[-1])]


@pytest.mark.parametrize("names", RINGS)
def test_of_a_ring_that_fails_at_one_instant_the_smallest_number_is_told(world: World, names: tuple[str, ...]) -> None:
    ring = closed(world, names)
    for name in reversed(names):
        ring.task(name).run()
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, names[0])]


@pytest.mark.parametrize("names", RINGS)
def test_a_ring_that_is_heard_of_one_by_one_is_told_of_once(world: World, names: tuple[str, ...]) -> None:
    ring = closed(world, names)
    for name in (names[0], *reversed(names[1:])):
        ring.task(name).run(times=2)
        world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, names[0])]


def test_two_who_muted_each_other_at_once_are_told_of_all_the_same(world: World) -> None:
    ring = closed(world, ["one", "two"])
    ring.fail(["one", "two"])
    world.hear()
    with world.store.transaction() as tx:
        # Whoever makes messages saw the other half of it.
        (note,) = NoteBook(tx).waiting(with_muted=False)
        MutedBook(tx).mute(note.id, Cause.read(f"task:{ring.number('two')}"))
        assert len(MutedBook(tx).open()) == 2
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "one")]


def test_in_a_chain_the_root_alone_is_told_and_the_next_one_when_it_is_well(world: World) -> None:
    ring = made(world, "vpn", "fetch", "report")
    for name, above in (("fetch", ["vpn"]), ("report", ["fetch"]), ("vpn", [])):
        ring.rule(*above, **scoped(ring, name, Scope.TASK))
    ring.fail(["report", "fetch", "vpn"])
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "vpn")]
    ring.task("vpn").run(GOOD)
    world.go_on(MINUTE)
    assert told(world)[1:] == [(NoticeKind.FAILED, "fetch"), (NoticeKind.RECOVERED, "vpn")]
    ring.task("fetch").run(GOOD)
    world.go_on(MINUTE)
    assert told(world)[3:] == [(NoticeKind.FAILED, "report"), (NoticeKind.RECOVERED, "fetch")]


def test_what_explains_a_whole_ring_is_told_alone(world: World) -> None:
    ring = made(world, "one", "two", "vpn")
    for name, above in (("one", ["two", "vpn"]), ("two", ["one", "vpn"]), ("vpn", [])):
        ring.rule(*above, **scoped(ring, name, Scope.TASK))
    ring.fail(["one", "two", "vpn"])
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "vpn")]


def test_a_rule_that_never_decides_closes_no_ring(world: World) -> None:
    ring = made(world, "vpn", "router")
    ring.rule(**scoped(ring, "router", Scope.TASK))
    ring.rule("router", **scoped(ring, "vpn", Scope.TASK))
    ring.rule("vpn", position=9)
    ring.fail(["vpn", "router"])
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "router")]


def test_a_check_and_a_task_that_explain_each_other_are_told_of_once(world: World) -> None:
    ring, check = made(world, "copy"), add_check(world)
    set_check(world, check, CheckState.DOWN, down_at=world.clock.micros())
    number = ring.number("copy")
    world.add_rule(kinds=TROUBLES, recipients=ring.team, scope=Scope.TASK, scope_id=number, mute_while=(check,))
    ring.rule("copy", position=9)
    world.clock.advance(SECOND)
    world.event(EventKind.HEARTBEAT_MISSED, check=check.id, name="router")
    ring.fail(["copy"])
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.HEARTBEAT_MISSED, "router")]


def test_a_rule_of_ones_own_that_closes_a_ring_changes_nothing_for_others(world: World) -> None:
    ring, noor = made(world, "one", "two"), world.person("noor")
    ring.rule(**scoped(ring, "one", Scope.TASK))
    ring.rule("one", **scoped(ring, "two", Scope.TASK))
    own = {"owner_id": noor.id, "kinds": TROUBLES, "recipients": (Recipient(To.OWNER),)}
    world.add_rule(**own, mute_while=(cause(world, "two"),))
    for name in ("one", "two"):
        world.own(name, noor)
    ring.fail(["two", "one"])
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "one")]
    assert {each.subject for each in world.mail.topics("noor@example.org")} == {"one", "two"}


def test_whatever_rules_say_what_is_not_told_is_explained_by_what_is(world: World) -> None:
    dice = Random(SEED)  # noqa: S311 - a fixed sample, not a secret
    names = ["a", "b", "c", "d", "e"]
    ring = made(world, *names)
    scopes = {name: scoped(ring, name, SCOPES[at % len(SCOPES)]) for at, name in enumerate(names)}
    for turn in range(ROUNDS):
        above = rules_by_chance(ring, dice, scopes)
        failing, before = dice.sample(names, dice.randint(1, len(names))), len(told(world))
        for name in failing:
            ring.fail([name])
            if dice.random() < 0.2:
                world.go(SECOND * dice.randint(1, 9))
        world.go_on(5 * MINUTE, step=MINUTE)
        fresh = {name for kind, name in told(world)[before:] if kind is NoticeKind.FAILED}
        graph = {name: above[name] & set(failing) for name in failing}
        silent = [name for name in failing if not any(is_below(graph, name, each) for each in fresh)]
        assert not silent, f"seed {SEED}, turn {turn}: {failing} failed, {fresh} were told, nothing explains {silent}"
        for name in failing:
            ring.task(name).run(GOOD)
        # Messages keep their distance, the more the more there were in the last hour.
        world.go_on(2 * HOUR, step=20 * MINUTE)


def rules_by_chance(ring: Ring, dice: Random, scopes: dict[str, dict[str, object]]) -> dict[str, set[str]]:
    """Write rules, at times one that is about all tasks before them; return what may mute each task."""
    ring.world.only(kinds=TROUBLES, recipients=ring.team, scope=Scope.TAG, tag="none")
    above: dict[str, set[str]] = {}
    for name, scope in scopes.items():
        above[name] = set(dice.sample([each for each in scopes if each != name], dice.randint(1, 2)))
        often = dice.choice([Frequency.ONCE, Frequency.EACH])
        goes_on = dice.random() < 0.3
        ring.rule(*sorted(above[name]), position=dice.randint(1, 9), goes_on=goes_on, frequency=often, **scope)
    if dice.random() < 0.3:
        over = dice.sample(list(scopes), 2)
        ring.rule(*over, position=dice.randint(0, 10))
        above = {name: each | set(over) for name, each in above.items()}
    return above


def test_what_is_left_of_pairs_has_no_ring_and_no_pair_is_left_out_without_one() -> None:
    dice = Random(SEED)  # noqa: S311 - a fixed sample, not a secret
    for _ in range(300):
        nodes = "abcdefgh"[: dice.randint(2, 8)]
        pairs = [(dice.choice(nodes), dice.choice(nodes)) for _ in range(dice.randint(1, 30))]
        kept = ringless(pairs)
        order = list(TopologicalSorter(graph_of(kept)).static_order())
        for subject, above in set(pairs) - kept:
            assert subject == above or is_below(graph_of(kept), above, subject), (pairs, subject, above)
        assert order[0] not in {subject for subject, _ in kept} if order else True


def graph_of(pairs: frozenset[tuple[str, str]]) -> dict[str, set[str]]:
    """Return what mutes each."""
    found: dict[str, set[str]] = {}
    for subject, above in pairs:
        found.setdefault(subject, set()).add(above)
    return found


def is_below(graph: dict[str, set[str]], start: str, goal: str) -> bool:
    """Tell whether something is the other one or muted by it, by way of others too."""
    seen, todo = {start}, [start]
    while todo:
        fresh = graph.get(todo.pop(), set()) - seen
        seen |= fresh
        todo += fresh
    return goal in seen
