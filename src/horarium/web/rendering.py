"""Draw a page: one environment that escapes everything, one function from a view model to HTML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from horarium.web import ansi, filters, icons
from horarium.web.charts import strip
from horarium.web.charts.durations import duration_chart, spread
from horarium.web.charts.parts import pct
from horarium.web.charts.spark import area, spark20
from horarium.web.charts.waterfall import waterfall
from horarium.web.charts.week import week
from horarium.web.qr import qr
from horarium.web.tracebacks import grouped
from horarium.web.views import status
from horarium.web.views.run import LogLine
from horarium.web.views.shell import ViewModel

_HTMX: Final = (
    '{"includeIndicatorCSS":false,"history":false,"extensions":"sse,calm","defaultTimeout":15000,'
    '"morphScanLimit":40,"sse":{"reconnectMaxDelay":10000,"connectTimeout":15000}}'
)
_GLOBALS: Final[dict[str, Any]] = {
    "icon": icons.icon,
    "logo": icons.logo,
    "qr": qr,
    "spark20": spark20,
    "area": area,
    "pct": pct,
    "strip": strip,
    "duration_chart": duration_chart,
    "spread": spread,
    "waterfall": waterfall,
    "week": week,
    "status_words": status.WORDS,
    "status_icons": status.ICONS,
    "ansi_html": ansi.to_html,
    "severity_reader": ansi.SeverityReader,
    "frame_groups": grouped,
    "htmx_config": _HTMX,
}


@cache
def environment() -> Environment:
    """Return the one environment: it escapes always and refuses names that do not exist."""
    made = Environment(
        loader=PackageLoader("horarium.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(_GLOBALS)
    for words in (
        filters.absolute,
        filters.clock_time,
        filters.count,
        filters.date_words,
        filters.duration,
        filters.initials,
        filters.iso,
        filters.long_date,
        filters.moment,
        filters.plural,
        filters.relative,
        filters.rough,
        filters.size,
        filters.zone_name,
    ):
        made.filters[words.__name__] = words
    return made


def render(page: ViewModel, *, parts_only: bool = False) -> str:
    """Draw a page as HTML.

    With `parts_only` the head, the dialogs and the scripts are left out: that is enough for a page that is already
    open and takes over its live parts (`docs/reference/live.md`).
    """
    shell = page.shell
    return (
        environment()
        .get_template(page.template)
        .render(
            page=page,
            shell=shell,
            now=shell.now,
            zone=shell.zone,
            link=shell.links.to,
            asset=shell.links.asset,
            parts_only=parts_only,
        )
    )


def render_lines(lines: Sequence[LogLine], zone: tzinfo) -> str:
    """Draw lines of output as table rows for the stream of a live run, by the macro that draws them on the page."""
    return environment().get_template("_lines.html").render(lines=lines, zone=zone)
