"""Pages of an installation with very many runs: right, small and quick."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, date, timedelta
from pathlib import Path

import pytest

from horarium.clock import to_micros
from horarium.records.figures import ERROR
from horarium.records.reach import EVERYTHING
from horarium.reports.daily import Bookkeeper
from horarium.states import Reason
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.tally import TallyBook
from horarium.web.charts.day import Day
from horarium.web.charts.lanes import MOST_MARKS
from horarium.web.filters import count, duration
from horarium.web.links import Links
from horarium.web.pages.daybook import MOST_TO_COME, counts_of, read_day, strip_of
from tests.support.pages import Site, open_site
from tests.support.people import START, SetClock
from tests.support.postgres import Cluster
from tests.web.busy import Recount, fill_day

RUNS = 20_000
TAGS = ("ops", "money", "feeds", "models", "media")
TODAY = Day.of(START.date(), UTC)
YESTERDAY = Day.of(START.date() - timedelta(days=1), UTC)


@pytest.fixture(scope="module")
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def busy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, clock: SetClock
) -> Iterator[tuple[Site, Recount, Recount]]:
    """Give 20,000 runs of one day up to now, and 10,000 of the day before, over 100 tasks."""
    where: Path | str = tmp_path_factory.mktemp("busy")
    if request.param == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        where = cluster.url(cluster.create())
    with open_site(where, clock) as site:
        site.live()
        site.person("ines")
        tasks = [site.task(f"task-{n}", "*/5 * * * *", tags=(TAGS[n % len(TAGS)],)) for n in range(100)]
        gone = (START - TODAY.start).total_seconds()
        before = fill_day(site, YESTERDAY.start, tasks, RUNS // 2, seconds=86_400)
        yield site, before, fill_day(site, TODAY.start, tasks, RUNS, seconds=gone)


def test_counts_and_load_of_a_big_day_equal_a_recount(busy: tuple[Site, Recount, Recount]) -> None:
    site, before, now = busy
    for day, recount in ((YESTERDAY, before), (TODAY, now)):
        with site.store.reading() as tx:
            read = read_day(tx, day, START, EVERYTHING)
        counts = counts_of(read, 0)
        assert (counts.succeeded, counts.failed) == (recount.states["succeeded"], recount.failed)
        assert read.runs == recount.states
        quarters = strip_of(read, Links()).quarters
        for place, quarter in enumerate(quarters):
            assert (quarter.ok, quarter.bad) == (recount.quarters[place, False], recount.quarters[place, True]), place
        planned = sum(quarter.planned for quarter in quarters)
        assert planned == counts.to_come
        assert (planned > 0) == (day is TODAY)


def test_the_figures_of_many_runs_equal_a_recount(busy: tuple[Site, Recount, Recount]) -> None:
    site, before, now = busy
    for day, recount in ((YESTERDAY, before), (TODAY, now)):
        with site.store.reading() as tx:
            ended = TallyBook(tx).ended(to_micros(day.start), to_micros(day.end))
        assert (ended.runs, ended.failed) == (sum(recount.states.values()), recount.failed)
        assert ended.took == pytest.approx(recount.median_took, rel=ERROR)
        assert ended.late == pytest.approx(recount.median_late, rel=ERROR)
    page = site.signed_in("ines").get("/").text
    shown = re.search(r'id="figures".*?</section>', page, re.DOTALL)
    assert shown
    text = " ".join(re.sub(r"<[^>]+>", " ", shown[0]).split())
    assert "Start delay" in text
    assert "–" not in text
    assert f"{count(now.states['succeeded'])} succeeded" in page
    assert duration(now.median_took / 1e6) != "–"


def test_a_big_day_is_drawn_small_with_every_failure_in_it(busy: tuple[Site, Recount, Recount]) -> None:
    site, _, now = busy
    with site.store.reading() as tx:
        lanes = strip_of(read_day(tx, TODAY, START, EVERYTHING), Links()).lanes
    assert [lane.label for lane in lanes] == sorted(TAGS)
    assert all(len(lane.lane.marks) <= MOST_MARKS for lane in lanes)
    bad = sum(mark.many for lane in lanes for mark in lane.lane.marks if mark.outcome in {"bad", "timeout"})
    assert bad >= now.failed
    assert len(site.signed_in("ines").get("/").text) < 500_000


def test_a_day_of_many_runs_is_shown_in_good_time(busy: tuple[Site, Recount, Recount]) -> None:
    site, _, _ = busy
    Bookkeeper(site.store, site.clock).run()
    client = site.signed_in("ines")
    client.get("/")
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        assert client.get("/").status_code == 200
        taken.append(time.perf_counter() - begin)
    # How quick it is belongs to the benchmarks; what is excluded here is a page that people would wait for.
    assert min(taken) < 2, taken


def test_skipped_times_are_counted_beyond_what_is_drawn(tmp_path: Path) -> None:
    with open_site(tmp_path, SetClock()) as site:
        task_id, asleep = site.task("often", "* * * * *"), site.task("asleep")
        start = to_micros(TODAY.start)
        with site.store.transaction() as tx:
            rows = [(task_id, start + n * 5_000_000, None, Reason.OVERLAP.value, None, start) for n in range(6000)]
            LedgerBook(tx).record(rows)
            hours = 3600_000_000
            stretches = [
                (asleep, start - hours, start + hours, 50, Reason.MISSED.value, None, start),
                (asleep, start + 2 * hours, start + 3 * hours, 70, Reason.MISSED.value, None, start),
            ]
            LedgerBook(tx).record_spans(stretches)
        with site.store.reading() as tx:
            read = read_day(tx, TODAY, START, EVERYTHING)
        assert counts_of(read, 0).skipped == 6070
        marks = strip_of(read, Links()).lanes[0].lane.marks
        assert {mark.outcome for mark in marks} >= {"skip", "miss"}


def test_times_to_come_are_bounded_and_the_page_says_so(tmp_path: Path) -> None:
    with open_site(tmp_path, SetClock()) as site:
        for number in range(15):
            site.task(f"each-second-{number}", "* * * * * *")
        late = site.task("at-night", "55 23 * * *")
        with site.store.reading() as tx:
            read = read_day(tx, TODAY, START, EVERYTHING)
        counts = counts_of(read, 0)
        assert counts.more_to_come
        assert MOST_TO_COME // 2 <= counts.to_come <= MOST_TO_COME + 16
        assert any(each.task_id == late for each in read.bunches)
        site.person("ines")
        assert "more than " in site.signed_in("ines").get("/").text


def test_a_day_without_runs_and_one_beyond_the_last_are_empty(busy: tuple[Site, Recount, Recount]) -> None:
    site, _, _ = busy
    for on in (date(2020, 1, 1), date(2035, 1, 1)):
        with site.store.reading() as tx:
            read = read_day(tx, Day.of(on, UTC), START, EVERYTHING)
        assert not read.runs
        assert not counts_of(read, 0).skipped
