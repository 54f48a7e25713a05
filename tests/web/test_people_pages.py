"""The pages about people: found among a thousand, given roles, signed out, closed, deleted."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from starlette.testclient import TestClient

from horarium.audit.trail import Trail
from horarium.clock import EPOCH
from horarium.errors import NotFound
from horarium.records.checks import CheckWish
from horarium.records.people import Role, User
from horarium.records.reach import NOWHERE, Place
from horarium.scheduling.checks import check_in
from horarium.triggers import IntervalTrigger, to_text
from tests.support.pages import Site, post
from tests.support.people import TESTER, SetClock, add_person


@pytest.fixture
def leila(site: Site) -> User:
    return site.person("leila", Role.OPERATOR)


def words(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def rows(client: TestClient, path: str) -> list[str]:
    """Return the names in the list."""
    return re.findall(r'<a class="t" data-open-row href="/users/\d+">([^<]+)</a>', client.get(path).text)


def told(site: Site) -> list[str]:
    return [row.action for row in Trail(site.store, site.clock).page(limit=100)]


def test_a_thousand_people_are_paged_searched_and_chosen_by_role(site: Site, ines: TestClient) -> None:
    for number in range(205):
        role = Role.VIEWER if number % 100 == 7 else Role.USER
        add_person(site.users, f"p{number:03}", role, email=f"p{number:03}@tidewater.example")
    first = ines.get("/users").text
    assert "100 people of 206" in text_of(first)
    names = rows(ines, "/users")
    while older := re.search(r'<a class="btn sm" href="([^"]+)">Next', first):
        first = ines.get(unescape(older[1])).text
        names += rows(ines, unescape(older[1]))
    assert names == ["ines", *(f"p{number:03}" for number in range(205))]
    assert rows(ines, "/users?q=P10%20tidewater") == [f"p10{number}" for number in range(10)]
    assert rows(ines, "/users?role=viewer") == ["p007", "p107"]
    assert rows(ines, "/users?role=viewer&role=admin&role=nonsense") == ["ines", "p007", "p107"]
    assert "Nobody matches “%”" in words(ines, "/users?q=%25")
    assert ines.get("/users?q=%00").status_code == 200


def test_the_list_says_how_people_stand(site: Site, ines: TestClient, leila: User) -> None:
    site.task("backup", place=Place(owner_id=leila.id))
    page = words(ines, "/users")
    assert re.search(r"ines you .*Administrator", page)
    assert re.search(r"leila leila@tidewater.example Operator off 1 0 never", page)
    assert "now" in page
    assert words(ines, "/users?view=closed").count("No account is deactivated") == 1
    assert "Manage users and system" in words(ines, "/users?view=roles")
    assert 'data-go="u"' in ines.get("/tasks").text


def test_only_administrators_have_the_way_to_people_and_the_log(site: Site, leila: User) -> None:
    client = site.signed_in("leila")
    page = client.get("/tasks").text
    assert 'href="/users"' not in page
    assert 'href="/audit"' not in page
    # Whether there is such a person is not told either.
    present, absent = (client.get(f"/users/{number}") for number in (leila.id, 9999))
    assert present.status_code == absent.status_code == 403
    number = re.compile(r"\b[0-9a-f]{16}\b")
    assert number.sub("", present.text) == number.sub("", absent.text)


def test_a_person_is_shown_with_what_is_theirs(site: Site, ines: TestClient, leila: User, clock: SetClock) -> None:
    for number in range(12):
        site.task(f"task-{number:02}", place=Place(owner_id=leila.id))
    site.signed_in("leila")
    site.client().post("/login")
    projects = site.app.state.house.projects
    night = projects.add("Night", actor=TESTER)
    projects.put_member(night.id, leila.id, Role.EDITOR, actor=TESTER)
    clock.move(timedelta(minutes=5))
    page = words(ines, f"/users/{leila.id}")
    for said in ("leila Operator", "leila@tidewater.example", "task-00", "and 2 more", "Night Editor", "none in 30 d"):
        assert said in page, said
    assert "May: Run, pause and stop tasks" in page
    assert "May not: Manage users and system" in page
    assert ines.get("/users/9999").status_code == 404


def test_r29_another_role_counts_from_the_next_request(site: Site, ines: TestClient, leila: User) -> None:
    other = site.signed_in("leila")
    here = f"/users/{leila.id}"
    assert post(ines, f"{here}/role", page=here, role="viewer").status_code == 303
    assert "leila is Viewer now" in words(ines, here)
    assert other.get("/tasks").status_code == 302
    assert post(ines, f"{here}/role", page=here, role="viewer").status_code == 303
    assert "leila is Viewer already" in words(ines, here)
    assert post(ines, f"{here}/role", page=here, role="king").status_code == 422
    assert told(site).count("person.role_changed") == 1


def test_r22_a_role_needs_a_fresh_proof(site: Site, ines: TestClient, leila: User, clock: SetClock) -> None:
    clock.move(timedelta(minutes=11))
    here = f"/users/{leila.id}"
    for path, form in ((f"{here}/role", {"role": "admin"}), (f"{here}/leave", {"act": "delete", "confirm": "leila"})):
        answer = post(ines, path, page=here, **form)
        assert (answer.status_code, answer.headers["x-error"]) == (403, "prove_again")
    assert site.users.get(leila.id) == leila


def test_r55_nobody_takes_the_last_administrator_away(site: Site, ines: TestClient) -> None:
    me = site.users.find("ines")
    assert me
    here = f"/users/{me.id}"
    assert "disabled" in ines.get(here).text.partition("u-role")[2][:200]
    for path, form in ((f"{here}/role", {"role": "user"}), (f"{here}/leave", {"act": "close", "confirm": "ines"})):
        assert post(ines, path, page=here, **form).headers["location"] == here
        assert "Another administrator can" in words(ines, here)
    assert site.users.get(me.id).is_admin


def test_r30_an_administrator_ends_anybodys_sessions(site: Site, ines: TestClient, leila: User) -> None:
    first, second, third = (site.signed_in("leila") for _ in range(3))
    here = f"/users/{leila.id}"
    keys = re.findall(r'name="session" value="(\w+)"', ines.get(here).text)
    assert len(keys) == 3
    assert post(ines, f"{here}/sessions/end", page=here, session=keys[0]).status_code == 303
    assert [client.get("/tasks").status_code for client in (first, second, third)].count(302) == 1
    assert post(ines, f"{here}/sessions/end-all", page=here, back="/users").headers["location"] == "/users"
    assert [client.get("/tasks").status_code for client in (first, second, third)] == [302] * 3
    assert "is not signed in anywhere" in words(ines, here)
    # One's own present session is kept.
    me = site.users.find("ines")
    assert me
    post(ines, f"/users/{me.id}/sessions/end-all", page=here)
    assert ines.get("/tasks").status_code == 200


def test_r56_an_account_is_closed_with_a_word_about_its_tasks(site: Site, ines: TestClient, leila: User) -> None:
    other = site.signed_in("leila")
    task = site.task("backup", place=Place(owner_id=leila.id))
    waiting = site.run(task)
    here = f"/users/{leila.id}/leave"
    assert "leila owns 1 task." in words(ines, here)
    done = post(ines, here, page=here, act="close", fate="keep", runs="finish", confirm="leila")
    assert done.headers["location"] == f"/users/{leila.id}"
    page = words(ines, f"/users/{leila.id}")
    assert "leila is deactivated" in page
    assert "1 task has stopped." in page
    assert other.get("/tasks").status_code == 302
    assert f"Run {waiting}" in words(ines, f"/runs/{waiting}")
    assert site.desk.find(task).is_paused
    assert rows(ines, "/users?view=closed") == ["leila"]
    assert post(ines, f"/users/{leila.id}/open", page="/users").status_code == 303
    assert "1 task goes on." in words(ines, f"/users/{leila.id}")
    assert not site.desk.find(task).is_paused
    site.signed_in("leila")


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"confirm": "somebody"}, "confirm"),
        ({"act": "burn"}, "act"),
        ({"fate": "keep"}, "fate"),
        ({"fate": "sell"}, "fate"),
        ({"fate": "person", "heir": ""}, "heir"),
        ({"fate": "person", "heir": "9999"}, "heir"),
        ({"fate": "project", "project": "x"}, "project"),
        ({"runs": "faster"}, "runs"),
    ],
)
def test_what_is_wrong_with_the_form_is_said_and_nothing_typed_is_lost(
    site: Site, ines: TestClient, leila: User, sent: dict[str, str], wrong: str
) -> None:
    site.task("backup", place=Place(owner_id=leila.id))
    here = f"/users/{leila.id}/leave"
    form = {"act": "delete", "fate": "installation", "runs": "cancel", "confirm": "leila", **sent}
    answer = post(ines, here, page=here, **form)
    assert answer.status_code == 422
    assert f'href="#x-{wrong}"' in answer.text
    assert f'value="{form["confirm"]}"' in answer.text
    assert re.search(r'value="cancel"[^>]* checked', answer.text) or wrong == "runs"
    assert site.users.get(leila.id).is_enabled


def test_r56_a_deleted_person_leaves_their_tasks_to_whom_was_said(site: Site, ines: TestClient, leila: User) -> None:
    task = site.task("backup", place=Place(owner_id=leila.id))
    me = site.users.find("ines")
    assert me
    here = f"/users/{leila.id}/leave"
    form = {"act": "delete", "fate": "person", "heir": str(me.id), "runs": "finish", "confirm": "leila"}
    assert post(ines, here, page=here, **form).headers["location"] == "/users"
    assert "leila is deleted" in words(ines, "/users")
    with pytest.raises(NotFound):
        site.users.get(leila.id)
    assert site.desk.find(task).place == Place(owner_id=me.id)
    assert ines.get(f"/users/{leila.id}").status_code == 404
    assert ines.get(here).status_code == 404
    page = words(ines, "/audit?q=leila")
    assert "deleted the account of user leila" in page


@pytest.fixture
def night(site: Site, leila: User) -> int:
    """Return the number of a project in which Leïla is an operator."""
    projects = site.app.state.house.projects
    made = projects.add("Night", actor=TESTER, description="What runs at night")
    projects.put_member(made.id, leila.id, Role.OPERATOR, actor=TESTER)
    return int(made.id)


def test_projects_are_made_and_shown_to_their_members(site: Site, ines: TestClient, leila: User) -> None:
    assert "No projects yet" in words(ines, "/projects")
    made = post(ines, "/projects", page="/projects", name="Night", description="What runs at night")
    here = made.headers["location"]
    assert "Nobody belongs to it yet" in words(ines, here)
    again = post(ines, "/projects", page="/projects", name="night", description="kept")
    assert again.status_code == 422
    assert 'id="x-name-err"' in again.text
    assert ">kept</textarea>" in again.text
    member = site.signed_in("leila")
    assert "You belong to no project" in words(member, "/projects")
    assert 'href="/projects"' not in member.get("/tasks").text
    assert post(ines, f"{here}/members", page=here, who="LEILA@tidewater.example", role="editor").status_code == 303
    assert "leila is Editor in Night" in words(ines, here)
    assert "Night What runs at night 1 0 Editor" in words(member, "/projects")
    assert 'href="/projects"' in member.get("/tasks").text
    page = member.get(here).text
    assert "Take somebody in" not in page
    assert "/users/" not in page


def test_r46_a_project_of_others_is_answered_like_one_that_is_not_there(site: Site, night: int) -> None:
    site.person("otto", Role.EDITOR)
    otto = site.signed_in("otto")
    for ending in ("", "/remove"):
        foreign, absent = otto.get(f"/projects/{night}{ending}"), otto.get(f"/projects/9999{ending}")
        assert foreign.status_code == absent.status_code == 404
        assert foreign.text == absent.text
    for ending, form in (("", {"name": "x"}), ("/members", {"who": "otto", "role": "admin"}), ("/members/remove", {})):
        for each in (night, 9999):
            assert post(otto, f"/projects/{each}{ending}", **form).status_code == 404


def test_r46_r107_whoever_is_refused_something_is_noted_once(site: Site, night: int, clock: SetClock) -> None:
    otto = site.person("otto", Role.USER)
    foreign = site.task("secret", place=Place(project_id=night))
    run = site.run(foreign)
    client = site.signed_in("otto")
    for path in ("/audit", f"/tasks/{foreign}", f"/runs/{run}", f"/projects/{night}", "/tasks/9999", "/nowhere"):
        for _ in range(3):
            assert client.get(path).status_code in {403, 404}
    rows = [row for row in Trail(site.store, clock).page() if row.action == "access.refused"]
    assert [(row.kind, row.object_id) for row in rows] == [
        ("project", night),
        ("run", run),
        ("task", foreign),
        ("page", None),
    ]
    assert {(row.actor_id, row.result, row.details["method"]) for row in rows} == {(otto.id, "refused", "GET")}
    clock.move(timedelta(minutes=1))
    client.get("/audit")
    assert [row.action for row in Trail(site.store, clock).page(limit=1)] == ["access.refused"]


def test_whoever_looks_after_a_project_says_who_belongs_to_it(site: Site, night: int, leila: User) -> None:
    projects = site.app.state.house.projects
    otto = site.person("otto", Role.USER)
    projects.put_member(night, leila.id, Role.ADMIN, actor=TESTER)
    client, here = site.signed_in("leila"), f"/projects/{night}"
    assert post(client, f"{here}/members", page=here, who="otto", role="viewer").status_code == 303
    assert site.signed_in("otto").get(here).status_code == 200
    assert post(client, here, page=here, name="Late", description="").status_code == 303
    assert "Late is changed" in words(client, here)
    for who, role, status in (
        ("nobody", "viewer", 422),
        ("", "viewer", 422),
        ("otto", "user", 422),
        ("otto", "x", 422),
    ):
        assert post(client, f"{here}/members", page=here, who=who, role=role).status_code == status
    assert post(client, f"{here}/members/remove", page=here, user=otto.id).status_code == 303
    assert "otto left Late" in words(client, here)
    assert site.signed_in("otto").get(here).status_code == 404
    assert post(client, f"{here}/members/remove", page=here, user=leila.id).headers["location"] == "/projects"
    assert client.get(here).status_code == 404


def test_a_project_goes_with_a_word_about_its_tasks(site: Site, ines: TestClient, night: int, leila: User) -> None:
    loose = site.task("loose", place=Place(project_id=night))
    hers = site.task("hers", place=Place(owner_id=leila.id, project_id=night))
    here = f"/projects/{night}"
    assert "loose" in words(ines, here)
    page = words(ines, f"{here}/remove")
    assert "1 task belongs to the project alone" in page
    assert "1 task stays with its owner" in page
    wrong = post(ines, f"{here}/remove", page=f"{here}/remove", fate="person", heir="", runs="finish", confirm="night")
    assert wrong.status_code == 422
    assert 'href="#x-heir"' in wrong.text
    assert 'href="#x-confirm"' in wrong.text
    form = {"fate": "installation", "runs": "finish", "confirm": "Night"}
    assert post(ines, f"{here}/remove", page=f"{here}/remove", **form).headers["location"] == "/projects"
    assert "Night is gone" in words(ines, "/projects")
    assert site.desk.find(loose).place == NOWHERE
    assert site.desk.find(hers).place == Place(owner_id=leila.id)
    assert ines.get(here).status_code == 404


def test_a_persons_page_leads_to_what_helps_them_in_again(site: Site) -> None:
    site.person("ana", Role.VIEWER)
    ana = site.users.find("ana")
    assert ana
    client = site.signed_in("ines")
    assert 'href="/users/invitations"' in client.get("/users").text
    page = client.get(f"/users/{ana.id}").text
    assert f'action="/users/{ana.id}/reset"' in page
    assert f'action="/users/{ana.id}/reset-second-step"' not in page


def heartbeat(site: Site, place: Place) -> int:
    """Add a heartbeat; return its number."""
    wish = CheckWish(name="Nightly copy", schedule=to_text(IntervalTrigger(3600, EPOCH)), place=place)
    return int(site.app.state.house.checks.add(wish, actor=TESTER).id)


def owner_of(site: Site, check_id: int) -> int | None:
    with site.store.reading() as tx:
        return check_in(tx, check_id).place.owner_id


def test_what_becomes_of_heartbeats_is_asked_when_their_owner_is_deleted(
    site: Site, ines: TestClient, leila: User
) -> None:
    check = heartbeat(site, Place(owner_id=leila.id))
    me = site.users.find("ines")
    assert me
    here = f"/users/{leila.id}/leave"
    assert "leila owns 1 heartbeat. All stop at once" in words(ines, here)
    form = {"act": "delete", "runs": "finish", "confirm": "leila"}
    unsaid = post(ines, here, page=here, fate="keep", **form)
    assert unsaid.status_code == 422
    assert "Choose what becomes of them." in unsaid.text
    assert post(ines, here, page=here, fate="person", heir=str(me.id), **form).headers["location"] == "/users"
    assert "1 heartbeat has stopped." in words(ines, "/users")
    assert owner_of(site, check) == me.id


def test_what_becomes_of_heartbeats_is_asked_when_their_project_is_removed(
    site: Site, ines: TestClient, leila: User, night: int
) -> None:
    check = heartbeat(site, Place(project_id=night))
    here = f"/projects/{night}/remove"
    assert "1 heartbeat belongs to the project alone." in words(ines, here)
    form = {"runs": "finish", "confirm": "Night"}
    assert post(ines, here, page=here, fate="", **form).status_code == 422
    done = post(ines, here, page=here, fate="person", heir=str(leila.id), **form)
    assert done.headers["location"] == "/projects"
    assert "1 heartbeat was settled as you said." in words(ines, "/projects")
    assert owner_of(site, check) == leila.id
