"""Invitations: a week, one account, the role that was chosen, and void with the rights of whoever sent them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from horarium.accounts.invitations import Joining, Wanted
from horarium.accounts.projects import Projects
from horarium.audit.trail import Trail
from horarium.errors import Conflict, HorariumError, InvalidValue, LinkRefused, NotFound, WeakPassword
from horarium.records.actors import Actor, Source
from horarium.records.people import Role
from horarium.store.books.projects import ProjectBook
from horarium.store.port import Store
from tests.accounts.by_hand import Post, token_in
from tests.support.people import TESTER, SetClock, add_admin, add_person, made_up

BROWSER = Actor(source=Source.WEB, address="10.0.0.7")
NOOR = "noor@example.org"


@pytest.fixture
def post(both: Store, clock: SetClock) -> Post:
    return Post(both, clock)


def joining(**changed: Any) -> Joining:
    return Joining(**{"name": "Noor van Dijk", "password": made_up(), "time_zone": "Europe/Amsterdam", **changed})


def test_whoever_has_the_letter_joins_with_the_role_that_was_chosen(post: Post, clock: SetClock) -> None:
    shop = Projects(post.store, clock).add("Shop", actor=TESTER)
    wanted = Wanted(email=" Noor@Example.org", role=Role.VIEWER, project_id=shop.id, project_role=Role.OPERATOR)
    made = post.ways.invitations.invite(wanted, actor=TESTER, by_mail=True)
    assert made.expires_at - clock.now() == timedelta(days=7)
    (draft,) = post.sent()
    assert (draft.to, draft.values["inviter"], draft.values["project"]) == ("Noor@example.org", "the test", "Shop")
    token = token_in(str(draft.values["link"]))
    found = post.ways.invitations.look(token)
    assert (found.invitation.id, found.project, found.by_mail) == (made.id, shop, True)
    person = joining()
    noor = post.ways.invitations.accept(token, person, actor=BROWSER)
    assert (noor.role, noor.words, noor.time_zone) == (Role.VIEWER, "Noor van Dijk", "Europe/Amsterdam")
    assert noor.email_confirmed_at == clock.now()
    assert post.people.authenticate(NOOR, person.password).id == noor.id
    with post.store.reading() as tx:
        assert ProjectBook(tx).roles_of(noor.id) == {shop.id: Role.OPERATOR}
    told = [(row.action, row.actor) for row in Trail(post.store, clock).page(limit=4)]
    assert told[0] == ("invitation.accepted", "Noor van Dijk")
    assert {action for action, _ in told} == {
        *("invitation.accepted", "member.added", "person.added", "invitation.sent"),
    }
    assert post.ways.invitations.waiting() == []


def test_a_link_that_was_handed_over_confirms_no_address(post: Post, clock: SetClock) -> None:
    made = post.ways.invitations.invite(Wanted(email=NOOR), actor=TESTER, by_mail=False)
    assert post.written() == []
    link = post.ways.invitations.link(made.id, actor=TESTER)
    noor = post.ways.invitations.accept(token_in(link), joining(), actor=BROWSER)
    assert (noor.email, noor.email_confirmed_at, noor.role) == (NOOR, None, Role.USER)


def test_r19_of_20_at_once_one_joins(post: Post) -> None:
    made = post.ways.invitations.invite(Wanted(email=NOOR), actor=TESTER, by_mail=False)
    token = token_in(post.ways.invitations.link(made.id, actor=TESTER))

    def attempt(_: int) -> str:
        try:
            post.ways.invitations.accept(token, joining(), actor=BROWSER)
        except HorariumError as error:
            return error.code
        return "joined"

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(attempt, range(20)))
    assert found.count("joined") == 1
    assert set(found) <= {"joined", "link_refused", "too_busy", "store_busy"}
    assert len(post.people.list()) == 1


def test_an_invitation_is_good_for_a_week_and_longer_when_sent_again(post: Post, clock: SetClock) -> None:
    made = post.ways.invitations.invite(Wanted(email=NOOR), actor=TESTER, by_mail=True)
    first = post.token()
    clock.move(timedelta(days=7))
    refused(post, first)
    with pytest.raises(Conflict):
        post.ways.invitations.link(made.id, actor=TESTER)
    assert [each.id for each in post.ways.invitations.waiting()] == [made.id]
    post.ways.invitations.resend(made.id, actor=TESTER, by_mail=True)
    second = post.token()
    refused(post, first)
    clock.move(timedelta(days=6))
    post.ways.invitations.accept(second, joining(), actor=BROWSER)
    with pytest.raises(Conflict, match="accepted or withdrawn"):
        post.ways.invitations.resend(made.id, actor=TESTER, by_mail=True)


def refused(post: Post, token: str) -> None:
    with pytest.raises(LinkRefused):
        post.ways.invitations.look(token)
    with pytest.raises(LinkRefused):
        post.ways.invitations.accept(token, joining(), actor=BROWSER)


def test_a_withdrawn_invitation_opens_nothing_and_its_letter_is_not_sent(post: Post) -> None:
    made = post.ways.invitations.invite(Wanted(email=NOOR), actor=TESTER, by_mail=True)
    token = token_in(post.ways.invitations.link(made.id, actor=TESTER))
    assert post.ways.invitations.withdraw(made.id, actor=TESTER)
    assert not post.ways.invitations.withdraw(made.id, actor=TESTER)
    assert post.sent() == []
    refused(post, token)
    for act in (post.ways.invitations.withdraw, post.ways.invitations.link):
        with pytest.raises(NotFound):
            act(99, actor=TESTER)


def test_r29_a_link_outlives_nobodys_rights(post: Post) -> None:
    add_admin(post.people, "root")
    sven = add_admin(post.people, "sven")
    as_sven = Actor(name="sven", user_id=sven.id)
    made = post.ways.invitations.invite(Wanted(email=NOOR, role=Role.ADMIN), actor=as_sven, by_mail=False)
    token = token_in(post.ways.invitations.link(made.id, actor=as_sven))
    assert post.ways.invitations.look(token).invitation.id == made.id
    post.people.change_role(sven.id, Role.EDITOR, actor=TESTER)
    refused(post, token)
    post.ways.invitations.resend(made.id, actor=TESTER, by_mail=False)
    again = token_in(post.ways.invitations.link(made.id, actor=TESTER))
    assert post.ways.invitations.accept(again, joining(), actor=BROWSER).role is Role.ADMIN


def test_nobody_is_invited_twice_or_who_has_an_account(post: Post, clock: SetClock) -> None:
    add_person(post.people, "ana", email="ana@example.org")
    post.ways.invitations.invite(Wanted(email=NOOR), actor=TESTER, by_mail=True)
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"email": "ANA@example.org"}, "has an account"),
        ({"email": "NOOR@example.org"}, "invited already"),
        ({"email": "no address"}, "@"),
        ({"email": "a@x.example,b@y.example"}, "email"),
        ({"email": "x@example.org", "project_id": 99}, "no such project"),
        ({"email": "x@example.org", "project_id": 1, "project_role": Role.USER}, "viewer"),
    ]
    for given, words in refusals:
        with pytest.raises(InvalidValue, match=words):
            post.ways.invitations.invite(Wanted(**given), actor=TESTER, by_mail=True)
    assert len(post.ways.invitations.waiting()) == 1


def test_what_is_typed_wrong_leaves_the_link_good(post: Post) -> None:
    made = post.ways.invitations.invite(Wanted(email=NOOR), actor=TESTER, by_mail=False)
    token = token_in(post.ways.invitations.link(made.id, actor=TESTER))
    with pytest.raises(WeakPassword):
        post.ways.invitations.accept(token, joining(password="short"), actor=BROWSER)
    with pytest.raises(InvalidValue):
        post.ways.invitations.accept(token, joining(time_zone="Mars/Olympus"), actor=BROWSER)
    with pytest.raises(InvalidValue):
        post.ways.invitations.accept(token, joining(name="x" * 101), actor=BROWSER)
    post.ways.invitations.accept(token, joining(), actor=BROWSER)


def test_an_address_that_got_an_account_meanwhile_is_not_taken_over(post: Post) -> None:
    made = post.ways.invitations.invite(Wanted(email=NOOR, role=Role.ADMIN), actor=TESTER, by_mail=False)
    token = token_in(post.ways.invitations.link(made.id, actor=TESTER))
    add_person(post.people, "noor", email=NOOR)
    with pytest.raises(LinkRefused):
        post.ways.invitations.accept(token, joining(), actor=BROWSER)
    assert len(post.people.list()) == 1
