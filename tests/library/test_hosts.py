"""Inside web programs: several workers, servers that fork, frameworks that start and stop what they hold."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from horarium import TaskScheduler
from tests.library.programs import ENDED, Workshop, wait_until

TICKING = """
import os
from datetime import datetime

def tick():
    with open("ticks", "a") as file:
        file.write(f"{os.getpid()}\\n")
    return os.getpid()
"""
FLASK = """
import os
from flask import Flask
from horarium import TaskScheduler
from shop_jobs import tick

app = Flask(__name__)
scheduler = TaskScheduler("jobs.db")
scheduler.add_interval_task("local", tick, 1, overlap="allow", overlap_limit=9)
scheduler.add_interval_task("shared", "shop_jobs:tick", 1, overlap="allow", overlap_limit=9)

@app.get("/")
def index():
    return {"running": scheduler.is_running, "tasks": len(scheduler.get_all_tasks()), "pid": os.getpid()}
"""
STARLETTE = """
import asyncio
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from horarium import TaskScheduler
from shop_jobs import tick

scheduler = TaskScheduler("jobs.db")
scheduler.add_interval_task("local", tick, 1)

@asynccontextmanager
async def lifespan(app):
    scheduler.start()
    yield
    await asyncio.to_thread(scheduler.stop)

async def index(request):
    return JSONResponse({"running": scheduler.is_running})

app = Starlette(routes=[Route("/", index)], lifespan=lifespan)
"""
AFTER_FORK = """
def post_worker_init(worker):
    from shop import scheduler
    scheduler.start()
"""
DJANGO = """
import os, sys, time
from pathlib import Path

if __name__ == "__main__":
    import django
    from django.conf import settings
    settings.configure(INSTALLED_APPS=["shop"], USE_TZ=True, DATABASES={}, LOGGING_CONFIG=None)
    django.setup()
    from django.apps import apps
    scheduler = apps.get_app_config("shop").scheduler
    run = scheduler.trigger_task_now("by hand")
    while not any(each["finished_at"] for each in scheduler.get_task_history("by hand")):
        time.sleep(0.01)
    (entry,) = scheduler.get_task_history("by hand")
    print(entry["status"], entry["result"], scheduler.get_run_output(run), end="")
"""
DJANGO_APP = """
from django.apps import AppConfig
from horarium import TaskScheduler

def settings_of():
    from django.conf import settings
    print("in the app")
    return settings.USE_TZ

class ShopConfig(AppConfig):
    name = "shop"

    def ready(self):
        self.scheduler = TaskScheduler("jobs.db")
        self.scheduler.add_task("by hand", settings_of)
        self.scheduler.start()
"""
FORKING = """
import os, sys, time
from horarium import TaskScheduler

def slow():
    open("began", "w").close()
    time.sleep(1)
    return os.getpid()

scheduler = TaskScheduler("jobs.db")
scheduler.add_task("slow", slow)
scheduler.add_task("quick", os.getpid)
scheduler.start()
scheduler.trigger_task_now("slow")
while not os.path.exists("began"):
    time.sleep(0.01)
child = os.fork()
if child == 0:
    assert not scheduler.is_running
    assert len(scheduler.get_all_tasks()) == 2
    scheduler.stop()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert scheduler.is_running
child = os.fork()
if child == 0:
    scheduler.start()
    assert scheduler.is_running
    scheduler.trigger_task_now("quick")
    while not any(each["finished_at"] for each in scheduler.get_task_history("quick")):
        time.sleep(0.01)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
scheduler.stop()
(run,) = scheduler.get_task_history("slow")
print(run["status"], run["attempts"], run["result"] == os.getpid())
print(scheduler.get_task_history("quick")[0]["status"])
"""


def answer(port: int) -> dict[str, object] | None:
    """Return what a web program answers, None while it does not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as found:
            told: dict[str, object] = json.load(found)
            return told
    except OSError:
        return None


def check(shop: Workshop) -> dict[str, list[object]]:
    """Check that each instant has run once, was recorded and really happened; return who ran each task."""
    looked = shop.scheduler("jobs.db")
    ran: dict[str, list[object]] = {}
    for task in looked.get_all_tasks():
        runs = looked.get_task_history(task["name"])
        assert {each["status"] for each in runs} <= ENDED | {"queued"}
        planned = [each["planned_at"] for each in runs]
        assert len(planned) == len(set(planned))
        assert all((later - sooner).total_seconds() == 1 for later, sooner in pairwise(planned))
        ran[task["name"]] = [each["result"] for each in runs if each["status"] == "succeeded"]
    done = sorted(str(pid) for each in ran.values() for pid in each)
    assert done == sorted(shop.lines("ticks"))
    looked.close()
    return ran


def serve(shop: Workshop, port: int, *options: str) -> subprocess.Popen[str]:
    """Start gunicorn with four workers and wait until tasks have run in it."""
    shop.write("shop_jobs.py", TICKING)
    arguments = ["-w", "4", "-b", f"127.0.0.1:{port}", "--no-control-socket", *options, "shop:app"]
    started = shop.start_module("gunicorn", *arguments)
    wait_until(lambda: answer(port))
    wait_until(lambda: len(shop.lines("ticks")) >= 6)
    return started


def end(started: subprocess.Popen[str]) -> str:
    """End a server as service managers do, which must be quick; return what it has said."""
    asked = time.monotonic()
    started.send_signal(signal.SIGTERM)
    said, complained = started.communicate(timeout=30)
    assert time.monotonic() - asked < 10
    return said + complained


def test_under_four_workers_each_instant_runs_once(workshop: Workshop, free_port: int) -> None:
    workshop.write("shop.py", FLASK + "scheduler.start()\n")
    server = serve(workshop, free_port)
    told = answer(free_port)
    assert told is not None
    assert (told["running"], told["tasks"]) == (True, 2)
    said = end(server)
    assert "Traceback" not in said, said
    ran = check(workshop)
    assert sum(map(len, ran.values())) >= 6


def test_started_before_the_fork_it_runs_in_the_parent_and_workers_can_ask(workshop: Workshop, free_port: int) -> None:
    workshop.write("shop.py", FLASK + "scheduler.start()\n")
    server = serve(workshop, free_port, "--preload")
    told = answer(free_port)
    assert told is not None
    assert (told["running"], told["tasks"]) == (False, 2)
    said = end(server)
    assert "Traceback" not in said, said
    assert {pid for each in check(workshop).values() for pid in each} == {server.pid}


def test_made_before_the_fork_and_started_after_it_each_instant_runs_once(workshop: Workshop, free_port: int) -> None:
    workshop.write("shop.py", FLASK)
    workshop.write("hooks.py", AFTER_FORK)
    server = serve(workshop, free_port, "--preload", "-c", "hooks.py")
    told = answer(free_port)
    assert told is not None
    assert (told["running"], told["tasks"]) == (True, 2)
    said = end(server)
    assert "Traceback" not in said, said
    assert server.pid not in {pid for each in check(workshop).values() for pid in each}


def test_a_child_leaves_the_runs_of_its_parent_alone_and_may_start_its_own(workshop: Workshop) -> None:
    workshop.write("program.py", FORKING)
    assert workshop.run("program.py") == "succeeded 1 True\nsucceeded\n"


def test_a_lifespan_starts_it_and_stops_it(workshop: Workshop, free_port: int) -> None:
    workshop.write("shop_jobs.py", TICKING)
    workshop.write("shop.py", STARLETTE)
    server = workshop.start_module("uvicorn", "--port", str(free_port), "shop:app")
    assert wait_until(lambda: answer(free_port)) == {"running": True}
    wait_until(lambda: len(workshop.lines("ticks")) >= 2)
    said = end(server)
    assert "Application shutdown complete" in said, said
    assert set(check(workshop)["local"]) == {server.pid}


def test_an_app_of_django_may_hold_it(workshop: Workshop) -> None:
    (workshop.folder / "shop").mkdir()
    workshop.write("shop/__init__.py", "")
    workshop.write("shop/apps.py", DJANGO_APP)
    workshop.write("manage.py", DJANGO)
    assert workshop.run("manage.py") == "succeeded True in the app\n"


def test_threads_of_a_child_that_ask_at_the_same_time_get_one_scheduler(
    make: Callable[..., TaskScheduler], monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = make()
    begin, is_beginning, has_begun = scheduler._begin_process, threading.Event(), threading.Event()

    def begin_slowly() -> object:
        is_beginning.set()
        has_begun.wait(0.3)
        return begin()

    monkeypatch.setattr(scheduler, "_begin_process", begin_slowly)
    # As in a child of the process that made it.
    scheduler._present = scheduler._present._replace(pid=-1)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: scheduler._service)
        assert is_beginning.wait(10)
        mine = scheduler._service
        has_begun.set()
        assert other.result(10) is mine is scheduler._service
