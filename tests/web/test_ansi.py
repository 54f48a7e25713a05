"""Output lines as safe HTML (R42)."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horarium.web import ansi


class _Tags(HTMLParser):
    """Collect the tags and the text of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m rest", '<span class="a-red">red</span> rest'),
        ("\x1b[1;32mbold green\x1b[m.", '<span class="a-grn a-bold">bold green</span>.'),
        ("\x1b[2mdim\x1b[22m", '<span class="a-dim">dim</span>'),
        ("\x1b[93myellow\x1b[39mplain", '<span class="a-yel">yellow</span>plain'),
        ("\x1b[38;5;196mmany\x1b[48;2;1;2;3mcolours", "manycolours"),
        ("\x1b[38;5;196;1mbold", '<span class="a-bold">bold</span>'),
        ("\x1b[2J\x1b[10;5Hmoved\x1b[?25l", "moved"),
        ("\x1b]0;title\x07shown", "shown"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("bell\x07 null\x00 back\x08", "bell null back"),
        ("tab\tstays", "tab\tstays"),
        ("turned \u202eround", "turned round"),
        ("one\u2028line\u2029only\x85\x0b", "onelineonly"),
        ("<b>&\"'", "&lt;b&gt;&amp;&#34;&#39;"),
        ("\x1b[999999999999999999mkept", "kept"),
        ("\x1b[;;mreset", "reset"),
        ("cut\x1b", "cut"),
        ("cut\x1b[3", "cut3"),
    ],
)
def test_r42_only_our_own_spans_come_out_of_a_line(text: str, html: str) -> None:
    assert str(ansi.to_html(text)) == html


@given(st.text(alphabet=st.sampled_from("\x1b[]0;1m35<b>&\"'\r\x07\\ax\x9b"), max_size=60))
def test_r42_no_line_makes_another_element_or_class(text: str) -> None:
    parser = _Tags()
    parser.feed(str(ansi.to_html(text)))
    parser.close()
    allowed = {"a-red", "a-grn", "a-yel", "a-blue", "a-mag", "a-cyan", "a-dim", "a-bold"}
    assert all(tag == "span" and {name for name, _ in attrs} == {"class"} for tag, attrs in parser.found)
    assert all(set((attrs[0][1] or "").split()) <= allowed for _, attrs in parser.found)
    assert parser.text == ansi.to_text(text)


def test_a_progress_bar_keeps_its_last_state() -> None:
    assert str(ansi.to_html("10 %\r50 %\r100 %\r\n")) == "100 %"
    assert str(ansi.to_html("\r")) == ""


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("2026-05-14 ERROR payments stopped", "bad"),
        ("CRITICAL", "bad"),
        ("ValueError: no", "bad"),
        ("requests.exceptions.ConnectionError: no", "bad"),
        ("\x1b[33mWARN\x1b[0m late", "warn"),
        ("x.py:3: DeprecationWarning: old", "warn"),
        ("no errors found", ""),
        ("the error was ours", ""),
        ("", ""),
    ],
)
def test_severity_is_read_from_words(text: str, severity: str) -> None:
    assert ansi.severity(text) == severity


def test_a_traceback_is_an_error_to_its_last_line() -> None:
    reader = ansi.SeverityReader()
    told = [
        "before",
        "Traceback (most recent call last):",
        '  File "a.py", line 1',
        "    x()",
        "Stopped: here",
        "after",
    ]
    assert [reader.read(line) for line in told] == ["", "bad", "bad", "bad", "bad", ""]
