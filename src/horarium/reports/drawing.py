"""Draw a summary as it is mailed: as HTML with its looks inline, and as text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from horarium.letterhead.templating import templates_of
from horarium.reports import words
from horarium.reports.periods import NOUNS
from horarium.reports.weekly import Line, Summary


@dataclass(frozen=True, slots=True)
class Letter:
    """A summary as it is mailed."""

    subject: str
    text: str
    html: str


def draw(summary: Summary, *, base_url: str = "", team: str = "", stop_link: str = "") -> Letter:
    """Draw a summary; links lead to the pages at `base_url`, without it there are none; `stop_link` ends summaries."""
    tamed = _tamed(summary)
    period = summary.period
    base = base_url.rstrip("/")

    def task_link(line: Line) -> str:
        return f"{base}/tasks/{line.task_id}" if base else ""

    values: dict[str, Any] = {
        "s": tamed,
        "words": words,
        "subject": words.subject(tamed),
        "preview": words.preview(tamed),
        "noun": NOUNS[period.span],
        "fresh": {line.task_id for line in tamed.fresh},
        "team": _one_line(team),
        "base_url": base,
        "task_link": task_link,
        "report_link": f"{base}/summary?period={period.span}&on={period.first}",
        "settings_link": f"{base}/settings/summary",
        "stop_link": stop_link,
    }
    text = templates_of(__package__).get_template("summary.txt").render(values).strip() + "\n"
    html = templates_of(__package__).get_template("summary.html").render(values)
    return Letter(words.subject(tamed), text, html)


def _tamed(summary: Summary) -> Summary:
    """Return a summary whose names hold on one line: a name may hold anything, and lines mean something in text."""

    def named(lines: tuple[Line, ...]) -> tuple[Line, ...]:
        return tuple(replace(line, name=_one_line(line.name)) for line in lines)

    return replace(
        summary,
        worst=named(summary.worst),
        fresh=named(summary.fresh),
        recovered=named(summary.recovered),
        slower=named(summary.slower),
        slowest=named(summary.slowest),
        coming=tuple(replace(each, words=_one_line(each.words)) for each in summary.coming),
    )


def _one_line(text: str) -> str:
    """Return a text without line breaks and what else is not printed."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
