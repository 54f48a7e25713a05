"""JSON messages between us and an isolated process: four bytes of length, then the text."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

Message = dict[str, Any]
_HEADER = struct.Struct("!I")


def pack(message: Message) -> bytes:
    """Return the message as it travels, raising `TypeError` for what is not JSON."""
    text = json.dumps(message).encode("ascii")
    return _HEADER.pack(len(text)) + text


def receive(channel: socket.socket) -> Message | None:
    """Wait for the next message; None at the end."""
    header = _exactly(channel, _HEADER.size)
    text = None if header is None else _exactly(channel, _HEADER.unpack(header)[0])
    if text is None:
        return None
    message: Message = json.loads(text)
    return message


class Unpacker:
    """Put messages together from the pieces in which they arrive."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take a piece and return the messages that it completes."""
        self._data += data
        messages: list[Message] = []
        while len(self._data) >= _HEADER.size:
            end = _HEADER.size + _HEADER.unpack_from(self._data)[0]
            if len(self._data) < end:
                break
            messages.append(json.loads(self._data[_HEADER.size : end]))
            del self._data[:end]
        return messages


def _exactly(channel: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        piece = channel.recv(min(size - len(data), 65536))
        if not piece:
            return None
        data += piece
    return bytes(data)
