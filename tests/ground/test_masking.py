"""Secrets in text are hidden, in whatever form they stand there, and nothing else is."""

from __future__ import annotations

import base64
import gc
import json
import logging
import secrets
import textwrap
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horarium.logs.live import LIVE, LiveMaskers
from horarium.logs.masking import PIECE, SHORTEST, Masker, forms_of, mark_of
from horarium.logs.setup import Redaction
from tests.support.encodings import canary, left_of, shown

ORDINARY = "The backup of 2026-03-02 took 14.5 s; 3 files (1,234,567 bytes) went to host-7.example.\n"


def masker(*values: str, name: str = "smtp") -> Masker:
    made = Masker()
    made.add(name, values)
    return made


@pytest.mark.parametrize("way", shown(canary()))
def test_r73_every_way_to_write_it_is_hidden(way: str) -> None:
    secret = canary()
    text = masker(secret).text(f"before {shown(secret)[way]} after")
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert mark_of("smtp") in text
    assert not left_of(secret, [text])


@pytest.mark.parametrize("size", [SHORTEST, SHORTEST + 1, PIECE - 1, PIECE, PIECE + 1, 100])
def test_r73_a_value_of_any_length_from_eight_on_is_hidden_whole(size: int) -> None:
    secret = secrets.token_urlsafe(size)[:size]
    hidden = masker(secret).text
    for before in range(12):
        filler = "." * before
        assert hidden(f"{filler}{secret}{filler}") == f"{filler}{mark_of('smtp')}{filler}"
    for form in (secret.encode().hex(), base64.b64encode(secret.encode()).decode()):
        assert hidden(f"({form})") == f"({mark_of('smtp')})"


def test_r73_values_under_eight_characters_are_left_alone() -> None:
    assert masker("hunter2", "  ab  \n\n\n ", "").text("hunter2 ab") == "hunter2 ab"
    assert not forms_of("hunter2")
    assert forms_of("hunter22")


def test_ordinary_text_stays_as_it_is() -> None:
    hidden = masker(canary(), secrets.token_hex(2000), "short-one")
    assert hidden.text(ORDINARY * 100) == ORDINARY * 100
    assert hidden.text("") == ""


def test_r73_each_line_of_a_value_with_several_is_hidden_alone() -> None:
    lines = [secrets.token_urlsafe(size) for size in (6, 40, 9, 3)]
    hidden = masker("\r\n".join(["-----BEGIN X-----", *lines])).text
    for line in lines[:3]:
        assert hidden(f"> {line} <") == f"> {mark_of('smtp')} <"
    assert hidden(lines[3]) == lines[3]
    assert lines[1] not in hidden("\n".join(lines))


def test_r73_a_piece_of_sixteen_characters_is_hidden_and_a_shorter_one_is_not() -> None:
    secret = secrets.token_urlsafe(60)
    hidden = masker(secret).text
    for begin in range(len(secret) - PIECE):
        assert hidden(f"{secret[begin : begin + PIECE]}!") == f"{mark_of('smtp')}!"
        assert hidden(f"{secret[begin : begin + PIECE - 1]}!") == f"{secret[begin : begin + PIECE - 1]}!"


@pytest.mark.parametrize("width", [10, 60, 64, 76])
def test_r73_an_encoded_value_that_is_wrapped_leaves_no_line(width: int) -> None:
    data = secrets.token_bytes(300)
    secret = base64.b64encode(data).decode()
    for form in (base64.b64encode(secret.encode()).decode(), secret.encode().hex()):
        lines = textwrap.wrap(form, width)
        text = masker(secret).text("\n".join(lines))
        assert [line for line in lines if len(line) >= SHORTEST and line in text] == []


NO_NUL = st.characters(exclude_characters="\0", exclude_categories=["Cs"])


@given(st.text(NO_NUL, min_size=SHORTEST, max_size=40), st.text(max_size=30), st.text(max_size=30))
def test_whatever_the_value_it_is_gone(secret: str, before: str, after: str) -> None:
    if len(secret.strip()) < SHORTEST or secret.strip() in mark_of("x"):
        return
    assert secret.strip() not in masker(secret, name="x").text(f"{before}{secret}{after}").replace(mark_of("x"), "\0")


def test_a_masked_text_stays_as_it_is_when_it_is_masked_again() -> None:
    secret = canary()
    hidden = masker(secret)
    once = hidden.text(" ".join(shown(secret).values()))
    assert hidden.text(once) == once


def test_each_credential_is_named_and_neighbours_share_a_mark() -> None:
    one, two = secrets.token_hex(20), secrets.token_hex(20)
    both = masker(one, name="one")
    both.add("two", [two])
    assert both.text(f"{one} and {two}") == "[masked: one] and [masked: two]"
    assert both.text(f"{one}{two}") == "[masked: one]"


def test_json_stays_json() -> None:
    secret = f'"quoted"\\{secrets.token_hex(8)}'
    hidden = masker(secret, "1234567890123")
    text = hidden.json(json.dumps({"a": [f"x{secret}", 5], f"k{secret}": None, "b": True}))
    assert json.loads(text) == {"a": [f"x{mark_of('smtp')}", 5], f"k{mark_of('smtp')}": None, "b": True}
    assert json.loads(hidden.json("[1234567890123]")) == f"[{mark_of('smtp')}]"
    assert hidden.json('{"plain":  1}') == '{"plain":  1}'


def test_json_that_is_nested_deeply_is_masked_as_text() -> None:
    secret = secrets.token_hex(10)
    deep = f'{"[" * 5000}"{secret}"{"]" * 5000}'
    assert secret not in json.loads(masker(secret).json(deep))


def test_a_line_is_cut_where_nothing_is_torn() -> None:
    secret = secrets.token_hex(30)
    hidden = masker(secret)
    for after in range(0, hidden.reach * 2, 7):
        head, tail = hidden.cut(f"{'x' * 500}{secret}{'.' * after}")
        text = head + hidden.text(tail)
        assert text == f"{'x' * 500}{mark_of('smtp')}{'.' * after}"
    head, tail = hidden.cut("x" * 500 + secret[:40])
    assert hidden.text(tail + secret[40:]).endswith(mark_of("smtp"))


def test_masking_takes_time_in_proportion_to_the_text_and_not_to_the_values() -> None:
    few, many = masker(canary()), masker(*(secrets.token_urlsafe(40) for _ in range(200)))
    text = ORDINARY * 5000

    def seconds(hidden: Masker, text: str) -> float:
        times = []
        for _ in range(3):
            begin = time.perf_counter()
            hidden.text(text)
            times.append(time.perf_counter() - begin)
        return min(times)

    small, large = seconds(few, text), seconds(few, text * 4)
    assert large < small * 12
    assert seconds(many, text) < small * 8


def test_a_flood_of_the_secret_itself_takes_no_longer() -> None:
    secret = secrets.token_hex(2000)
    begin = time.perf_counter()
    assert masker(secret).text(secret * 250) == mark_of("smtp")
    assert time.perf_counter() - begin < 20


def test_the_log_hides_what_runs_have_open_and_forgets_it_afterwards() -> None:
    secret = secrets.token_hex(10)
    hidden = masker(secret)
    LIVE.add(hidden)
    try:
        step = Redaction([])
        event = step(logging.getLogger(), "info", {"event": f"sent {secret}", "header": {"x": secret}})
        assert secret not in repr(event)
    finally:
        LIVE.discard(hidden)
    assert LIVE.text(secret) == secret


def test_a_masker_that_nobody_knows_any_more_is_used_no_longer() -> None:
    live = LiveMaskers()
    secret = secrets.token_hex(10)
    hidden = masker(secret)
    live.add(hidden)
    assert live.text(secret) == mark_of("smtp")
    del hidden
    gc.collect()
    assert live.text(secret) == secret
