"""Make sample pages of summaries, and of the settings about them."""

from __future__ import annotations

from dataclasses import replace

from horarium.preferences.catalogue import STANDARD, SUMMARIES
from horarium.web.views.overview import Figure
from horarium.web.views.parts import Tab
from horarium.web.views.preferences import SummarySettingsPage
from horarium.web.views.summary import SummaryPage, SummaryPart, SummaryRow
from tests.web.sample_parts import shell
from tests.web.sample_preferences import STANDARDS
from tests.web.sample_settings import parts

CONTROLS = tuple(STANDARDS[each.key] for each in STANDARD if each.group == SUMMARIES)
SPANS = tuple(Tab(label=label, href=f"/summary?period={label}", current=label == "Week") for label in ("Day", "Week"))


def summary() -> SummaryPage:
    """Return the summary of a week in which something failed."""
    bad = SummaryRow(
        name="Fetch carrier rates", words="Failed 23 of 168 times", value="86.3 %", href="/tasks/7", status="failed"
    )
    return SummaryPage(
        shell=shell(),
        title="Your week, 4 to 10 May",
        lead="4,871 runs of 48 tasks. Most went fine, 2 tasks need a look.",
        spans=SPANS,
        older="/summary?on=2026-04-27",
        newer="/summary?on=2026-05-11",
        latest="/summary",
        mail="/summary/mail",
        paper="/summary/paper",
        figures=(
            Figure(label="Success rate", parts=(("98.8", "%"),), delta="down 0.2 points", delta_bad=True),
            Figure(label="Failed for good", parts=(("60", ""),), delta="49 the week before"),
        ),
        days=(SummaryRow(name="Monday 4 May", words="7 failed", value="690 fine", status="failed"),),
        parts=(
            SummaryPart(title="Needs a look", rows=(bad,), more="And 3 more tasks that failed."),
            SummaryPart(title="Took longest", rows=(replace(bad, status=None),)),
            SummaryPart(title="Did not run", rows=(SummaryRow(name="the task was paused", value="250 times"),)),
        ),
        zone_key="Europe/Berlin",
    )


def summary_none() -> SummaryPage:
    """Return the summary of a week in which nothing ran."""
    return replace(summary(), figures=(), days=(), parts=(), newer="", paper="")


def choices() -> SummarySettingsPage:
    """Return the page of settings, with one that is locked and one that is wrong."""
    return SummarySettingsPage(
        shell=shell(),
        parts=parts("settings_summary"),
        controls=(
            CONTROLS[0],
            replace(CONTROLS[1], is_locked=True),
            replace(CONTROLS[2], is_number=True, least=0, most=23),
        ),
        address="ines@tidewater.example",
        is_confirmed=False,
        errors={"summary_hour": "Hour of the summary: use a whole number from 0 to 23."},
    )


def choices_plain() -> SummarySettingsPage:
    """Return the same page without a fault."""
    return replace(choices(), errors={}, is_confirmed=True)


def choices_no_mail() -> SummarySettingsPage:
    """Return the same page where no mail is sent."""
    return replace(choices_plain(), shell=shell(sends_mail=False))


def choices_no_address() -> SummarySettingsPage:
    """Return the same page of somebody without an address."""
    return replace(choices_plain(), address="")
