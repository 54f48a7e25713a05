"""The pages about credentials: listed, saved, replaced, changed, tested; and no secret on any of them."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from horarium.audit.trail import Trail
from horarium.outgoing.addresses import Policy
from horarium.records.people import User
from horarium.store.books.credentials import CredentialBook
from horarium.vault.vault import Vault
from horarium.web.app import create_app
from tests.support.credentials import of, room, rows, saved, share, text_of, told, words
from tests.support.loopback import web_server
from tests.support.pages import Site, post
from tests.support.people import SetClock, made_up
from tests.support.vault import HOST, new_secret

HERE = Policy.of(["localhost"])


@pytest.fixture
def site_options() -> dict[str, object]:
    return {"outgoing": HERE}


def new(client: TestClient, **fields: Any) -> Any:
    return post(client, "/credentials/new", page="/credentials/new", **fields)


def test_r72_what_is_saved_on_the_page_is_on_no_page_again(site: Site, ines: TestClient) -> None:
    canary = made_up()
    assert "No credentials yet" in words(ines, "/credentials")
    fields = {"database.host": "db.example.org", "database.username": "report", "database.password": canary}
    answer = new(
        ines, kind="database", name="warehouse-db", note="ask ana", rotate="180", owner="installation", **fields
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/credentials/1")
    page = words(ines, "/credentials/1")
    for said in (
        "warehouse-db is saved",
        "db.example.org",
        "cannot be shown",
        "ask ana",
        "every 180 days",
        "not tested",
    ):
        assert said in page, said
    post(ines, of(1, "values"), **{"database.host": "h", "database.username": "u", "database.password": canary})
    paths = [
        "/credentials",
        "/credentials?q=warehouse",
        of(1),
        of(1, "values"),
        of(1, "remove"),
        "/audit",
        "/audit?open=3",
    ]
    assert not [path for path in paths if canary in ines.get(path).text]
    assert told(site)[:3] == ["credential.replaced", "credential.added", "vault.key_added"]


def test_values_are_tested_before_they_are_saved_and_saved_without_typing_them_again(
    site: Site, ines: TestClient, clock: SetClock
) -> None:
    canary = made_up()
    with web_server() as server:
        server.answer = lambda asked: (200 if asked.headers["authorization"] == f"Bearer {canary}" else 401, {}, "")
        fields = {"kind": "token", "name": "shop", "token.token": canary, "token.url": server.address}
        tested = new(ines, act="test", **fields)
        assert tested.status_code == 200
        assert "These values work." in text_of(tested.text)
        assert canary not in tested.text
        assert told(site)[0] == "credential.tested"
        assert rows(ines, "/credentials") == []
        assert "wait a few seconds" in text_of(new(ines, act="test", **fields).text)
        assert len(server.asked) == 1
        held = re.search(r'name="held" value="([^"]+)"', tested.text)
        assert held
        assert new(ines, held=held[1]).headers["location"] == "/credentials/1"
        clock.move(timedelta(seconds=4))
        page = post(ines, of(1, "test"))
        assert "the secret is taken" in words(ines, page.headers["location"])
        refused = {"act": "test", "token.token": made_up(), "token.url": server.address, "keep": "hour"}
        answer = post(ines, of(1, "values"), **refused)
        assert "These values do not work." in text_of(answer.text)
        assert "Save them all the same" in answer.text
        assert 'value="hour" selected' in answer.text
    assert room(site).credentials.show(1, asker=HOST).credential.version == 1


def test_what_cannot_be_tested_is_said_and_nothing_is_asked_of_inner_machines(
    ines: TestClient, clock: SetClock
) -> None:
    own = new(ines, act="test", kind="custom", name="own", **{"custom.name": "a", "custom.value": made_up()})
    assert "Not tested." in text_of(own.text)
    assert 'name="held"' not in own.text
    clock.move(timedelta(seconds=4))
    inner = {"token.token": made_up(), "token.url": "http://10.1.2.3/x"}
    answer = new(ines, act="test", kind="token", name="inner", **inner)
    assert "These values do not work." in text_of(answer.text)
    wrong = new(ines, act="test", kind="token", name="", **{"token.token": made_up()})
    assert wrong.status_code == 422


def test_r72_a_key_is_made_in_the_form_and_only_its_public_half_is_shown(site: Site, ines: TestClient) -> None:
    fields = {"kind": "ssh_key", "name": "deploy", "ssh_key.username": "deploy", "ssh_key.make": "yes"}
    both = new(ines, **fields, **{"ssh_key.private_key": "a key"})
    assert "Private key: leave it out where a new one is to be made." in text_of(both.text)
    assert new(ines, **fields).headers["location"] == "/credentials/1"
    page = words(ines, of(1))
    public = room(site).credentials.show(1, asker=HOST).credential.open_fields["public_key"]
    assert public in page
    assert "A key was made." in page
    assert "PRIVATE KEY" not in page
    post(ines, of(1, "values"), **{"ssh_key.username": "deploy", "ssh_key.make": "yes", "ssh_key.public_key": public})
    other = room(site).credentials.show(1, asker=HOST).credential.open_fields["public_key"]
    assert other != public
    assert other in words(ines, of(1))


def test_a_short_secret_is_told_of_where_it_was_saved(ines: TestClient) -> None:
    new(ines, kind="token", name="pin", **{"token.token": "1234"})
    assert "token has less than 8 characters" in words(ines, "/credentials/1")


def test_r22_a_stale_session_is_asked_again_and_the_secret_is_held_unread(
    site: Site, ines: TestClient, clock: SetClock
) -> None:
    canary = made_up()
    clock.move(timedelta(minutes=11))
    asked = new(ines, kind="token", name="shop", **{"token.token": canary})
    assert asked.status_code == 403
    assert canary not in asked.text
    held = re.search(r'name="held" value="([^"]+)"', asked.text)
    assert held
    answer = new(ines, held=held[1], proof=site.passwords["ines"])
    assert answer.headers["location"] == "/credentials/1"
    assert asked.text.count("shop") == 0
    acts = {"values": {"token.token": made_up()}, "remove": {"confirm": "shop"}, "grants": {"to": "person", "who": "x"}}
    for act, fields in {**acts, "versions/1/back": {}}.items():
        clock.move(timedelta(minutes=11))
        answer = post(ines, of(1, act), **fields)
        assert (answer.status_code, answer.headers["x-error"]) == (403, "prove_again"), act


def test_all_that_is_wrong_is_said_at_once_and_only_secrets_have_to_be_typed_again(ines: TestClient) -> None:
    secret = made_up()
    wrong = {
        "name": "ware/house",
        "note": "keep me",
        "hosts": "a/b",
        "expires": "tomorrow",
        "rotate": "often",
        "database.host": "db.example.org",
        "database.port": "54\t32",
        "database.password": secret,
    }
    answer = new(ines, kind="database", **wrong)
    assert answer.status_code == 422
    page = text_of(answer.text)
    for said in (
        "6 fields need another look",
        "Name “ware/house”: use 1 to 100 letters",
        "Hosts “a/b”: use host names",
        "Last day: use a day such as",
        "“often” is no whole number",
        "Port: use one line of printable characters",
        "User: fill this in",
        "Secrets are not kept",
    ):
        assert said in page, said
    for kept in ('value="ware/house"', "keep me", 'value="db.example.org"', 'value="often"'):
        assert kept in answer.text, kept
    assert secret not in answer.text
    assert "Last day: use a day that lies ahead" in text_of(
        new(ines, kind="token", name="x", expires="2020-01-01", **{"token.token": secret}).text
    )
    assert new(ines, kind="nonsense", name="x").status_code == 422
    assert new(ines, kind="token", name="x", **{"token.secret": "y"}).status_code == 422


def test_a_name_that_is_taken_is_told_however_it_is_spelt(site: Site, ines: TestClient, ana: User) -> None:
    saved(site, "Shop")
    answer = new(ines, kind="token", name=" sHOP ", owner="installation", **{"token.token": made_up()})
    assert "there is a credential of this name" in text_of(answer.text)
    assert new(ines, kind="token", name="shop", **{"token.token": made_up()}).status_code == 303
    hers = site.signed_in("ana")
    assert new(hers, kind="token", name="shop", **{"token.token": made_up()}).status_code == 303
    # What belongs to the installation is for administrators to save.
    assert new(hers, kind="token", name="all", owner="installation", **{"token.token": made_up()}).status_code == 403
    assert 'name="owner"' not in hers.get("/credentials/new").text


def test_another_kind_has_other_fields_and_what_was_typed_beside_them_stays(ines: TestClient) -> None:
    html = ines.get("/credentials/new?kind=ssh_key&name=deploy&hosts=a.example").text
    assert 'name="ssh_key.private_key"' in html
    assert 'name="database.host"' not in html
    assert 'value="deploy"' in html
    assert 'name="database.host"' in ines.get("/credentials/new?kind=nonsense").text


def test_own_values_come_in_rows(site: Site, ines: TestClient) -> None:
    names, values = ["TOKEN", "", "key.json", ""], ["a made-up value", "", '{\n"a": 1}', ""]
    page = {"custom.name": names, "custom.value": values}
    assert new(ines, kind="custom", name="many", **page).status_code == 303
    assert "key.json" in words(ines, "/credentials/1")
    for bad, said in (
        (([""], [""]), "give at least one, with a name"),
        ((["TOKEN"], [""]), "TOKEN: give both a name and a value"),
        (([""], ["orphan"]), "A value: give both"),
        ((["A", "A"], ["x", "y"]), "A: there are two of this name"),
        ((["9 lives"], ["x"]), "a letter first"),
    ):
        answer = new(ines, kind="custom", name="other", **{"custom.name": bad[0], "custom.value": bad[1]})
        assert answer.status_code == 422
        assert said in text_of(answer.text), said
        assert "orphan" not in answer.text
    html = ines.get(of(1, "values")).text
    assert html.index('value="TOKEN"') < html.index('value="key.json"')
    assert len(room(site).credentials.list(asker=HOST)) == 1


def test_the_list_is_walked_by_key_filtered_and_holds_only_what_is_theirs(
    site: Site, ines: TestClient, ana: User
) -> None:
    for number in range(120):
        saved(site, f"key-{number:03}", note="100% ours" if number == 7 else "")
    hers = saved(site, "of-ana", ana)
    seen, where = [], "/credentials"
    while where:
        html = ines.get(where).text
        seen += re.findall(r'data-open-row href="/credentials/(\d+)"', html)
        older = re.search(r'<a class="btn sm" href="([^"]+)">Next', html)
        where = unescape(older[1]) if older else ""
    assert len(seen) == len(set(seen)) == 121
    assert "50 credentials of 121" in words(ines, "/credentials")
    assert rows(ines, "/credentials?q=100%25") == ["key-007"]
    assert rows(ines, f"/credentials?owner={ana.id}") == ["of-ana"]
    assert rows(ines, "/credentials?kind=s3") == []
    assert "No credential matches “%x”" in words(ines, "/credentials?q=%25x")
    assert rows(ines, "/credentials?state=failed") == []
    room(site).credentials.stop(hers.id, asker=HOST)
    assert rows(ines, "/credentials?state=stopped&kind=token&kind=nonsense&owner=x") == ["of-ana"]
    client = site.signed_in("ana")
    assert rows(client, "/credentials") == rows(client, "/credentials?view=mine") == ["of-ana"]
    assert rows(client, "/credentials?owner=0") == []
    page = client.get("/credentials").text
    assert "key-" not in page
    assert "121" not in text_of(page)
    assert "Nobody shares a credential with you" in words(client, "/credentials?view=shared")
    for query in ("after=nonsense", "view=nonsense", "after=" + "x" * 1000):
        assert client.get(f"/credentials?{query}").status_code == 200


def test_the_list_says_what_is_due_ends_soon_and_who_has_it(
    site: Site, ines: TestClient, ana: User, clock: SetClock
) -> None:
    old = saved(site, "old", rotate_days=180)
    saved(site, "ends", expires_at=clock.now() + timedelta(days=300))
    share(site, old, ana)
    task = site.task("report", None, credentials=("old",))
    assert "should be replaced" not in words(ines, "/credentials")
    clock.move(timedelta(days=290))
    page = words(ines := site.signed_in("ines"), "/credentials")
    assert "One credential should be replaced. old is 290 days old. Its rule says 180." in page
    assert "290 of 180 days" in page
    html = ines.get("/credentials").text
    assert 'aria-label="ana"' in html
    assert rows(ines, "/credentials?state=expiring") == ["ends"]
    assert f'href="/tasks/{task}"' in ines.get(of(old.id)).text
    assert "used by 1 task" in words(ines, of(old.id))


def test_values_are_replaced_whole_and_the_ones_before_kept_as_chosen(site: Site, ines: TestClient) -> None:
    found = saved(site, "shop", fields={"url": "https://shop.example"})
    assert 'value="https://shop.example"' in ines.get(of(found.id, "values")).text
    refused = post(ines, of(found.id, "values"), **{"token.url": "https://new.example"})
    assert refused.status_code == 422
    assert 'value="https://new.example"' in refused.text
    answer = post(
        ines, of(found.id, "values"), keep="no", **{"token.token": made_up(), "token.url": "https://new.example"}
    )
    assert answer.headers["location"] == of(found.id)
    page = words(ines, of(found.id))
    assert "The values of shop are replaced" in page
    assert "https://new.example" in page
    assert "version 2" in page
    assert "erased" in page
    assert post(ines, of(found.id, "values"), keep="ever", **{"token.token": made_up()}).status_code == 422


def test_a_test_says_what_came_of_it_and_never_the_secret(site: Site, ines: TestClient, clock: SetClock) -> None:
    canary = made_up()
    with web_server() as server:
        found = saved(site, "shop", value=canary, fields={"url": f"{server.address}/me"})
        answer = post(ines, of(found.id, "test"), back="/credentials")
        assert answer.headers["location"] == "/credentials"
        assert "shop works It answered 200: the secret is taken." in words(ines, "/credentials")
        assert server.asked[0].headers["authorization"] == f"Bearer {canary}"
        post(ines, of(found.id, "test"))
        assert "was tested a moment ago" in words(ines, of(found.id))
        clock.move(timedelta(seconds=5))
        server.answer = lambda _: (403, {}, f"no {canary}")
        post(ines, of(found.id, "test"))
    page = ines.get(of(found.id)).text
    assert "shop does not work" in text_of(page)
    assert "Last test: It answered 403" in text_of(page)
    assert canary not in page
    assert rows(ines, "/credentials?state=failed") == ["shop"]
    assert [(row.action, row.result) for row in Trail(site.store, site.clock).page(limit=1)] == [
        ("credential.tested", "failed")
    ]


def test_what_has_no_test_has_no_button_and_says_why(site: Site, ines: TestClient) -> None:
    found = saved(site, "bare")
    html = ines.get(of(found.id)).text
    assert of(found.id, "test") not in html
    assert "it takes an address to ask" in text_of(html)
    assert of(found.id, "test") not in ines.get("/credentials").text
    post(ines, of(found.id, "test"))
    assert "cannot be tested" in words(ines, of(found.id))


def test_r79_a_test_from_a_page_goes_to_no_inner_address(site: Site) -> None:
    with web_server() as server:
        found = saved(site, "shop", fields={"url": server.address})
        client = site.signed_in("ines", outgoing=Policy())
        post(client, of(found.id, "test"))
        assert "HORARIUM_OUTGOING_ALLOW" in words(client, of(found.id))
        assert server.asked == []


def test_what_is_said_about_it_is_changed_and_a_date_left_alone_stays(
    site: Site, ines: TestClient, clock: SetClock
) -> None:
    # With an hour, as a command sets it: a form that shows days must not move it.
    at = clock.now() + timedelta(days=3, minutes=7)
    found = saved(site, "shop", expires_at=at)
    shown = re.search(r'name="expires" value="([^"]*)"', ines.get(of(found.id)).text)
    assert shown
    sent = {"name": "store", "note": "new", "hosts": "a.example, *.b.example", "rotate": "30", "expires": shown[1]}
    assert post(ines, of(found.id), **sent).status_code == 303
    after = room(site).credentials.show(found.id, asker=HOST).credential
    assert (after.name, after.note, after.rotate_days, after.expires_at) == ("store", "new", 30, at)
    assert after.hosts == ("a.example", "*.b.example")
    clock.move(timedelta(days=10))
    ines = site.signed_in("ines")
    assert post(ines, of(found.id), **sent | {"note": "later"}).status_code == 303
    assert "It has expired." in words(ines, of(found.id))
    assert post(ines, of(found.id), **sent | {"expires": "2026-06-30"}).status_code == 303
    ends = room(site).credentials.show(found.id, asker=HOST).credential.expires_at
    assert ends
    assert ends.isoformat() == "2026-07-01T00:00:00+00:00"
    assert post(ines, of(found.id), **sent | {"expires": ""}).status_code == 303
    assert room(site).credentials.show(found.id, asker=HOST).credential.expires_at is None
    saved(site, "taken")
    refused = post(ines, of(found.id), **sent | {"name": "TAKEN", "rotate": "x"})
    assert refused.status_code == 422
    refused = post(ines, of(found.id), **sent | {"name": "TAKEN", "expires": ""})
    assert "Name “TAKEN”: there is a credential of this name" in text_of(refused.text)
    assert 'value="TAKEN"' in refused.text


def test_r69_with_another_key_the_pages_say_that_the_vault_is_sealed(site: Site) -> None:
    found = saved(site, "shop", fields={"url": "https://shop.example"})
    sealed = site.with_settings()
    other = Vault(site.store, site.clock, secret=new_secret())
    app = create_app(type(sealed)(**{name: getattr(sealed, name) for name in sealed.__slots__} | {"vault": other}))
    client = TestClient(app, base_url="http://localhost", follow_redirects=False, raise_server_exceptions=False)
    assert post(client, "/login", page="/login", email="ines", password=site.passwords["ines"]).status_code == 303
    assert "vault sealed: SECRET_KEY is not the key" in words(client, "/credentials")
    assert new(client, kind="token", name="x", **{"token.token": made_up()}).status_code == 503
    assert post(client, of(found.id, "values"), **{"token.token": made_up()}).status_code == 503
    assert post(client, of(found.id, "test")).status_code == 503
    with site.store.reading() as tx:
        assert len(CredentialBook(tx).seen(HOST, site.clock.now())) == 1
