"""Pages as HTML: each is drawn with everything, with nothing and with hostile text (R36, R42)."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest
from jinja2 import UndefinedError

from horarium.notify.channels.kinds import KINDS
from horarium.states import RunState
from horarium.web.icons import NAMES, icon
from horarium.web.links import Links
from horarium.web.rendering import environment, render, render_lines
from horarium.web.tracebacks import frames, grouped
from horarium.web.views.run import LogLine, RunPage
from horarium.web.views.shell import Shell, ViewModel
from horarium.web.views.status import ICONS, MARKS, OF_STATE, WORDS
from tests.web import samples
from tests.web.sample_parts import BERLIN, NOW, TRACEBACK

WEB: Final = Path(__file__).parents[2] / "src" / "horarium" / "web"
PAGES: Final = {**samples.rich(), **samples.empty()}
VOID: Final = {"meta", "link", "input", "hr", "br"}


class Outline(HTMLParser):
    """Collect the elements of a page with their attributes, the texts, and where elements do not close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.broken: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.broken.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the elements with the names of their attributes."""
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    def all(self, attribute: str) -> list[str]:
        """Return the values of an attribute on all elements."""
        return [value for _, attributes in self.elements if (value := attributes.get(attribute)) is not None]


@pytest.fixture(params=list(PAGES))
def drawn(request: pytest.FixtureRequest) -> ViewModel:
    return PAGES[request.param]


@pytest.fixture
def html(request: pytest.FixtureRequest, drawn: ViewModel) -> str:
    return _html_of(request.node.callspec.params["drawn"])


@pytest.fixture
def outline(request: pytest.FixtureRequest, drawn: ViewModel) -> Outline:
    return _outline_of(request.node.callspec.params["drawn"])


@cache
def _html_of(name: str) -> str:
    return render(PAGES[name])


@cache
def _outline_of(name: str) -> Outline:
    return Outline(_html_of(name))


def test_r36_a_page_has_no_script_or_style_of_its_own(outline: Outline) -> None:
    for tag, attributes in outline.elements:
        assert tag != "style"
        assert tag != "script" or (attributes.get("src") or "").startswith("/static/")
        assert not [name for name in attributes if name == "style" or name.startswith(("on", "hx-on"))]
        assert not (attributes.get("href") or "").lower().startswith(("javascript:", "http:", "https:"))


def test_every_element_closes_and_every_id_is_one_of_a_kind(outline: Outline) -> None:
    assert (outline.broken, outline.open) == ([], [])
    ids = outline.all("id")
    assert len(ids) == len(set(ids))


def test_what_points_to_an_id_finds_it(outline: Outline) -> None:
    ids = set(outline.all("id"))
    for attribute in ("aria-labelledby", "aria-describedby", "for", "form", "popovertarget", "data-open", "data-copy"):
        assert not [name for name in outline.all(attribute) if name not in ids]
    local = [href[1:] for href in outline.all("href") if href.startswith("#")]
    assert not [name for name in local if name not in ids]


def test_a_page_names_itself_once(html: str, outline: Outline) -> None:
    assert html.count("<h1") == 1
    assert len(re.findall(r"<title>[^<]+ · Horarium</title>", html)) == 1
    assert '<html lang="en"' in html
    assert len([tag for tag, _ in outline.elements if tag == "main"]) == 1


def test_r32_every_form_that_changes_something_carries_the_token(drawn: ViewModel, html: str) -> None:
    forms = re.findall(r'<form[^>]*method="post".*?</form>', html, re.DOTALL)
    assert all(f'name="csrf_token" value="{drawn.shell.csrf}"' in form for form in forms)
    assert len(forms) == len(re.findall(r"<form[^>]*post", html))


def test_live_parts_can_be_told_apart_and_are_the_same_in_a_page_drawn_for_its_parts(
    drawn: ViewModel, outline: Outline
) -> None:
    live = [attributes.get("id") for _, attributes in outline.elements if "data-live" in attributes]
    assert all(live)
    parts = Outline(render(drawn, parts_only=True))
    assert [attributes["id"] for _, attributes in parts.elements if "data-live" in attributes] == live


def test_links_stay_below_the_path_of_the_mount(drawn: ViewModel) -> None:
    below = dataclasses.replace(drawn.shell, links=Links("/jobs"))
    if isinstance(below, Shell):
        below = dataclasses.replace(below, notices=())
    outline = Outline(render(dataclasses.replace(drawn, shell=below)))  # type: ignore[type-var]
    for attribute in ("src", "action", "formaction"):
        assert not [link for link in outline.all(attribute) if not link.startswith("/jobs/")]
    hrefs = [link for tag, found in outline.elements if tag == "link" and (link := found.get("href"))]
    assert all(link.startswith("/jobs/static/") for link in hrefs)


@pytest.mark.parametrize("name", list(samples.rich()))
def test_r42_hostile_text_makes_no_element_and_no_attribute(name: str) -> None:
    page = PAGES[name]
    calm = Outline(render(samples.poisoned(page, "word")))
    for payload in samples.PAYLOADS:
        hostile = Outline(render(samples.poisoned(page, payload)))
        assert _without_colours(hostile) == _without_colours(calm), payload


def _without_colours(outline: Outline) -> list[tuple[str, tuple[str, ...]]]:
    """Leave out what colours and severities of output lines add: their elements are ours by `test_ansi`."""
    return [
        (tag, tuple(name for name in names if not (tag == "tr" and name == "class")))
        for (tag, names), (_, attributes) in zip(outline.shape(), outline.elements, strict=True)
        if not (attributes.get("class") or "").startswith("a-")
    ]


def test_r42_hostile_text_is_seen_literally() -> None:
    payload = samples.PAYLOADS[0]
    html = render(samples.poisoned(PAGES["tasks"], payload))
    assert html.count("<script>") == 0
    assert "".join(Outline(html).texts).count(payload) > 20


def test_a_name_that_a_template_misspells_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ nobody }}").render()


def test_only_administrators_see_actions() -> None:
    shell = PAGES["task"].shell
    assert isinstance(shell, Shell)
    reader = dataclasses.replace(shell, viewer=dataclasses.replace(shell.viewer, may_act=False))
    for name in ("overview", "tasks", "task", "run", "run-live", "runs"):
        html = render(dataclasses.replace(PAGES[name], shell=reader))  # type: ignore[type-var]
        posts = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', html)
        # What is held back is held back for oneself.
        assert set(posts) <= {"/logout", "/tasks/9/resume", "/notifications/held/2/end"}
        assert "formaction" not in html


def test_lines_for_the_stream_are_those_of_the_page() -> None:
    page = PAGES["run-live"]
    assert isinstance(page, RunPage)
    assert page.log
    rows = render_lines(page.log.lines, BERLIN)
    assert rows.count("<tr id=") == 60
    assert all(row in render(page) for row in rows.split("\n") if row.strip())


def test_r42_a_line_of_the_stream_is_text() -> None:
    row = render_lines([LogLine(number=7, at=NOW, stream="stdout", text=samples.PAYLOADS[1])], BERLIN)
    assert Outline(row).shape() == [("tr", ("id",)), ("td", ("class",)), ("td", ("class",)), ("td", ("class",))]


def test_a_traceback_is_taken_apart() -> None:
    found = frames("Noise before\n" + TRACEBACK)
    assert [(frame.line, frame.name, frame.library) for frame in found] == [
        (118, "call", True),
        (84, "reconcile", False),
        (212, "post", False),
    ]
    assert found[0].source == "return function(*args, **kwargs)"
    assert [(library, len(own)) for library, own in grouped(found)] == [(True, 1), (False, 2)]
    assert frames("no traceback") == ()
    assert (
        len(
            frames(
                TRACEBACK.replace("LedgerMismatch:", "") * 50
                + "".join(f'  File "a.py", line {n}, in f\n' for n in range(99))
            )
        )
        == 40
    )


def test_every_run_state_has_a_status_with_word_and_shape() -> None:
    assert set(OF_STATE) == {state.value for state in RunState}
    assert set(OF_STATE.values()) <= set(MARKS)
    assert set(WORDS) == set(ICONS)
    assert set(ICONS.values()) <= NAMES


def test_icons_are_decoration_unless_they_are_named() -> None:
    assert 'aria-hidden="true"' in icon("search")
    assert 'role="img" aria-label="&lt;b&gt;"' in icon("search", label="<b>")


def test_every_icon_is_used() -> None:
    loader = environment().loader
    assert loader
    texts = "".join(loader.get_source(environment(), name)[0] for name in environment().list_templates())
    for part in ("pages", "views", "agents.py"):
        found = WEB / part
        texts += "".join(
            path.read_text(encoding="utf-8") for path in (found.glob("*.py") if found.is_dir() else [found])
        )
    used = set(re.findall(r"\"([a-z-]+)\"", texts)) | set(ICONS.values())
    used |= {each.icon for each in KINDS.values()}
    assert {"python", "command", "http", "sync", "up", "down", "minus"} | used >= NAMES


def test_links_are_made_from_the_routes() -> None:
    links = Links("/jobs")
    assert links.to("task", "runs", task_id=7, view="failed", page=None) == "/jobs/tasks/7?view=failed#runs"
    assert links.to("tasks", tag=["a b", "ü&c"]) == "/jobs/tasks?tag=a+b&tag=%C3%BC%26c"
    assert Links().to("overview") == "/"
    with pytest.raises(KeyError):
        links.to("task")
    with pytest.raises(KeyError):
        links.to("nowhere")
