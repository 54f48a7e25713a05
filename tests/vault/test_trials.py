"""Credentials are tested for real: each kind against a server on loopback, with no word of a secret in the answer."""

from __future__ import annotations

import base64
import contextlib
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from horarium.accounts.people import People
from horarium.audit.trail import Trail
from horarium.errors import Conflict, Denied, NotFound, VaultSealed
from horarium.logs.live import LIVE
from horarium.outgoing.addresses import Policy
from horarium.records.credentials import Credential, Subject
from horarium.store.books.grants import UseBook
from horarium.store.port import Store
from horarium.vault.credentials import NewCredential
from horarium.vault.grants import NewGrant
from horarium.vault.kinds import KINDS
from horarium.vault.probes.base import Trial
from horarium.vault.probes.s3 import signed
from horarium.vault.trials import _PROBES, Trials, untestable
from tests.support.loopback import Asked, WebServer, talker, web_server
from tests.support.mail import certificate, mail_server
from tests.support.people import SetClock, add_person, made_up
from tests.support.places import free_loopback_port
from tests.support.vault import HOST, House, as_user, new_secret

HERE = Policy.of(["localhost", "127.0.0.1"])


def saved(house: House, kind: str, **fields: str) -> Credential:
    wanted = NewCredential(name=f"the {kind}", kind=kind, fields=fields)
    return house.credentials.add(wanted, asker=HOST).credential


def tried(house: House, kind: str, **fields: str) -> Trial:
    """Save a credential, test it, and look that no secret value is in what is kept or told."""
    found = saved(house, kind, **fields)
    trial = Trials(house.vault, HERE, seconds=3).run(found.id, asker=HOST)
    present = house.credentials.show(found.id, asker=HOST).credential
    assert (present.test_passed, present.test_words) == (trial.passed, trial.words)
    assert present.tested_at == house.clock.now()
    secrets = [value for name, value in fields.items() if getattr(KINDS[kind].field(name), "secret", True)]
    with house.store.reading() as tx:
        (use,) = UseBook(tx).of_credential(found.id)
    assert (use.purpose, use.run_id, use.closed_at) == ("test", None, house.clock.now())
    told = [trial.words, *(str(row) for row in Trail(house.store, house.clock).page(limit=9))]
    assert not [value for value in secrets for text in told if value in text]
    return trial


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as found:
        yield found


@pytest.mark.parametrize(
    ("status", "passed", "words"),
    [
        (200, True, "the secret is taken"),
        (204, True, "the secret is taken"),
        (301, False, "leads elsewhere"),
        (401, False, "the secret is refused"),
        (403, False, "may not do this"),
        (404, False, "nothing at this address"),
        (405, None, "says nothing about the secret"),
        (429, None, "says nothing about the secret"),
        (500, False, "trouble of its own"),
    ],
)
def test_a_token_goes_as_a_bearer_and_the_status_tells(
    house: House, web: WebServer, status: int, passed: bool | None, words: str
) -> None:
    web.answer = lambda _: (status, {"Location": "/stolen"}, "")
    token = made_up()
    trial = tried(house, "token", token=token, url=f"{web.address}/me")
    assert trial.passed is passed
    assert words in trial.words
    assert [(each.method, each.path) for each in web.asked] == [("GET", "/me")]
    assert web.asked[0].headers["authorization"] == f"Bearer {token}"


def test_an_api_key_goes_in_its_header(house: House, web: WebServer) -> None:
    key = made_up()
    assert tried(house, "api_key", key=key, header="X-Api-Key", url=web.address).passed
    assert web.asked[0].headers["x-api-key"] == key


@pytest.mark.parametrize("header", ["Host", "Content-Length", "Proxy-Authorization"])
def test_r80_a_key_goes_in_no_header_that_is_ours(house: House, web: WebServer, header: str) -> None:
    assert tried(house, "api_key", key=made_up(), header=header, url=web.address).passed is False
    assert web.asked == []


@pytest.mark.parametrize(("status", "passed"), [(200, None), (302, None), (405, None), (404, False), (503, False)])
def test_a_webhook_is_looked_for_and_gets_no_message(
    house: House, web: WebServer, status: int, passed: bool | None
) -> None:
    web.answer = lambda _: (status, {}, "")
    path = made_up()
    trial = tried(house, "webhook", url=f"{web.address}/{path}")
    assert trial.passed is passed
    assert path not in trial.words
    assert [each.method for each in web.asked] == ["HEAD"]


def giving_tokens(secret: str, *, in_form: bool) -> Callable[[Asked], tuple[int, dict[str, str], str]]:
    def answer(asked: Asked) -> tuple[int, dict[str, str], str]:
        form = parse_qs(asked.body)
        assert form["grant_type"] == ["client_credentials"]
        pair = base64.b64decode(asked.headers.get("authorization", "").removeprefix("Basic ")).decode()
        is_right = form.get("client_secret") == [secret] if in_form else pair == f"me:{secret}"
        if is_right:
            return 200, {}, '{"access_token": "a-token-that-is-thrown-away", "expires_in": 3600}'
        return 401, {}, '{"error": "invalid_client", "error_description": "<b>SECRET</b>"}'

    return answer


@pytest.mark.parametrize("in_form", [False, True])
def test_an_oauth_client_gets_a_token_in_header_or_form(house: House, web: WebServer, in_form: bool) -> None:
    secret = made_up()
    web.answer = giving_tokens(secret, in_form=in_form)
    fields = {"token_url": f"{web.address}/token", "client_id": "me", "scope": "a b"}
    trial = tried(house, "oauth_client", client_secret=secret, refresh_token=made_up(), **fields)
    assert trial.passed
    assert "for 3,600 s" in trial.words
    assert "thrown-away" not in trial.words
    assert not any("refresh" in each.body for each in web.asked)


def test_an_oauth_client_with_a_wrong_secret_is_told_so_in_our_words(house: House, web: WebServer) -> None:
    web.answer = giving_tokens(made_up(), in_form=False)
    trial = tried(house, "oauth_client", client_secret=made_up(), token_url=web.address, client_id="me")
    assert trial == Trial(passed=False, words="It answered 401: it does not take this client with this secret.")
    assert len(web.asked) == 2


@pytest.mark.parametrize("body", ["", "[]", "null", "<html>", "[" * 60_000, '{"access_token": 7}', '{"error": []}'])
def test_an_oauth_server_that_answers_nonsense_gave_no_token(house: House, web: WebServer, body: str) -> None:
    web.answer = lambda _: (200, {}, body)
    trial = tried(house, "oauth_client", client_secret=made_up(), token_url=web.address, client_id="me")
    assert trial == Trial(passed=False, words="It answered 200: it gave no token.")


def test_the_signature_of_a_bucket_is_the_documented_one() -> None:
    # The example of Amazon's own documentation, "Example: GET Bucket (List Objects)", has other headers and query; so
    # the steps are checked against a second way of computing them.
    clock = SetClock()
    values = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": made_up()}
    headers = signed(values, host="s3.example", path="/b", region="eu-west-1", now=clock.now())
    again = signed(values, host="s3.example", path="/b", region="eu-west-1", now=clock.now())
    other = signed(
        {**values, "secret_access_key": made_up()}, host="s3.example", path="/b", region="x", now=clock.now()
    )
    assert headers == again
    assert headers["Authorization"] != other["Authorization"]
    assert "Credential=AKIDEXAMPLE/20260514/eu-west-1/s3/aws4_request" in headers["Authorization"]


@pytest.mark.parametrize(
    ("status", "body", "passed", "words"),
    [
        (200, "<ListBucketResult/>", True, "can be listed"),
        (403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", False, "does not belong to the access key"),
        (403, "<Error><Code>AccessDenied</Code></Error>", False, "not allowed to list"),
        (404, "<Error><Code>NoSuchBucket</Code></Error>", False, "no bucket of this name"),
        (301, "<Error><Code>PermanentRedirect</Code></Error>", False, "in the region eu-central-1"),
        (500, "<Code>Whatever</Code>", False, "the request is refused"),
    ],
)
def test_a_bucket_is_listed_with_a_signed_request(
    house: House,
    web: WebServer,
    status: int,
    body: str,
    passed: bool,
    words: str,
) -> None:
    web.answer = lambda _: (status, {"x-amz-bucket-region": "eu-central-1"} if status == 301 else {}, body)
    trial = tried(
        house, "s3", endpoint=web.address, bucket="backups", access_key_id="AKID", secret_access_key=made_up()
    )
    assert trial.passed is passed
    assert words in trial.words
    (asked,) = web.asked
    assert asked.path == "/backups?list-type=2&max-keys=1"
    assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/20260514/us-east-1/s3/")
    assert asked.headers["host"] == f"localhost:{web.port}"


def pem(key: object, passphrase: str = "", form: PrivateFormat = PrivateFormat.OpenSSH) -> str:
    assert isinstance(key, ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey)
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, encryption).decode()


def test_an_ssh_key_is_read_and_its_host_looked_for(house: House) -> None:
    text, secret = pem(ed25519.Ed25519PrivateKey.generate()), made_up()
    with talker(b"SSH-2.0-OpenSSH_9.6\r\n") as (port, heard):
        trial = tried(house, "ssh_key", private_key=text, username="deploy", host="localhost", port=str(port))
    assert trial.passed is None
    assert "ssh-ed25519, SHA256:" in trial.words
    assert "speaks SSH; signing in was not tried" in trial.words
    assert b"".join(heard) == b""
    house.credentials.remove(house.credentials.find("the ssh_key", asker=HOST).id, asker=HOST)
    protected = pem(ed25519.Ed25519PrivateKey.generate(), secret)
    assert "No host is given" in tried(house, "ssh_key", private_key=protected, passphrase=secret, username="x").words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"private_key": "not a key at all"}, "is it whole"),
        (
            {"private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"},
            "is it whole",
        ),
    ],
)
def test_what_is_no_key_is_told_so(house: House, fields: dict[str, str], words: str) -> None:
    trial = tried(house, "ssh_key", username="x", **fields)
    assert trial.passed is False
    assert words in trial.words


def test_a_key_with_the_wrong_passphrase_is_told_so(house: House) -> None:
    text = pem(rsa.generate_private_key(65537, 2048), made_up(), PrivateFormat.PKCS8)
    assert "its passphrase" in tried(house, "ssh_key", username="x", private_key=text, passphrase=made_up()).words
    house.credentials.remove(house.credentials.find("the ssh_key", asker=HOST).id, asker=HOST)
    assert "protected with a passphrase" in tried(house, "ssh_key", username="x", private_key=text).words


def mail(house: House, port: int, user: str, password: str, scheme: str = "smtp") -> Trial:
    return tried(house, "login", username=user, password=password, url=f"{scheme}://localhost:{port}")


def test_a_mail_server_is_signed_in_to_encrypted_only(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, password = certificate(tmp_path), made_up()

    def judge(_s: object, _n: object, _e: object, _m: str, data: object) -> AuthResult:
        return AuthResult(success=getattr(data, "password", b"") == password.encode(), handled=False)

    offers: dict[str, Any] = {"tls_context": made.server, "authenticator": judge, "auth_required": True}
    with mail_server(**offers) as box:
        trial = mail(house, box.port, "report", password)
        assert "certificate is not to be trusted" in trial.words
        monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
        found = house.credentials.find("the login", asker=HOST)
        house.clock.move(timedelta(minutes=1))  # type: ignore[attr-defined]
        again = Trials(house.vault, HERE, seconds=3).run(found.id, asker=HOST)
        assert again.passed
        house.credentials.remove(found.id, asker=HOST)
        assert "does not take this user" in mail(house, box.port, "report", made_up()).words
        house.credentials.remove(house.credentials.find("the login", asker=HOST).id, asker=HOST)
    with mail_server() as box:
        assert "does not offer STARTTLS" in mail(house, box.port, "report", password).words
        assert box.users == []


def test_a_database_of_another_sort_is_only_looked_for(house: House) -> None:
    with talker(b"\x4a\x00\x00\x00\x0a8.4") as (port, _):
        fields = {"engine": "MySQL", "host": "localhost", "port": str(port), "username": "x", "password": made_up()}
        trial = tried(house, "database", **fields)
    assert trial.passed is None
    assert "the password was not tried" in trial.words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"engine": "adabas", "port": ""}, "give its port"),
        ({"port": "70000"}, "whole number from 1 to 65535"),
        ({"host": "a/b"}, "not the name or address"),
    ],
)
def test_a_database_that_is_described_wrong_is_told_so(house: House, change: dict[str, str], words: str) -> None:
    fields = {"host": "localhost", "username": "x", "password": made_up(), **change}
    trial = tried(house, "database", **fields)
    assert trial.passed is False
    assert words in trial.words


@pytest.mark.postgres
def test_postgresql_is_signed_in_to_and_says_why_not(house: House, postgres_url: str) -> None:
    parts = urlsplit(postgres_url)
    fields = {
        "engine": "postgresql",
        "host": parts.hostname or "",
        "port": str(parts.port),
        "database": parts.path.strip("/"),
        "username": parts.username or "",
        "password": parts.password or "",
    }
    trial = tried(house, "database", **fields)
    assert trial.passed
    assert trial.words.startswith("Signed in to PostgreSQL ")
    for change, words in (
        ({"password": made_up()}, "does not take this user with this password"),
        ({"database": "nowhere"}, "no database of this name"),
        ({"username": "role", "password": made_up()}, "does not take this user with this password"),
    ):
        house.credentials.remove(house.credentials.find("the database", asker=HOST).id, asker=HOST)
        trial = tried(house, "database", **fields | change)
        assert trial.passed is False
        assert words in trial.words


def test_what_does_not_answer_is_told_apart(house: House) -> None:
    port = free_loopback_port()
    fields = {"host": "localhost", "port": str(port), "username": "x", "password": made_up()}
    trial = tried(house, "database", **fields)
    assert trial == Trial(passed=False, words="The connection failed: Connection refused.")


def test_r79_an_inner_address_is_refused_unless_administrators_name_it(house: House) -> None:
    with talker(b"hello") as (port, heard):
        fields = {"host": "localhost", "port": str(port), "username": "x", "password": made_up(), "engine": "mysql"}
        found = saved(house, "database", **fields)
        trial = Trials(house.vault, Policy()).run(found.id, asker=HOST)
    assert trial.passed is False
    assert "HORARIUM_OUTGOING_ALLOW" in trial.words
    assert heard == []


def test_every_kind_can_be_tested_or_says_why_not() -> None:
    kinds = set(_PROBES) | {"s3"}
    assert {kind for kind in KINDS if untestable(kind, {"url": "smtps://x", "header": "x"})} == set(KINDS) - kinds
    for kind, fields in (("custom", {}), ("login", {"url": "https://x"}), ("api_key", {"url": "x"}), ("token", {})):
        assert untestable(kind, fields)


def test_what_cannot_be_tested_is_refused_with_the_reason_and_not_opened(house: House) -> None:
    found = saved(house, "custom", whatever=made_up())
    with pytest.raises(Conflict, match="names of your own"):
        Trials(house.vault, HERE).run(found.id, asker=HOST)
    with house.store.reading() as tx:
        assert UseBook(tx).of_credential(found.id) == []


def test_r53_only_who_may_replace_may_test(house: House, people: People, web: WebServer) -> None:
    ana, otto, eve = (add_person(people, name) for name in ("ana", "otto", "eve"))
    hers = NewCredential(name="x", kind="token", fields={"token": made_up(), "url": web.address}, owner_id=ana.id)
    found = house.credentials.add(hers, asker=as_user(ana)).credential
    trials = Trials(house.vault, HERE)
    with pytest.raises(NotFound):
        trials.run(found.id, asker=as_user(eve))
    grant = NewGrant(subject=Subject.PERSON, subject_id=otto.id)
    house.grants.make(found.id, grant, asker=as_user(ana))
    with pytest.raises(Denied):
        trials.run(found.id, asker=as_user(otto))
    assert web.asked == []
    assert trials.run(found.id, asker=as_user(ana)).passed
    with pytest.raises(Conflict, match="a moment ago"):
        trials.run(found.id, asker=as_user(ana))


def test_with_another_key_nothing_is_opened(house: House, web: WebServer) -> None:
    found = saved(house, "token", token=made_up(), url=web.address)
    with pytest.raises(VaultSealed):
        Trials(house.with_keys(new_secret()).vault, HERE).run(found.id, asker=HOST)
    assert web.asked == []


def test_values_that_are_replaced_meanwhile_are_not_called_tested(house: House, web: WebServer) -> None:
    found = saved(house, "token", token=made_up(), url=web.address)

    def replaced(_: Asked) -> tuple[int, dict[str, str], str]:
        house.credentials.replace(found.id, {"token": made_up(), "url": web.address}, asker=HOST)
        return 200, {}, ""

    web.answer = replaced
    assert Trials(house.vault, HERE).run(found.id, asker=HOST).passed
    assert house.credentials.show(found.id, asker=HOST).credential.tested_at is None


def test_r71_what_is_logged_during_a_test_goes_without_the_secret(
    house: House, web: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    secret = made_up()
    heard: list[str] = []

    def spoken(asked: Asked) -> tuple[int, dict[str, str], str]:
        heard.append(LIVE.text(asked.headers["authorization"]))
        return 200, {}, ""

    web.answer = spoken
    with caplog.at_level(logging.DEBUG):
        tried(house, "token", token=secret, url=web.address)
    assert heard == ["Bearer [masked: the token]"]
    assert secret not in caplog.text
    assert LIVE.text(secret) == secret


def test_a_test_that_never_came_back_is_closed_later(house: House, store: Store, web: WebServer) -> None:
    found = saved(house, "token", token=made_up(), url=web.address)
    trials = Trials(house.vault, HERE)
    with contextlib.suppress(Conflict):
        trials._opened(found.id, HOST)
    house.credentials.sweep()
    with store.reading() as tx:
        assert UseBook(tx).of_credential(found.id)[0].closed_at is None
    house.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]
    house.credentials.sweep()
    with store.reading() as tx:
        assert UseBook(tx).of_credential(found.id)[0].closed_at is not None
