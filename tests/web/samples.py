"""Name every page to draw in tests: with everything on it, on the first day, and with hostile text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, get_type_hints

from horarium.accounts.second_step import Way
from horarium.web.views.entry import Check, ConfirmPage, LoginPage, SetupPage
from horarium.web.views.message import MessagePage, broken, forbidden, not_found
from horarium.web.views.parts import (
    Pager,
    Tab,
)
from horarium.web.views.runs import RunsPage
from horarium.web.views.shell import ViewModel
from horarium.web.views.tasks import TasksPage
from tests.web import sample_backups, sample_by_link
from tests.web.sample_credentials import empty_credentials, rich_credentials
from tests.web.sample_factors import ASK, app, codes, duty, second
from tests.web.sample_notices import empty_notices, rich_notices
from tests.web.sample_overview import overview, overview_empty
from tests.web.sample_parts import filters, porch, runs, shell
from tests.web.sample_people import empty_people, rich_people
from tests.web.sample_preferences import added, added_none, rules, time, time_plain
from tests.web.sample_run import run_ended, run_live, run_new
from tests.web.sample_settings import sessions, sessions_one, signin, signin_wrong
from tests.web.sample_storage import empty_storage, rich_storage
from tests.web.sample_summary import (
    choices,
    choices_no_address,
    choices_no_mail,
    choices_plain,
    summary,
    summary_none,
)
from tests.web.sample_system import empty_system, rich_system
from tests.web.sample_tasks import task, task_new, tasks
from tests.web.sample_tokens import tokens, tokens_none


def rich() -> dict[str, ViewModel]:
    """Return each page with everything on it."""
    wrong = {"email": "The part after the @ is not complete.", "password": "It is too short: 12 characters or more."}
    return {
        "setup": SetupPage(
            shell=porch(),
            checks=(
                Check(status="ok", words="Database ready, schema 1"),
                Check(status="late", words="Mail is not set up."),
            ),
            values={"name": "Inês Carvalho", "email": "ines@tidewater"},
            errors=wrong,
        ),
        "login": LoginPage(
            shell=porch(),
            email="ines@tidewater.example",
            error="Name and password do not match.",
            told="You are signed out.",
            next="/tasks",
            stay_days=14,
            elsewhere="Tidewater",
            ask=ASK,
            may_register=True,
        ),
        **sample_by_link.rich(),
        "overview": overview(),
        **rich_people(),
        **rich_credentials(),
        **sample_backups.rich(),
        **rich_storage(),
        **rich_notices(),
        "tasks": tasks(),
        "task": task(),
        "runs": RunsPage(
            shell=shell(),
            rows=runs(),
            here="/runs",
            tabs=(
                Tab(label="All", href="/runs", current=True),
                Tab(label="Running", href="/runs?view=running", count=3),
            ),
            filters=filters(),
            pager=Pager(older="/runs?before=48213"),
        ),
        "run": run_ended(),
        "run-live": run_live(),
        "settings-signin": signin_wrong(),
        "settings-sessions": sessions(),
        "settings-app": app(),
        "settings-codes": codes(),
        "second-step": duty(),
        "login-second": second(),
        "login-recovery": second(by="recovery"),
        "settings-tokens": tokens(),
        "settings-time": time(),
        "settings-added": added(),
        "settings-summary": choices(),
        "summary": summary(),
        "settings-rules": rules(),
        **rich_system(),
        "confirm": ConfirmPage(shell=shell(stream=None), held="sealed", name="ines", error="That did not match."),
        "403": forbidden(
            shell(), "It belongs to administrators. Your role is Member.", hint="Administrators here: Inês Carvalho"
        ),
        "404": not_found(shell()),
        "500": broken(shell(stream=None), "err_01HX9R4K", "/tasks"),
        "message": MessagePage(
            shell=porch(), title="Set-up is done", text="There is an administrator already. Sign in instead."
        ),
    }


def empty() -> dict[str, ViewModel]:
    """Return each page on a server's first day, or with parts that did not load."""
    lost = dataclasses.replace(
        overview(), counts=None, strip=None, running=None, attention=None, next_up=None, recent=None
    )
    return {
        "setup-empty": SetupPage(shell=porch()),
        "login-empty": LoginPage(shell=porch()),
        **sample_by_link.empty(),
        **empty_storage(),
        "settings-signin-empty": signin(),
        "second-step-overdue": duty(later=None),
        "login-second-first": second(error="", ask=None, trust=False),
        "login-second-passkey": second(by="passkey", has_app=False),
        "confirm-code": ConfirmPage(
            shell=shell(stream=None), held="sealed", name="ines", way=Way.CODE, error="Not right."
        ),
        "confirm-passkey": ConfirmPage(shell=shell(stream=None), held="sealed", name="ines", way=Way.PASSKEY, ask=ASK),
        "confirm-again": ConfirmPage(shell=shell(stream=None), held="sealed", name="ines", way=Way.AGAIN),
        "settings-sessions-one": sessions_one(),
        "settings-tokens-none": tokens_none(),
        "settings-time-plain": time_plain(),
        "settings-added-none": added_none(),
        "settings-summary-plain": choices_plain(),
        "settings-summary-no-mail": choices_no_mail(),
        "settings-summary-no-address": choices_no_address(),
        "summary-none": summary_none(),
        "overview-first": dataclasses.replace(overview_empty(), has_tasks=False),
        "overview-empty": overview_empty(),
        **empty_people(),
        **empty_credentials(),
        **empty_system(),
        **sample_backups.empty(),
        **empty_notices(),
        "overview-lost": lost,
        "tasks-first": TasksPage(shell=shell(), rows=(), total=0),
        "tasks-no-match": dataclasses.replace(tasks(), rows=(), filters=filters()),
        "tasks-lost": dataclasses.replace(tasks(), rows=None),
        "tasks-reader": dataclasses.replace(tasks(), shell=shell(may_act=False)),
        "task-new": task_new(),
        "task-lost": dataclasses.replace(task_new(), points=None, runs=None, ledger=None),
        "runs-first": RunsPage(shell=shell(), rows=(), here="/runs", any_runs=False),
        "runs-no-match": RunsPage(shell=shell(), rows=(), here="/runs", filters=filters()),
        "run-new": run_new(),
        "run-lost": dataclasses.replace(
            run_ended(), log=None, error=None, reason="Skipped: a newer run took its place."
        ),
    }


PAYLOADS: Final = (
    "<script>alert(1)</script>",
    '"><script>alert(2)</script>',
    "'><img src=x onerror=alert(3)>",
    '" onmouseover="alert(4)" x="',
    "' autofocus onfocus=alert(5) '",
    "</title><script>alert(6)</script>",
    "</textarea></style></script><svg onload=alert(7)>",
    "<!--<img src=x onerror=alert(8)>-->",
    "{{ 7 * 7 }}{% raw %}<b>",
    "javascript:alert(10)//",
    "&lt;img src=x onerror=alert(11)&gt;&#60;b&#62;",
    "\x1b[31m<b>red</b>\x1b]0;<i>title</i>\x07\u202e<u>turned</u>\x00",
)
_OURS: Final = frozenset(
    {
        "href",
        "previous",
        "next",
        "today",
        "back",
        "here",
        "download",
        "earlier_href",
        "clear",
        "retry",
        "tone",
        "delta_icon",
        "key",
        "direction",
        "watch",
        "csrf",
        "root",
        "value",
        "there",
        "icon",
    }
)


def poisoned(value: Any, text: str | Iterator[str]) -> Any:
    """Return a copy of a page in which each text that can come from outside is `text`, or the next one of several."""
    if isinstance(value, tuple):
        return tuple(poisoned(each, text) for each in value)
    if isinstance(value, dict):
        return {name: _one_of(text) for name in value}
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    hints = _hints_of(type(value))
    changed = {}
    for field in dataclasses.fields(value):
        old = getattr(value, field.name)
        if isinstance(old, str):
            changed[field.name] = _one_of(text) if hints[field.name] is str and field.name not in _OURS else old
        else:
            changed[field.name] = poisoned(old, text)
    return dataclasses.replace(value, **changed)


def _one_of(text: str | Iterator[str]) -> str:
    return text if isinstance(text, str) else next(text)


@cache
def _hints_of(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
