"""Who may do what with a credential on the pages: sharing, versions, stopping, removing; nobody else learns of it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from starlette.testclient import TestClient

from horarium.outgoing.addresses import Policy
from horarium.records.credentials import Subject
from horarium.records.people import Role, User
from horarium.records.reach import Place
from horarium.store.books.credentials import CredentialBook, VersionBook
from horarium.upkeep import cleanup_inactive_credentials
from horarium.vault.credentials import Changes
from horarium.vault.grants import NewGrant
from horarium.vault.keyring import VaultKeyring
from tests.support.credentials import of, room, rows, saved, share, text_of, told, words
from tests.support.pages import Site, post
from tests.support.people import TESTER, SetClock, made_up
from tests.support.vault import HOST

HERE = Policy.of(["localhost"])


@pytest.fixture
def site_options() -> dict[str, object]:
    return {"outgoing": HERE}


def test_one_goes_back_to_an_earlier_version_or_erases_it(site: Site, ines: TestClient) -> None:
    found = saved(site, "shop")
    room(site).credentials.replace(found.id, {"token": made_up()}, asker=HOST)
    assert "Go back to version 1?" in words(ines, of(found.id))
    post(ines, of(found.id, "versions", "1", "back"))
    assert "Version 3 has the values of version 1" in words(ines, of(found.id))
    post(ines, of(found.id, "versions", "2", "erase"))
    assert "The values of version 2 are erased" in words(ines, of(found.id))
    with site.store.reading() as tx:
        assert VersionBook(tx).kept(found.id) == {1, 3}
    for act, number, said in (
        ("back", 3, "the present one"),
        ("erase", 3, "the present one"),
        ("back", 2, "are erased"),
    ):
        post(ines, of(found.id, "versions", str(number), act))
        assert said in words(ines, of(found.id))
    assert post(ines, of(found.id, "versions", "9", "back")).status_code == 404


def test_a_credential_is_shared_with_people_projects_and_tasks_and_that_is_taken_back(
    site: Site, ines: TestClient, ana: User
) -> None:
    found = saved(site, "shop")
    project = site.app.state.house.projects.add("Night shift", actor=TESTER)
    task = site.task("report", None)
    wanted = (("person", "ANA@tidewater.example"), ("project", "night SHIFT"), ("task", "report"))
    for subject, who in wanted:
        answer = post(ines, of(found.id, "grants"), to=subject, who=who, replace="yes", until="2026-12-31")
        assert answer.status_code == 303, text_of(answer.text)
    page = words(ines, of(found.id))
    for said in (
        "ana may use and replace it, until",
        "Night shift all tasks of the project",
        "report the task may use it",
    ):
        assert said in page, said
    html = ines.get(of(found.id)).text
    assert f'href="/projects/{project.id}"' in html
    assert f'href="/tasks/{task}"' in html
    number = room(site).credentials.show(found.id, asker=HOST).grants[0].id
    answer = post(ines, of(found.id, "grants", str(number), "revoke"))
    shown = ines.get(of(found.id)).text
    assert "ana may not use it any more" in text_of(shown)
    assert f'action="{of(found.id, "grants", str(number), "again")}"' in shown
    post(ines, of(found.id, "grants", str(number), "again"))
    assert "ana may use shop again" in words(ines, of(found.id))
    assert [grant.subject.value for grant in room(site).credentials.show(found.id, asker=HOST).grants] == [
        *("project", "task", "person")
    ]


@pytest.mark.parametrize(
    ("subject", "who", "said"),
    [
        ("person", "nobody", "Nobody signs in with this name"),
        ("person", "", "Fill this in"),
        ("project", "nowhere", "There is no such project"),
        ("task", "#999", "There is no such task"),
    ],
)
def test_whom_it_is_shared_with_has_to_be_there(
    site: Site, ines: TestClient, subject: str, who: str, said: str
) -> None:
    found = saved(site, "shop")
    answer = post(ines, of(found.id, "grants"), to=subject, who=who, until="then")
    assert answer.status_code == 422
    assert said in text_of(answer.text)
    assert "Last day: use a day such as" in text_of(answer.text)
    past = post(ines, of(found.id, "grants"), to="person", who="ines", until="2020-01-01")
    assert "Last day: use a day that lies ahead" in text_of(past.text)
    assert post(ines, of(found.id, "grants"), to="everybody", who="x").status_code == 422


def test_r47_r54_nobody_learns_of_tasks_and_projects_by_sharing(site: Site, ana: User) -> None:
    found = saved(site, "shop", ana)
    other = site.person("otto", Role.USER)
    hidden = site.task("hidden", None, place=Place(owner_id=other.id))
    site.app.state.house.projects.add("Secret", actor=TESTER)
    client = site.signed_in("ana")
    pairs = (
        ("task", "hidden"),
        ("task", f"#{hidden}"),
        ("task", "absent"),
        ("project", "Secret"),
        ("project", "absent"),
    )
    answers = [text_of(post(client, of(found.id, "grants"), to=subject, who=who).text) for subject, who in pairs]
    for answer, (_, who) in zip(answers, pairs, strict=True):
        assert who in answer or "There is no such" in answer
    assert answers[0].replace("hidden", "absent") == answers[2]


def test_each_use_is_listed_and_walked_and_unseen_tasks_are_not_named(site: Site, ines: TestClient, ana: User) -> None:
    found = saved(site, "shop", ana)
    other = site.person("otto", Role.USER)
    room(site).grants.make(found.id, NewGrant(subject=Subject.PERSON, subject_id=other.id), asker=HOST)
    ring = VaultKeyring(room(site).vault)
    for place, name in ((Place(owner_id=ana.id), "hers"), (Place(owner_id=other.id), "his")):
        task = site.desk.find(site.task(name, None, place=place, credentials=("shop",)))
        for _ in range(15):
            run_id = site.run(task.id)
            ring.open("shop", task=task, run_id=run_id, attempt=1)
            ring.close(run_id, 1)
    client = site.signed_in("ana")
    first = client.get(of(found.id)).text
    assert "A task that you do not see" in first
    assert ">his<" not in first
    older = re.search(r'<a class="btn sm" href="([^"]+)">Older', first)
    assert older
    second = client.get(unescape(older[1]).partition("#")[0]).text
    numbers = re.findall(r'id="use-(\d+)"', first) + re.findall(r'id="use-(\d+)"', second)
    assert len(numbers) == len(set(numbers)) == 30
    assert ">hers<" in second
    assert ">his<" in ines.get(of(found.id)).text


def test_uses_are_drawn_by_day_for_who_may_know(site: Site, ines: TestClient, ana: User, clock: SetClock) -> None:
    found = saved(site, "shop", ana)
    assert "last 30 days" not in words(site.signed_in("ana"), of(found.id))
    ring = VaultKeyring(room(site).vault)
    task = site.desk.find(site.task("hers", None, place=Place(owner_id=ana.id), credentials=("shop",)))
    for count in (2, 0, 3):
        clock.move(timedelta(days=1))
        for _ in range(count):
            ring.open("shop", task=task, run_id=site.run(task.id), attempt=1)
    hers = site.signed_in("ana").get(of(found.id)).text
    assert 'aria-label="5 uses in 30 days, 3 so far today"' in hers
    points = re.search(r'class="area-line" points="([^"]+)"', hers)
    assert points
    assert len(points[1].split()) == 30
    assert points[1].split()[-3:] == ["93.10,14.67", "96.55,36.00", "100.00,4.00"]
    share(site, found, site.person("otto", Role.USER))
    assert "last 30 days" not in words(site.signed_in("otto"), of(found.id))


def test_its_use_is_stopped_at_once_and_taken_back(site: Site, ines: TestClient) -> None:
    found = saved(site, "shop")
    post(ines, of(found.id, "stop"))
    page = ines.get(of(found.id)).text
    assert "Its use is stopped." in text_of(page)
    assert f'action="{of(found.id, "restore")}"' in page
    post(ines, of(found.id, "stop"))
    assert "is stopped already" in words(ines, of(found.id))
    post(ines, of(found.id, "restore"))
    assert "shop is back" in words(ines, of(found.id))
    post(ines, of(found.id, "restore"))
    assert "neither removed nor inactive" in words(ines, of(found.id))


def test_r76_an_inactive_one_says_until_when_it_can_be_kept_and_is_kept(
    site: Site, ines: TestClient, ana: User, clock: SetClock
) -> None:
    found = saved(site, "shop")
    share(site, found, ana)
    clock.move(timedelta(days=200))
    assert cleanup_inactive_credentials(store=site.app.state.house.services.store, clock=clock)["marked"] == 1
    ines, hers = site.signed_in("ines"), site.signed_in("ana")
    page = ines.get(of(found.id)).text
    until = clock.now() + timedelta(days=30)
    assert "Inactive since" in page
    assert f'datetime="{until:%Y-%m-%dT%H:%M}' in page
    assert f'action="{of(found.id, "restore")}"' in page
    assert rows(ines, "/credentials?state=inactive") == ["shop"]
    assert "Keep it" not in words(hers, of(found.id))
    post(ines, of(found.id, "restore"))
    kept = words(ines, of(found.id))
    assert "shop is kept" in kept
    assert "Inactive since" not in kept
    assert rows(ines, "/credentials?state=inactive") == []


def test_removing_names_the_tasks_and_wants_the_name_typed(site: Site, ines: TestClient) -> None:
    found = saved(site, "shop")
    for number in range(25):
        site.task(f"task-{number:02}", None, credentials=("shop",))
    page = words(ines, of(found.id, "remove"))
    assert "25 tasks use it" in page
    assert "task-00" in page
    assert "and 5 more" in page
    refused = post(ines, of(found.id, "remove"), confirm="shopp")
    assert refused.status_code == 422
    assert "Type shop exactly" in text_of(refused.text)
    answer = post(ines, of(found.id, "remove"), confirm="shop")
    assert answer.headers["location"] == "/credentials"
    shown = ines.get("/credentials").text
    assert "shop is removed" in text_of(shown)
    assert f'action="{of(found.id, "restore")}"' in shown
    assert rows(ines, "/credentials") == []
    assert rows(ines, "/credentials?view=removed") == ["shop"]
    assert "It was removed" in words(ines, of(found.id))
    saved(site, "shop")
    post(ines, of(found.id, "restore"))
    assert "Another credential has this name by now" in words(ines, of(found.id))


def test_an_owner_gives_it_away_with_all_that_it_is_shared_with(site: Site, ines: TestClient, ana: User) -> None:
    found = saved(site, "shop")
    share(site, found, site.person("otto", Role.USER))
    refused = post(ines, of(found.id, "owner"), heir="nobody")
    assert (refused.status_code, "Nobody signs in with this name" in text_of(refused.text)) == (422, True)
    assert post(ines, of(found.id, "owner"), heir="ana").headers["location"] == "/credentials"
    assert "shop belongs to ana" in words(ines, "/credentials")
    client = site.signed_in("ana")
    assert rows(client, "/credentials?view=mine") == ["shop"]
    assert "otto may use it" in words(client, of(found.id))
    # To the installation only administrators give.
    assert post(client, of(found.id, "owner"), installation="yes").status_code == 403
    assert 'name="installation"' not in client.get(of(found.id)).text
    saved(site, "shop")
    mine = saved(site, "shop", site.users.find("ines"))
    taken = post(ines, of(mine.id, "owner"), installation="yes")
    assert "has a credential of this name" in text_of(taken.text)
    post(ines, of(mine.id, "owner"), heir="ines")
    assert "It belongs there already" in words(ines, of(mine.id))


def test_r46_what_is_somebody_elses_is_answered_like_what_is_not_there(site: Site, ana: User) -> None:
    theirs = saved(site, "not for ana")
    room(site).credentials.replace(theirs.id, {"token": made_up()}, asker=HOST)
    grant = share(site, theirs, site.person("otto", Role.USER))
    mine = saved(site, "mine", ana)
    client = site.signed_in("ana")
    forms = {"": {"name": "x"}, "values": {"token.token": made_up()}, "remove": {"confirm": "not for ana"}}
    acts = [
        "",
        "owner",
        "values",
        "test",
        "stop",
        "restore",
        "remove",
        "grants",
        f"grants/{grant}/revoke",
        f"grants/{grant}/again",
    ]
    for act in [*acts, "versions/1/back", "versions/1/erase"]:
        fields = forms.get(act, {"to": "person", "who": "ana"} if act == "grants" else {})
        found = [post(client, f"/credentials/{number}/{act}".rstrip("/"), **fields) for number in (theirs.id, 9999)]
        assert [each.status_code for each in found] == [404, 404], act
        assert re.sub(r"req_\w+", "", found[0].text) == re.sub(r"req_\w+", "", found[1].text)
    for act in ("", "values", "remove"):
        assert client.get(f"/credentials/{theirs.id}/{act}".rstrip("/")).status_code == 404
    # Numbers inside another one's address lead nowhere either.
    assert post(client, of(mine.id, "grants", str(grant), "revoke")).status_code == 404
    assert post(client, of(mine.id, "grants", str(grant), "again")).status_code == 404
    present = room(site).credentials.show(theirs.id, asker=HOST)
    assert (present.credential.version, [each.id for each in present.grants]) == (2, [grant])
    assert told(site).count("access.refused") == len(acts) + 2


def test_r53_who_may_use_it_sees_no_more_and_does_no_more(site: Site, ana: User) -> None:
    found = saved(site, "shop", note="for all", fields={"url": "https://shop.example"})
    share(site, found, ana)
    with site.store.transaction() as tx:
        CredentialBook(tx).change(found.id, tested_at=site.clock.micros(), test_passed=False, test_words="refused")
    client = site.signed_in("ana")
    page = client.get(of(found.id)).text
    for hidden in (
        "does not work",
        "refused",
        'id="uses"',
        'id="share"',
        'id="about"',
        "Replace…",
        of(found.id, "test"),
    ):
        assert hidden not in page, hidden
    for act in ("values", "test", "stop", "remove", "grants", "versions/1/erase"):
        fields = {"to": "person", "who": "ana"} if act == "grants" else {}
        assert post(client, of(found.id, act), **fields).status_code == 403, act
    room(site).credentials.change(found.id, Changes(note="x"), asker=HOST)
    for grant in room(site).credentials.show(found.id, asker=HOST).grants:
        room(site).grants.revoke(found.id, grant.id, asker=HOST)
    share(site, found, ana, may_replace=True)
    assert "Replace…" in client.get(of(found.id)).text
    assert post(client, of(found.id, "values"), **{"token.token": made_up()}).status_code == 303
    assert post(client, of(found.id, "stop")).status_code == 403


def test_an_administrator_sees_that_it_is_there_and_can_do_nothing_with_it(
    site: Site, ines: TestClient, ana: User
) -> None:
    found = saved(site, "hers", ana)
    page = ines.get(of(found.id)).text
    assert "hers" in page
    assert "Replace…" not in page
    assert post(ines, of(found.id, "values"), **{"token.token": made_up()}).status_code == 403
    assert post(ines, of(found.id, "remove"), confirm="hers").status_code == 403
