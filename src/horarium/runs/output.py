"""What an attempt writes: cut into lines, bounded, and handed on while it is still running.

The first part of the output (the head) is handed on live; of what follows only the end (the tail) is kept and given
out when the attempt closes, after one line that says how much was left out. Memory stays bounded whatever a task
writes: endless output, a line of 200 MB, progress bars that never end their line, binary data.
"""

from __future__ import annotations

import codecs
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from horarium.clock import Clock, from_micros
from horarium.records.runs import Line
from horarium.states import Stream

if TYPE_CHECKING:
    from horarium.logs.masking import Masker

CAP_BYTES = 1024 * 1024
HEAD_SHARE = 0.5
LINE_LIMIT = 16 * 1024
FLUSH_SECONDS = 0.1
# What a line or a piece costs beside its text, so that millions of empty lines are bounded as well.
OVERHEAD = 32

Sink = Callable[[Sequence[Line]], None]

log = logging.getLogger("horarium.runs")


class _Piece(NamedTuple):
    """Whole lines as they came in one write: when, from where, the text with its line ends, its size in bytes."""

    micros: int
    stream: Stream
    text: str
    size: int


class OutputBuffer:
    """Take the output of one attempt from any thread and keep its head and its tail.

    `cap_bytes` bounds what is kept, `head_share` is the part of it that is handed on live. Lines wait for `flush`,
    which hands them to the sink; `later` is called when the first line begins to wait. A line longer than 16 KiB is
    cut; of a line that overwrites itself with carriage returns only its last state counts.
    """

    def __init__(
        self,
        clock: Clock,
        sink: Sink | None = None,
        *,
        cap_bytes: int = CAP_BYTES,
        head_share: float = HEAD_SHARE,
        masker: Masker | None = None,
        later: Callable[[OutputBuffer], None] | None = None,
    ) -> None:
        self._clock = clock
        self._sink = sink
        self._later = later
        self._lock = threading.Lock()
        self._handing_on = threading.Lock()
        self._closed = False
        self._number = 0
        self._ready: list[Line] = []
        self._partial: dict[Stream, str] = {}
        self._decoders: dict[Stream, codecs.IncrementalDecoder] = {}
        self._head_left = int(cap_bytes * head_share)
        self._tail_cap = cap_bytes - self._head_left
        self._tail: deque[_Piece] = deque()
        self._tail_cost = 0
        self._dropped_lines = 0
        self.masker = masker
        """Hides secrets in whole lines before anything of them is kept; comes when there is something to hide."""
        self.total_bytes = 0
        """Bytes written so far, kept or not."""
        self.dropped_bytes = 0
        """Bytes left out; certain after `close`."""

    def write(self, stream: Stream, text: str) -> None:
        """Take text; nothing is kept after `close`."""
        with self._lock:
            if text and not self._closed:
                self.total_bytes += _size(text)
                self._take(stream, text)

    def feed(self, stream: Stream, data: bytes) -> None:
        """Take raw bytes as UTF-8; what is not UTF-8 becomes replacement characters, also across borders."""
        with self._lock:
            if self._closed:
                return
            self.total_bytes += len(data)
            decoder = self._decoders.get(stream)
            if decoder is None:
                decoder = self._decoders[stream] = codecs.getincrementaldecoder("utf-8")("replace")
            self._take(stream, decoder.decode(data))

    def flush(self) -> None:
        """Hand the waiting lines on to the sink."""
        if self._sink is None:
            return
        # Batches must arrive in order, and the sink must not be called while writers wait for it.
        with self._handing_on:
            with self._lock:
                lines, self._ready = self._ready, []
            if lines:
                self._sink(lines)

    def close(self) -> list[Line]:
        """End the output and return the lines that were not handed on: the last of the head, the mark, the tail."""
        with self._handing_on, self._lock:
            if self._closed:
                return []
            self._end_lines()
            self._closed = True
            lines, self._ready = self._ready, []
            tail = self._tail_lines()
            if self._dropped_lines:
                lines.append(self._line(self._clock.micros(), Stream.SYSTEM, self._mark()))
            lines.extend(self._line(*each) for each in tail)
            self._tail.clear()
            return lines

    def _take(self, stream: Stream, text: str) -> None:
        text = self._partial.pop(stream, "") + text
        cut = text.rfind("\n") + 1
        whole, rest = text[:cut], _last_state(text[cut:])
        if self.masker is not None:
            whole, rest = _masked(self.masker, whole, rest)
        elif len(rest) > LINE_LIMIT:
            whole, rest = f"{whole}{rest}\n", ""
        if rest:
            self._partial[stream] = rest
        if whole:
            self._keep(stream, whole)

    def _end_lines(self) -> None:
        for stream, decoder in self._decoders.items():
            self._take(stream, decoder.decode(b"", final=True))
        for stream in tuple(self._partial):
            self._take(stream, "\n")

    def _keep(self, stream: Stream, text: str) -> None:
        """Put whole lines into the head while it has room, and the rest into the tail."""
        micros = self._clock.micros()
        begin = 0
        was_waiting = bool(self._ready)
        while self._head_left > 0 and begin < len(text):
            line, begin = _next_line(text, begin)
            self._head_left -= _size(line) + OVERHEAD
            self._ready.append(self._line(micros, stream, line))
        if begin < len(text):
            self._keep_tail(micros, stream, text[begin:])
        if self._ready and not was_waiting and self._later is not None:
            self._later(self)

    def _keep_tail(self, micros: int, stream: Stream, text: str) -> None:
        if len(text) > self._tail_cap:
            self._drop(text[: -self._tail_cap])
            text = text[-self._tail_cap :]
        piece = _Piece(micros, stream, text, _size(text))
        self._tail.append(piece)
        self._tail_cost += piece.size + OVERHEAD
        while self._tail_cost - self._tail[0].size - OVERHEAD >= self._tail_cap:
            oldest = self._tail.popleft()
            self._tail_cost -= oldest.size + OVERHEAD
            self._drop(oldest.text, oldest.size)

    def _drop(self, text: str, size: int | None = None) -> None:
        self._dropped_lines += max(text.count("\n"), 1)
        self.dropped_bytes += _size(text) if size is None else size

    def _tail_lines(self) -> list[tuple[int, Stream, str]]:
        """Cut the tail into lines, the newest ones as far as they fit."""
        kept: list[tuple[int, Stream, str]] = []
        left = self._tail_cap
        for micros, stream, text, _ in reversed(self._tail):
            for line in reversed(list(_lines(text))):
                left -= _size(line) + OVERHEAD
                if left < 0:
                    self._drop(line + "\n")
                else:
                    kept.append((micros, stream, line))
        kept.reverse()
        return kept

    def _line(self, micros: int, stream: Stream, text: str) -> Line:
        self._number += 1
        return Line(self._number, from_micros(micros), stream, _clean(text))

    def _mark(self) -> str:
        noun = "line" if self._dropped_lines == 1 else "lines"
        return f"… {self._dropped_lines:,} {noun} ({_words(self.dropped_bytes)}) left out …"


class Flusher:
    """One thread that hands waiting lines on about every 100 ms, and sleeps while nobody writes."""

    def __init__(self, seconds: float = FLUSH_SECONDS) -> None:
        self._seconds = seconds
        self._due: queue.SimpleQueue[OutputBuffer | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, buffer: OutputBuffer) -> None:
        """Flush the buffer a moment from now."""
        self._due.put(buffer)

    def start(self) -> None:
        """Start the thread, if it is not there yet."""
        with self._starting:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="horarium-output", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Hand on what waits and end the thread."""
        self._stopped.set()
        self._due.put(None)
        with self._starting:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            batch = [self._due.get()]
            self._stopped.wait(self._seconds)
            while not self._due.empty():
                batch.append(self._due.get())
            for buffer in batch:
                if buffer is not None:
                    _flush(buffer)
            if None in batch:
                return


def _flush(buffer: OutputBuffer) -> None:
    try:
        buffer.flush()
    except Exception:
        # One sink that fails must not silence the others.
        log.exception("Lines of output could not be handed on")


def _masked(masker: Masker, whole: str, rest: str) -> tuple[str, str]:
    """Return the whole lines masked, with the head of a line that is too long, and what waits for its end as it is."""
    whole = masker.text(whole)
    if len(rest) > LINE_LIMIT + masker.reach:
        # What begins in the tail may go on in what comes next, so the tail waits for that.
        head, rest = masker.cut(rest)
        whole = f"{whole}{head}\n"
    return whole, rest


def _next_line(text: str, begin: int) -> tuple[str, int]:
    """Return the line, or the piece of a very long one, that starts at `begin`, and where the next one starts."""
    end = text.find("\n", begin, begin + LINE_LIMIT + 1)
    if end >= 0:
        return text[begin:end], end + 1
    end = min(begin + LINE_LIMIT, len(text))
    return text[begin:end], end


def _lines(text: str) -> Iterator[str]:
    begin = 0
    while begin < len(text):
        line, begin = _next_line(text, begin)
        yield line


def _last_state(text: str) -> str:
    """Keep what a terminal would show of a line that returns to its start, with the returns at its end."""
    shown = text.rstrip("\r")
    begin = shown.rfind("\r") + 1
    return text[begin:] if begin else text


def _clean(text: str) -> str:
    """Make a line fit for storage: its last state, no NUL, nothing that cannot be encoded."""
    if "\r" in text:
        text = _last_state(text).rstrip("\r")
    if text.isascii():
        return text.replace("\0", "\u2400") if "\0" in text else text
    return text.replace("\0", "\u2400").encode("utf-8", "replace").decode("utf-8")


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _words(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
