"""The summary on a page, as a letter and on paper: of the period that was asked for, and of what its reader sees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from horarium.clock import to_micros
from horarium.records.figures import DAY
from horarium.records.people import Role
from tests.reports.model import SECOND, Model
from tests.support.pages import Site, open_site, token_of
from tests.support.people import START, SetClock

HOSTILE = "<b>bold</b> & co"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("summary"), SetClock()) as opened:
        opened.live()
        opened.person("ines", Role.ADMIN)
        opened.person("sten", Role.USER)
        tasks = [opened.task(HOSTILE, "*/5 * * * *"), opened.task("plain", "*/5 * * * *")]
        model = Model(opened.store)
        for place in range(15 * 8):
            at = to_micros(START) - 15 * DAY + place * DAY // 8
            model.add(tasks[0], at, "failed" if place % 4 == 3 else "succeeded", took=2 * SECOND)
            model.add(tasks[1], at + SECOND, "succeeded")
        yield opened


def test_it_shows_the_latest_week_and_leads_to_the_one_before(site: Site) -> None:
    client = site.signed_in("ines")
    page = client.get("/summary").text
    assert "Your week, 4 to 10 May" in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "Failed 14 of 56 times" in page
    assert "/summary?period=weekly&amp;on=2026-04-27" in page
    older = client.get("/summary?period=weekly&on=2026-04-27").text
    assert "27 April to 3 May" in older
    assert "The one after" in older
    assert "Wednesday 13 May" in client.get("/summary?period=daily").text
    assert "Your month, April 2026" in client.get("/summary?period=monthly").text


def test_r47_who_sees_nothing_reads_that_nothing_ran(site: Site) -> None:
    client = site.signed_in("sten")
    for path in ("/summary", "/summary/mail"):
        page = client.get(path).text
        assert "plain" not in page
        assert "Nothing ran" in page
        assert "The installation" not in page


@pytest.mark.parametrize("query", ["period=yearly", "on=tomorrow", "on=0001-01-01"])
def test_what_is_no_period_is_refused(site: Site, query: str) -> None:
    assert site.signed_in("ines").get(f"/summary?{query}").status_code == 422


def test_r36_the_letter_brings_its_looks_and_can_do_nothing(site: Site) -> None:
    answer = site.signed_in("ines").get("/summary/mail")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox ")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "<b>bold" not in answer.text


def test_it_comes_as_a_pdf_file(site: Site) -> None:
    answer = site.signed_in("ines").get("/summary/paper?period=monthly")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'attachment; filename="summary-monthly-2026-04-01.pdf"'
    assert answer.content.startswith(b"%PDF-")


def test_somebody_chooses_when_it_comes_and_a_wrong_hour_is_said_beside_its_field(site: Site) -> None:
    client = site.signed_in("sten")
    form = {"csrf_token": token_of(client, "/settings/summary"), "key": ["summary", "summary_hour"]}
    wrong = client.post("/settings/summary", data={**form, "value": ["weekly", "24"]})
    assert wrong.status_code == 422
    assert "use a whole number from 0 to 23" in wrong.text
    client.post("/settings/summary", data={**form, "value": ["weekly", "7"]})
    page = client.get("/settings/summary").text
    assert '<option value="weekly" selected>' in page
    assert 'value="7"' in page
    other = client.post("/settings/summary", data={**form, "key": ["look"], "value": ["dark"]})
    assert other.status_code == 422
