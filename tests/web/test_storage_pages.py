"""The pages about storage and archives: what they say, what they do, and that they tell who did it."""

from __future__ import annotations

import gzip
import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from horarium.audit.actions import Action
from horarium.audit.shelf import checksum
from horarium.audit.trail import Trail
from horarium.records.audit import AuditFilter
from horarium.records.people import Role
from horarium.runs.keeping import rule_of
from horarium.store.books.archives import ArchiveBook
from horarium.store.books.history import HistoryBook
from horarium.upkeep import archive_audit_logs, check_storage
from tests.support.bulk import fill_runs
from tests.support.pages import Site, post
from tests.support.people import SetClock


@pytest.fixture
def site_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setenv("HORARIUM_ARCHIVES", str(tmp_path / "archives"))
    return {}


def words(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])).split())


def acts(site: Site, action: Action) -> list[str]:
    found = Trail(site.store, site.clock).each(AuditFilter(actions=(action.value,)))
    return [row.actor for row in found]


def archive(site: Site, clock: SetClock) -> None:
    clock.move(timedelta(days=500))
    archive_audit_logs(store=site.store, clock=clock)


def test_what_takes_room_is_shown_with_how_long_it_is_kept(site: Site, ines: TestClient, clock: SetClock) -> None:
    first = words(ines, "/system/storage")
    for said in ("Database size", "Output kept 30 days", "Runs kept 90 days", "Audit log kept 400 days", "known after"):
        assert said in first, said
    for day in range(5):
        if day == 3:
            fill_runs(site.store, 500, kept=100)
        check_storage(store=site.store, clock=clock)
        clock.move(timedelta(days=1))
    ines = site.signed_in("ines")
    later = ines.get("/system/storage").text
    assert 'aria-label="Database size over 5 days' in later
    assert "a day" in later
    assert "measured" in later


def test_retention_is_changed_here_and_told(site: Site, ines: TestClient) -> None:
    answer = post(ines, "/system/storage/keep", run_days="60", runs="500", output_days="14.5")
    assert (answer.status_code, answer.headers["location"]) == (303, "/system/storage")
    rule = rule_of(site.store)
    assert (rule.run_days, rule.runs, rule.failures, rule.output_days, rule.audit_days) == (60, 500, 500, 14.5, 400)
    (row,) = Trail(site.store, site.clock).each(AuditFilter(actions=("setting.changed",)))
    assert (row.object_name, row.before["run_days"], row.after["run_days"]) == ("retention", 90, 60)
    assert 'value="60"' in ines.get("/system/storage").text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("run_days", "0", "from 1 to"),
        ("run_days", "ninety", "Use a number"),
        ("run_days", "nan", "Use a number"),
        ("failure_days", "7", "at least as long as other runs"),
        ("runs", "2.5", "whole number"),
        ("event_days", "6", "from 7 to"),
        ("audit_days", "29", "from 30 to"),
    ],
)
def test_r114_too_little_is_refused_beside_its_field(
    site: Site, ines: TestClient, field: str, value: str, said: str
) -> None:
    answer = post(ines, "/system/storage/keep", **{field: value})
    assert answer.status_code == 422
    assert f'id="k-{field}-err"' in answer.text
    assert said in unescape(answer.text)
    assert rule_of(site.store).run_days == 90


def test_clearing_says_first_what_it_frees_and_is_then_a_run_of_the_task(site: Site, ines: TestClient) -> None:
    fill_runs(site.store, 500, kept=100)
    # The runs were made by the machine's clock, a few months after that of the test: its 30 days are these.
    asked = words(ines, "/system/storage/clear?kind=runs&days=30")
    assert "Clear runs older than 30 days?" in asked
    assert "What it would do" in asked
    answer = post(ines, "/system/storage/clear", kind="runs", days="30")
    assert answer.status_code == 303
    run_id = int(answer.headers["location"].rpartition("/")[2])
    with site.store.reading() as tx:
        run = HistoryBook(tx).get(run_id)
    assert run
    assert (run.task_name, dict(run.params), run.actor) == ("cleanup", {"days": 30}, "ines")
    again = post(ines, "/system/storage/clear", kind="audit", days="45.5")
    with site.store.reading() as tx:
        run = HistoryBook(tx).get(int(again.headers["location"].rpartition("/")[2]))
    assert run
    assert (run.task_name, dict(run.params)) == ("archive_audit_logs", {"days": 45.5})
    assert acts(site, Action.TASK_TRIGGERED) == ["ines", "ines"]


def test_r114_clearing_more_than_may_go_is_refused(site: Site, ines: TestClient) -> None:
    for kind, days in (("audit", "29"), ("runs", "0"), ("output", "many")):
        answer = post(ines, "/system/storage/clear", kind=kind, days=days)
        assert answer.status_code == 422
        assert 'id="c-days-err"' in answer.text
    assert ines.get("/system/storage/clear?kind=users").status_code == 422
    assert acts(site, Action.TASK_TRIGGERED) == []


def test_r113_archives_are_listed_and_handed_out_to_whoever_proved_who_they_are(
    site: Site, ines: TestClient, clock: SetClock, tmp_path: Path
) -> None:
    assert "No archives yet" in words(ines, "/audit/archives")
    archive(site, clock)
    ines = site.signed_in("ines")
    with site.store.reading() as tx:
        (found,) = ArchiveBook(tx).all()
    log = words(ines, "/audit")
    assert f"{found.entries} older ones are in 1 archive" in log
    assert f"1 to {found.last_id}" in words(ines, "/audit/archives")
    answer = post(ines, "/audit/archives/download", archive="1")
    assert answer.status_code == 200
    assert found.file in answer.headers["content-disposition"]
    (tmp_path / "fetched.gz").write_bytes(answer.content)
    assert checksum(tmp_path / "fetched.gz") == found.sha256
    assert len(gzip.decompress(answer.content).splitlines()) == found.entries
    assert acts(site, Action.ARCHIVE_FETCHED) == ["ines"]
    clock.move(timedelta(minutes=40))
    stale = post(ines, "/audit/archives/download", archive="1")
    assert stale.status_code in {302, 303, 401, 403}
    assert acts(site, Action.ARCHIVE_FETCHED) == ["ines"]


@pytest.mark.parametrize("number", ["2", "0", "", "987654321"])
def test_an_archive_that_is_not_there_is_not_found(site: Site, ines: TestClient, clock: SetClock, number: str) -> None:
    archive(site, clock)
    ines = site.signed_in("ines")
    assert post(ines, "/audit/archives/download", archive=number).status_code == 404
    assert acts(site, Action.ARCHIVE_FETCHED) == []


def test_a_lost_file_is_told_and_verify_names_it(site: Site, ines: TestClient, clock: SetClock, tmp_path: Path) -> None:
    archive(site, clock)
    ines = site.signed_in("ines")
    post(ines, "/audit/verify", page="/audit")
    assert "in archives" in words(ines, "/audit")
    (file,) = (tmp_path / "archives").glob("*.gz")
    file.unlink()
    assert "file is missing" in words(ines, "/audit/archives")
    assert post(ines, "/audit/archives/download", archive="1").status_code == 503
    post(ines, "/audit/verify", page="/audit")
    assert "not whole" in ines.get("/audit").text


@pytest.mark.parametrize("path", ["/system/storage", "/system/storage/clear", "/audit/archives"])
def test_nobody_but_administrators_sees_them(site: Site, path: str) -> None:
    site.person("otto", Role.EDITOR)
    assert site.signed_in("otto").get(path).status_code == 403
    assert site.client().get(path).status_code == 302
