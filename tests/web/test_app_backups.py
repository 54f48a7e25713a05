"""Backups on pages: made, proved, downloaded and restored by administrators who prove who they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from horarium.audit.trail import Trail
from horarium.records.people import Role
from horarium.upkeep.desk import BackupDesk, Doing
from tests.support.pages import Site, open_site, post, token_of
from tests.support.people import TESTER, SetClock

PAGE = "/system/backups"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock()) as opened:
        opened.live()
        opened.person("ines", Role.ADMIN)
        opened.person("otto", Role.EDITOR)
        yield opened


@pytest.fixture
def admin(site: Site) -> TestClient:
    return site.signed_in("ines")


def desk_of(site: Site) -> BackupDesk:
    """Return the desk behind the pages."""
    found: BackupDesk = site.app.state.house.backups
    return found


def made(site: Site) -> str:
    """Make a backup and return its name."""
    desk_of(site).make(TESTER)
    desk_of(site).wait()
    return desk_of(site).all()[0].name


def actions(site: Site) -> list[str]:
    """Return what the log tells of, newest first."""
    return [each.action for each in Trail(site.store, site.clock).page(limit=20)]


def test_a_first_backup_is_made_by_a_button_and_the_page_says_so(site: Site, admin: TestClient) -> None:
    assert "No backup yet" in admin.get(PAGE).text
    site.task("report", cron=None)
    assert "There is no backup yet" in admin.get("/").text
    assert post(admin, PAGE, page=PAGE).status_code == 303
    desk_of(site).wait()
    text = admin.get(PAGE).text
    assert "is made and proved" in text
    assert "Restorable as of" in text
    assert "backup.made" in actions(site)
    assert "refresh" not in admin.get(PAGE).headers


def test_rp21_verify_and_drill_are_begun_by_buttons_and_shown_with_the_backup(site: Site, admin: TestClient) -> None:
    name = made(site)
    for path, shown, told in (
        (f"{PAGE}/verify", "looked through", "backup.verified"),
        (f"{PAGE}/drill", "restored in a test", "backup.drilled"),
    ):
        assert post(admin, path, page=PAGE, file=name).status_code == 303
        desk_of(site).wait()
        assert shown in admin.get(PAGE).text
        assert told in actions(site)


def test_only_one_thing_is_done_at_a_time_and_the_page_comes_back_meanwhile(site: Site, admin: TestClient) -> None:
    name, go = made(site), threading.Event()
    desk = desk_of(site)

    def work() -> tuple[bool, str]:
        return go.wait(30), "done"

    desk._begin(Doing.MAKE, "", TESTER, work, 10.0)
    text = admin.get(PAGE)
    assert "<progress" in text.text
    assert text.headers["refresh"] == "3"
    assert post(admin, f"{PAGE}/verify", page=PAGE, file=name).status_code == 409
    go.set()
    desk.wait()


def test_r113_a_download_is_streamed_to_a_proved_administrator_and_told(site: Site, admin: TestClient) -> None:
    name = made(site)
    backup = desk_of(site).find(name)
    answer = post(admin, f"{PAGE}/download", page=PAGE, file=name)
    assert answer.status_code == 200
    assert answer.content == backup.path.read_bytes()
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert actions(site)[0] == "backup.downloaded"
    other = site.signed_in("otto")
    assert (
        other.post(f"{PAGE}/download", data={"csrf_token": token_of(other, "/tasks"), "file": name}).status_code == 403
    )


def test_r88_a_name_that_is_none_is_not_there(site: Site, admin: TestClient) -> None:
    name = made(site)
    folder = desk_of(site).rules.folder
    (folder / "horarium-20200101-000000.db").symlink_to(folder.parent / "store.db")
    odd = ("../store.db", f"../backups/{name}", str(folder / name), "horarium-20200101-000000.db", "", "..", "%2e%2e")
    for each in odd:
        for path in ("verify", "drill", "download", "restore"):
            assert post(admin, f"{PAGE}/{path}", page=PAGE, file=each, **_word(path)).status_code == 404, (each, path)
        assert admin.get(f"{PAGE}/restore", params={"file": each}).status_code == 404
    assert desk_of(site).find(name).name == name


def _word(path: str) -> dict[str, str]:
    return {"confirm": "restore"} if path == "restore" else {}


def test_r112_a_restore_takes_the_word_ends_sessions_and_holds_schedules(site: Site, admin: TestClient) -> None:
    site.task("before", cron=None)
    name = made(site)
    site.task("after", cron=None)
    assert "Type <b>restore</b> to confirm" in admin.get(f"{PAGE}/restore", params={"file": name}).text
    wrong = post(admin, f"{PAGE}/restore", page=PAGE, file=name, confirm="yes")
    assert wrong.status_code == 422
    assert "Type restore, as it stands above." in wrong.text
    post(admin, f"{PAGE}/restore", page=PAGE, file=name, confirm="Restore")
    desk_of(site).wait()
    job = desk_of(site).job
    assert job
    assert job.passed, job.words
    # Everybody is signed out, and whoever comes back finds the state of then, and schedules that wait.
    assert admin.get("/tasks", follow_redirects=False).status_code == 302
    again = site.signed_in("ines")
    text = again.get("/tasks").text
    assert "before" in text
    assert ">after<" not in text
    assert "Schedules are held" in text
    assert "All schedules are held" in again.get(PAGE).text
    assert post(again, f"{PAGE}/release", page=PAGE, missed="leave_out").status_code == 303
    assert "Schedules are held" not in again.get("/tasks").text
    assert actions(site)[0] == "backup.schedules_released"


def test_r112_while_a_backup_is_restored_every_page_says_so(site: Site, admin: TestClient) -> None:
    desk_of(site)._is_still = True
    for path in ("/", "/tasks", PAGE, "/events", "/login"):
        answer = admin.get(path)
        assert answer.status_code == 503
        assert (answer.headers["retry-after"], answer.headers["x-error"]) == ("5", "maintenance")
    assert admin.get("/tasks").headers["refresh"] == "5"
    assert "A backup is being restored" in admin.get("/tasks").text
    assert admin.get("/health/live").status_code == 200
    desk_of(site)._is_still = False
    assert admin.get("/tasks").status_code == 200
