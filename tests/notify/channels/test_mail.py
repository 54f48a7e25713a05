"""Messages as letters, over real mail servers: who gets them, what they say, how they hang together, how they look."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from horarium.clock import SystemClock
from horarium.errors import InvalidValue
from horarium.notify.channels.base import ChannelKind
from horarium.notify.channels.kinds import KINDS, kinds_of
from horarium.notify.channels.mail import Post
from horarium.notify.drawing import Drawing
from horarium.notify.mailer import MailFailed, MailSettings
from horarium.notify.mailing import NO_MAIL
from horarium.outgoing.caller import Caller
from horarium.records.notices import Message, NoticeKind
from horarium.reports.drawing import draw
from horarium.reports.weekly import DayFigures
from tests.reports.test_summary import rich
from tests.support.browser import SCHEMES, Scheme, axe, open_page
from tests.support.mail import Caught, Mailbox, certificate, mail_server
from tests.support.messages import AT, HERE, HOSTILE, failure, message, send, thousand, topic

TO = "ana@tidewater.example"
UNSUBSCRIBE = f"https://horarium.example.org/unsubscribe/{'a' * 90}"
BREAKS = ("\r\n", "\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\u202e", "\0")


@pytest.fixture
def drawing() -> Drawing:
    return Drawing(sender="Horarium <horarium@tidewater.example>", base_url="https://h.example", zone="Europe/Berlin")


def by(drawing: Drawing, **settings: Any) -> ChannelKind:
    """Return the kind of channel that sends over a mail server on loopback."""
    given = {"host": "localhost", "security": "none", "sender": "horarium@tidewater.example", **settings}
    return kinds_of(SystemClock(), Post(MailSettings(**given), drawing))["email"]


@contextmanager
def post(drawing: Drawing, **options: Any) -> Iterator[tuple[Mailbox, ChannelKind]]:
    with mail_server(**options) as box:
        yield box, by(drawing, port=box.port)


def letters(drawing: Drawing, *messages: Message, to: str = TO) -> list[Caught]:
    with post(drawing) as (box, kind):
        for each in messages:
            send(kind, {"to": to}, each)
        return box.letters


def test_a_letter_says_in_text_and_html_what_happened_and_where_to_look(drawing: Drawing) -> None:
    (letter,) = letters(drawing, message(topic(words="LedgerMismatch\n  3 of 1,204"), zone="Europe/Berlin"))
    assert (letter.sender, letter.recipients) == ("horarium@tidewater.example", [TO])
    assert letter.subject == "Reconcile payments failed"
    assert str(letter.message["To"]) == TO
    for part in (letter.text, html.unescape(letter.html)):
        assert "Reconcile payments failed" in part
        assert "Thu 14 May 2026, 06:00 to 06:08 (Europe/Berlin)" in part
        assert "What went wrong" in part
        assert "LedgerMismatch" in part
        assert "  3 of 1,204" in part
        assert "Open run 48213" in part
        assert "https://horarium.example.org/runs/48213" in part
        assert "You get this because Horarium of Tidewater Logistics was asked to tell you." in part
    assert "Worker: worker-2" in letter.text
    assert letter.message.get_content_type() == "multipart/alternative"
    assert "<img" not in letter.html
    assert "Stop messages" not in letter.html


def test_the_number_stays_over_all_tries_and_letters_on_one_task_hang_together(drawing: Drawing) -> None:
    first = message(thread="task-12", unsubscribe=UNSUBSCRIBE)
    second = message(topic(kind=NoticeKind.RECOVERED), id="later", thread="task-12")
    once, again, other, alone = letters(drawing, first, first, second, message(id="alone"))
    assert str(once.message["Message-ID"]) == str(again.message["Message-ID"]) == f"<{first.id}@tidewater.example>"
    assert str(other.message["Message-ID"]) == "<later@tidewater.example>"
    root = "<task-12@tidewater.example>"
    for letter in (once, again, other):
        assert (str(letter.message["References"]), str(letter.message["In-Reply-To"])) == (root, root)
    assert alone.message["References"] is None
    assert str(once.message["List-Unsubscribe"]) == f"<{UNSUBSCRIBE}>"
    assert str(once.message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert UNSUBSCRIBE in once.text
    assert f'href="{UNSUBSCRIBE}"' in once.html
    assert other.message["List-Unsubscribe"] is None


def test_headers_with_addresses_are_sent_in_one_piece(drawing: Drawing) -> None:
    drawn = drawing.notice(message(thread="task-" + "x" * 90, unsubscribe=UNSUBSCRIBE), to=TO).message
    head = drawn.as_bytes().partition(b"\r\n\r\n")[0].decode("ascii")
    assert f"\r\nList-Unsubscribe: <{UNSUBSCRIBE}>\r\n" in head
    assert re.search(r"\r\nReferences: <task-x+@tidewater\.example>\r\n", head)
    assert f"\nList-Unsubscribe: <{UNSUBSCRIBE}>" in drawn.as_string().replace("\r", "")


@pytest.mark.parametrize(
    "unsubscribe", ["javascript:alert(1)", "https://x/>, <mailto:evil@x>", "https://x/\r\nBcc: b@evil.test", "http://é"]
)
def test_r83_what_is_no_link_ends_no_letters(drawing: Drawing, unsubscribe: str) -> None:
    (letter,) = letters(drawing, message(unsubscribe=unsubscribe))
    assert letter.message["List-Unsubscribe"] is None
    assert "Stop messages" not in letter.html
    assert letter.message["Bcc"] is None


def test_without_encryption_no_one_click_is_promised(drawing: Drawing) -> None:
    (letter,) = letters(drawing, message(unsubscribe="http://h.example/u"))
    assert str(letter.message["List-Unsubscribe"]) == "<http://h.example/u>"
    assert letter.message["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize("broken", BREAKS)
def test_r83_line_breaks_in_any_field_are_neutralised_and_the_letter_is_still_sent(
    drawing: Drawing, broken: str
) -> None:
    evil = f"Ana{broken}Bcc: b@evil.test"
    hostile = topic(evil, words=evil, facts={evil: evil})
    (alone, many) = letters(
        drawing,
        message(hostile, id=evil, team=evil, thread=evil),
        message(hostile, topic(evil, NoticeKind.LATE), id="m", team=evil),
    )
    for letter in (alone, many):
        assert letter.recipients == [TO]
        assert letter.message["Bcc"] is None
        assert letter.message.defects == []
        names = {name.lower() for name in letter.message}
        assert names <= {
            *("from", "to", "subject", "date", "message-id", "auto-submitted", "in-reply-to", "references"),
            *("mime-version", "content-type", "x-peer", "x-mailfrom", "x-rcptto"),
        }
        assert not any(line.startswith("Bcc") for line in letter.text.splitlines())
    assert alone.subject == "Ana Bcc: b@evil.test failed"


def test_r83_r42_marks_of_others_are_text_in_html(drawing: Drawing) -> None:
    evil = '<img src=x onerror=alert(1)><a href="https://evil.test">&amp;{{7*7}}{% include "x" %}'
    hostile = topic(evil, words=f"{evil}\n{evil}", facts={evil: evil})
    for letter in letters(drawing, message(hostile, team=evil), message(hostile, hostile, team=evil, id="m")):
        assert "<img" not in letter.html
        assert 'href="https://evil.test"' not in letter.html
        assert f"{evil} failed" in html.unescape(letter.html)
        assert "{{7*7}}" in letter.text
        assert "49" not in letter.text


@pytest.mark.parametrize(
    "to", ["a@x.example\nBcc: b@y", "a@x%0aBcc:b@y", "a", "", "a@@x", ", ".join(f"u{n}@x.example" for n in range(21))]
)
def test_r83_what_is_no_address_is_refused_by_field(to: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        KINDS["email"].checked({"to": to})
    assert caught.value.field == "to"


def test_r83_each_address_gets_a_letter_of_its_own(drawing: Drawing) -> None:
    found = letters(drawing, message(), to="ana@x.example, bo@x.example; ana@x.example\n cy@x.example")
    assert [each.recipients for each in found] == [["ana@x.example"], ["bo@x.example"], ["cy@x.example"]]
    assert [str(each.message["To"]) for each in found] == ["ana@x.example", "bo@x.example", "cy@x.example"]
    with pytest.raises(MailFailed):
        drawing.notice(message(), to="a@x.example, b@x.example")


def test_r84_of_a_thousand_topics_none_goes_unmentioned(drawing: Drawing) -> None:
    (letter,) = letters(drawing, thousand())
    assert letter.subject == "1,000 notices: 800 failed, 100 late, 100 recovered"
    assert [int(each) for each in re.findall(r"Task (\d+) ", letter.text)] == list(range(1000))
    listed = re.findall(r">Task (\d+) ", letter.html)
    counted = re.search(r"And ([\d,]+) more: ", letter.html)
    assert counted
    assert len(listed) + int(counted[1].replace(",", "")) == 1000
    assert len(listed) >= 50
    assert len(letter.html.encode()) < 100_000
    huge = "漢" * 10_240
    (letter,) = letters(drawing, message(*(topic(huge, words=huge, facts={huge: huge}) for _ in range(3000))))
    assert len(letter.message.as_bytes()) < 1_500_000
    assert "And " in letter.text


def test_letters_go_over_starttls_and_over_tls_with_a_checked_certificate(drawing: Drawing, tmp_path: Path) -> None:
    known = certificate(tmp_path)
    ways: dict[str, dict[str, Any]] = {
        "starttls": {"tls_context": known.server},
        "tls": {"ssl_context": known.server},
    }
    for security, options in ways.items():
        with mail_server(**options) as box:
            kind = by(drawing, port=box.port, security=security, ca=known.file)
            assert send(kind, {"to": TO}, message()) == "taken for 1 of 1"
            # Of a connection that began encrypted, the server of the tests does not know.
            assert box.was_encrypted == [security == "starttls"]
            error = failure(by(drawing, port=box.port, security=security), {"to": TO}, message())
            assert len(box.letters) == 1
        assert "certificate of localhost is not to be trusted" in str(error)
        assert not error.is_final


def test_r77_without_starttls_nothing_is_sent(drawing: Drawing) -> None:
    with mail_server() as box:
        error = failure(by(drawing, port=box.port, security="starttls"), {"to": TO}, message())
        assert box.letters == []
    assert "does not offer STARTTLS" in str(error)


@pytest.mark.parametrize(("answer", "is_final"), [("550 no such user", True), ("451 later, please", False)])
def test_a_refused_address_is_told_from_one_to_try_again(drawing: Drawing, answer: str, is_final: bool) -> None:
    with post(drawing) as (box, kind):
        box.refuse = lambda _: answer
        error = failure(kind, {"to": TO}, message())
    assert (error.is_final, str(error)) == (is_final, f"localhost answered {answer}")


def test_of_several_addresses_those_that_are_refused_for_good_are_named(drawing: Drawing) -> None:
    with post(drawing) as (box, kind):
        box.refuse = lambda address: "550 no such user" if address.startswith("bo@") else None
        words = send(kind, {"to": "ana@x.example bo@x.example"}, message())
        assert words == "taken for 1 of 2; not for bo@x.example: localhost answered 550 no such user"
        box.refuse = lambda address: "451 later" if address.startswith("bo@") else None
        assert not failure(kind, {"to": "ana@x.example bo@x.example"}, message()).is_final


def test_a_server_that_drops_the_connection_after_the_letter_is_tried_again(drawing: Drawing) -> None:
    with post(drawing) as (box, kind):
        box.after_data = "drop"
        error = failure(kind, {"to": TO}, message())
        box.after_data = ""
        send(kind, {"to": TO}, message())
        first, second = box.letters
    assert (error.is_final, str(error)) == (False, "localhost broke the connection off")
    assert str(first.message["Message-ID"]) == str(second.message["Message-ID"])


def test_a_server_that_stalls_is_left_in_time(drawing: Drawing) -> None:
    with post(drawing) as (box, kind), Caller(HERE, seconds=0.5) as caller:
        box.after_data = "stall"
        with pytest.raises(Exception, match=r"it took longer than 0\.5 s|does not answer") as caught:
            kind.send(message(), {"to": TO}, caller)
    assert not getattr(caught.value, "is_final", True)


def test_no_server_is_told_and_tried_again(drawing: Drawing, free_port: int) -> None:
    error = failure(by(drawing, port=free_port), {"to": TO}, message())
    assert (error.is_final, str(error)) == (False, "localhost cannot be reached: Connection refused")
    error = failure(KINDS["email"], {"to": TO}, message())
    assert (error.is_final, str(error)) == (False, NO_MAIL)


def samples() -> dict[str, Message]:
    """Return messages of all looks."""
    kinds = list(NoticeKind)
    return {
        "failed": message(
            topic(words="LedgerMismatch\n3 of 1,204 payments have no matching invoice\n  in post", many=3),
            zone="Europe/Berlin",
            unsubscribe=UNSUBSCRIBE,
        ),
        "late": message(topic(kind=NoticeKind.LATE, words="")),
        "recovered": message(topic(kind=NoticeKind.RECOVERED, words="after 3 failures, 2 h 8 min")),
        "test": message(topic("Team mail", NoticeKind.TEST, words="If you read this, it works.", facts={}, path="")),
        "digest": message(
            *(topic(f"Task number {n}", kinds[n % len(kinds)], many=1 + n % 3) for n in range(40)),
            unsubscribe=UNSUBSCRIBE,
        ),
        "many": thousand(),
        "hostile": message(topic("x" * 300, words="y" * 900 + "\n" + HOSTILE[-1], facts={"z" * 90: "z" * 300})),
        "hostile digest": message(*(topic(each + "x" * 90, words=each, first_at=AT) for each in HOSTILE)),
    }


def pages(drawing: Drawing) -> dict[str, str]:
    """Return what is looked at: the samples, and a summary with something in every part."""
    found = {}
    for name, sent in samples().items():
        part = drawing.notice(sent, to=TO).message.get_body(("html",))
        assert part
        found[name] = str(part.get_content())
    week = rich()
    days = tuple(DayFigures(on=on, well=3 * place, failed=place % 3) for place, on in enumerate(week.period.days()))
    links = {"base_url": "https://h.example", "stop_link": UNSUBSCRIBE}
    return found | {"a summary": draw(replace(week, days=days), team="Tidewater", **links).html}


@pytest.mark.browser
@pytest.mark.usefixtures("_needs_browser")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_letters_look_right_wide_and_narrow(browser: Browser, drawing: Drawing, scheme: Scheme) -> None:
    found: dict[str, list[str]] = {}
    for width in (600, 380):
        with open_page(browser, size={"width": width, "height": 800}, scheme=scheme) as page:
            for name, shown in pages(drawing).items():
                page.set_content(shown)
                # A letter has no landmarks: it is shown inside a page that has them.
                problems = [each for each in axe(page) if not each.startswith(("region", "landmark-one-main"))]
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    problems.append("it scrolls sideways")
                found[f"{name} {width}"] = problems
    assert {name: problems for name, problems in found.items() if problems} == {}
