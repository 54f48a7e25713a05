"""The page about invitations, for administrators: inviting, handing links over, taking back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from horarium.accounts.projects import Projects
from horarium.accounts.roles import Permission
from horarium.records.people import Role
from horarium.store.books.mail import OutboxBook
from horarium.web.access import ROWS
from tests.support.pages import Site, open_site, post, sign_in
from tests.support.people import TESTER, SetClock, add_person, made_up

PAGE = "/users/invitations"
NOOR = "noor@example.org"


@pytest.fixture(params=["sqlite", "postgres"])
def site(request: pytest.FixtureRequest, tmp_path: Path, clock: SetClock) -> Iterator[Site]:
    where = tmp_path if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with open_site(where, clock, sends_mail=True) as opened:
        opened.person("ines")
        yield opened


def waiting(site: Site) -> list[str]:
    with site.store.reading() as tx:
        return [letter.address for letter in OutboxBook(tx).newest()]


def link_on(page: str) -> str:
    found = re.search(r'<code id="inv-link">([^<]+)</code>', page)
    assert found
    return urlsplit(found[1]).path


def test_somebody_is_invited_by_mail_into_a_project(site: Site, ines: TestClient) -> None:
    assert "Nobody is invited at the moment." in ines.get(PAGE).text
    shop = Projects(site.store, site.clock).add("Shop", actor=TESTER)
    form = {"email": NOOR, "role": "editor", "project": str(shop.id), "project_role": "operator"}
    assert post(ines, PAGE, page=PAGE, **form).status_code == 303
    page = ines.get(PAGE).text
    assert "The invitation is on its way" in page
    assert f"<b>{NOOR}</b>" in page
    assert "as Editor, into Shop, by ines, expires" in re.sub(r"<[^>]+>", "", page.replace("\n", ""))
    assert waiting(site) == [NOOR]


def test_a_link_is_shown_once_and_makes_the_account(site: Site, ines: TestClient) -> None:
    post(ines, PAGE, page=PAGE, email=NOOR, role="viewer")
    shown = post(ines, f"{PAGE}/1/link", page=PAGE)
    assert shown.status_code == 200
    assert f"Copy the link for {NOOR} now. It is not shown again." in shown.text
    path = link_on(shown.text)
    assert path.rpartition("/")[2] not in ines.get(PAGE).text
    newcomer = site.client()
    assert "invited you as <b>Viewer</b>" in newcomer.get(path).text
    form = {"name": "Noor", "password": made_up(), "time_zone": "UTC"}
    assert post(newcomer, path, page=path, **form).status_code == 303
    found = site.users.find(NOOR)
    assert found
    assert found.role is Role.VIEWER
    assert "Nobody is invited" in ines.get(PAGE).text


def test_an_invitation_is_sent_again_and_withdrawn(site: Site, ines: TestClient, clock: SetClock) -> None:
    post(ines, PAGE, page=PAGE, email=NOOR, role="user")
    clock.move(timedelta(days=7))
    ines = site.signed_in("ines")
    assert "expired" in ines.get(PAGE).text
    assert post(ines, f"{PAGE}/1/link", page=PAGE).headers["location"] == PAGE
    assert "This invitation is over" in ines.get(PAGE).text
    assert post(ines, f"{PAGE}/1/resend", page=PAGE).status_code == 303
    assert "is good for 7 days again" in ines.get(PAGE).text
    assert waiting(site) == [NOOR, NOOR]
    for told in ("The invitation is withdrawn", "It was accepted or withdrawn already"):
        assert post(ines, f"{PAGE}/1/withdraw", page=PAGE).status_code == 303
        assert told in ines.get(PAGE).text
    assert post(ines, f"{PAGE}/1/resend", page=PAGE).status_code == 409


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(site: Site, ines: TestClient) -> None:
    Projects(site.store, site.clock).add("Shop", actor=TESTER)
    for form, field in (
        ({"email": "noor", "role": "editor"}, "email"),
        ({"email": "ines@tidewater.example", "role": "editor"}, "email"),
        ({"email": NOOR, "role": "owner"}, "role"),
        ({"email": NOOR, "role": "editor", "project": "99", "project_role": "viewer"}, "project"),
        ({"email": NOOR, "role": "editor", "project": "x", "project_role": "viewer"}, "project"),
        ({"email": NOOR, "role": "editor", "project": "1", "project_role": "user"}, "project_role"),
    ):
        answer = post(ines, PAGE, page=PAGE, **form)
        assert answer.status_code == 422, form
        assert f'id="i-{field}-err"' in answer.text
        assert f'value="{form["email"]}"' in answer.text
    assert waiting(site) == []


def test_r22_inviting_needs_a_fresh_proof(site: Site, ines: TestClient, clock: SetClock) -> None:
    clock.move(timedelta(minutes=11))
    asked = post(ines, PAGE, page=PAGE, email=NOOR, role="admin")
    assert (asked.status_code, asked.headers["x-error"]) == (403, "prove_again")
    assert waiting(site) == []
    held = re.search(r'name="held" value="([^"]+)"', asked.text)
    assert held
    assert post(ines, PAGE, page=PAGE, held=held[1], proof=site.passwords["ines"]).status_code == 303
    assert waiting(site) == [NOOR]


def test_without_mail_the_link_is_handed_over(site: Site) -> None:
    client = site.signed_in("ines", sends_mail=False)
    assert "sends no mail" in client.get(PAGE).text
    post(client, PAGE, page=PAGE, email=NOOR, role="viewer")
    assert "copy the link from the list" in client.get(PAGE).text
    assert waiting(site) == []
    assert link_on(post(client, f"{PAGE}/1/link", page=PAGE).text).startswith("/join/")


def test_letters_that_could_not_be_sent_are_told(site: Site, ines: TestClient, clock: SetClock) -> None:
    post(ines, PAGE, page=PAGE, email=NOOR, role="viewer")
    with site.store.transaction() as tx:
        OutboxBook(tx).give_up(1, "550 nobody", clock.now())
    assert "1 letter of the last 7 days could not be sent." in ines.get(PAGE).text


def test_r46_an_invitation_that_is_not_there_is_not_found(ines: TestClient) -> None:
    for what in ("withdraw", "resend", "link"):
        assert post(ines, f"{PAGE}/99/{what}", page=PAGE).status_code == 404


def test_r21_an_administrator_starts_a_new_password_and_never_sets_one(site: Site, ines: TestClient) -> None:
    otto = add_person(site.users, "otto", email="otto@example.org")
    mute = add_person(site.users, "mute")
    answer = post(ines, f"/users/{otto.id}/reset", page=PAGE, back="/tasks")
    assert answer.headers["location"] == "/tasks"
    assert waiting(site) == ["otto@example.org"]
    for user, form in ((otto, {"by_hand": "yes"}), (mute, {})):
        shown = post(ines, f"/users/{user.id}/reset", page=PAGE, **form)
        assert shown.status_code == 200
        path = link_on(shown.text)
        new = made_up()
        client = site.client()
        assert post(client, path, page=path, password=new).status_code == 303
        assert sign_in(client, user.name, new).status_code == 303
    assert post(ines, f"/users/{otto.id}/reset", page=PAGE, password=made_up()).headers["x-error"] == "unknown_field"
    assert post(ines, "/users/99/reset", page=PAGE).status_code == 404
    assert "password" not in {field for row in ROWS if row.needs is Permission.USERS_MANAGE for field in row.fields}
