"""`horarium report`: what runs came to, as a person sees it, in every form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from horarium.cli.exits import ExitCode
from horarium.clock import to_micros
from horarium.records.figures import DAY
from horarium.store.opening import open_store
from tests.cli.conftest import Program, StillClock
from tests.reports.model import SECOND, Model
from tests.support.people import made_up


@pytest.fixture
def ran(horarium: Program, home: Path, clock: StillClock) -> Program:
    """Give the program over a store in which a task ran every three hours of a fortnight, and failed now and then."""
    horarium("task", "add", "fetch rates", "--cron", "0 * * * *", "--", "/bin/true")
    (file,) = home.glob("**/horarium.db")
    store = open_store(file)
    model = Model(store)
    for place in range(14 * 8):
        at = to_micros(clock.now()) - 14 * DAY + place * DAY // 8
        model.add(1, at, "failed" if place % 10 == 9 else "succeeded", took=3 * SECOND)
    store.close()
    return horarium


def test_a_summary_is_shown_as_text_and_as_json(ran: Program) -> None:
    told = ran("report", "show")
    assert told.code == ExitCode.OK
    assert told.out.startswith("Your week, 23 February to 1 March\n")
    assert "fetch rates: Failed" in told.out
    assert "The installation" in told.out
    shape = ran("report", "show", "--json").json
    assert (shape["first"], shape["last"], shape["zone"]) == ("2026-02-23", "2026-03-01", "Europe/Berlin")
    assert shape["now"]["runs"] == 56
    assert shape["days"][0]["on"] == "2026-02-23"
    assert shape["worst"][0]["task"] == "fetch rates"
    assert ran("report", "show", "--period", "daily", "--on", "2026-02-24", "--json").json["now"]["runs"] == 8


@pytest.mark.parametrize("way", ["task", "tag", "project", "person"])
def test_a_table_breaks_figures_down(ran: Program, way: str) -> None:
    assert "56" in ran("report", "show", "--by", way).out
    (row,) = ran("report", "show", "--by", way, "--json").json
    assert (row["runs"], row["seconds"]["p50"]) == (56, pytest.approx(3, rel=0.03))


def test_it_is_written_to_a_file_as_html_and_pdf(ran: Program, home: Path) -> None:
    ran("report", "show", "--format", "html", "-o", "week.html")
    assert "<html" in (home / "week.html").read_text(encoding="utf-8")
    assert ran("report", "show", "--format", "pdf", "-o", "week.pdf").out == "week.pdf is written.\n"
    assert (home / "week.pdf").read_bytes().startswith(b"%PDF-")


def test_somebody_sees_what_is_theirs(ran: Program, types: Any) -> None:
    types(f"{made_up()}\n")
    ran("user", "create-admin", "ana", "--email", "ana@example.org", "--password-stdin")
    assert ran("report", "show", "--user", "ana", "--json").json["now"]["runs"] == 56


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["--period", "yearly"], "daily, weekly or monthly"),
        (["--on", "soon"], "2026-05-14"),
        (["--by", "colour"], "task, tag, project or person"),
        (["--format", "xml"], "text, html or pdf"),
        (["--format", "pdf"], "--output"),
    ],
)
def test_what_means_nothing_is_refused_in_one_sentence(ran: Program, words: list[str], field: str) -> None:
    refused = ran("report", "show", *words)
    assert refused.code == ExitCode.USAGE
    assert field in refused.err
    assert refused.err.count("\n") == 1


def test_a_letter_is_written_only_where_mail_is_sent(ran: Program, types: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    types(f"{made_up()}\n")
    ran("user", "create-admin", "ana", "--email", "ana@example.org", "--password-stdin")
    assert "SMTP_HOST" in ran("report", "send", "ana").err
    monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("SMTP_FROM", "horarium@example.org")
    told = ran("report", "send", "ana", "--period", "monthly")
    assert "Your month, February 2026" in told.out
    assert [letter["kind"] for letter in ran("mail", "list", "--json").json] == ["summary"]
