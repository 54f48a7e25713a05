"""Draw a summary on paper: a PDF whose text can be selected, on sheets of A4."""

from __future__ import annotations

import io
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from horarium.errors import ConfigError
from horarium.reports import words
from horarium.reports.periods import NOUNS
from horarium.reports.weekly import Summary

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

_INK, _SOFT, _LINE, _GOOD, _BAD = "#1f2129", "#55575f", "#e4e3e0", "#3c9c7a", "#cf3a32"
_WIDTH: Final = 170.0
"""Millimetres between the margins."""
_PLAIN, _BOLD = "Inter", "Inter-Bold"
_FILES: Final = {_PLAIN: "Inter_400Regular.ttf", _BOLD: "Inter_700Bold.ttf"}
_BOX: Final = "\N{WHITE SQUARE}"
"""Stands for a letter that the typeface lacks."""
_ONE_AT_A_TIME: Final = threading.Lock()
"""Held over the whole of a drawing: ReportLab's `TTFontFace` is read with one place for all threads, so of two that
are drawing each would move the other within the file of the typeface."""
_SILENT: Final = frozenset({"Mn", "Me", "Cf"})
"""The kinds of marks that change the letter before them and stand for nothing alone."""


def can_draw() -> bool:
    """Tell whether what draws PDF files is installed: the extra `pdf`."""
    return find_spec("reportlab") is not None


def draw_paper(summary: Summary, *, team: str = "") -> bytes:
    """Return a summary as a PDF file. Raises `ConfigError` where the extra `pdf` is not installed."""
    if not can_draw():
        raise ConfigError("PDF files need ReportLab: install horarium with the extra `pdf`")
    with _ONE_AT_A_TIME:
        return _drawing(summary, team)


def _drawing(summary: Summary, team: str) -> bytes:
    from reportlab.lib.pagesizes import A4  # noqa: PLC0415 - an extra, and dear to import
    from reportlab.lib.units import mm  # noqa: PLC0415 - the same
    from reportlab.platypus import SimpleDocTemplate  # noqa: PLC0415 - the same

    _letters()
    sheet = io.BytesIO()
    document = SimpleDocTemplate(
        sheet,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=18 * mm,
        bottomMargin=18 * mm,
        title=words.title(summary),
        author=_printable(team) or "Horarium",
        # The same summary is the same file.
        invariant=1,
    )
    foot = f"Horarium{' of ' + _printable(team) if team else ''}. Times in {summary.period.zone_key}."

    def number(canvas: Any, _document: Any) -> None:
        canvas.setFont(_PLAIN, 8)
        canvas.setFillColor(_SOFT)
        canvas.drawString(20 * mm, 10 * mm, foot)
        canvas.drawRightString(190 * mm, 10 * mm, f"{canvas.getPageNumber()}")

    document.build(_Sheet(summary).parts(), onFirstPage=number, onLaterPages=number)
    return sheet.getvalue()


class _Sheet:
    """The parts of a summary, one under the other."""

    def __init__(self, summary: Summary) -> None:
        self._s = summary
        self._noun = NOUNS[summary.period.span]

    def parts(self) -> list[Flowable]:
        s = self._s
        found = [_text(words.title(s), size=18, bold=True), _text(words.lead(s), colour=_SOFT, after=10)]
        if not s.is_empty:
            found += [_figures(words.key_figures(s))]
        if len(s.days) > 1 and s.now.ended:
            found += [_heading("Day by day"), _bars(s)]
        fresh = {line.task_id for line in s.fresh}
        since = f"; not once the {self._noun} before"
        worst = [
            (line.name, words.failing(line) + (since if line.task_id in fresh else ""), words.percent(line.rate))
            for line in s.worst
        ]
        found += self._table("Needs a look", worst)
        if s.more_failing:
            found.append(_text(f"And {words.plural(s.more_failing, 'more task')} that failed.", colour=_SOFT))
        found += self._table("Well again", [(each.name, "", words.plural(each.ended, "run")) for each in s.recovered])
        slower = [(each.name, f"{words.length(each.before)} before", words.length(each.usual)) for each in s.slower]
        found += self._table("Slower than before", slower)
        slowest = [(each.name, f"usually {words.length(each.usual)}", words.length(each.longest)) for each in s.slowest]
        found += self._table("Took longest", slowest)
        skipped = [(reason, "", words.plural(many, "time")) for reason, many in words.skipped(s)]
        found += self._table("Did not run", skipped)
        zone = s.period.zone_key
        found += self._table("Coming up", [(each.words, "", words.moment(each.at, zone)) for each in s.coming])
        return found + self._table("The installation", [(name, value, "") for name, value in words.house(s)])

    def _table(self, title: str, rows: Iterable[tuple[str, str, str]]) -> list[Flowable]:
        found = [
            [_text(name, bold=True), _text(note, colour=_SOFT), _text(value, bold=True, right=True)]
            for name, note, value in rows
        ]
        return [_heading(title), _ruled(found, (70, 65, 35))] if found else []


def _figures(figures: Sequence[tuple[str, str, str, bool]]) -> Flowable:
    rows = [
        [_text(label, size=8, colour=_SOFT) for label, _, _, _ in figures],
        [_text(value, size=16, bold=True) for _, value, _, _ in figures],
        [_text(before, size=8, colour=_BAD if bad else _SOFT) for _, _, before, bad in figures],
    ]
    return _grid(rows, [_WIDTH / len(figures)] * len(figures), [])


def _bars(summary: Summary) -> Flowable:
    """Draw the days as bars, with the failures on top of what went well."""
    from reportlab.graphics.shapes import Drawing, Rect, String  # noqa: PLC0415 - an extra, and dear to import
    from reportlab.lib.colors import HexColor  # noqa: PLC0415 - the same
    from reportlab.lib.units import mm  # noqa: PLC0415 - the same

    days = summary.days
    drawing = Drawing(_WIDTH * mm, 34 * mm)
    most = max(1, *(day.well + day.failed for day in days))
    step = _WIDTH * mm / len(days)
    for place, day in enumerate(days):
        left, width = place * step + step * 0.2, step * 0.6
        well, failed = (words.bar(many, most, 68) for many in (day.well, day.failed))
        for bottom, height, colour in ((14, well, _GOOD), (14 + well, failed, _BAD)):
            bar = Rect(left, bottom, width, height)
            bar.fillColor, bar.strokeColor = HexColor(colour), None
            drawing.add(bar)
        middle = left + width / 2
        label = String(middle, 3, words.short_day(summary, place), fontName=_PLAIN, fontSize=7)
        label.textAnchor, label.fillColor = "middle", HexColor(_SOFT)
        drawing.add(label)
    return drawing


def _heading(words_: str) -> Flowable:
    return _text(words_, size=11, bold=True, before=10, after=3)


def _ruled(rows: list[list[Flowable]], widths: Sequence[float]) -> Flowable:
    from reportlab.lib.colors import HexColor  # noqa: PLC0415 - an extra, and dear to import

    return _grid(rows, widths, [("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(_LINE))])


def _grid(rows: list[list[Flowable]], widths: Sequence[float], style: list[Any]) -> Flowable:
    from reportlab.lib.units import mm  # noqa: PLC0415 - an extra, and dear to import
    from reportlab.platypus import Table  # noqa: PLC0415 - the same

    plain = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, -1), 0), *style]
    return Table(rows, colWidths=[width * mm for width in widths], style=plain, hAlign="LEFT")


def _text(
    text: str, *, size: int = 9, colour: str = _INK, bold: bool = False, right: bool = False, **space: float
) -> Flowable:
    """Return a paragraph; whatever stands in it is text, never marks of the drawing language."""
    from reportlab.lib.colors import HexColor  # noqa: PLC0415 - an extra, and dear to import
    from reportlab.lib.enums import TA_LEFT, TA_RIGHT  # noqa: PLC0415 - the same
    from reportlab.lib.styles import ParagraphStyle  # noqa: PLC0415 - the same
    from reportlab.platypus import Paragraph  # noqa: PLC0415 - the same

    style = ParagraphStyle(
        name="text",
        fontName=_BOLD if bold else _PLAIN,
        fontSize=size,
        leading=size * 1.3,
        textColor=HexColor(colour),
        alignment=TA_RIGHT if right else TA_LEFT,
        spaceBefore=space.get("before", 0),
        spaceAfter=space.get("after", 0),
        splitLongWords=1,
    )
    return Paragraph(escape(_printable(text)), style)


def _printable(text: str) -> str:
    """Return a text in letters that the typeface has; a box stands for each of the others."""
    return "".join(map(_drawn, unicodedata.normalize("NFC", " ".join("".join(map(_visible, text)).split()))))


def _visible(letter: str) -> str:
    is_joiner = unicodedata.category(letter) == "Cf"
    return letter if letter.isprintable() else "" if is_joiner else " "


def _drawn(letter: str) -> str:
    if ord(letter) in _letters():
        return letter
    return "" if unicodedata.category(letter) in _SILENT else _BOX


@cache
def _letters() -> frozenset[int]:
    """Make the typefaces known to what draws; return the letters that they have. A file gets those that it shows."""
    from reportlab.pdfbase.pdfmetrics import registerFont  # noqa: PLC0415 - an extra, and dear to import
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415 - the same

    folder = Path(__file__).with_name("typefaces")
    fonts = [TTFont(name, str(folder / file)) for name, file in _FILES.items()]
    for font in fonts:
        registerFont(font)
    return frozenset.intersection(*(frozenset(font.face.charToGlyph) for font in fonts))
