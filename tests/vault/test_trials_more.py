"""Mail servers told by their parts, and files that are secrets as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from horarium.errors import Conflict
from horarium.vault.probes.base import Trial
from horarium.vault.trials import Trials
from tests.support.mail import certificate, mail_server
from tests.support.people import made_up
from tests.support.vault import HOST, House
from tests.vault.test_trials import HERE, saved, tried


def test_a_mail_server_by_its_parts_is_signed_in_to_encrypted_only(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, password = certificate(tmp_path), made_up()
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))

    def judge(_s: object, _n: object, _e: object, _m: str, data: object) -> AuthResult:
        return AuthResult(success=getattr(data, "password", b"") == password.encode(), handled=False)

    def smtp(**changed: str) -> Trial:
        fields = {"host": "localhost", "port": str(box.port), "username": "report", "password": password, **changed}
        trial = tried(house, "smtp", **fields)
        house.credentials.remove(house.credentials.find("the smtp", asker=HOST).id, asker=HOST)
        return trial

    offers: dict[str, Any] = {"tls_context": made.server, "authenticator": judge, "auth_required": True}
    with mail_server(**offers) as box:
        assert smtp().passed
        assert smtp(encryption="STARTTLS", sender="report@example.org").passed
        assert "does not take this user" in smtp(password=made_up()).words
        # Spoken to encrypted from the start, it does not understand.
        assert smtp(encryption="tls").passed is not True
        assert smtp(encryption="none").words == "Its encryption is neither tls nor starttls."
    with mail_server() as box:
        assert "does not offer STARTTLS" in smtp().words
        assert box.users == []


def test_a_secret_file_is_kept_whole_and_has_no_test(house: House) -> None:
    content = f"-----BEGIN PRIVATE KEY-----\n{made_up()}\n{made_up()}\n-----END PRIVATE KEY-----\n"
    found = saved(house, "file", filename="account.pem", content=content)
    given = house.opened(house.task("deploy", found.name), found.name)
    assert given == {"filename": "account.pem", "content": content}
    shown = house.credentials.show(found.id, asker=HOST)
    assert (shown.credential.open_fields, shown.secret_fields) == ({"filename": "account.pem"}, ("content",))
    with pytest.raises(Conflict, match="file of any sort"):
        Trials(house.vault, HERE).run(found.id, asker=HOST)
