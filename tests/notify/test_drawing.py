"""Letters as they are drawn: text and HTML, one line for each header, nothing of others' marks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser

from horarium.accounts.factor_letters import Change
from horarium.accounts.letters import LetterKind
from horarium.notify.drawing import Drawing, Drawn, Stamp
from horarium.notify.lines import one_line
from horarium.notify.mailer import MailFailed
from horarium.notify.words import Words
from tests.support.browser import NARROW, SCHEMES, Scheme, axe, open_page

AT = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)
LINK = "https://h.example/reset/12.abc"
VALUES: dict[str, Any] = {
    "name": "Inês Carvalho",
    "inviter": "Sven Lindqvist",
    "role": "editor",
    "project": "Warehouse",
    "email": "new@tidewater.example",
    "from": "10.20.4.7",
    "by": "",
    "what": "passkey_added",
    "passkey": "Ana's phone",
    "tokens": 2,
    "minutes": 30,
    "until": AT,
    "link": LINK,
    "both": True,
    "credentials": ["warehouse-db", "shop"],
    "ids": [7],
    "more": 0,
    "months": 6,
    "owner": "Ines Carvalho",
    "own": True,
    "gone_at": 1_781_000_000_000_000,
}
BREAKS = ("\r\n", "\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\u202e")
WRITTEN = [kind for kind in LetterKind if kind is not LetterKind.SUMMARY]
"""The kinds that have words of their own; summaries come drawn."""


@pytest.fixture
def drawing() -> Drawing:
    return Drawing(sender="Horarium <horarium@tidewater.example>", base_url="https://h.example", zone="Europe/Berlin")


def drawn(drawing: Drawing, kind: LetterKind, to: str = "ines@tidewater.example", **changed: Any) -> Drawn:
    stamp = Stamp(message_id="f00d", at=AT)
    return drawing.draw(kind, VALUES | changed, to=to, stamp=stamp, team="Tidewater Logistics")


def parts(found: Drawn) -> tuple[str, str]:
    text, html = found.message.get_body(("plain",)), found.message.get_body(("html",))
    assert text
    assert html
    return str(text.get_content()), str(html.get_content())


@pytest.mark.parametrize("kind", WRITTEN)
def test_each_letter_says_the_same_as_text_and_as_html(drawing: Drawing, kind: LetterKind) -> None:
    found = drawn(drawing, kind)
    text, html = parts(found)
    message = found.message
    assert message["Subject"]
    assert str(message["From"]) == "Horarium <horarium@tidewater.example>"
    assert str(message["To"]) == "ines@tidewater.example"
    assert str(message["Message-ID"]) == "<f00d@tidewater.example>"
    assert str(message["Date"]) == "Thu, 14 May 2026 12:00:00 +0000"
    link = next(line for line in text.splitlines() if line.startswith("https://h.example/"))
    assert f'href="{link}"' in html
    assert "You get this because" in text
    assert "You get this because" in html
    assert "Tidewater Logistics" in html
    assert max(map(len, found.message.as_bytes().decode("ascii").split("\r\n"))) <= 998


def test_times_are_in_the_zone_of_the_installation_which_is_named(drawing: Drawing) -> None:
    text, _ = parts(drawn(drawing, LetterKind.INVITATION))
    assert "Good until: Thu 14 May 2026, 14:00 (Europe/Berlin)" in text
    assert "Sven Lindqvist invited you as Editor, and into the project Warehouse." in text


@pytest.mark.parametrize("change", list(Change))
def test_each_change_of_the_second_step_has_a_sentence(drawing: Drawing, change: Change) -> None:
    text, html = parts(
        drawn(drawing, LetterKind.SECOND_STEP_CHANGED, what=change.value, name="Ana {x}", passkey="{name}")
    )
    assert "Ana {x}" in text
    assert "https://h.example/settings/sign-in" in text
    assert ("“{name}”" in text) is change.value.startswith("passkey")
    assert "If you know nothing of it" in html
    told = parts(drawn(drawing, LetterKind.SECOND_STEP_CHANGED, what=change.value, by="Otto"))[0]
    assert "Otto did this for you." in told


def test_a_letter_about_unused_credentials_names_them_and_until_when_they_can_be_kept(drawing: Drawing) -> None:
    text, _ = parts(drawn(drawing, LetterKind.CREDENTIAL_INACTIVE))
    assert "Nothing has used 2 credentials for 6 months" in text
    assert "warehouse-db, shop" in text
    assert "https://h.example/credentials?state=inactive" in text
    one: dict[str, Any] = {"credentials": ["shop"], "own": False, "owner": "", "months": 1}
    text, _ = parts(drawn(drawing, LetterKind.CREDENTIAL_INACTIVE, **one))
    assert "Nothing has used a credential of the installation for a month" in text
    assert "erased after Tue 9 Jun 2026, 12:13 (Europe/Berlin)" in text
    assert "https://h.example/credentials/7" in text
    text, _ = parts(drawn(drawing, LetterKind.CREDENTIAL_INACTIVE, more=5))
    assert "7 credentials" in text
    assert "warehouse-db, shop, and 5 more" in text


@pytest.mark.parametrize("broken", BREAKS)
def test_r83_line_breaks_in_any_field_are_blanks_and_the_letter_is_still_made(drawing: Drawing, broken: str) -> None:
    name = f"Ana{broken}Bcc: b@evil.test"
    for kind in WRITTEN:
        found = drawn(drawing, kind, name=name, inviter=name, project=name)
        assert found.message["Bcc"] is None
        assert str(found.message["Subject"]).isprintable()
        head = found.message.as_bytes().partition(b"\r\n\r\n")[0].decode("ascii")
        assert not any(line.startswith("Bcc") for line in head.split("\r\n"))
    assert "Ana Bcc: b@evil.test" in str(drawn(drawing, LetterKind.INVITATION, inviter=name).message["Subject"])
    assert str(Drawing(sender=f"A{broken}B <a@b.example>", base_url="", zone="UTC")._name).isprintable()


@pytest.mark.parametrize("to", ["a@x.example,b@y.example", "a@x.example\nBcc: b@y.example", "a@x%0aBcc:b@y", "", "a"])
def test_r83_a_letter_goes_to_one_address(drawing: Drawing, to: str) -> None:
    with pytest.raises(MailFailed) as caught:
        drawn(drawing, LetterKind.CONFIRM, to=to)
    assert caught.value.is_final


def test_r42_r83_marks_of_others_are_text(drawing: Drawing) -> None:
    evil = '<img src=x onerror=alert(1)><a href="https://evil.test">'
    _, html = parts(drawn(drawing, LetterKind.INVITATION, inviter=evil, project=evil))
    assert "<img" not in html
    assert "&lt;img src=x" in html
    assert 'href="https://evil.test"' not in html


def test_what_is_incomplete_is_never_tried_again(drawing: Drawing) -> None:
    stamp = Stamp(message_id="f00d", at=AT)
    with pytest.raises(MailFailed) as caught:
        drawing.draw(LetterKind.INVITATION, {}, to="a@b.example", stamp=stamp)
    assert caught.value.is_final


def test_long_words_are_cut_and_links_are_not(drawing: Drawing) -> None:
    assert one_line("x" * 300) == "x" * 199 + "…"
    link = "https://h.example/" + "x" * 300
    text, _ = parts(drawn(drawing, LetterKind.RESET, link=link))
    assert link in text
    bare = drawing.put(Words(subject="s", title="t", lead="l"), to="a@b.example", stamp=Stamp(message_id="m", at=AT))
    assert "http" not in parts(bare)[0]


@pytest.mark.browser
@pytest.mark.usefixtures("_needs_browser")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_letters_look_right_wide_and_narrow(browser: Browser, drawing: Drawing, scheme: Scheme) -> None:
    found: dict[str, list[str]] = {}
    for width in (600, NARROW["width"]):
        with open_page(browser, size={"width": width, "height": 800}, scheme=scheme) as page:
            for kind in WRITTEN:
                page.set_content(parts(drawn(drawing, kind))[1])
                # A letter has no landmarks: it is shown inside a page that has them.
                problems = [each for each in axe(page) if not each.startswith(("region", "landmark-one-main"))]
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    problems.append("it scrolls sideways")
                found[f"{kind} {width}"] = problems
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_r83_a_letter_that_comes_drawn_keeps_its_look_and_its_subject_on_one_line(drawing: Drawing) -> None:
    stamp = Stamp(message_id="f00d", at=AT)
    values = {"subject": "Your week\r\nBcc: b@evil.test", "text": "One\nTwo\n", "html": "<p>One</p>\n<p>Two</p>"}
    made = drawing.draw(LetterKind.SUMMARY, values, to="ines@tidewater.example", stamp=stamp)
    assert made.message["Subject"] == "Your week Bcc: b@evil.test"
    assert made.message["Bcc"] is None
    text, html = parts(made)
    assert text.split() == ["One", "Two"]
    assert html.split() == ["<p>One</p>", "<p>Two</p>"]
