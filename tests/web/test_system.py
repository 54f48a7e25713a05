"""What is shown of the system: health for machines, figures for Prometheus, the page, maintenance, the support file."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from horarium.config import Config
from horarium.records.people import Role
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.runs.figures import MOST_TASKS, OTHER_TASKS, RunFigures
from horarium.runs.launch import Assignment, Completion
from horarium.server.caretaking import Caretaker
from horarium.states import RunState
from horarium.store.books.samples import STRETCH, SampleBook
from horarium.web.app import create_app
from tests.support.pages import Site, open_site, post
from tests.support.people import SetClock, made_up

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    where = tmp_path if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    with open_site(where, SetClock(), data=tmp_path) as opened:
        opened.live()
        opened.person("ines")
        opened.person("noor", Role.OPERATOR)
        yield opened


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock(), data=tmp_path) as opened:
        opened.live()
        opened.person("ines")
        yield opened


def anonymous(site: Site) -> tuple[int, dict[str, Any]]:
    answer = site.client().get("/health/ready")
    return answer.status_code, answer.json()


def details(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = site.signed_in("ines").get("/health/ready").json()
    return found


def test_r116_who_is_nobody_learns_up_or_down_and_nothing_more(site: Site) -> None:
    assert site.client().get("/health/live").json() == {"status": "up"}
    assert anonymous(site) == (200, {"status": "up"})
    noor = site.signed_in("noor").get("/health/ready")
    assert noor.json() == {"status": "up"}
    found = details(site)
    assert {name: found[name]["health"] for name in ("database", "scheduler")} == {"database": "ok", "scheduler": "ok"}
    assert found["nodes"] == 1


def test_r116_readiness_is_false_when_the_scheduler_gives_no_sign(site: Site) -> None:
    with site.store.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE nodes SET lease_until = lease_until - 7200")
    assert anonymous(site) == (503, {"status": "down"})
    assert details(site)["scheduler"]["health"] == "bad"
    assert site.client().get("/health/live").status_code == 200


def test_r116_readiness_is_false_when_what_is_due_does_not_start(site: Site) -> None:
    site.task("every-minute", cron="* * * * *")
    site.clock.move(timedelta(seconds=61))  # type: ignore[union-attr]
    assert anonymous(site)[0] == 200
    site.clock.move(timedelta(seconds=60))  # type: ignore[union-attr]
    assert anonymous(site) == (503, {"status": "down"})
    assert "has not been started" in details(site)["scheduler"]["sentence"]


def test_r116_readiness_is_false_when_the_scheduler_is_late(site: Site) -> None:
    with site.store.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE nodes SET lag_seconds = 45")
    assert anonymous(site) == (503, {"status": "down"})
    assert details(site)["lag_seconds"] == 45


def test_r116_readiness_is_false_when_the_disk_is_full(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr("horarium.server.health.shutil.disk_usage", lambda _: usage._replace(free=1_000_000))
    assert anonymous(site) == (503, {"status": "down"})
    assert details(site)["disk"]["health"] == "bad"


def test_r116_readiness_is_false_when_the_store_does_not_answer(small: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from horarium.errors import StoreUnavailable  # noqa: PLC0415

    def refuse(_: object) -> None:
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(type(small.store), "reading", refuse)
    assert anonymous(small) == (503, {"status": "down"})
    assert small.client().get("/health/live").status_code == 200


def scrape(site: Site, **settings: Any) -> dict[str, Any]:
    answer = site.client(metrics="open", **settings).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(families: dict[str, Any], name: str) -> float:
    (sample,) = families[name].samples
    return float(sample.value)


def test_metrics_are_for_administrators_and_whoever_has_the_token(site: Site) -> None:
    token = made_up()
    for given, status in [("", 401), ("x", 401), (token, 200), (f"{token}x", 401)]:
        headers = {"authorization": f"Bearer {given}"} if given else {}
        assert site.client(metrics_token=token).get("/metrics", headers=headers).status_code == status
    assert site.signed_in("ines").get("/metrics").status_code == 200
    assert site.signed_in("noor").get("/metrics").status_code == 401
    assert site.client(metrics="off").get("/metrics").status_code == 404
    assert site.signed_in("ines", metrics="off").get("/metrics").status_code == 404
    assert site.client().get("/metrics").status_code == 401


def test_metrics_tell_how_it_stands(site: Site) -> None:
    task = site.task("backup", cron=None)
    site.run(task)
    site.start(site.run(task))
    site.clock.move(timedelta(seconds=30))  # type: ignore[union-attr]
    found = scrape(site)
    assert value(found, "horarium_runs_waiting") == 1
    assert value(found, "horarium_runs_running") == 1
    assert value(found, "horarium_runs_waiting_oldest_seconds") == 30
    assert value(found, "horarium_nodes") == 1
    assert value(found, "horarium_slots") == 4
    assert value(found, "horarium_store_bytes") > 0
    assert value(found, "horarium_node_up") == 1
    assert value(found, "horarium_ready") == 1
    assert value(found, "horarium_scheduler_silent") == 0
    assert value(found, "horarium_disk_free_bytes") > 0


def ended(
    task: str, state: RunState, *, late: int = 0, seconds: float = 1.0
) -> tuple[Assignment, Completion, RunState]:
    definition = TaskDefinition(task, PythonSpec("shop:job"), None)
    began = 1_000_000 + late
    return (
        Assignment(1, 1, 1, definition, 1_000_000),
        Completion(1, 1, state, began, began + int(seconds * 1_000_000)),
        state,
    )


def test_runs_are_counted_by_outcome_with_their_lateness_and_length(small: Site) -> None:
    figures = RunFigures()
    figures.note([ended("a", RunState.SUCCEEDED, late=200_000), ended("b", RunState.FAILED, seconds=70)])
    figures.note([ended("b", RunState.RETRYING)])
    site = replace(small, services=replace(small.services, figures=figures))
    found = scrape(site)
    outcomes = {sample.labels["outcome"]: sample.value for sample in found["horarium_runs"].samples}
    assert outcomes == {"succeeded": 1, "failed": 1, "timed_out": 0, "cancelled": 0, "interrupted": 0}
    lateness = {sample.labels.get("le"): sample.value for sample in found["horarium_run_lateness_seconds"].samples}
    assert (lateness["0.1"], lateness["0.5"], lateness["+Inf"]) == (2, 3, 3)
    durations = {s.labels.get("le"): s.value for s in found["horarium_run_duration_seconds"].samples if s.labels}
    assert (durations["60"], durations["300"]) == (2, 3)
    assert "horarium_task_runs" not in found


def test_tasks_are_told_apart_only_where_asked_and_only_so_many(small: Site) -> None:
    figures = RunFigures(counts_tasks=True)
    figures.note([ended(f"task {place}", RunState.SUCCEEDED) for place in range(MOST_TASKS + 50)])
    found = scrape(replace(small, services=replace(small.services, figures=figures)))
    samples = found["horarium_task_runs"].samples
    assert len(samples) == MOST_TASKS + 1
    assert {sample.value for sample in samples if sample.labels["task"] == OTHER_TASKS} == {50}


def test_requests_are_counted_and_made_up_methods_are_no_labels(small: Site) -> None:
    client = TestClient(create_app(small.with_settings(metrics="open")), base_url="http://localhost")
    client.request("BREW", "/tasks")
    client.get("/health/live")
    found = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    counted = {(s.labels["method"], s.labels["status"]): s.value for s in found["horarium_http_requests"].samples}
    assert counted["GET", "200"] == 1
    assert {method for method, _ in counted} <= {"GET", "other"}


def _names_in(text: str) -> set[str]:
    import re  # noqa: PLC0415

    return set(re.findall(r"\bhorarium_[a-z_]+\b", text))


def _exposed(site: Site) -> set[str]:
    """Return the names of all figures once something has been asked and made."""
    figures = RunFigures(counts_tasks=True)
    figures.note([ended("a", RunState.SUCCEEDED)])
    client = replace(site, services=replace(site.services, figures=figures)).client(metrics="open")
    client.get("/health/live")
    found = text_string_to_metric_families(client.get("/metrics").text)
    names = {sample.name for family in found for sample in family.samples}
    return names | {"horarium_backup_last_timestamp_seconds"}


def test_the_dashboard_and_the_alert_rules_name_only_figures_that_exist(small: Site) -> None:
    dashboard = json.loads((OPERATIONS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    asked = {target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])}
    rules = (OPERATIONS / "prometheus-alerts.yml").read_text(encoding="utf-8")
    exposed = _exposed(small)
    assert asked
    for text in [*asked, rules]:
        assert _names_in(text) <= exposed, _names_in(text) - exposed
    told = (OPERATIONS / "monitoring.md").read_text(encoding="utf-8")
    assert exposed - {name for name in exposed if name.endswith(("_bucket", "_count", "_sum"))} <= _names_in(told)


def test_the_alert_rules_are_well_formed() -> None:
    lines = (OPERATIONS / "prometheus-alerts.yml").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "groups:"
    assert not [line for line in lines if "\t" in line]
    alerts = [line.split(":", 1)[1].strip() for line in lines if line.strip().startswith("- alert:")]
    assert len(alerts) == len(set(alerts)) >= 5
    for word in ("expr:", "for:", "severity:", "summary:"):
        assert sum(line.strip().startswith(word) for line in lines) == len(alerts), word


def test_samples_are_taken_once_for_each_stretch_and_forgotten(site: Site) -> None:
    caretakers = [Caretaker(site.store, site.clock), Caretaker(site.store, site.clock)]
    for _ in range(3):
        for each in caretakers:
            each.look()
        site.clock.move(timedelta(minutes=5))  # type: ignore[union-attr]
    with site.store.reading() as tx:
        found = SampleBook(tx).since(0)
    assert len(found) == 3
    assert all(sample.at % STRETCH == 0 and sample.slots == 4 for sample in found)
    site.clock.move(timedelta(days=40))  # type: ignore[union-attr]
    caretakers[0].look()
    with site.store.reading() as tx:
        assert len(SampleBook(tx).since(0)) == 1


def test_the_page_shows_how_the_system_does(site: Site) -> None:
    Caretaker(site.store, site.clock).look()
    task = site.task("backup_database", tags=("maintenance",))
    ines = site.signed_in("ines")
    page = ines.get("/system").text
    assert "All parts answer" in page
    assert f'action="/tasks/{task}/run"' in page
    assert ">Ready<" in page
    with site.store.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE nodes SET lease_until = lease_until - 7200")
    assert "Silent since" in ines.get("/system").text
    assert site.signed_in("noor").get("/system").status_code == 403
    assert 'href="/system"' not in site.signed_in("noor").get("/tasks").text


def test_maintenance_mode_is_switched_and_told(site: Site) -> None:
    ines, noor = site.signed_in("ines"), site.signed_in("noor")
    assert post(noor, "/system/maintenance", do="begin").status_code == 403
    assert post(ines, "/system/maintenance", do="begin", reason="New disk").status_code == 303
    assert "nothing new starts" in noor.get("/tasks").text
    assert "New disk" in noor.get("/tasks").text
    assert details(site)["scheduler"]["health"] == "warn"
    assert post(ines, "/system/maintenance", do="end").status_code == 303
    assert "nothing new starts" not in noor.get("/tasks").text
    assert post(ines, "/system/maintenance", do="stop").status_code == 422


def test_the_support_file_holds_no_secret_and_no_name(small: Site) -> None:
    secret, mail = made_up(), "postmaster@tidewater.example"
    shown = Config(secret_key=secret * 3, smtp_password=secret, smtp_user=mail, team_name="Tidewater").shown()
    site = replace(small, services=replace(small.services, shown_settings=shown))
    site.app = create_app(site.services)
    site.task("payroll-of-noor", cron=None)
    browser = site.signed_in("ines")
    answer = post(browser, "/system/support")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].endswith('.zip"')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        whole = "".join(archive.read(name).decode() for name in archive.namelist())
        settings = json.loads(archive.read("settings.json"))
    assert settings["SECRET_KEY"] == settings["SMTP_PASSWORD"] == settings["SMTP_USER"] == "(set)"
    for hidden in (secret, mail, "payroll", "ines", "Tidewater"):
        assert hidden not in whole
