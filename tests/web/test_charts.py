"""Charts: right places, valid XML, a sentence each, and small whatever the data."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup

from horarium.web.charts import strip
from horarium.web.charts.day import Day
from horarium.web.charts.durations import MOST_POINTS, Point, duration_chart, spread
from horarium.web.charts.parts import WORDS, Outcome, pct, tag
from horarium.web.charts.spark import Bar, area, spark20
from horarium.web.charts.waterfall import Span, waterfall
from horarium.web.charts.week import week

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 5, 14, 12, 32, tzinfo=UTC)
TODAY = Day.of(date(2026, 5, 14), BERLIN)
OUTCOMES = tuple(WORDS)
HOSTILE = "\"><script>alert(1)</script>'&"


def mark(minute: float, outcome: Outcome = "ok", task: str = "Task", minutes: float = 2) -> strip.Mark:
    start = TODAY.start + timedelta(minutes=minute)
    return strip.Mark(start=start, length=timedelta(minutes=minutes), outcome=outcome, task=task, href="/runs/1")


def parsed(drawing: Markup) -> ET.Element:
    """Parse a drawing as XML and check what holds for each."""
    root = ET.fromstring(drawing)  # noqa: S314 -- it was drawn by us a moment ago
    for element in root.iter():
        assert not {"style", "onclick", "onload"} & set(element.attrib)
        assert element.tag != "script"
    return root


def labelled(drawing: Markup) -> str:
    """Return the sentence of a drawing that is an image."""
    root = parsed(drawing)
    assert root.get("role") == "img"
    return root.attrib["aria-label"]


def drawings(count: int) -> Iterator[Markup]:
    """Draw each chart that is an image from `count` items."""
    yield spark20([Bar(OUTCOMES[n % 9], n % 7) for n in range(count)], HOSTILE)
    yield area([float(n % 13) for n in range(count)], HOSTILE)
    yield duration_chart(points(count), BERLIN)
    yield week([NOW + timedelta(minutes=n * 3) for n in range(count)], BERLIN, NOW)
    yield strip.histogram([strip.Quarter(n, n % 2, n % 3) for n in range(min(count, 100))], TODAY, NOW)


def points(count: int) -> list[Point]:
    outcomes: tuple[Outcome, ...] = ("ok", "bad", "retry", "timeout", "cancel")
    return [Point(n, NOW - timedelta(hours=count - n), (n * 37) % 600 / 3, outcomes[n % 5]) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 13, 10_000])
def test_each_chart_has_a_sentence_and_stays_small(count: int) -> None:
    for drawing in drawings(count):
        assert labelled(drawing)
        assert len(drawing) < 90_000


@pytest.mark.parametrize("seconds", [0.0, 0.0003, 0.02, 0.7, 59.0, 61.0, 5000.0, 10**7])
def test_a_duration_chart_fits_any_length(seconds: float) -> None:
    root = parsed(duration_chart([Point(1, NOW, seconds, "ok"), Point(2, NOW, seconds / 2, "bad")], BERLIN))
    bars = [element for element in root.iter("rect") if element.get("class") in {"m-ok", "m-bad"}]
    assert all(20 <= float(bar.attrib["y"]) <= 166 for bar in bars)
    assert max(float(bar.attrib["height"]) for bar in bars) <= 150


def test_a_duration_chart_shows_the_newest_runs() -> None:
    root = parsed(duration_chart(points(500), BERLIN))
    shown = [element.attrib["data-tip"] for element in root.iter("g")]
    assert len(shown) == MOST_POINTS
    assert shown[-1] == "Run 499"


def test_the_spread_counts_only_what_ended_well() -> None:
    usual = spread([Point(n, NOW, float(n), "ok") for n in range(101)] + [Point(1, NOW, 9999, "bad")])
    assert usual is not None
    assert (usual.median, usual.high) == (50, 95)
    assert spread([Point(1, NOW, 3, "bad")]) is None


def test_a_history_says_how_its_runs_ended() -> None:
    words = labelled(spark20([Bar("ok", 3), Bar("retry", 3), Bar("bad"), Bar("skip"), Bar("run")], "Backup"))
    assert words == "Last 5 runs of Backup: 2 succeeded, 1 failed, 1 skipped, 1 running"
    assert labelled(spark20([])) == "No runs yet"


def test_r42_names_in_charts_are_text() -> None:
    lane = strip.Lane([mark(60, task=HOSTILE)], [strip.Rail(task=HOSTILE, start=TODAY.start, end=TODAY.end)])
    drawn = strip.draw_lane(lane, TODAY, NOW)
    assert "<script" not in drawn
    assert any(HOSTILE in (element.get("data-tip") or "") for element in parsed(drawn).iter())


@pytest.mark.parametrize(
    ("zone", "day", "hours", "first", "last"),
    [
        ("Europe/Berlin", date(2026, 5, 14), 24, 0, 23),
        ("Europe/Berlin", date(2026, 3, 29), 23, 0, 23),
        ("Europe/Berlin", date(2026, 10, 25), 25, 0, 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5, 0, 23),
        ("Africa/Cairo", date(2026, 4, 24), 23, 1, 23),
        ("Asia/Kathmandu", date(2026, 5, 14), 24, 0, 23),
    ],
)
def test_a_day_has_the_hours_of_the_viewers_clock(zone: str, day: date, hours: float, first: int, last: int) -> None:
    shown = Day.of(day, ZoneInfo(zone))
    marks = shown.hours()
    assert shown.length == timedelta(hours=hours)
    assert (marks[0][1], marks[-1][1]) == (first, last)
    assert [place for place, _ in marks] == sorted({place for place, _ in marks})
    assert bool(shown.note()) == (hours != 24)


def test_a_day_of_25_hours_shows_the_repeated_hour_twice() -> None:
    autumn = Day.of(date(2026, 10, 25), BERLIN)
    assert [hour for _, hour in autumn.hours()].count(2) == 2
    assert autumn.note() == "The clocks go back: this day has 25 hours"
    texts = [element.text for element in parsed(strip.axis(autumn)).iter("text")]
    assert len(texts) == 25


def test_now_is_drawn_on_its_day_only() -> None:
    assert "60.556%" in strip.now_line(TODAY, NOW)
    assert strip.now_line(Day.of(date(2026, 5, 13), BERLIN), NOW) == ""


@pytest.mark.parametrize(("minute", "left"), [(0, 0), (10, 0), (36, -19), (720, -19), (1404, -19), (1439, -38)])
def test_the_time_at_the_now_line_is_never_cut_off(minute: int, left: int) -> None:
    drawn = parsed(strip.now_line(TODAY, TODAY.start + timedelta(minutes=minute)))
    (pill,) = (element for element in drawn.iter("rect"))
    assert float(pill.attrib["x"]) == left


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_is_a_link_with_words(outcome: Outcome) -> None:
    root = parsed(strip.draw_lane(strip.Lane([mark(870, outcome)]), TODAY, NOW, first=True))
    link = next(root.iter("a"))
    assert link.get("aria-label") == f"Task, 14:30, {WORDS[outcome]}"
    assert link.get("tabindex") == "0"
    assert link.get("href") == "/runs/1"


def test_marks_of_the_day_before_and_after_stay_inside() -> None:
    root = parsed(strip.draw_lane(strip.Lane([mark(-30, minutes=60), mark(1430, minutes=60, task="B")]), TODAY, NOW))
    for box in root.iter("rect"):
        x, width = (float(box.attrib[name].rstrip("%")) for name in ("x", "width"))
        assert 0 <= x <= x + width <= 100.001


def test_the_histogram_says_what_it_holds() -> None:
    quarters = [strip.Quarter(ok=n % 3, bad=int(n == 16), planned=int(n > 60)) for n in range(96)]
    words = labelled(strip.histogram(quarters, TODAY, NOW))
    assert words.startswith("Runs per quarter of an hour: 96 done, 1 failed, 35 to come")
    assert labelled(strip.histogram([strip.Quarter()] * 96, TODAY, NOW)).endswith("none on this day")


def test_a_waterfall_shares_one_scale() -> None:
    spans = [
        Span("In queue", NOW, NOW + timedelta(seconds=10), "wait"),
        Span("Attempt 1", NOW + timedelta(seconds=10), NOW + timedelta(seconds=40), "bad"),
        Span("Nothing", NOW + timedelta(seconds=40), NOW + timedelta(seconds=40), "pause"),
    ]
    places = [list(parsed(bar).iter("rect"))[1].attrib for _, bar in waterfall(spans)]
    assert [(place["x"], place["width"]) for place in places] == [("0%", "25%"), ("25%", "75%"), ("99%", "1%")]
    assert waterfall([]) == []
    assert len(waterfall([Span("Only", NOW, NOW, "ok")])) == 1


def test_a_week_with_instants_everywhere_is_a_bar_a_day() -> None:
    every_minute = [NOW + timedelta(minutes=n) for n in range(8 * 1440)]
    assert len(list(parsed(week(every_minute, BERLIN, NOW)).iter("rect"))) < 7 * 60
    assert labelled(week([], BERLIN, NOW)) == "Nothing is planned in the next seven days"


def test_tags_escape_what_they_are_given() -> None:
    assert str(tag("text", "<b>", aria_label='"')) == '<text aria-label="&#34;">&lt;b&gt;</text>'
    assert str(tag("g", Markup("<b/>"), cls="x", hidden=None)) == '<g class="x"><b/></g>'
    assert (pct(33.33333), pct(50), pct(0)) == ("33.333%", "50%", "0%")
