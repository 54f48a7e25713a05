"""What the scripts do: follow the stream, take over what changed, send actions, obey the keyboard."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from horarium.web.rendering import render_lines
from horarium.web.views.run import Log, LogLine, RunPage
from horarium.web.views.runs import RunsPage
from horarium.web.views.shell import Notice, Shell
from horarium.web.views.tasks import TasksPage
from tests.support.browser import open_page
from tests.web import samples
from tests.web.sample_parts import BERLIN, CUSTOMS, NOW, run_row, shell
from tests.web.sample_run import lines
from tests.web.serving import Theatre, served

pytestmark = pytest.mark.browser
PAGES = {**samples.rich(), **samples.empty()}


@pytest.fixture
def theatre() -> Theatre:
    made = Theatre()
    made.pages = {name: lambda page=page: page for name, page in PAGES.items()}  # type: ignore[misc]
    return made


@pytest.fixture
def address(theatre: Theatre) -> Iterator[str]:
    with served(theatre) as base:
        yield base


def with_shell(frame: Shell) -> TasksPage:
    page = PAGES["tasks"]
    assert isinstance(page, TasksPage)
    return dataclasses.replace(page, shell=frame)


def connected(page: Page) -> None:
    expect(page.locator(".live")).to_have_attribute("data-state", "live")


def test_the_pill_says_live_and_a_change_is_taken_over(page: Page, theatre: Theatre, address: str) -> None:
    page.goto(f"{address}/page/tasks")
    connected(page)
    page.locator("#task-2 .sel input").check()
    changed = with_shell(shell(notices=()))
    first = dataclasses.replace(changed.rows[0], words="Every day at noon") if changed.rows else None
    assert first
    theatre.pages["tasks"] = lambda: dataclasses.replace(changed, rows=(first, *(changed.rows or ())[1:]))
    theatre.tell("task", '{"id": 1}', 5)
    expect(page.locator("#task-1 .sch")).to_contain_text("Every day at noon")
    expect(page.locator("#task-2 .sel input")).to_be_checked()
    expect(page.locator(".bulk")).to_contain_text("1 selected")


def test_the_stream_opens_only_when_its_listeners_are_there(page: Page, theatre: Theatre, address: str) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/live.js", hold)
    with page.expect_response("**/hx-sse.js"):
        page.goto(f"{address}/page/tasks", wait_until="commit")
    page.locator("#task-1").wait_for()
    assert theatre.last_event_ids == []
    held[0].continue_()
    connected(page)


def test_events_of_other_tasks_leave_a_tasks_page_alone(page: Page, theatre: Theatre, address: str) -> None:
    page.goto(f"{address}/page/task")
    connected(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_request(re.compile("/page/task")):
        theatre.tell("run", '{"id": 9, "task": 2}')
        theatre.tell("run", '{"id": 9, "task": 1}')
    assert len([url for url in asked if url.endswith("/page/task")]) == 1


def test_a_focused_row_and_an_open_menu_wait(page: Page, theatre: Theatre, address: str) -> None:
    page.goto(f"{address}/page/tasks")
    connected(page)
    menu = page.locator("#task-2 details.menu")
    menu.locator("summary").click()
    changed = with_shell(shell())
    rows = tuple(dataclasses.replace(row, words="Changed") for row in changed.rows or ())
    theatre.pages["tasks"] = lambda: dataclasses.replace(changed, rows=rows)
    theatre.tell("resync")
    expect(page.locator("#task-1 .sch")).to_contain_text("Changed")
    expect(menu).to_have_attribute("open", "")
    expect(page.locator("#task-2 .sch")).not_to_contain_text("Changed")


def test_new_runs_are_counted_and_push_nothing(page: Page, theatre: Theatre, address: str) -> None:
    page.goto(f"{address}/page/runs")
    connected(page)
    runs = PAGES["runs"]
    assert isinstance(runs, RunsPage)
    newer = tuple(run_row(48400 + n, CUSTOMS, "ok", 0.1, seconds=1) for n in (2, 1))
    theatre.pages["runs"] = lambda: dataclasses.replace(runs, rows=(*newer, *(runs.rows or ())))
    theatre.tell("run", '{"id": 48402, "task": 2}')
    expect(page.locator("#newer")).to_contain_text("2 newer runs")
    assert page.locator("tbody tr").first.get_attribute("id") == "run-48367"


def unanswered(page: Page) -> set[Request]:
    """Return the requests of a page that wait for an answer, a set that follows what happens from now on."""
    waiting: set[Request] = set()

    def ask(request: Request) -> None:
        waiting.add(request)

    def answer(request: Request) -> None:
        waiting.discard(request)

    page.on("request", ask)
    page.on("requestfinished", answer)
    page.on("requestfailed", answer)
    return waiting


def lose(page: Page, theatre: Theatre, address: str) -> None:
    """Let a page have event 77, and then lose its server until it says so on top."""
    page.clock.install()
    page.goto(f"{address}/page/runs")
    connected(page)
    with page.expect_request(re.compile("/page/runs")):
        theatre.tell("run", '{"id": 1, "task": 1}', 77)
    asked = unanswered(page)
    theatre.refusal = 503
    theatre.hang_up()
    expect(page.locator(".live")).to_have_attribute("data-state", "live")
    # From here on the page's time moves only when the test moves it: it must not come back by itself in between.
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)
    for _ in range(12):
        page.clock.run_for(1000)
    expect(page.locator(".live .t")).to_contain_text("Reconnecting")
    page.clock.run_for(31000)
    expect(page.locator("#lost")).to_be_visible()
    while asked:
        page.wait_for_timeout(20)
    theatre.refusal = 0


def test_r105_a_lost_stream_is_said_and_resumed_by_its_last_id(page: Page, theatre: Theatre, address: str) -> None:
    lose(page, theatre, address)
    with page.expect_response(lambda answer: answer.url.endswith("/events") and answer.ok):
        page.clock.run_for(15000)
    connected(page)
    expect(page.locator("#lost")).to_be_hidden()
    assert theatre.last_event_ids[-1] == "77"


def test_a_lost_stream_can_be_tried_at_once(page: Page, theatre: Theatre, address: str) -> None:
    lose(page, theatre, address)
    with page.expect_response(lambda answer: answer.url.endswith("/events") and answer.ok):
        page.locator("[data-reconnect]").click()
        page.clock.run_for(100)
    connected(page)
    expect(page.locator("#lost")).to_be_hidden()


def test_lines_arrive_once_and_in_order_while_the_log_follows(page: Page, theatre: Theatre, address: str) -> None:
    page.goto(f"{address}/page/run-live")
    connected(page)
    more = [LogLine(number=61 + n, at=NOW, stream="stdout", text=f"new <b>{n}</b>") for n in range(3)]
    theatre.tell("line", render_lines([*lines(60)[-1:], *more], BERLIN), 63)
    expect(page.locator("#L63 .tx")).to_have_text("new <b>2</b>")
    expect(page.locator("[data-line-count]")).to_have_text("63 lines")
    assert page.locator("[data-lines] tr[id]").count() == 63
    assert page.locator(".log-body").evaluate("b => b.scrollHeight - b.scrollTop - b.clientHeight") < 2


def test_scrolling_up_stops_following_and_new_lines_are_counted(page: Page, theatre: Theatre, address: str) -> None:
    page.goto(f"{address}/page/run-live")
    connected(page)
    page.locator(".log-body").evaluate("b => { b.scrollTop = 0; }")
    expect(page.locator('[data-log="follow"]')).to_have_attribute("aria-pressed", "false")
    theatre.tell("line", render_lines([LogLine(number=61, at=NOW, stream="stdout", text="late")], BERLIN), 61)
    expect(page.locator("[data-more]")).to_have_text("1 new line")
    page.locator("[data-more]").click()
    expect(page.locator('[data-log="follow"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-more]")).to_be_hidden()


def test_a_run_that_ends_changes_its_head_and_its_stream(page: Page, theatre: Theatre, address: str) -> None:
    page.goto(f"{address}/page/run-live")
    connected(page)
    run = PAGES["run-live"]
    assert isinstance(run, RunPage)
    assert run.log
    rest = dataclasses.replace(run.log, lines=lines(62), total=62, live=False)
    ended = dataclasses.replace(
        run, live=False, status="ok", status_words="Succeeded in 45m 03s", shell=shell(), log=rest
    )
    theatre.pages["run-live"] = lambda: ended
    theatre.tell("state")
    expect(page.locator("#head .badge")).to_contain_text("Succeeded in 45m 03s")
    expect(page.locator("#head")).to_contain_text("Run again")
    expect(page.locator("[data-stream]")).to_have_attribute("hx-sse:connect", "/events")
    expect(page.locator("[data-lines] tr[id]")).to_have_count(62)
    expect(page.locator('[data-log="follow"]')).to_be_disabled()


def test_a_run_that_goes_on_keeps_its_stream(page: Page, theatre: Theatre, address: str) -> None:
    page.goto(f"{address}/page/run-live")
    connected(page)
    run = PAGES["run-live"]
    assert isinstance(run, RunPage)
    frame = dataclasses.replace(run.shell, stream="/runs/48362/log/stream?attempt=1&after=61")
    theatre.pages["run-live"] = lambda: dataclasses.replace(run, shell=frame, status_words="Running, 45m")
    theatre.tell("state")
    expect(page.locator("#head .badge")).to_contain_text("Running, 45m")
    assert theatre.streams == 1


def test_a_page_that_follows_goes_on_to_the_next_attempt(page: Page, theatre: Theatre, address: str) -> None:
    page.goto(f"{address}/page/run-live")
    connected(page)
    run = PAGES["run-live"]
    assert isinstance(run, RunPage)
    theatre.pages["run-live"] = lambda: dataclasses.replace(run, log=Log(lines=lines(3), total=3, attempt=2, live=True))
    theatre.tell("state")
    expect(page.locator(".log-body")).to_have_attribute("data-attempt", "2")
    expect(page.locator("[data-lines] tr[id]")).to_have_count(3)


def test_words_are_found_in_the_log_and_lines_linked(page: Page, address: str) -> None:
    page.goto(f"{address}/page/run")
    page.keyboard.press("/")
    page.keyboard.type("warn")
    expect(page.locator("[data-found]")).to_have_text("2")
    page.keyboard.press("Enter")
    expect(page.locator("tr.here")).to_have_attribute("id", "L4")
    page.locator("#L5 .no").click()
    assert page.url.endswith("#L5")
    page.locator(".log-f summary").click()
    page.locator("#goto-line").fill("9")
    page.locator(".goto button").click()
    assert page.url.endswith("#L9")


def test_an_action_is_sent_with_its_token_and_answered_by_a_message(page: Page, theatre: Theatre, address: str) -> None:
    theatre.back = "/page/tasks"
    page.goto(f"{address}/page/tasks")
    done = with_shell(shell(notices=(Notice(status="ok", title="Started “Reconcile payments”"),)))
    theatre.pages["tasks"] = lambda: done
    page.locator("#task-1 [data-run]").click()
    expect(page.locator("#ask")).to_contain_text("Run “Reconcile payments” now?")
    assert theatre.posted == []
    page.locator("#ask [data-confirm]").click()
    expect(page.locator("#toasts")).to_contain_text("Started “Reconcile payments”")
    path, form = theatre.posted[0]
    assert (path, form["csrf_token"], form["back"]) == ("/tasks/1/run", ["token-of-this-session"], ["/tasks"])


def test_selected_tasks_are_acted_on_together(page: Page, theatre: Theatre, address: str) -> None:
    theatre.back = "/page/tasks"
    page.goto(f"{address}/page/tasks")
    for number in (1, 3):
        page.locator(f"#task-{number} .sel input").check()
    page.locator(".bulk button", has_text="Pause").click()
    expect(page.locator("#toasts")).to_contain_text("Paused")
    path, form = theatre.posted[0]
    assert (path, form["id"], form["action"]) == ("/tasks/act", ["1", "3"], ["pause"])


def test_an_action_that_fails_says_so_and_changes_nothing(page: Page, theatre: Theatre, address: str) -> None:
    theatre.answer = 500
    page.goto(f"{address}/page/task")
    page.locator("#head .btn", has_text="Resume").click()
    expect(page.locator("#toasts")).to_contain_text("Something broke on our side")
    expect(page.locator("h1")).to_contain_text("Reconcile payments")


@pytest.mark.usefixtures("_needs_browser")
def test_pages_work_without_script(browser: Browser, theatre: Theatre, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(10_000)
    page = context.new_page()
    theatre.back = "/page/tasks"
    page.goto(f"{address}/page/tasks")
    assert page.locator(".js-only:visible").count() == 0
    page.locator("#task-1 .sel input").check()
    page.locator(".bulk button", has_text="Resume").click()
    page.wait_for_url("**/page/tasks")
    page.goto(f"{address}/page/run-live")
    page.locator("#head .btn", has_text="Stop").click()
    page.locator("#stop button", has_text="Stop run").click()
    page.wait_for_url("**/page/tasks")
    context.close()
    assert [path for path, _ in theatre.posted] == ["/tasks/act", "/runs/48362/stop"]


def test_the_keyboard_walks_rows_and_asks(page: Page, address: str) -> None:
    page.goto(f"{address}/page/tasks")
    for key in ("j", "j", "k", "x"):
        page.keyboard.press(key)
    expect(page.locator("#task-1 .sel input")).to_be_checked()
    expect(page.locator("#task-1 a.t")).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator("#ask")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#task-1 .sel input")).not_to_be_checked()
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("gt?")
    expect(page.locator("#keys")).to_be_hidden()
    page.locator("main").focus()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/1")


def test_letters_after_g_lead_to_pages(page: Page, address: str) -> None:
    page.goto(f"{address}/page/tasks")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runs")


def test_marks_are_one_tab_stop_and_arrows_walk_them(page: Page, address: str) -> None:
    page.goto(f"{address}/page/overview")
    assert page.locator('.strip a[data-tip][tabindex="0"]').count() == 1
    page.locator('.strip a[data-tip][tabindex="0"]').focus()
    expect(page.locator(".tip")).to_contain_text("Ledger snapshot")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".tip")).to_contain_text("Reconcile payments")
    expect(page.locator(".tip")).to_contain_text("06:00 · failed")


@pytest.mark.usefixtures("_needs_browser")
def test_a_phone_opens_its_navigation(browser: Browser, address: str) -> None:
    with open_page(browser, size={"width": 390, "height": 844}) as page:
        page.goto(f"{address}/page/tasks")
        expect(page.locator("#side")).to_be_hidden()
        page.locator(".menu-btn").click()
        expect(page.locator("#side")).to_be_visible()
