"""Nobody learns by the time of an answer whether somebody has an account."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from horarium.accounts.passwords import Hasher
from horarium.accounts.registering import Mode, Rules
from horarium.records.people import Role
from tests.support.pages import Site, open_site, token_of
from tests.support.people import TESTER, SetClock, made_up
from tests.support.timing import CHANCE, Compared, compare

PAUSE = timedelta(minutes=61)
"""Between two pairs: long enough for every limit to let them through, short enough for a session to last."""
WAYS = {
    "sign in": ("/login", "email", "password"),
    "forgotten": ("/forgot", "login", ""),
    "register": ("/register", "email", ""),
    "another address": ("/settings/email", "email", "current"),
}
FLOWS = ("sign in", "sign in, closed", "forgotten", "forgotten, closed", "register", "another address")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    # Costly enough to be seen among everything else, were it left out for a name that nobody has.
    hasher = Hasher(memory_kib=8 * 1024, rounds=1)
    rules = Rules(Mode.OPEN)
    with open_site(tmp_path, SetClock(), hasher=hasher, sends_mail=True, registration=rules) as opened:
        for name in ("ines", "marek", "nora"):
            opened.person(name, Role.USER)
        gone = opened.person("gone", Role.USER)
        opened.users.disable(gone.id, actor=TESTER)
        yield opened


class Asker:
    """Somebody who asks for known and unknown names in turn."""

    def __init__(self, site: Site, flow: str) -> None:
        self.site = site
        self.known = "gone" if "closed" in flow else "ines"
        self.path, self.field, self.more = WAYS[flow.partition(",")[0]]
        self.page = "/settings/profile" if flow == "another address" else self.path
        self.client = site.client()
        self.statuses: set[int] = set()
        self.token = ""

    def pause(self) -> None:
        """Let time pass, and get a fresh form."""
        clock = self.site.clock
        assert isinstance(clock, SetClock)
        clock.move(PAUSE)
        self.token = token_of(self.client, self.page)

    def about(self, login: Callable[[], str]) -> Callable[[], None]:
        """Return a request about somebody."""

        def ask() -> None:
            answer = self.client.post(self.path, data={"csrf_token": self.token, self.field: login(), **self._rest()})
            self.statuses.add(answer.status_code)

        return ask

    def _rest(self) -> dict[str, str]:
        if self.more == "current":
            return {"current": self.site.passwords["marek"]}
        return {self.more: made_up()} if self.more else {}

    def compared(self, times: int) -> Compared:
        """Ask so often for each."""
        if self.path == "/settings/email":
            self.client = self.site.signed_in("marek")
        known = self.about(lambda: f"{self.known}@tidewater.example")
        unknown = self.about(lambda: f"{secrets.token_hex(len(self.known))[: len(self.known)]}@tidewater.example")
        found = compare(known, unknown, times, before=self.pause)
        assert self.statuses == {401 if self.path == "/login" else 303}
        return found


@pytest.mark.parametrize("flow", FLOWS)
def test_r16_an_answer_takes_as_long_for_a_name_that_nobody_has(site: Site, flow: str) -> None:
    asker = Asker(site, flow)
    # Twice in a row: what else goes on in the machine may look like a difference once.
    seen = [asker.compared(25)]
    if seen[0].is_wide and seen[0].chance < CHANCE:
        seen.append(asker.compared(50))
        assert not (seen[1].is_wide and seen[1].chance < CHANCE), seen


@pytest.mark.long
@pytest.mark.parametrize("flow", FLOWS)
def test_r16_of_300_answers_each_nobody_tells_the_two_apart(site: Site, flow: str) -> None:
    asker = Asker(site, flow)
    seen = [asker.compared(300)]
    if seen[0].is_wide or seen[0].chance < CHANCE:
        seen.append(asker.compared(300))
        assert not seen[1].is_wide, seen
        assert seen[1].chance >= CHANCE, seen


def test_the_comparison_sees_a_difference_and_none_where_there_is_none() -> None:
    fast, slow = _busy(200), _busy(300)
    assert compare(fast, slow, 50, before=lambda: None).chance < CHANCE
    assert compare(fast, slow, 50, before=lambda: None).is_wide
    same = [compare(fast, fast, 50, before=lambda: None).chance for _ in range(3)]
    assert max(same) > CHANCE


def _busy(size: int) -> Callable[[], object]:
    return lambda: sorted(secrets.token_hex(8) for _ in range(size))
