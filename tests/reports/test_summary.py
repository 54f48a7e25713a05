"""Summaries: of the right days, in the right words, with nothing in them that their reader may not see."""

from __future__ import annotations

import re
import time
import unicodedata
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from reportlab.pdfbase.ttfonts import TTFontFace

from horarium.clock import to_micros
from horarium.errors import InvalidValue
from horarium.records.figures import DAY, EVER, RawRun, grouped
from horarium.records.reach import Place, Reach
from horarium.reports import words
from horarium.reports.daily import Bookkeeper
from horarium.reports.drawing import draw
from horarium.reports.figures import by_task, together
from horarium.reports.gathering import WAYS, Reader, breakdown, gather
from horarium.reports.paper import draw_paper
from horarium.reports.periods import Period, Span, due, latest, parsed_day, period_on, period_until
from horarium.reports.weekly import Coming, House, Line, Summary, pick
from horarium.states import Reason
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store
from tests.reports.model import SECOND, Model
from tests.store.work import add_task
from tests.support.people import START, SetClock

HOSTILE = '<script>alert("x")</script>\r\nBcc: a@example.org & <b>bold</b> \u2028 <font size=99> \u0142'
BERLIN = "Europe/Berlin"
BOX = "\u25a1"


@pytest.mark.parametrize(
    ("span", "day", "words_"),
    [
        (Span.DAILY, date(2026, 5, 14), "Wednesday 13 May"),
        (Span.WEEKLY, date(2026, 5, 11), "4 to 10 May"),
        (Span.WEEKLY, date(2026, 5, 4), "27 April to 3 May"),
        (Span.MONTHLY, date(2026, 1, 14), "December 2025"),
    ],
)
def test_a_period_is_the_whole_days_before(span: Span, day: date, words_: str) -> None:
    period = period_until(span, day, BERLIN)
    assert period.words == words_
    assert period.before().end == period.start
    assert period.after().start == period.end
    assert period.before().after() == period
    assert period_on(span, period.first, BERLIN, "monday") == period
    assert period_on(span, period.last, BERLIN, "monday") == period


def test_days_begin_by_the_clock_of_the_zone_also_when_clocks_change() -> None:
    spring = period_until(Span.WEEKLY, date(2026, 3, 30), BERLIN)
    assert spring.end - spring.start == timedelta(days=7, hours=-1)
    kathmandu = period_until(Span.DAILY, date(2026, 5, 14), "Asia/Kathmandu")
    assert kathmandu.start == datetime(2026, 5, 12, 18, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "span", "first"),
    [
        ("2026-05-11T05:59", Span.WEEKLY, None),
        ("2026-05-11T06:00", Span.WEEKLY, date(2026, 5, 4)),
        ("2026-05-14T05:59", Span.WEEKLY, date(2026, 5, 4)),
        ("2026-05-14T06:00", Span.WEEKLY, None),
        ("2026-05-14T05:00", Span.DAILY, None),
        ("2026-05-14T06:00", Span.DAILY, date(2026, 5, 13)),
        ("2026-05-14T18:00", Span.DAILY, None),
        ("2026-05-01T06:00", Span.MONTHLY, date(2026, 4, 1)),
        ("2026-05-09T06:00", Span.MONTHLY, None),
    ],
)
def test_a_summary_is_due_from_its_hour_until_it_is_old_news(now: str, span: Span, first: date | None) -> None:
    found = due(span, datetime.fromisoformat(now).replace(tzinfo=UTC), BERLIN, weekday="monday", hour=8)
    assert (None if found is None else found.first) == first


def test_late_at_night_the_summary_of_the_day_before_is_due_after_midnight() -> None:
    found = due(Span.DAILY, datetime(2026, 5, 14, 1, tzinfo=UTC), "UTC", weekday="monday", hour=23)
    assert found is not None
    assert found.first == date(2026, 5, 12)


@pytest.mark.parametrize("text", ["2026-13-01", "yesterday", "0001-01-01", ""])
def test_a_day_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="2026-05-14"):
        parsed_day(text)


def run(task_id: int, state: str, took: float, *, attempt: int = 1) -> RawRun:
    end = None if state in {"queued", "skipped"} else round(took * SECOND)
    return RawRun(1, task_id, state, attempt, "schedule", 0, 0, None if end is None else 0, end)


def test_figures_leave_out_what_was_given_up_and_count_what_a_retry_saved() -> None:
    runs = [run(1, "succeeded", 2), run(1, "succeeded", 4, attempt=3), run(1, "timed_out", 90), run(1, "skipped", 0)]
    found = together(grouped([*runs, run(1, "cancelled", 1), run(1, "queued", 0)], EVER))
    assert (found.ended, found.failed, found.succeeded, found.saved, found.skips) == (4, 1, 2, 1, 1)
    assert found.rate == pytest.approx(0.75)
    assert found.well.percentile(50) == pytest.approx(2 * SECOND, rel=0.03)
    assert together({}).rate is None


def test_what_stands_out_is_picked_worst_first() -> None:
    before = [run(1, "failed", 1), run(3, "failed", 1)] + [run(4, "succeeded", 10)] * 5 + [run(2, "succeeded", 1)]
    now = [run(1, "failed", 1), run(1, "succeeded", 1), run(2, "failed", 1), run(3, "succeeded", 1)]
    now += [run(4, "succeeded", 40)] * 5
    picked, more = pick(by_task(grouped(now, EVER)), by_task(grouped(before, EVER)))
    assert [each.task_id for each in picked.worst] == [2, 1]
    assert [each.task_id for each in picked.fresh] == [2]
    assert [each.task_id for each in picked.recovered] == [3]
    assert [each.task_id for each in picked.slower] == [4]
    assert picked.slowest[0].task_id == 4
    assert more == 0


def with_a_week(store: Store) -> tuple[Model, dict[str, int], Period]:
    """Give a store with tasks of a shared kind, of a project and of a person, over two weeks."""
    period = latest(Span.WEEKLY, START, BERLIN)
    tasks = {name: add_task(store, name, tags=("night",)) for name in ("shared", "owned", HOSTILE)}
    with store.transaction() as tx:
        TaskBook(tx).move(tasks["owned"], Place(owner_id=7), now=1)
    model = Model(store)
    start = to_micros(period.before().start)
    for place in range(14 * 8):
        at = start + place * DAY // 8
        model.add(tasks["shared"], at, "failed" if place % 10 == 9 else "succeeded", took=3 * SECOND)
        model.add(tasks["owned"], at + SECOND, "succeeded", took=60 * SECOND, attempt=1 + place % 2)
        model.add(tasks[HOSTILE], at + 2 * SECOND, "timed_out" if place > 80 else "succeeded")
    model.skip(tasks["shared"], start + 9 * DAY, Reason.PAUSED.value, decided_at=start + 9 * DAY, many=250)
    return model, tasks, period


def gathered(store: Store, reader: Reader, period: Period) -> Summary:
    with store.reading() as tx:
        return gather(tx, reader, period, START)


def test_a_summary_holds_what_a_recount_gives_counted_or_not(store: Store, clock: SetClock) -> None:
    model, tasks, period = with_a_week(store)
    reader = Reader(reach=Reach(everything=True), is_admin=True)
    raw = gathered(store, reader, period)
    Bookkeeper(store, clock).run()
    rolled = gathered(store, reader, period)
    # What is stored has grown by the figures themselves.
    assert replace(rolled, house=None) == replace(raw, house=None)
    mine = [run for run in model.runs.values() if to_micros(period.start) <= run.made_at < to_micros(period.end)]
    assert raw.now.ended == len(mine) == 7 * 8 * 3
    assert raw.now.failed == sum(run.state in {"failed", "timed_out"} for run in mine)
    assert [day.on for day in raw.days] == period.days()
    assert sum(day.well + day.failed for day in raw.days) == len(mine)
    assert raw.now.skipped == {"paused": 250}
    assert [line.task_id for line in raw.worst] == [tasks[HOSTILE], tasks["shared"]]
    assert raw.house is not None
    assert raw.house.bytes > 0


def test_r47_nobody_finds_in_a_summary_what_they_may_not_see(store: Store, clock: SetClock) -> None:
    _, _, period = with_a_week(store)
    for _ in range(2):
        theirs = gathered(store, Reader(reach=Reach(user_id=7)), period)
        assert {line.name for line in theirs.slowest} == {"owned"}
        assert (theirs.now.ended, theirs.now.failed, theirs.tasks, theirs.house) == (56, 0, 1, None)
        assert sum(day.well for day in theirs.days) == 56
        assert not theirs.now.skipped
        letter = draw(theirs, base_url="https://horarium.test")
        assert "shared" not in letter.text + letter.html
        nothing = gathered(store, Reader(reach=Reach(user_id=8)), period)
        assert nothing.is_empty
        Bookkeeper(store, clock).run()


@pytest.mark.parametrize("way", WAYS)
def test_figures_break_down_by_task_tag_project_and_person(store: Store, way: str) -> None:
    _, _, period = with_a_week(store)
    with store.reading() as tx:
        found = breakdown(tx, Reach(everything=True), period, way)
    names = {"task": 3, "tag": 1, "project": 1, "person": 1}
    assert len(found) == names[way]
    assert sum(figures.ended for _, figures in found) == 168


def rich() -> Summary:
    """Return a summary with something in every part, and names that want to be more than names."""
    line = Line(task_id=4, name=HOSTILE, ended=20, failed=3, rate=0.85, usual=9.0, longest=70.0, before=4.0)
    figures = together(grouped([run(1, "succeeded", 2), run(1, "failed", 3)], EVER))
    figures.skipped["overlap"] = 3
    period = period_until(Span.WEEKLY, date(2026, 5, 11), BERLIN)
    return Summary(
        period=period,
        now=figures,
        before=together(grouped([run(1, "succeeded", 2)], EVER)),
        tasks=3,
        worst=(line,),
        fresh=(line,),
        recovered=(line,),
        slower=(line,),
        slowest=(line,),
        more_failing=2,
        coming=(Coming(at=START, words=HOSTILE),),
        house=House(bytes=10**9, runs_kept=5, free_bytes=10**10, backup_at=START, backup_bytes=9, backups=2),
    )


def test_r83_names_are_text_and_hold_on_one_line() -> None:
    letter = draw(rich(), base_url="https://horarium.test/", team=HOSTILE)
    assert "<script" not in letter.html
    assert "<font" not in letter.html
    assert "&lt;script&gt;" in letter.html
    assert "\r" not in letter.subject + letter.text
    assert not [each for each in letter.text.splitlines() if each.startswith("Bcc")]
    assert "\u2028" not in letter.text + letter.html


def test_the_letter_says_every_part_in_both_forms() -> None:
    letter = draw(rich(), base_url="https://horarium.test", team="Tidewater")
    for part in ("Needs a look", "Well again", "Slower than before", "Took longest", "Did not run", "Coming up"):
        assert part in letter.text
        assert part in letter.html
    assert letter.subject == "Your week: 2 runs, 50.0 % fine"
    assert "down 50.0 points" in letter.text
    assert "And 2 more tasks that failed" in letter.text
    assert "https://horarium.test/tasks/4" in letter.html
    assert "https://horarium.test/settings/summary" in letter.text
    assert "Europe/Berlin" in letter.html
    assert "http" not in draw(rich()).text
    assert len(re.findall(r"<a ", draw(rich()).html)) == 0


def test_an_empty_period_says_so() -> None:
    nothing = Summary(
        period=period_until(Span.DAILY, date(2026, 5, 11), "UTC"), now=together({}), before=together({}), tasks=0
    )
    assert "Nothing ran" in draw(nothing).text
    assert draw(nothing).subject == "Your day: nothing ran"
    assert nothing.is_empty
    assert words.percent(None) in words.preview(nothing)


def test_a_pdf_is_drawn_whatever_the_names_are_and_its_text_can_be_selected() -> None:
    first, second = draw_paper(rich(), team=HOSTILE), draw_paper(rich(), team=HOSTILE)
    assert first.startswith(b"%PDF-")
    assert first == second
    assert b"/JavaScript" not in first
    assert set("Needs a look<script>\u0142") <= selectable(first)


@pytest.mark.parametrize(
    "name",
    ["Ωμέγα", "Нічна копія", "Żółć gęślą jaźń", "İstanbul ığşç", "Nguyễn Thị Hường", "Nguye\u0302\u0303n", "Ærø"],
)
def test_a_pdf_shows_letters_of_many_languages_and_stays_small(name: str) -> None:
    drawn = draw_paper(named(name), team=name)
    assert set(unicodedata.normalize("NFC", name)) <= selectable(drawn)
    assert BOX not in selectable(drawn)
    assert drawn == draw_paper(named(name), team=name)
    assert b"/FontFile2" in drawn
    assert len(drawn) < 60_000


@pytest.mark.parametrize(
    "name", ["日本語のバックアップ", "\U0001f600", "שלום", "\U0001f468\u200d\U0001f469", "\ud800\uffff"]
)
def test_a_pdf_shows_a_box_for_letters_that_its_typeface_lacks(name: str) -> None:
    letters = selectable(draw_paper(named(f"{name} backup"), team=name))
    assert set("backup") <= letters
    assert not set(name) & letters
    assert (BOX in letters) is any(each.isprintable() for each in name)


def test_marks_that_stand_for_nothing_alone_leave_no_box() -> None:
    assert BOX not in selectable(draw_paper(named("well\ufe0f\u00ad\u200b")))


def test_pdfs_that_are_drawn_at_the_same_time_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    seek = TTFontFace.seek

    def seek_and_wait(face: TTFontFace, place: int) -> None:
        seek(face, place)
        time.sleep(0.0002)  # long enough for another drawing to move the place that was just found

    monkeypatch.setattr(TTFontFace, "seek", seek_and_wait)
    with ThreadPoolExecutor(8) as pool:
        drawn = set(pool.map(lambda _: draw_paper(named("Żółć Ωμέγα")), range(16)))
    assert len(drawn) == 1


def named(name: str) -> Summary:
    """Return a summary of a task of this name."""
    summary = rich()
    return replace(summary, worst=tuple(replace(line, name=name) for line in summary.worst))


def selectable(drawn: bytes) -> set[str]:
    """Return the letters that a reader of a PDF file can copy out of it: each typeface names those that it shows."""
    found: set[str] = set()
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", drawn, re.DOTALL):
        with suppress(zlib.error):
            codes = re.findall(rb"^<[0-9A-F]{2}> <([0-9A-F]{4,8})>$", zlib.decompress(packed), re.MULTILINE)
            found |= {bytes.fromhex(code.decode()).decode("utf-16-be") for code in codes}
    return found
