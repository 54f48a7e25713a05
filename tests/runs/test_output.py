"""The output of an attempt is cut into lines, bounded, and handed on while it lasts."""

from __future__ import annotations

import secrets
import threading
import tracemalloc
from collections.abc import Sequence

import pytest

from horarium.clock import SystemClock
from horarium.logs.masking import Masker, mark_of
from horarium.records.runs import Line
from horarium.runs.output import CAP_BYTES, LINE_LIMIT, OVERHEAD, Flusher, OutputBuffer
from horarium.states import Stream

MEGABYTE = 1_000_000


def kept(buffer: OutputBuffer) -> list[str]:
    return [line.text for line in buffer.close()]


def plain(cap_bytes: int = CAP_BYTES) -> OutputBuffer:
    return OutputBuffer(SystemClock(), cap_bytes=cap_bytes)


def test_pieces_become_lines_numbered_from_one_with_their_stream() -> None:
    buffer = plain()
    buffer.write(Stream.STDOUT, "one\ntw")
    buffer.write(Stream.STDERR, "bad\n")
    buffer.write(Stream.STDOUT, "o\nthree")
    lines = buffer.close()
    assert [(line.number, line.stream, line.text) for line in lines] == [
        (1, Stream.STDOUT, "one"),
        (2, Stream.STDERR, "bad"),
        (3, Stream.STDOUT, "two"),
        (4, Stream.STDOUT, "three"),
    ]
    assert lines[0].at.utcoffset() is not None
    assert buffer.total_bytes == len("one\ntwo\nbad\nthree")


def test_the_middle_of_long_output_is_left_out_and_said_so() -> None:
    buffer = plain(cap_bytes=4000)
    for number in range(1000):
        buffer.write(Stream.STDOUT, f"line {number:04}\n")
    texts = kept(buffer)
    assert texts[0] == "line 0000"
    assert texts[-1] == "line 0999"
    (mark,) = [text for text in texts if "left out" in text]
    missing = 1000 - (len(texts) - 1)
    assert mark == f"… {missing} lines ({missing * 10 / 1000:.1f} kB) left out …"
    assert buffer.dropped_bytes == missing * 10
    assert sum(len(text) + OVERHEAD for text in texts if text != mark) <= 4000 + OVERHEAD + 10


def test_nothing_is_left_out_while_all_fits() -> None:
    buffer = plain(cap_bytes=10_000)
    for number in range(150):
        buffer.write(Stream.STDOUT, f"{number}\n")
    assert kept(buffer) == [str(number) for number in range(150)]
    assert buffer.dropped_bytes == 0


def test_of_a_progress_bar_only_the_last_state_is_kept() -> None:
    buffer = plain()
    for percent in range(100):
        buffer.write(Stream.STDERR, f"\r{percent}%")
    buffer.write(Stream.STDERR, "\r100%\nfirst\rsecond\r\n")
    buffer.write(Stream.STDERR, "windows\r")
    buffer.write(Stream.STDERR, "\n")
    assert kept(buffer) == ["100%", "second", "windows"]


def test_a_progress_bar_without_end_stays_small() -> None:
    buffer = plain()
    for _ in range(20_000):
        buffer.write(Stream.STDERR, "x" * 70 + "\r")
    assert kept(buffer) == ["x" * 70]


def test_bytes_are_decoded_across_borders_and_replaced_where_they_are_wrong() -> None:
    buffer = plain()
    for byte in "für 5 €\n".encode():
        buffer.feed(Stream.STDOUT, bytes([byte]))
    buffer.feed(Stream.STDOUT, b"bad \xff\xfe and cut \xe2\x82")
    assert kept(buffer) == ["für 5 €", "bad \ufffd\ufffd and cut \ufffd"]


def test_nul_and_lone_surrogates_can_be_stored_afterwards() -> None:
    buffer = plain()
    buffer.write(Stream.STDOUT, "a\0b\x1b[31m\n\ud800é\n")
    texts = kept(buffer)
    assert texts == ["a\u2400b\x1b[31m", "?é"]
    assert [text.encode() for text in texts]


@pytest.mark.parametrize("chunk", [64 * 1024, 8 * MEGABYTE])
def test_r102_a_line_of_200_megabytes_is_bounded(chunk: int) -> None:
    buffer = plain()
    data = b"x" * chunk
    tracemalloc.start()
    try:
        for _ in range(200 * MEGABYTE // chunk):
            buffer.feed(Stream.STDOUT, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    lines = buffer.close()
    assert peak < 32 * MEGABYTE
    assert max(len(line.text) for line in lines) <= LINE_LIMIT
    assert sum(len(line.text) for line in lines) <= 1024 * 1024 + LINE_LIMIT
    assert buffer.total_bytes == 200 * MEGABYTE // chunk * chunk


def test_r102_millions_of_empty_lines_are_bounded() -> None:
    buffer = plain()
    for _ in range(100):
        buffer.feed(Stream.STDOUT, b"\n" * 50_000)
    lines = buffer.close()
    assert len(lines) < 2 * 1024 * 1024 / OVERHEAD / 2 + 100
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))


def test_live_lines_are_handed_on_in_order_and_the_rest_at_the_end() -> None:
    batches: list[Sequence[Line]] = []
    buffer = OutputBuffer(SystemClock(), batches.append, cap_bytes=2000)
    buffer.write(Stream.STDOUT, "one\n")
    buffer.flush()
    buffer.flush()
    buffer.write(Stream.STDOUT, "two\nthree\n")
    buffer.flush()
    buffer.write(Stream.STDOUT, "four\n" * 200)
    buffer.flush()
    rest = buffer.close()
    handed = [line for batch in batches for line in batch]
    assert [line.text for line in handed[:3]] == ["one", "two", "three"]
    assert [line.number for line in (*handed, *rest)] == list(range(1, len(handed) + len(rest) + 1))
    assert "left out" in rest[0].text
    assert rest[0].stream is Stream.SYSTEM


def test_the_flusher_hands_lines_on_without_being_asked() -> None:
    arrived = threading.Event()
    flusher = Flusher(0.01)
    flusher.start()
    buffer = OutputBuffer(SystemClock(), lambda _: arrived.set(), later=flusher.watch)
    buffer.write(Stream.STDOUT, "hello\n")
    assert arrived.wait(10)
    flusher.stop()


def test_a_sink_that_fails_does_not_silence_another() -> None:
    arrived = threading.Event()
    flusher = Flusher(0.01)
    flusher.start()

    def fail(_: Sequence[Line]) -> None:
        raise OSError("no way")

    broken = OutputBuffer(SystemClock(), fail, later=flusher.watch)
    sound = OutputBuffer(SystemClock(), lambda _: arrived.set(), later=flusher.watch)
    broken.write(Stream.STDOUT, "a\n")
    sound.write(Stream.STDOUT, "b\n")
    assert arrived.wait(10)
    flusher.stop()


def test_nothing_is_taken_after_the_end() -> None:
    buffer = plain()
    buffer.write(Stream.STDOUT, "in time\n")
    assert kept(buffer) == ["in time"]
    buffer.write(Stream.STDOUT, "late\n")
    buffer.feed(Stream.STDOUT, b"late\n")
    assert buffer.close() == []


SECRET = f"{secrets.token_hex(20)}-ü-{secrets.token_hex(20)}"


def masking(cap_bytes: int = CAP_BYTES) -> OutputBuffer:
    masker = Masker()
    masker.add("smtp", [SECRET])
    return OutputBuffer(SystemClock(), cap_bytes=cap_bytes, masker=masker)


def pieces_of(texts: Sequence[str]) -> list[str]:
    """Return what of the secret can be read in the texts, as pieces of 16 characters."""
    pieces = [SECRET[begin : begin + 16] for begin in range(len(SECRET) - 15)]
    return [piece for piece in pieces for text in texts if piece in text]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_r73_a_secret_is_masked_across_the_borders_of_what_is_read(size: int) -> None:
    buffer = masking()
    data = f"the password {SECRET} of the house\n".encode() * 3
    for begin in range(0, len(data), size):
        buffer.feed(Stream.STDERR, data[begin : begin + size])
    assert kept(buffer) == [f"the password {mark_of('smtp')} of the house"] * 3


def test_r73_a_secret_is_masked_where_a_read_of_4096_bytes_divides_it() -> None:
    for inside in range(1, len(SECRET.encode()), 5):
        buffer = masking()
        data = b"x" * (4096 - inside) + SECRET.encode() + b"\n"
        buffer.feed(Stream.STDOUT, data[:4096])
        buffer.feed(Stream.STDOUT, data[4096:])
        assert kept(buffer) == ["x" * (4096 - inside) + mark_of("smtp")]


@pytest.mark.parametrize("size", [100, 4096, 65_536])
def test_r73_a_secret_is_masked_where_a_line_without_end_is_cut(size: int) -> None:
    buffer = masking(cap_bytes=10 * MEGABYTE)
    for _ in range(40):
        text = "y" * 7919 + SECRET
        for begin in range(0, len(text), size):
            buffer.write(Stream.STDOUT, text[begin : begin + size])
    texts = kept(buffer)
    assert max(map(len, texts)) <= LINE_LIMIT
    assert not pieces_of(texts)
    assert "".join(texts) == ("y" * 7919 + mark_of("smtp")) * 40


@pytest.mark.parametrize("inside", range(1, len(SECRET), 5))
def test_r73_a_secret_is_masked_that_has_half_come_when_a_line_is_cut(inside: int) -> None:
    buffer = masking()
    assert buffer.masker is not None
    before = "z" * (LINE_LIMIT + buffer.masker.reach)
    buffer.write(Stream.STDOUT, before + SECRET[:inside])
    buffer.write(Stream.STDOUT, f"{SECRET[inside:]}\n")
    assert "".join(kept(buffer)) == before + mark_of("smtp")


def test_r73_a_secret_is_masked_in_what_overwrites_itself() -> None:
    buffer = masking()
    for begin in range(0, len(SECRET), 9):
        buffer.write(Stream.STDERR, f"\r{SECRET[: begin + 9]}")
    buffer.write(Stream.STDERR, f"\r{SECRET}\r\nwindows {SECRET}\r\n{SECRET}")
    assert kept(buffer) == [mark_of("smtp"), f"windows {mark_of('smtp')}", mark_of("smtp")]


def test_r73_a_secret_is_masked_in_the_tail_that_is_kept_of_long_output() -> None:
    buffer = masking(cap_bytes=3000)
    for number in range(500):
        buffer.write(Stream.STDOUT, f"{number}: {SECRET}\n")
    texts = kept(buffer)
    assert texts[-1] == f"499: {mark_of('smtp')}"
    assert not pieces_of(texts)


def test_a_secret_that_is_opened_while_a_line_is_written_is_masked_in_it() -> None:
    buffer = plain()
    buffer.write(Stream.STDOUT, "here it comes: ")
    buffer.masker = masking().masker
    buffer.write(Stream.STDOUT, f"{SECRET}\n")
    assert kept(buffer) == [f"here it comes: {mark_of('smtp')}"]


def test_r102_a_line_without_end_is_bounded_with_a_mask_as_well() -> None:
    buffer = masking()
    data = b"x" * 64 * 1024
    tracemalloc.start()
    try:
        for _ in range(20 * MEGABYTE // len(data)):
            buffer.feed(Stream.STDOUT, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * MEGABYTE
    assert sum(len(line.text) for line in buffer.close()) <= 1024 * 1024 + LINE_LIMIT


def test_many_threads_write_whole_lines() -> None:
    buffer = plain(cap_bytes=10 * MEGABYTE)

    def write(name: str) -> None:
        for _ in range(500):
            buffer.write(Stream.STDOUT, f"{name}\n")

    threads = [threading.Thread(target=write, args=(name * 20,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = buffer.close()
    assert len(lines) == 2000
    assert {line.text for line in lines} == {name * 20 for name in "abcd"}
    assert [line.number for line in lines] == list(range(1, 2001))
