"""The pages about tasks and runs: what they show of the store, and what their forms do."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from horarium.clock import to_micros
from horarium.records.actors import Actor
from horarium.records.people import Role
from horarium.records.policies import Policies, Retry
from horarium.records.runs import Line
from horarium.records.tasks import CommandSpec, Parking, TaskDefinition
from horarium.states import Reason, RunState, Stream
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.output import OutputBook, chunk_row
from horarium.store.books.tasks import TaskBook
from horarium.triggers import CronTrigger, DateTrigger, IntervalTrigger, to_text
from tests.support.pages import Site, open_site, post, token_of
from tests.support.people import START, SetClock, add_admin


def text_of(page: str) -> str:
    """Return what a page says, without its marks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def words(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


def failed_run(site: Site, task_id: int, *, printed: tuple[str, ...] = ()) -> int:
    run_id = site.run(task_id)
    site.start(run_id, printed)
    site.finish(run_id, RunState.FAILED, error_type="ValueError", error_message="the disk is <b>full</b>")
    with site.store.transaction() as tx:
        row = {"failures_in_row": 2, "last_state": "failed", "last_run_id": run_id}
        TaskBook(tx)._change(task_id, site.clock.micros(), **row)
    return run_id


def test_without_tasks_the_pages_say_how_to_begin(ines: TestClient) -> None:
    assert "No tasks yet" in words(ines, "/")
    assert "horarium import crontab" in words(ines, "/tasks")
    assert "Nothing has run yet" in words(ines, "/runs")


def test_the_overview_shows_the_day(site: Site, ines: TestClient, clock: SetClock) -> None:
    backup = site.task("nightly-backup", "0 * * * *", tags=("ops",))
    done = site.run(backup)
    site.start(done)
    clock.move(timedelta(seconds=42))
    site.finish(done)
    failed_run(site, site.task("reconcile", "30 6 * * *", tags=("money",)))
    going = site.run(backup)
    site.start(going)
    page = words(ines, "/")
    for said in ("Thursday 14 May", "1 succeeded", "1 failed", "1 running", "reconcile", "failed 2 times in a row"):
        assert said in page, said
    assert "ValueError: the disk is <b>full</b>" in page
    html = ines.get("/").text
    assert "<b>full</b>" not in html
    assert f'href="/runs/{going}"' in html
    assert ">ops</a>" in html
    assert "Scheduler on time" in page


@pytest.mark.parametrize("day", ["2026-05-13", "2026-05-15", "2026-03-29", "2030-01-01"])
def test_other_days_can_be_looked_at(site: Site, ines: TestClient, day: str) -> None:
    site.task()
    assert ines.get(f"/?day={day}").status_code == 200


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31", "2026-05-14T00"])
def test_days_that_are_none_are_refused(site: Site, ines: TestClient, day: str) -> None:
    site.task()
    assert ines.get(f"/?day={day}").status_code == 422


def test_the_list_of_tasks_has_views_words_and_a_filter(site: Site, ines: TestClient) -> None:
    site.task("alpha", "0 6 * * 1-5", tags=("ops",))
    site.task("beta")
    site.desk.pause(site.task("gamma"), by=Actor.of_code("Ines"))
    failed_run(site, site.task("delta"))
    page = words(ines, "/tasks")
    assert "Weekdays at 06:00" in page
    assert page.index("alpha") < page.index("beta") < page.index("delta") < page.index("gamma")
    assert "gamma" in words(ines, "/tasks?view=paused")
    assert "alpha" not in words(ines, "/tasks?view=paused")
    assert "delta" in words(ines, "/tasks?view=failing")
    assert "alpha" in words(ines, "/tasks?tag=ops")
    assert "beta" not in words(ines, "/tasks?tag=ops")
    assert "No task matches “%”" in words(ines, "/tasks?q=%25")
    for sort in ("name", "last", "next", "nonsense"):
        assert ines.get(f"/tasks?sort={sort}").status_code == 200


def test_the_list_names_another_zone_and_promises_no_times_to_what_has_none(site: Site, ines: TestClient) -> None:
    site.task("abroad", "30 2 * * *", timezone="America/New_York")
    site.task("here", "30 2 * * *")
    site.task("by hand", None)
    page = words(ines, "/tasks")
    assert page.count("America/New_York") == 1
    assert "no more times" not in page


def test_a_long_list_is_walked_by_key_forth_and_back(site: Site, ines: TestClient) -> None:
    definitions = [
        TaskDefinition(f"task-{number:03d}", CommandSpec(("true",)), to_text(CronTrigger("0 0 * * *", "UTC")))
        for number in range(230)
    ]
    site.desk.define_many(definitions)
    for sort in ("name", "next", "last"):
        seen: list[str] = []
        where: str | None = f"/tasks?sort={sort}"
        while where:
            html = ines.get(where).text
            seen += re.findall(r'data-open-row href="/tasks/(\d+)"', html)
            older = re.search(r'href="([^"]+)">Next<', html)
            where = unescape(older[1]) if older else None
        assert len(seen) == len(set(seen)) == 230, sort


def test_runs_are_walked_by_key_forth_and_back(site: Site, ines: TestClient) -> None:
    task_id = site.task()
    numbers = [site.run(task_id) for _ in range(120)]
    seen, where = [], "/runs"
    pages = []
    while where:
        html = ines.get(where).text
        seen += [int(number) for number in re.findall(r'id="run-(\d+)"', html)]
        pages.append(where)
        older = re.search(r'href="([^"]+)">Older', html)
        where = unescape(older[1]) if older else ""
    assert seen == numbers[::-1]
    html = ines.get(pages[-1]).text
    newer = re.search(r'href="([^"]+)"><svg[^>]*>.*?</svg>Newer', html)
    assert newer
    back = ines.get(unescape(newer[1])).text
    assert [int(number) for number in re.findall(r'id="run-(\d+)"', back)] == seen[50:100]


def test_the_list_of_runs_has_views(site: Site, ines: TestClient) -> None:
    task_id = site.task("sync-orders")
    failed = failed_run(site, task_id)
    waiting = site.run(task_id)
    assert f"#{failed}" in words(ines, "/runs?view=failed")
    assert f"#{waiting}" not in words(ines, "/runs?view=failed")
    assert f"#{waiting}" in words(ines, "/runs?view=queued")
    assert f"#{failed}" in words(ines, "/runs?q=orders")
    assert f"#{failed}" in words(ines, "/runs?view=nonsense")


def test_the_page_of_a_task_says_when_why_and_how(site: Site, ines: TestClient) -> None:
    retry = Policies(retry=Retry(attempts=3, delay_seconds=30))
    schedule = to_text(CronTrigger("*/15 8-17 * * *", "Europe/Berlin"))
    definition = TaskDefinition(
        "quotes", CommandSpec(("fetch", "--all"), env={"TOKEN": "CANARY"}), schedule, "Europe/Berlin", retry
    )
    task_id = site.desk.define(definition).task.id
    with site.store.transaction() as tx:
        now = to_micros(START)
        LedgerBook(tx).record(
            [
                (task_id, now - 60_000_000, None, Reason.OVERLAP.value, None, now),
                (task_id, now - 120_000_000, 7, None, None, now),
            ]
        )
        LedgerBook(tx).record_spans([(task_id, now - 10**12, now - 10**11, 300, Reason.MISSED.value, None, now)])
    page = words(ines, f"/tasks/{task_id}")
    for said in ("fetch --all", "Every 15 minutes from 08:00 to 17:59", "Europe/Berlin", "2 more attempts"):
        assert said in page, said
    assert "The run before it was still going" in page
    assert "300 times" in page
    assert "CANARY" not in ines.get(f"/tasks/{task_id}").text
    assert "No server was running at its time" in words(ines, f"/tasks/{task_id}?times=skipped")


@pytest.mark.parametrize(
    "schedule",
    [None, to_text(IntervalTrigger(timedelta(seconds=1), START)), to_text(CronTrigger("30 2 * * *", "Europe/Berlin"))],
)
def test_every_kind_of_schedule_has_a_page(site: Site, ines: TestClient, schedule: str | None) -> None:
    zone = "Europe/Berlin" if schedule and "cron" in schedule else "UTC"
    task_id = site.desk.define(TaskDefinition("any", CommandSpec(("true",)), schedule, zone)).task.id
    for path in ("/", "/tasks", f"/tasks/{task_id}"):
        assert ines.get(path).status_code == 200


def test_a_parked_task_says_why(site: Site, ines: TestClient) -> None:
    task_id = site.task()
    with site.store.transaction() as tx:
        TaskBook(tx).park(task_id, Parking(START, "shop.jobs has no function backup"), now=site.clock.micros())
    assert "shop.jobs has no function backup" in words(ines, f"/tasks/{task_id}")
    assert "is parked" in words(ines, "/")


def test_a_parked_task_is_tried_again_by_those_who_may(site: Site, ines: TestClient) -> None:
    task_id = site.task()
    with site.store.transaction() as tx:
        TaskBook(tx).park(task_id, Parking(START, "shop.jobs has no function backup"), now=site.clock.micros())
    assert f'action="/tasks/{task_id}/unpark"' in ines.get(f"/tasks/{task_id}").text
    assert "no next time while it is parked" in words(ines, f"/tasks/{task_id}")
    answer = post(ines, f"/tasks/{task_id}/unpark")
    assert answer.headers["location"] == f"/tasks/{task_id}"
    assert not site.desk.find(task_id).is_parked
    assert "backup is tried again" in words(ines, f"/tasks/{task_id}")
    site.person("otto", Role.VIEWER)
    assert post(site.signed_in("otto"), f"/tasks/{task_id}/unpark").status_code == 403


def test_a_task_whose_schedule_still_means_nothing_stays_parked(site: Site, ines: TestClient) -> None:
    task_id = site.task()
    with site.store.transaction() as tx:
        columns = {"schedule": '{"kind": "lunar"}', "next_at": None}
        TaskBook(tx)._change(task_id, site.clock.micros(), **columns)
        TaskBook(tx).park(task_id, Parking(START, "unknown schedule"), now=site.clock.micros())
    post(ines, f"/tasks/{task_id}/unpark")
    assert "It stays parked" in words(ines, f"/tasks/{task_id}")
    assert site.desk.find(task_id).is_parked


def test_a_task_without_a_schedule_says_so(site: Site, ines: TestClient) -> None:
    task_id = site.task("by-hand", cron=None)
    failed_run(site, task_id)
    page = words(ines, f"/tasks/{task_id}")
    assert "Only by hand" in page
    assert "there are no planned times" in page
    assert "no more times" not in page


def test_an_empty_ledger_says_what_would_be_in_it(site: Site, ines: TestClient) -> None:
    task_id = site.task()
    assert "None of its planned times has come yet" in words(ines, f"/tasks/{task_id}")
    assert "No planned time was skipped" in words(ines, f"/tasks/{task_id}?times=skipped")


def test_intervals_and_dates_are_shown_in_words(site: Site, ines: TestClient) -> None:
    every = to_text(IntervalTrigger(timedelta(minutes=90), START))
    once = to_text(DateTrigger(START + timedelta(days=2)))
    for name, schedule, said in (("often", every, "Every 90 minutes"), ("once", once, "Once on Sat 16 May 2026 at")):
        task_id = site.desk.define(TaskDefinition(name, CommandSpec(("true",)), schedule)).task.id
        assert said in words(ines, f"/tasks/{task_id}")
        assert said in words(ines, "/tasks")


def test_a_failed_run_shows_its_error_and_output(site: Site, ines: TestClient) -> None:
    run_id = failed_run(site, site.task(), printed=("\x1b[31mred\x1b[0m", "<script>alert(1)</script>"))
    html = ines.get(f"/runs/{run_id}").text
    assert "<script>alert(1)" not in html
    assert "the disk is &lt;b&gt;full" in html
    page = text_of(html)
    assert "ValueError" in page
    assert "red" in page
    assert "\x1b" not in html
    assert "Run again" in page


def test_a_living_run_can_be_watched_and_stopped(site: Site, ines: TestClient) -> None:
    task_id = site.task()
    run_id = site.run(task_id)
    waiting = words(ines, f"/runs/{run_id}")
    assert "for a free place" in waiting
    site.start(run_id, ("one",))
    html = ines.get(f"/runs/{run_id}").text
    assert f"/runs/{run_id}/log/stream?attempt=1&amp;after=1" in html
    assert 'data-watch="run:' in html
    answer = post(ines, f"/runs/{run_id}/stop")
    assert answer.headers["location"] == f"/runs/{run_id}"
    assert "Stopping" in words(ines, f"/runs/{run_id}")
    site.finish(run_id, RunState.CANCELLED)
    post(ines, f"/runs/{run_id}/stop")
    assert "There was nothing to stop" in words(ines, f"/runs/{run_id}")


def test_only_the_end_of_a_long_output_is_loaded_and_the_rest_is_a_link_away(site: Site, ines: TestClient) -> None:
    run_id = site.run(site.task())
    site.start(run_id)
    lines = [Line(number, START, Stream.STDOUT, f"line-{number}") for number in range(1, 5001)]
    with site.store.transaction() as tx:
        for start in range(0, 5000, 100):
            OutputBook(tx).append([chunk_row(run_id, 1, lines[start : start + 100])])
    page = ines.get(f"/runs/{run_id}").text
    assert "line-5000" in page
    assert "line-2999<" not in page
    assert "3,000 earlier lines" in text_of(page)
    assert "line-17<" in ines.get(f"/runs/{run_id}?attempt=1&line=17").text


def test_r43_raw_output_is_a_file_that_no_browser_runs(site: Site, ines: TestClient) -> None:
    run_id = site.run(site.task('x"; filename=y.html'))
    site.start(run_id, ("<html><script>alert(1)</script>", "bad \ufffd octet"))
    answer = ines.get(f"/runs/{run_id}/log")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="run-{run_id}-attempt-1.log"'
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text == "<html><script>alert(1)</script>\nbad \ufffd octet\n"


def test_pause_resume_and_run_answer_with_the_way_back(site: Site, ines: TestClient) -> None:
    task_id = site.task("backup")
    answer = post(ines, f"/tasks/{task_id}/pause", back="/tasks?view=all", reason="disk swap")
    assert answer.headers["location"] == "/tasks?view=all"
    page = ines.get("/tasks").text
    assert "backup is paused" in page
    assert f'action="/tasks/{task_id}/resume"' in page
    pause = site.desk.find(task_id).pause
    assert pause
    assert (pause.by, pause.reason) == ("ines", "disk swap")
    post(ines, f"/tasks/{task_id}/resume")
    assert not site.desk.find(task_id).is_paused
    answer = post(ines, f"/tasks/{task_id}/run")
    assert re.fullmatch(r"/runs/\d+", answer.headers["location"])


def test_several_tasks_are_acted_on_at_once_and_one_that_is_gone_stops_no_other(site: Site, ines: TestClient) -> None:
    tasks = [site.task(f"task-{number}") for number in range(3)]
    post(ines, "/tasks/act", action="pause", id=[*map(str, tasks), "999"])
    assert all(site.desk.find(task_id).is_paused for task_id in tasks)
    page = words(ines, "/tasks")
    assert "3 tasks paused" in page
    assert "1 task could not" in page
    post(ines, "/tasks/act", action="resume", id=[str(tasks[0])])
    assert not site.desk.find(tasks[0]).is_paused
    post(ines, "/tasks/act", action="run", id=[str(tasks[0]), str(tasks[0])])
    assert "1 task started" in words(ines, "/tasks")
    for form in ({"action": "delete", "id": "1"}, {"action": "pause", "id": "x"}, {"action": "pause", "id": "-1"}):
        assert post(ines, "/tasks/act", **form).status_code == 422


def test_a_run_is_started_again_with_its_parameters(site: Site, ines: TestClient) -> None:
    task_id = site.task()
    old = site.desk.trigger(task_id, by=Actor.of_code("Ines"), params={"day": "2026-05-01"})
    answer = post(ines, f"/runs/{old}/again")
    new = int(answer.headers["location"].rsplit("/", 1)[1])
    assert new != old
    assert "2026-05-01" in words(ines, f"/runs/{new}")


def test_a_script_is_led_to_the_new_run_instead_of_showing_it_in_place(site: Site, ines: TestClient) -> None:
    task_id = site.task()
    token = token_of(ines, "/tasks")
    answer = ines.post(f"/tasks/{task_id}/run", data={"csrf_token": token}, headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert re.fullmatch(r"/runs/\d+", answer.headers["hx-redirect"])
    assert "location" not in answer.headers


@pytest.mark.parametrize("path", ["/tasks/999", "/runs/999", "/runs/999/log", "/runs/999/log/stream"])
def test_what_is_not_there_is_not_found(ines: TestClient, path: str) -> None:
    assert ines.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/tasks/999/run", "/tasks/999/pause", "/runs/999/stop", "/runs/999/again"])
def test_what_is_not_there_cannot_be_acted_on(ines: TestClient, path: str) -> None:
    assert post(ines, path).status_code == 404


def test_a_removed_task_has_no_page_but_its_runs_have(site: Site, ines: TestClient) -> None:
    task_id = site.task("gone")
    run_id = failed_run(site, task_id)
    site.desk.remove(task_id, by=Actor.of_code("Ines"))
    assert ines.get(f"/tasks/{task_id}").status_code == 404
    assert "gone" in words(ines, f"/runs/{run_id}")
    assert "gone" in words(ines, "/runs")
    site.task("another")
    assert "gone" in words(ines, "/")


def test_a_reader_sees_everything_and_no_button(site: Site) -> None:
    site.person("otto", Role.VIEWER)
    otto = site.signed_in("otto")
    task_id = site.task()
    run_id = failed_run(site, task_id)
    for path in ("/", "/tasks", f"/tasks/{task_id}", "/runs", f"/runs/{run_id}"):
        html = otto.get(path).text
        posts = set(re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', html))
        # What is held back is held back for oneself, and reading is enough for that.
        assert posts <= {"/logout", "/notifications/held"}, path
        assert html.count('method="post"') == len(re.findall(r'<form[^>]*method="post"[^>]*action="', html)), path
        assert "Viewer" in html
    assert post(otto, f"/tasks/{task_id}/pause").status_code == 403
    assert post(otto, "/tasks/act", action="run", id=[str(task_id)]).status_code == 303
    assert "1 task could not" in words(otto, "/tasks")
    with site.store.reading() as tx:
        assert HistoryBook(tx).count(RunFilter(task_id=task_id)) == 1
    assert not site.desk.find(task_id).is_paused


def test_an_open_page_gets_only_the_parts_it_takes_over(site: Site, ines: TestClient) -> None:
    site.task()
    whole = ines.get("/tasks").text
    part = ines.get("/tasks", headers={"hx-request": "true", "hx-request-type": "partial"}).text
    assert "live.js" in whole
    assert "live.js" not in part
    assert 'id="nav"' in part


def test_times_are_shown_in_the_zone_of_the_viewer(site: Site) -> None:
    password = "three-words-and-9-figures"
    add_admin(site.users, "tanaka", password, time_zone="Asia/Tokyo")
    site.passwords["tanaka"] = password
    client = site.signed_in("tanaka")
    site.task("early", "30 20 * * *")
    page = words(client, "/")
    assert "JST" in page
    assert "05:30" in page


def test_the_health_of_the_scheduler_stands_on_every_page(tmp_path: Path, clock: SetClock) -> None:
    with open_site(tmp_path, clock) as site:
        site.person("ines")
        client = site.signed_in("ines")
        assert "Scheduler is not running" in words(client, "/")
        site.live()
        assert "Scheduler on time" in words(client, "/")
